"""Measure how the rhythm's scores change when each parameter is made smaller and larger.

Usage: .venv/bin/python benchmarks/rhythm_parameters.py [--shared FOLDER] [--cache FOLDER]

Songs of FOLDER/music and FOLDER/music_more, every third minute of each, and, where a parameter
affects it, GiantSteps from beat activations alone. benchmarks/rhythm_weights.py measures
the gain of the weights of rhythm/downbeat_decision.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from command_line import parser_of
from dropgrid.rhythm import (
    RhythmOptions,
    analyse,
    downbeat_decision,
    downbeat_tracking,
    evidence,
    fit,
    octave,
    phase,
    segmentation,
    tempo,
    variable_tempo,
)
from rhythm_accuracy import EVERY, EXCERPT, accuracy, all_songs
from rhythm_material import DEFAULTS, Song, Tempo, excerpts, judge, print_cells, read_giantsteps

PARAMETERS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "WINDOW": (tempo, (600, 2000)),
    "WEIGHTS": (tempo, ((0.0, 5.4, 4.9, 10.7), (2.0, 5.4, 4.9, 8.0), (4.0, 5.4, 4.9, 10.7))),
    "OCTAVE_COST": (tempo, (1.5, 4.0)),
    "BAR_WEIGHT": (octave, (0.0, 8.0, 24.0)),
    "JITTER": (fit, (0.0025, 0.01)),
    "PEAK_FLOOR": (fit, (0.02, 0.1)),
    "JUMP_COST": (segmentation, (15.0, 60.0)),
    "SLIDE_COST": (segmentation, (0.3, 3.0)),
    "PIECE_COST": (segmentation, (8.0, 32.0)),
    "PHASE_SLACK": (segmentation, (0.03, 0.08)),
    "ACCENT_COST": (variable_tempo, (10.0, 40.0)),
    "TURN_COST": (variable_tempo, (30.0, 120.0)),
    "PULSE": (variable_tempo, (0.1, 0.2)),
    "STEADY": (variable_tempo, (0.0002, 0.001)),
    "BEAT_MOVE_COST": (downbeat_tracking, (7.0, 15.0)),
    "BORDER_COST": (downbeat_tracking, (4.0, 10.0)),
    "FOOT": (phase, (0.1, 0.3)),
    "SHARP": (phase, (0.005, 0.02)),
    "THREE_NEEDS": (downbeat_decision, (0.05, 0.3)),
    "THREE_WEIGHT": (downbeat_decision, (20.0, 80.0)),
    "PRIOR_PEAKS": (downbeat_decision, (0.2, 1.5)),
    "QUIET": (evidence, (48.0, 68.0)),
    "BAR": (evidence, (6, 12)),
    "PHRASE": (evidence, (16, 64)),
    "BREADTH": (evidence, (4, 16)),
}
OPTIONS = {"preferred_bpm": (130.0, 170.0), "min_bpm": (45.0, 70.0), "max_bpm": (190.0, 240.0)}


def main() -> None:
    parser = parser_of(__doc__)
    arguments = parser.parse_args()
    songs = all_songs(arguments.shared, arguments.cache)
    minutes = tuple(m for song in songs for m in excerpts(song, EXCERPT, 3 * EVERY))
    tempi = tuple(read_giantsteps(arguments.shared / "reference"))
    heads = ("wrong", "beats", "downbeats", "phase ms", "wrong", "beats", "downbeats")
    print_cells("", *heads, "Acc1", "Acc2", "exact", "several")
    print_cells("", "songs", "", "", "", "minutes", "", "", "GiantSteps")
    print_cells("in use", *overall(DEFAULTS, songs, minutes, tempi))
    for name, values in OPTIONS.items():
        for value in values:
            options = RhythmOptions(**{name: value})
            print_cells(f"{name} {value:g}", *overall(options, songs, minutes, tempi))
    for name, (module, values) in PARAMETERS.items():
        usual = getattr(module, name)
        for value in values:
            setattr(module, name, value)
            tracks = tempi if module in (tempo, fit, segmentation, variable_tempo) else ()
            print_cells(f"{name} {value}", *overall(DEFAULTS, songs, minutes, tracks))
        setattr(module, name, usual)


def overall(
    options: RhythmOptions,
    songs: tuple[Song, ...],
    minutes: tuple[Song, ...],
    tempi: tuple[Tempo, ...],
) -> list[str]:
    """The cells of a row."""
    cells = []
    for cases in (songs, minutes):
        verdicts = [judge(song, analyse(song.features, options)) for song in cases]
        cells += [
            str(sum(bool(v.wrong) for v in verdicts)),
            f"{np.mean([v.beats for v in verdicts]):.3f}",
            f"{np.mean([v.downbeats for v in verdicts]):.3f}",
        ]
        if cases is songs:
            shifts = [abs(v.shift) * 1000 for v in verdicts if v.shift is not None]
            cells.append(f"{np.median(shifts):.2f}")
    if not tempi:
        return cells
    total = accuracy(tempi, [analyse(track.features, options) for track in tempi])
    return [
        *cells, f"{total.one:.4f}", f"{total.two:.4f}", f"{total.exact:.3f}", str(total.several),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
