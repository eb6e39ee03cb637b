"""dropgrid installed from its wheel, in an environment that uses the checkout's other packages."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

# Packages of the checkout's environment that the wheel does not require.
EXTRAS = (
    "matplotlib",
    "pyarrow",
    "pandas",
    "librosa",
    "madmom",
    "snakemake_executor_plugin_slurm",
    "snakemake_executor_plugin_slurm_jobstep",
    "snakemake_executor_plugin_cluster_generic",
)
ROOT = Path(__file__).resolve().parents[2]


def build_wheel(folder: Path) -> Path:
    """The wheel of the checkout, built without a network."""
    command = [sys.executable, str(ROOT / "packaging" / "wheels.py"), str(folder), "--only"]
    subprocess.run([*command, "dropgrid"], check=True, capture_output=True)
    [wheel] = folder.glob("dropgrid-*.whl")
    return wheel


def install(wheel: Path, folder: Path, without: tuple[str, ...] = ()) -> Path:
    """Unpack the wheel into an environment without the checkout; return its Python.

    without: packages that it shall not have, though this environment has them.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for path in _site_folders():
        for entry in path.iterdir():
            ours = entry.name.startswith(("dropgrid-", "__editable__", "zz_", "aa_"))
            if ours or entry.name in without or entry.suffix == ".pth":
                continue
            if not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


def _site_folders() -> list[Path]:
    """The folders of this environment's packages, including those of other environments."""
    own = Path(sysconfig.get_path("purelib"))
    return [
        path for path in map(Path, sys.path) if path.name == "site-packages" and path != own
    ] + [own]


def run(
    python: Path,
    folder: Path,
    *words: str | Path,
    environment: dict[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """A command of that environment, `dropgrid` or `snakemake`, in a folder.

    before: called in the new process.
    """
    program, *rest = map(str, words)
    return subprocess.run(
        [str(python), "-P", "-m", program, *rest], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **(environment or {})}, timeout=500, preexec_fn=before,
    )  # fmt: skip
