"""Runs a system as a process with its own Python, a time limit and a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ..base.errors import ConfigError
from ..base.files import read_regular
from ..base.text import one_line
from . import inside
from .answers import read_answer

IMPORT_SECONDS = 300.0  # the time limit for testing the imports
MAX_ANSWER = 64 * 2**20  # bytes
MAX_REASON = 200  # characters of a program's error message


class Failed(Exception):
    """A system gave no answer; the argument is the reason, in one line."""


@dataclass(frozen=True)
class Environment:
    """The environment of a system. python: its interpreter; weights: their file, if it needs one;
    version: that of the system."""

    system: Any
    python: Path
    weights: Path | None
    version: str = ""

    @property
    def tools(self) -> str:
        """The name and version of the system, as stored in its answers."""
        return f"{self.system.PACKAGE} {self.version}"


def environment(system: Any, python: Path, weights: Path | None, folder: Path) -> Environment:
    """A system's environment, tested in `folder`. Raises ConfigError, with a message of one line,
    if the interpreter, the system or its weights are missing."""
    name = system.NAME
    found = shutil.which(python)
    if found is None:
        raise ConfigError(f"--python {python}: no such program")
    needs = getattr(system, "WEIGHTS", None)
    if needs and weights is None:
        raise ConfigError(
            f"--with {name}: needs trained weights, which dropgrid does not contain or download: "
            f"--weights FILE ({needs})"
        )
    if weights is not None:
        if not needs:
            raise ConfigError(f"--weights {weights}: {name} does not need weights")
        if not weights.is_file():
            raise ConfigError(f"--weights {weights}: no such file")
        weights = weights.absolute()
    # Not resolved: Python finds its virtual environment by the path of the link.
    untested = Environment(system, Path(os.path.abspath(found)), weights)
    try:
        version, _ = _call(untested, [], folder, IMPORT_SECONDS)
    except Failed as error:
        raise ConfigError(
            f"--with {name}: does not run in {untested.python} ({error}). Install it in a "
            f"separate environment ({system.INSTALL}) and give its Python with --python PATH"
        ) from error
    return Environment(system, untested.python, weights, version)


def ask(installed: Environment, wav: Path, folder: Path, seconds: float) -> Any:
    """The system's answer for a WAV, see `estimate` in estimators. Raises Failed."""
    words = [str(wav)] + ([str(installed.weights)] if installed.weights else [])
    _, answer = _call(installed, words, folder, seconds)
    if answer is None:
        raise Failed("no answer")
    return answer


def _call(installed: Environment, words: Sequence[str], folder: Path, seconds: float) -> Any:
    output, errors = folder / "answer.json", folder / "stderr"
    output.unlink(missing_ok=True)
    command = [str(installed.python), _file(inside), _file(installed.system), str(output), *words]
    with errors.open("wb") as stream:
        code = _wait(command, folder, stream, seconds)
    if code is None:
        raise Failed(f"stopped after {seconds:g} s, the time limit per track")
    if not output.exists():
        raise Failed(_reason_of_end(code, errors))
    try:
        return read_answer(read_regular(output, MAX_ANSWER), output)
    except (ValueError, OSError) as error:
        raise Failed(one_line(str(error))[:MAX_REASON]) from error


def _file(module: ModuleType) -> str:
    assert module.__file__ is not None
    return os.path.abspath(module.__file__)


def _wait(command: Sequence[str], folder: Path, errors: Any, seconds: float) -> int | None:
    """The exit code of a program, None if it exceeded the time limit; then kills its group."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        start_new_session=True, env=_variables(),
    )  # fmt: skip
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:  # also on an interrupt; processes that it started belong to its group
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@cache
def _own_cache() -> tempfile.TemporaryDirectory[str]:
    """A folder for numba's compiled code, removed when dropgrid ends."""
    return tempfile.TemporaryDirectory(prefix="dropgrid-numba-")


def _variables() -> dict[str, str]:
    """The environment variables of a system's process, with a numba cache that no other process
    uses: if two processes fill a cache at the same time, later readers may crash. A cache that the
    user sets is not changed."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return dict(os.environ)
    return {**os.environ, "NUMBA_CACHE_DIR": _own_cache().name}


def _reason_of_end(code: int, errors: Path) -> str:
    """Why a program ended without an answer: its signal, or its last line on standard error."""
    if code < 0:
        return f"ended by signal {-code}"
    with errors.open("rb") as stream:
        stream.seek(max(0, errors.stat().st_size - 4096))
        lines = stream.read().decode(errors="replace").splitlines()
    words = next((line for line in reversed(lines) if line.strip()), "")
    return one_line(words.strip())[:MAX_REASON] or f"exit code {code}"
