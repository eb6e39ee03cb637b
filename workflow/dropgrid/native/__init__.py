"""The compiled loops (kernels.c), where a C compiler was there when the package was built.

They only save time: every caller has another way to the same bits.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from typing import Any

WITHOUT = "DROPGRID_NATIVE"  # environment: 0 does without the compiled loops


def address(array: Any) -> int:
    """Where a NumPy array's numbers begin."""
    if (loops := compiled()) is not None:  # in a tenth of the time
        return int(loops.address(array))
    return int(array.__array_interface__["data"][0])


@cache
def compiled() -> Any:
    """The compiled module; None, and a line that says so, where there is none of these sources."""
    if os.environ.get(WITHOUT) == "0":
        return None
    from .digest import SOURCES

    try:
        kernels = import_module(".kernels", __name__)
    except ImportError as error:
        reason = "there are none" if isinstance(error, ModuleNotFoundError) else str(error)
    else:
        if kernels.SOURCE == SOURCES:
            return kernels
        reason = "they are of another version"
    print(
        f"dropgrid: without its compiled loops ({reason}): the same answers, more slowly; "
        "a C compiler and pip install make them",
        file=sys.stderr,
    )
    return None
