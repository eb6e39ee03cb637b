"""How much the wheels take where they are installed: `python packaging/installed_size.py dist`.

Makes an environment in a temporary folder, installs dropgrid[models] (and extras named after the
folder) from the wheels there, compiles nothing but Python's own bytecode, and prints MB of 2^20
bytes: the whole, and the ten largest packages.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    dist, extras = Path(sys.argv[1]).resolve(), ",".join(["models", *sys.argv[2:]])
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "environment")
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        command = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
        wanted = ["--find-links", dist, f"dropgrid[{extras}]"]
        subprocess.run([*command, *wanted], check=True)
        packages = sorted((environment / "lib").glob("python*/site-packages/*"), key=megabytes)
        print(f"{megabytes(environment):6.0f} MB dropgrid[{extras}]")
        for path in packages[:-11:-1]:
            print(f"{megabytes(path):6.0f} MB {path.name}")


def megabytes(path: Path) -> float:
    """What a file or a folder takes on disk."""
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(file.lstat().st_blocks * 512 for file in files) / 2**20


if __name__ == "__main__":
    main()
