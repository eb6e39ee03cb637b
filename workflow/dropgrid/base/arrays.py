"""Files of NumPy arrays, read by several threads at once.

NumPy parses the header of every array with Python's own parser, which in Python 3.11 fails now and
then when two threads parse at once: "SystemError: AST constructor recursion depth mismatch", seen
in the workbench on a busy machine. So one thread reads at a time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_one_at_a_time = threading.RLock()
if hasattr(os, "register_at_fork"):  # no child begins while another thread reads
    os.register_at_fork(
        before=_one_at_a_time.acquire,
        after_in_parent=_one_at_a_time.release,
        after_in_child=_one_at_a_time.release,
    )


@contextmanager
def opened_arrays(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The arrays of a file that numpy.savez wrote, by name, for as long as the block lasts.

    No object is unpickled. Raises what numpy.load does: OSError, EOFError, ValueError,
    zipfile.BadZipFile; reading an array, KeyError too.
    """
    with _one_at_a_time, np.load(path, allow_pickle=False) as arrays:
        yield arrays
