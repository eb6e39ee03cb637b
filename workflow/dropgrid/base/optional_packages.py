"""Packages that only some things need, and that an installation may lack: the extras."""

from __future__ import annotations

import importlib.machinery
import sys

# Package -> the extra of the wheel that brings it.
EXTRAS = {
    "pyarrow": "parquet", "matplotlib": "pictures", "pandas": "frames", "librosa": "librosa",
    "mir_eval": "evaluation", "scipy": "llvm", "llvmlite": "llvm",
    "snakemake_executor_plugin_slurm": "slurm",
    "snakemake_executor_plugin_cluster_generic": "slurm",
}  # fmt: skip


def has(package: str) -> bool:
    """Whether a package is installed. Does not import it."""
    return importlib.machinery.PathFinder.find_spec(package, sys.path) is not None


def lacking(what: str, package: str) -> str:
    """Why there is no `what`, and the command that changes it."""
    return f"{what} needs {package}, not installed: pip install 'dropgrid[{EXTRAS[package]}]'"
