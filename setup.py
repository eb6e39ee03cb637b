"""The one part of the package that is compiled: the loops in workflow/dropgrid/native.

Everything else is said in pyproject.toml. Where there is no C compiler, or it fails, the package
is built without them, and they are done by other means (dropgrid.native).
"""

from __future__ import annotations

import os
import runpy
import shutil
import sysconfig
from pathlib import Path

from setuptools import Extension, setup

NATIVE = Path("workflow", "dropgrid", "native")
SOURCES = runpy.run_path(str(NATIVE / "digest.py"))["SOURCES"]
KERNELS = Extension(
    "dropgrid.native.kernels",
    [str(NATIVE / "kernels.c")],
    depends=[str(path) for path in sorted(NATIVE.glob("*.h"))],
    define_macros=[("SOURCE", f'"{SOURCES}"')],
    extra_compile_args=["-O3", "-g0", "-ffp-contract=off", "-Wall"],
    py_limited_api=True,
    optional=True,
)
compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"

if shutil.which(compiler.split()[0]):
    setup(ext_modules=[KERNELS], options={"bdist_wheel": {"py_limited_api": "cp311"}})
else:
    setup()
