"""Where the files lie that dropgrid ships beside its code: the one place that knows.

In the checkout `dropgrid/shipped` holds links to the workflow's own folders, in an installed
package their contents; so the paths are the same in both.
"""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
SNAKEFILE = SHIPPED / "Snakefile"
SCHEMAS = SHIPPED / "schemas"
PROFILES = SHIPPED / "profiles"
DEFAULTS = SHIPPED / "config" / "config.yaml"
