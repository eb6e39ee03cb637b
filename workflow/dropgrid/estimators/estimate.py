"""Has a system estimate tracks, and writes its answers: one JAMS file for each.

Every system gets the same sound, as dropgrid decodes it: mono WAV of 16 bits at 44.1 kHz. So its
times count from the first decoded sample, as the records' do, whatever the system's own decoder
would do with an MP3. A track without an answer is listed in MISSING, and has no JAMS file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.reader import SAMPLE_RATE, Reader
from ..base.errors import InvalidReference
from ..base.text import printable
from ..jobs.process import supervised
from ..results.output_guard import check_output, is_own_output, write_output
from .answers import render
from .process import Environment, Failed, ask

MISSING = "missing.log"  # its suffix is none of a reference: an evaluation passes over it
HEAD = "# dropgrid estimate: tracks without an answer (track, path, reason)\n"


@dataclass(frozen=True)
class TrackToEstimate:
    """A track to estimate. file: None where it is not known."""

    track: str
    path: str
    file: Path | None


class Interrupted(Exception):
    """A signal ended the work; carries its number."""


def check(output: Path, wanted: Sequence[TrackToEstimate], force: bool) -> None:
    """Raise ConfigError where writing the answers would harm somebody's file."""
    inputs = [track.file for track in wanted if track.file]
    for path in (output / MISSING, *(_answer(output, track) for track in wanted)):
        check_output(path, inputs if path.exists() else (), force=force)


def estimate(
    where: Environment,
    wanted: Sequence[TrackToEstimate],
    output: Path,
    seconds: float,
    tell: Callable[[str], None],
) -> int:
    """Write the answers of a system for tracks; how many there are.

    seconds: the most that decoding, and the system, may take for a track. tell: gets a line for
    each track. Call from the main thread. Raises Interrupted, OSError.
    """
    missing: list[str] = []
    for number, track in enumerate(wanted, 1):
        path = _answer(output, track)
        with tempfile.TemporaryDirectory(prefix="dropgrid-estimate-") as folder:
            try:
                data = _estimate(where, track, Path(folder), path, seconds)
            except Failed as error:
                data, reason = None, printable(str(error))
        name = printable(track.path)
        if data is not None:
            write_output(path, data)
        else:
            if path.exists() and is_own_output(path):  # of an earlier call: no answer of this one
                path.unlink()
            missing.append(f"{track.track}\t{name}\t{reason}\n")
        outcome = where.tools if data is not None else f"no answer: {reason}"
        tell(f"{number} of {len(wanted)}: {name}: {outcome}")
    _list_missing(output / MISSING, missing)
    return len(wanted) - len(missing)


def _answer(output: Path, track: TrackToEstimate) -> Path:
    return output / f"{track.track}.jams"


def _list_missing(path: Path, missing: Sequence[str]) -> None:
    if missing:
        write_output(path, (HEAD + "".join(missing)).encode())
    elif path.exists() and is_own_output(path):
        path.unlink()


def _estimate(
    where: Environment, track: TrackToEstimate, folder: Path, path: Path, seconds: float
) -> bytes:
    """The JAMS file of a track. Raises Failed, Interrupted."""
    if track.file is None:
        raise Failed("its audio file is not known (--library DIR)")
    wav = folder / "track.wav"
    duration = _decode(track.file, wav, seconds)
    answer = ask(where, wav, folder, seconds)
    try:
        return render(track.track, duration, answer, where.tools, path)
    except InvalidReference as error:
        raise Failed(f"answer refused: {error}") from error


def _decode(file: Path, wav: Path, seconds: float) -> float:
    """Write a file's sound as WAV, in a process of its own; its duration in seconds.

    Raises Failed, Interrupted.
    """
    import soundfile

    outcome = supervised(lambda: _write(wav, Reader(file)), stage="decode", seconds=seconds)
    if outcome.signal:
        raise Interrupted(outcome.signal)
    if outcome.failure is not None:
        raise Failed(f"{outcome.failure.stage}: {outcome.failure.message}")
    return float(soundfile.info(wav).duration)


def _write(wav: Path, blocks: Iterable[np.ndarray]) -> None:
    """Write the mean of all channels; the blocks hold it to 16 bits already."""
    import soundfile

    with soundfile.SoundFile(wav, "w", SAMPLE_RATE, 1, "PCM_16", format="WAV") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block[:, 0]))
