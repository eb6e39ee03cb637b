"""Functions that several formats need: beats counted in bars, numbers and names as text."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import PurePosixPath

from ..base.text import one_line
from ..records.model import BpmRecord
from ..records.track import Track, beats_per_bar


def bar_positions(record: BpmRecord) -> list[tuple[int, int]]:
    """(bar, beat in the bar) of every beat, both from 1; [] without downbeats.

    Bar 1 begins at the first downbeat; beats before it count back from there, in bar 0.
    """
    if not record.downbeats:
        return []
    downbeats = [time - 1e-3 for time in record.downbeats]
    bars = [bisect_right(downbeats, time) for time in record.beats]
    upbeats, length = bars.count(0), beats_per_bar(record)
    positions: list[tuple[int, int]] = []
    for index, bar in enumerate(bars):
        if bar == 0:
            positions.append((0, (index - upbeats) % length + 1))
        elif index and bars[index - 1] == bar:
            positions.append((bar, positions[-1][1] + 1))
        else:
            positions.append((bar, 1))
    return positions


def number(value: float, decimals: int = 2) -> str:
    """A number with six decimals as in the records, trailing zeros removed down to `decimals`.

    >>> number(128), number(127.956)
    ('128.00', '127.956')
    """
    text = f"{value + 0.0:.6f}"
    while text.endswith("0") and len(text.partition(".")[2]) > decimals:
        text = text[:-1]
    return text


def title(track: Track) -> str:
    """The title of a track; the name of its file if the tags contain none."""
    return text_tag(track, "title") or one_line(PurePosixPath(track.path).stem)


def text_tag(track: Track, name: str) -> str:
    """A text from the tags; "" if there is none."""
    return one_line(str((track.bpm.tags if track.bpm else {}).get(name) or ""))


def parts_of_mix(track: Track) -> list[tuple[float, float, str]]:
    """(start, end, name), in seconds, of each song in a mix with a tracklist; [] otherwise."""
    starts = [moment.time for moment in track.tracklist]
    ends = [*starts[1:], track.record.duration or 0.0]
    return (
        [
            (start, max(start, end), moment.name)
            for start, end, moment in zip(starts, ends, track.tracklist, strict=True)
        ]
        if starts
        else []
    )
