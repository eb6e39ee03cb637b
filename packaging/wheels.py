"""Build the wheels into a folder: `python packaging/wheels.py dist`; `make wheels` calls it.

With --only dropgrid nothing is fetched.

dropgrid itself (MIT, no weights) and dropgrid-models (madmom's networks, CC BY-NC-SA 4.0). Built
from a copy, so that the checkout stays as it is; the same files make the same bytes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "config", "workflow", "packaging")
MADE = ("__pycache__", "*.egg-info", "build", "*.so", "warm_client")
SAME_DATE = "315532800"  # 1980, the earliest that an archive can hold
BUILD = "-m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation"


def build(folder: Path, models: bool = True) -> list[Path]:
    """Write the wheels into a folder, in place of older ones; with the networks or without."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("dropgrid*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        for part in PARTS:
            if (ROOT / part).is_dir():
                ignored = shutil.ignore_patterns(*MADE)
                shutil.copytree(ROOT / part, copy / part, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(ROOT / part, copy / part)
        sources = (copy, copy / "packaging" / "models")
        for source in sources if models else sources[:1]:
            subprocess.run(
                [sys.executable, *BUILD.split(), "--wheel-dir", str(folder), str(source)],
                check=True, cwd=copy, env={**os.environ, "SOURCE_DATE_EPOCH": SAME_DATE},
            )  # fmt: skip
    return sorted(folder.glob("dropgrid*.whl"))


if __name__ == "__main__":
    for wheel in build(Path(sys.argv[1]).resolve(), models="--only" not in sys.argv):
        print(f"{wheel} ({wheel.stat().st_size / 1e6:.1f} MB)")
