"""The paths of the files that dropgrid ships besides its code.

In a checkout, `dropgrid/shipped` contains links to the folders of the workflow; in an installed
package, their contents. So the paths are the same in both.
"""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
SNAKEFILE = SHIPPED / "Snakefile"
SCHEMAS = SHIPPED / "schemas"
PROFILES = SHIPPED / "profiles"
DEFAULTS = SHIPPED / "config" / "config.yaml"
