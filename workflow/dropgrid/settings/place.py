"""Where the files lie that dropgrid ships beside its code: the one place that knows."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = ROOT / "workflow"
SCHEMAS = WORKFLOW / "schemas"
DEFAULTS = ROOT / "config" / "config.yaml"
