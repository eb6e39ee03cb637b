"""Build the wheels into a folder: `python packaging/wheels.py dist`; `make wheels` calls it.

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
PARTS = ("pyproject.toml", "README.md", "LICENSE", "config", "workflow", "packaging")
SAME_DATE = "315532800"  # 1980, the earliest that an archive can hold
BUILD = "-m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("dropgrid*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        for part in PARTS:
            if (ROOT / part).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
                shutil.copytree(ROOT / part, copy / part, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(ROOT / part, copy / part)
        for source in (copy, copy / "packaging" / "models"):
            subprocess.run(
                [sys.executable, *BUILD.split(), "--wheel-dir", str(folder), str(source)],
                check=True, cwd=copy, env={**os.environ, "SOURCE_DATE_EPOCH": SAME_DATE},
            )  # fmt: skip
    for wheel in sorted(folder.glob("dropgrid*.whl")):
        print(f"{wheel} ({wheel.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
