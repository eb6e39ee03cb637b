"""The truth of a piece as JAMS: tempo curve, beats, sections, keys, onsets, entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..key import notation
from ..records import jams
from .piece import METERS, Piece

TOOLS = "dropgrid benchmark: composed, not annotated"
ONSETS = ("kick", "snare", "clap", "bass")  # of which every stroke is listed


def bpm(piece: Piece) -> float:
    """The tempo of a piece in BPM; where it moves, the tempo of the median beat."""
    if piece.curve.steady:
        return float(piece.tempo[0])
    return float(60 / np.median(np.diff(piece.beats)))


def document(piece: Piece, file: str) -> bytes:
    """The JAMS file of a piece. file: the name of its audio."""
    end = round(piece.duration, 6)
    annotations = [
        _of("tempo", end, [jams.observation(0.0, end, round(bpm(piece), 6), 1.0)]),
        _of("beat", end, _beats(piece)),
        _of("segment_open", end, _sections(piece)),
        _of("key_mode", end, _keys(piece)),
        _of("tempo", end, _curve(piece), curve="tempo of each bar"),
    ]
    for sound in ONSETS:
        times = [float(time) for time in piece.onsets(sound) if time < piece.duration]
        if times:
            data = [jams.observation(time, 0.0, None) for time in times]
            annotations.append(_of("onset", end, data, instrument=sound))
    entries = [
        jams.observation(start, stop - start, layer)
        for layer, stretches in sorted(piece.entries().items())
        for start, stop in stretches
    ]
    annotations.append(_of("tag_open", end, entries, what="where each instrument plays"))
    annotations.append(
        _of("tag_open", end, [jams.observation(t, 0.0, "drop") for t in piece.drops], what="drops")
    )
    about = {
        "style": piece.style, "time_signature": METERS[piece.beats_per_bar],
        "traits": list(piece.traits), "twin": piece.twin, "audio": file,
        "tuning_cents": round(piece.tuning, 3),
    }  # fmt: skip
    return jams.document(piece.name, end, annotations, {"title": piece.name}, about)


def _of(namespace: str, end: float, data: list[Any], **sandbox: str) -> dict[str, Any]:
    found = jams.annotation(namespace, end, data, TOOLS)
    found["sandbox"] = sandbox
    return found


def _beats(piece: Piece) -> list[Any]:
    """Each beat with its position in the bar; a pickup counts towards the bar that follows it."""
    meter = piece.beats_per_bar
    return [
        jams.observation(float(time), 0.0, (index - piece.pickup) % meter + 1)
        for index, time in enumerate(piece.beats)
    ]


def _sections(piece: Piece) -> list[Any]:
    return [jams.observation(s.start, s.end - s.start, s.label) for s in piece.sections]


def _keys(piece: Piece) -> list[Any]:
    """The keys as they sound: for a twin at another speed, the nearest keys of the same mode."""
    meter = piece.beats_per_bar
    starts = [float(piece.seconds(bar * meter)) if bar else 0.0 for bar, _ in piece.keys]
    ends = [*starts[1:], piece.duration]
    moved = {"fast": 1, "slow": -1}.get(piece.twin, 0)
    found = []
    for (_, key), start, stop in zip(piece.keys, starts, ends, strict=True):
        sounding = (key + moved) % 12 + 12 * (key // 12)
        name = notation.name(sounding).replace(" ", ":")
        found.append(jams.observation(start, stop - start, name))
    return found


def _curve(piece: Piece) -> list[Any]:
    starts = [float(time) for time in piece.downbeats]
    ends = [*starts[1:], piece.duration]
    tempi = piece.tempo[piece.pickup :: piece.beats_per_bar]
    return [
        jams.observation(start, stop - start, round(float(tempo), 6), 1.0)
        for start, stop, tempo in zip(starts, ends, tempi, strict=True)
    ]
