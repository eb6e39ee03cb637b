"""Run a command-line submission on each piece and collect its answers."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from ..base.errors import ConfigError
from ..base.text import printable
from .make import AUDIO, read

ANSWERS = "answers"
PLACES = ("{audio}", "{output}")


def words(command: str) -> list[str]:
    """The words of a command line, which must contain both placeholders. Raises ConfigError."""
    try:
        found = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"--command {command}: {error}") from error
    for place in PLACES:
        if not any(place in word for word in found):
            raise ConfigError(f"--command {command}: {place} is missing")
    return found


def answer(
    folder: Path, name: str, command: str, seconds: float, tell: Callable[[str], None]
) -> Path:
    """Run a command on every piece and return the folder of its answers.

    In the command, {audio} is the file of a piece and {output} the JAMS file to write. A piece has
    no answer if the command fails, takes longer than `seconds`, or writes nothing. No shell is
    involved. Raises ConfigError, OSError.
    """
    line = words(command)
    output = folder / ANSWERS / name
    output.mkdir(parents=True, exist_ok=True)
    pieces = read(folder)["pieces"]
    for count, piece in enumerate(pieces, 1):
        file = output.absolute() / f"{piece['name']}.jams"
        file.unlink(missing_ok=True)
        audio = (folder / AUDIO / piece["file"]).absolute()
        filled = [
            word.replace("{audio}", str(audio)).replace("{output}", str(file)) for word in line
        ]
        failure = _run(filled, seconds)
        if failure is not None:
            file.unlink(missing_ok=True)
        elif not file.exists():
            failure = "wrote nothing"
        tell(f"{name}: {count} of {len(pieces)}: {piece['name']}: {failure or 'answered'}")
    return output


def _run(line: list[str], seconds: float) -> str | None:
    """Run a command; return None, or the reason for its failure."""
    try:
        done = subprocess.run(line, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"took longer than {seconds:g} s"
    except OSError as error:
        raise ConfigError(f"--command: {line[0]} cannot be run ({error.strerror})") from error
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [""]
        return printable(f"failed with {done.returncode}: {last[0]}")
    return None
