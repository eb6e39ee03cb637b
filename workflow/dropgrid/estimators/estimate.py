"""Runs a system on tracks and writes its answers, one JAMS file per track.

Every system gets the same audio, decoded by dropgrid: mono WAV, 16 bits, 44.1 kHz. So its times
start at the first decoded sample, as in the records, and do not depend on the system's decoder. A
track without an answer is listed in MISSING and has no JAMS file.
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

MISSING = "missing.log"  # an evaluation ignores this suffix
HEAD = "# dropgrid estimate: tracks without an answer (track, path, reason)\n"


@dataclass(frozen=True)
class TrackToEstimate:
    """A track to estimate. file: None if it is not known."""

    track: str
    path: str
    file: Path | None


class Interrupted(Exception):
    """A signal ended the run; the argument is its number."""


def check(output: Path, tracks: Sequence[TrackToEstimate], force: bool) -> None:
    """Raise ConfigError if writing the answers would overwrite a file that is not dropgrid's."""
    inputs = [track.file for track in tracks if track.file]
    for path in (output / MISSING, *(_answer(output, track) for track in tracks)):
        check_output(path, inputs if path.exists() else (), force=force)


def estimate(
    installed: Environment,
    tracks: Sequence[TrackToEstimate],
    output: Path,
    seconds: float,
    report: Callable[[str], None],
) -> int:
    """Write a system's answers for tracks; returns their number.

    seconds: the time limit per track, for decoding and for the system separately. report: called
    with a line for each track. Call it from the main thread. Raises Interrupted, OSError.
    """
    missing: list[str] = []
    for number, track in enumerate(tracks, 1):
        path = _answer(output, track)
        with tempfile.TemporaryDirectory(prefix="dropgrid-estimate-") as folder:
            try:
                data = _estimate(installed, track, Path(folder), path, seconds)
            except Failed as error:
                data, reason = None, printable(str(error))
        name = printable(track.path)
        if data is not None:
            write_output(path, data)
        else:
            if path.exists() and is_own_output(path):  # from an earlier call
                path.unlink()
            missing.append(f"{track.track}\t{name}\t{reason}\n")
        outcome = installed.tools if data is not None else f"no answer: {reason}"
        report(f"{number} of {len(tracks)}: {name}: {outcome}")
    _list_missing(output / MISSING, missing)
    return len(tracks) - len(missing)


def _answer(output: Path, track: TrackToEstimate) -> Path:
    return output / f"{track.track}.jams"


def _list_missing(path: Path, missing: Sequence[str]) -> None:
    if missing:
        write_output(path, (HEAD + "".join(missing)).encode())
    elif path.exists() and is_own_output(path):
        path.unlink()


def _estimate(
    installed: Environment, track: TrackToEstimate, folder: Path, path: Path, seconds: float
) -> bytes:
    """The JAMS file of a track. Raises Failed, Interrupted."""
    if track.file is None:
        raise Failed("its audio file is not known (--library DIR)")
    wav = folder / "track.wav"
    duration = _decode(track.file, wav, seconds)
    answer = ask(installed, wav, folder, seconds)
    try:
        return render(track.track, duration, answer, installed.tools, path)
    except InvalidReference as error:
        raise Failed(f"answer refused: {error}") from error


def _decode(file: Path, wav: Path, seconds: float) -> float:
    """Write the audio of a file as WAV, in a separate process; its duration in seconds.

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
    """Write the mean of all channels, which the blocks contain with 16 bits."""
    import soundfile

    with soundfile.SoundFile(wav, "w", SAMPLE_RATE, 1, "PCM_16", format="WAV") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block[:, 0]))
