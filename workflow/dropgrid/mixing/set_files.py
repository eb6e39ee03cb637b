"""Write a set as a playlist, a cue sheet, a table, or JSON for exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.csv_tables import csv_bytes
from ..base.errors import ConfigError, RecordError
from ..base.text import one_line
from ..key import notation
from ..records.set_file import Blend, SetTrack, set_bytes
from ..records.ticket import read_ticket
from ..results.layout import Results
from .library import Library
from .lists import Step

COLUMNS = (
    "number", "starts", "path", "artist", "title", "bpm", "key", "energy", "enter_bar",
    "enter_seconds", "leave_bar", "leave_seconds", "blend_bars", "tempo_change", "score",
    "reasons",
)  # fmt: skip
FRAMES = 75  # of a second, in a cue sheet
MAX_CUE_TRACKS = 99  # the format has two digits for them


@dataclass(frozen=True)
class PlayedSet:
    """A set to write. order: indexes in the library; steps: the transitions between them."""

    library: Library
    results: Path
    order: Sequence[int]
    steps: Sequence[Step]

    @property
    def durations(self) -> list[float]:
        """Seconds of each track's recording."""
        return [float(np.nan_to_num(self.library.duration[i])) for i in self.order]

    def file(self, i: int) -> Path:
        """The path of a track's file; its path in the library if that is unknown."""
        try:
            return Path(read_ticket(Results(self.results).ticket(self.library.ids[i])).file)
        except RecordError:
            return Path(self.library.paths[i])


def starts(steps: Sequence[Step], durations: Sequence[float]) -> list[float]:
    """The times in the set (s) at which each track begins, and at which the last track ends.

    While two tracks play, the second plays at the tempo of the first, afterwards at its own tempo.
    """
    moments = [0.0]
    before: Step | None = None
    for step in steps:
        moments.append(moments[-1] + _played(before, step.transition.leave_at))
        before = step
    return [*moments, moments[-1] + _played(before, durations[-1])] if durations else moments


def _played(entered: Step | None, until: float) -> float:
    """Seconds of the set between the start of a track and a time of its recording."""
    if entered is None:
        return max(0.0, until)
    enter = entered.transition.enter_at
    blended = max(0.0, entered.blend_end - enter)
    rate = entered.seconds / blended if blended else 1.0
    inside = min(max(until - enter, 0.0), blended)
    return inside * rate + max(0.0, until - max(entered.blend_end, enter))


def set_tracks(played: PlayedSet) -> list[SetTrack]:
    """The tracks of a set with their times, as in set.json."""
    moments = starts(played.steps, played.durations)
    tracks = []
    for number, i in enumerate(played.order):
        entry = played.steps[number - 1] if number else None
        exit_ = played.steps[number] if number < len(played.steps) else None
        mix_in = mix_out = None
        if entry:
            mix_in = Blend(entry.transition.enter, entry.transition.enter_at, entry.blend_end)
        if exit_:
            leave = exit_.transition.leave_at
            mix_out = Blend(exit_.transition.leave, leave, leave + exit_.seconds)
        ids = played.library.ids[i], played.library.paths[i]
        tracks.append(SetTrack(*ids, moments[number], mix_in, mix_out))
    return tracks


def _m3u8(played: PlayedSet, name: str) -> bytes:
    """A playlist with the transition before each track as a comment, which players ignore."""
    library = played.library
    lines = ["#EXTM3U", "#DROPGRID"]
    for number, i in enumerate(played.order):
        if number:
            step = played.steps[number - 1].transition
            lines.append(
                f"# leave at bar {step.leave} ({step.leave_at:.3f} s), enter at bar {step.enter} "
                f"({step.enter_at:.3f} s), {step.bars} bars: {'; '.join(step.reasons)}"
            )
        file = played.file(i)
        lines.append(f"#EXTINF:{round(played.durations[number])},{one_line(library.name(i))}")
        address = str(file)
        lines.append(address if address == one_line(address) else file.as_uri())
    return ("\n".join(lines) + "\n").encode()


def _csv(played: PlayedSet, name: str) -> bytes:
    library = played.library
    rows = []
    for number, (i, track) in enumerate(zip(played.order, set_tracks(played), strict=True)):
        entry = played.steps[number - 1].transition if number else None
        exit_ = played.steps[number].transition if number < len(played.steps) else None
        energy = float(library.energy[i])
        row = {
            "number": number + 1, "starts": round(track.starts, 3), "path": library.paths[i],
            "artist": library.artists[i], "title": library.titles[i],
            "bpm": round(float(library.bpm[i]), 6),
            "key": None if library.key[i] < 0 else notation.camelot(int(library.key[i])),
            "energy": None if np.isnan(energy) else round(energy, 4),
            "enter_bar": entry and entry.enter, "enter_seconds": entry and entry.enter_at,
            "leave_bar": exit_ and exit_.leave, "leave_seconds": exit_ and exit_.leave_at,
            "blend_bars": exit_ and exit_.bars,
            "tempo_change": entry and round(entry.change, 3),
            "score": entry and round(entry.score, 4),
            "reasons": "; ".join(entry.reasons) if entry else None,
        }  # fmt: skip
        rows.append([row[column] for column in COLUMNS])
    return csv_bytes(COLUMNS, rows)


def _json(played: PlayedSet, name: str) -> bytes:
    return set_bytes(set_tracks(played), [step.transition.as_json() for step in played.steps])


def _cue(played: PlayedSet, name: str) -> bytes:
    """A cue sheet of the set as a single recording."""
    if len(played.order) > MAX_CUE_TRACKS:
        raise ConfigError(
            f"{len(played.order)} tracks: a cue sheet can have at most {MAX_CUE_TRACKS}"
        )
    library = played.library
    stem = Path(name).stem
    lines = ["REM dropgrid set", f"TITLE {_quoted(stem)}", f"FILE {_quoted(stem + '.wav')} WAVE"]
    moments = starts(played.steps, played.durations)
    for number, i in enumerate(played.order):
        artist = library.artists[i]
        lines += [
            f"  TRACK {number + 1:02} AUDIO",
            f"    TITLE {_quoted(library.titles[i] or Path(library.paths[i]).stem)}",
            *([f"    PERFORMER {_quoted(artist)}"] if artist else []),
            f"    REM BPM {library.bpm[i]:.2f}",
            f"    INDEX 01 {_index(moments[number])}",
        ]
    return ("\n".join(lines) + "\n").encode()


def _quoted(text: str) -> str:
    """A text in quotes; quotes inside become apostrophes, as the format cannot escape them."""
    inside = one_line(text).replace('"', "'")
    return f'"{inside}"'


def _index(seconds: float) -> str:
    """Minutes, seconds and frames.

    >>> _index(61.5)
    '01:01:37'
    """
    frames = int(seconds * FRAMES)
    return f"{frames // FRAMES // 60:02}:{frames // FRAMES % 60:02}:{frames % FRAMES:02}"


Writer = Callable[[PlayedSet, str], bytes]
WRITERS: dict[str, Writer] = {".m3u8": _m3u8, ".cue": _cue, ".csv": _csv, ".json": _json}
