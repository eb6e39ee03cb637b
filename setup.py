"""Build the compiled part of the package, workflow/dropgrid/native: loops, and a program.

Everything else is in pyproject.toml. If there is no C compiler, or it fails, the package is built
without them and uses slower replacements (dropgrid.native).
"""

from __future__ import annotations

import os
import runpy
import shutil
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError

NATIVE = Path("workflow", "dropgrid", "native")
DIGESTS = runpy.run_path(str(NATIVE / "digest.py"))
KERNELS = Extension(
    "dropgrid.native.kernels",
    [str(NATIVE / name) for name in ("kernels.c", "ffmpeg.c", "paths.c")],
    depends=[str(path) for path in sorted(NATIVE.glob("*.h"))],
    define_macros=[("SOURCE", '"{SOURCES}"'.format(**DIGESTS))],
    extra_compile_args=["-O3", "-g0", "-ffp-contract=off", "-Wall"],
    py_limited_api=True,
    optional=True,
)


class WithProgram(build_ext):
    """Builds the loops and the client of the warm server, which is a program, not a module."""

    def run(self) -> None:
        super().run()
        folder = str(Path(self.get_ext_fullpath("dropgrid.native.kernels")).parent)
        try:
            objects = self.compiler.compile(
                [str(NATIVE / "warm_client.c")], self.build_temp,
                macros=[("SOURCE", '"{PROGRAM_SOURCES}"'.format(**DIGESTS))],
                extra_preargs=["-O2", "-g0", "-Wall"],
            )  # fmt: skip
            self.compiler.link_executable(objects, "warm_client", output_dir=folder)
        except CCompilerError as error:
            self.warn(f"the warm server's client was not built; Python starts jobs: {error}")


compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"

if shutil.which(compiler.split()[0]):
    setup(
        ext_modules=[KERNELS],
        cmdclass={"build_ext": WithProgram},
        options={"bdist_wheel": {"py_limited_api": "cp311"}},
    )
else:
    setup()
