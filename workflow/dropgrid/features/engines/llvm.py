"""Compile loops with LLVM on first use, where the package has no compiled ones.

llvmlite contains LLVM. It compiles a loop for the current processor in a few hundredths of a
second.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from ...base.errors import ModelError
from ...base.optional_packages import has

# Levels of x86-64, best first, by a feature each that the others come with; any other processor
# is compiled for by its name.
LEVELS = {"avx512vl": "x86-64-v4", "avx2": "x86-64-v3"}


def check(*packages: str) -> None:
    """Raise ModelError, with instructions, if the packages that replace the compiled loops are
    missing."""
    if not all(map(has, packages)):
        raise ModelError(
            "the analysis needs dropgrid's compiled loops, or LLVM and scipy in their place: "
            "pip install 'dropgrid[llvm]'"
        )


def function(text: str, name: str, pointers: int, integers: int) -> Callable[..., None]:
    """A function of a module in LLVM's language that takes `pointers` addresses, then `integers`
    integers. It owns the compiled code."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    features = llvm.get_host_cpu_features()
    level = next((LEVELS[name] for name in LEVELS if features.get(name)), None)
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=level or llvm.get_host_cpu_name(),
        features="" if level else features.flatten(),
        opt=2,
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    kinds = [ctypes.c_void_p] * pointers + [ctypes.c_int64] * integers
    compiled = ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(name))

    def call(*arguments: int) -> None:
        compiled(*arguments)

    call.engine = engine  # type: ignore[attr-defined]  # frees the code when it goes
    return call
