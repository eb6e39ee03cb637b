"""A system's process: its own Python, for at most so many seconds, in a folder of its own."""

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

IMPORT_SECONDS = 300.0  # the most that trying the imports may take
MOST = 64 * 2**20  # bytes of an answer
SHOWN = 200  # characters of a program's last words


class Failed(Exception):
    """A system gave no answer, for the reason of one line that it carries."""


@dataclass(frozen=True)
class Environment:
    """Where a system is installed. python: its interpreter; weights: the file, where it needs
    one; version: of the system."""

    system: Any
    python: Path
    weights: Path | None
    version: str = ""

    @property
    def tools(self) -> str:
        """The system as its answers name it."""
        return f"{self.system.PACKAGE} {self.version}"


def environment(system: Any, python: Path, weights: Path | None, folder: Path) -> Environment:
    """A system's environment, tried out in a folder. Raises ConfigError, in one line, where the
    interpreter, the system or its weights are missing."""
    name = system.NAME
    found = shutil.which(python)
    if found is None:
        raise ConfigError(f"--python {python}: there is no such program")
    needs = getattr(system, "WEIGHTS", None)
    if needs and weights is None:
        raise ConfigError(
            f"--with {name}: needs trained weights, which dropgrid neither has nor downloads: "
            f"--weights FILE ({needs})"
        )
    if weights is not None:
        if not needs:
            raise ConfigError(f"--weights {weights}: {name} needs none")
        if not weights.is_file():
            raise ConfigError(f"--weights {weights}: there is no such file")
        weights = weights.absolute()
    # Not resolved: a virtual environment is known by the link that it is called by.
    known = Environment(system, Path(os.path.abspath(found)), weights)
    try:
        version, _ = _call(known, [], folder, IMPORT_SECONDS)
    except Failed as error:
        raise ConfigError(
            f"--with {name}: does not run in {known.python} ({error}). Install it in an "
            f"environment of its own ({system.INSTALL}) and name that by --python PATH"
        ) from error
    return Environment(system, known.python, weights, version)


def ask(where: Environment, wav: Path, folder: Path, seconds: float) -> Any:
    """The system's answer for a WAV: an object of estimators' fields. Raises Failed."""
    words = [str(wav)] + ([str(where.weights)] if where.weights else [])
    _, answer = _call(where, words, folder, seconds)
    if answer is None:
        raise Failed("no answer")
    return answer


def _call(where: Environment, words: Sequence[str], folder: Path, seconds: float) -> Any:
    output, errors = folder / "answer.json", folder / "stderr"
    output.unlink(missing_ok=True)
    command = [str(where.python), _file(inside), _file(where.system), str(output), *words]
    with errors.open("wb") as stream:
        code = _wait(command, folder, stream, seconds)
    if code is None:
        raise Failed(f"stopped after {seconds:g} s, the most a track may take")
    if not output.exists():
        raise Failed(_last_words(code, errors))
    try:
        return read_answer(read_regular(output, MOST), output)
    except (ValueError, OSError) as error:
        raise Failed(one_line(str(error))[:SHOWN]) from error


def _file(module: ModuleType) -> str:
    assert module.__file__ is not None
    return os.path.abspath(module.__file__)


def _wait(command: Sequence[str], folder: Path, errors: Any, seconds: float) -> int | None:
    """The exit code of a program, None where its time was up; its process group ends with it."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        start_new_session=True, env=_variables(),
    )  # fmt: skip
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:  # also where we are interrupted; what it has started itself is of its group
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@cache
def _own_cache() -> tempfile.TemporaryDirectory[str]:
    """A folder for what numba compiles, kept until dropgrid ends."""
    return tempfile.TemporaryDirectory(prefix="dropgrid-numba-")


def _variables() -> dict[str, str]:
    """The environment of a system's process, with a cache of numba that no other process uses:
    two that fill one at a time can leave it so that whoever reads it crashes. A cache that the
    user names is left to the user."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return dict(os.environ)
    return {**os.environ, "NUMBA_CACHE_DIR": _own_cache().name}


def _last_words(code: int, errors: Path) -> str:
    """Why a program ended without an answer: its signal, or its last line of standard error."""
    if code < 0:
        return f"ended by signal {-code}"
    with errors.open("rb") as stream:
        stream.seek(max(0, errors.stat().st_size - 4096))
        lines = stream.read().decode(errors="replace").splitlines()
    words = next((line for line in reversed(lines) if line.strip()), "")
    return one_line(words.strip())[:SHOWN] or f"exit code {code}"
