"""A MIDI file with the tempo map, time signatures, and markers at sections and drops.

Dragged into a DAW with its tempo map, the file aligns the bars with audio that starts at 0. MIDI
tempi are whole microseconds per beat. The map has an anchor every ANCHOR beats, so that it drifts
by at most ANCHOR / 2 microseconds. Source: Standard MIDI Files 1.0.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from ..records.cue_points import cues
from ..records.track import Track
from .cues import title
from .tempo_map import TempoMap, tempo_map

NAME = "midi"
HELP = "MIDI: tempo map, time signatures, markers (a file per track)"
FILE = "midi"
NEEDS = frozenset({"bpm"})
MARK = b"written by dropgrid"
TICKS = 960  # per beat
ANCHOR = 100  # beats
SLOWEST = 2**24 - 1  # microseconds per beat


def render_track(track: Track) -> dict[str, bytes]:
    """The MIDI file of a track; {} without a grid."""
    import mido

    found = tempo_map(track.bpm) if track.bpm else None
    if found is None:
        return {}
    name = title(track).encode("utf-8", "replace").decode("latin-1")  # written as Latin-1: UTF-8
    events = [
        (0, mido.MetaMessage("track_name", name=name)),
        (0, mido.MetaMessage("text", text=MARK.decode())),
    ]
    for signature in found.signatures:
        message = mido.MetaMessage(
            "time_signature", numerator=signature.numerator, denominator=signature.denominator
        )
        events.append((_ticks(signature.beat), message))
    for beat, tempo in tempi(found):
        events.append((_ticks(beat), mido.MetaMessage("set_tempo", tempo=tempo)))
    for cue in cues(track):
        place = _ticks(found.beat_of(cue.time))
        events.append((place, mido.MetaMessage("marker", text=cue.name)))
    end = found.beat_of(track.record.duration or found.anchors[-1][0])
    events.append((_ticks(end), mido.MetaMessage("end_of_track")))
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS)
    file.tracks.append(mido.MidiTrack(_with_deltas(events)))
    data = io.BytesIO()
    file.save(file=data)
    return {".mid": data.getvalue()}


def tempi(found: TempoMap) -> Iterator[tuple[float, int]]:
    """(beat, microseconds per beat) of every change of tempo; corrects earlier rounding errors."""
    now = 0.0  # seconds in the MIDI file up to the current beat
    ends = [*found.anchors[1:], None]
    for place, end in enumerate(ends):
        _, beat = found.anchors[place]
        bpm = found.bpm_after(place)
        if end is None:
            yield beat, min(SLOWEST, round(60e6 / bpm))
            return
        while beat < end[1] - 1e-9:
            count = min(ANCHOR, end[1] - beat)
            target = end[0] - (end[1] - beat - count) * 60 / bpm
            tempo = max(1, min(SLOWEST, round(1e6 * (target - now) / count)))
            yield beat, tempo
            now, beat = now + count * tempo / 1e6, beat + count


def _ticks(beat: float) -> int:
    return round(beat * TICKS)


def _with_deltas(events: list[tuple[int, Any]]) -> list[Any]:
    """The messages sorted by time, each with the ticks since the previous message."""
    ordered = sorted(events[:-1], key=lambda event: event[0]) + events[-1:]
    found, before = [], 0
    for tick, message in ordered:
        found.append(message.copy(time=max(0, tick - before)))
        before = max(before, tick)
    return found
