"""Where beats are lost: each track's loss of beat F by cause, compared with madmom's tracker.

Usage: .venv/bin/python benchmarks/rhythm_budget.py [songs] [sets] [--method METHOD]
       [--shared FOLDER] [--cache FOLDER] [--tracks]

songs  FOLDER/music, music_more and music_third, from the audio
sets   FOLDER/reference/beat_activations_dev.npz, from beat activations alone, and the beats that
       madmom's DBNBeatTrackingProcessor finds in the same activations, where madmom is installed

The loss is 1 - F at 70 ms. The causes are corrected one after the other with the help of the
truth; the loss of each is the gain of F from its correction:

octave        another metrical level (half, double, third, triple, 2/3, 3/2) gains .1 or more
half beat     the beats moved by half a beat gain .1 or more
before after  beats found outside the span of the true beats are taken away
missing       true beats outside the span of the beats found are added
inside        the rest: beats further than 70 ms from their true place, or none there

--tracks lists the tracks that lose .1 or more, or whose beats madmom finds better by that much.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import mir_eval
import numpy as np
from command_line import ROOT, chosen_parts, parser_of
from dropgrid.rhythm import analyse
from rhythm_accuracy import FOLDERS, all_songs
from rhythm_material import DEFAULTS, METHODS, NEAR, SETS, Song, print_cells, read_sets

sys.path.insert(0, str(ROOT / "tests" / "builders"))
import madmom_compat

PARTS = ("songs", "sets")
CAUSES = ("octave", "half beat", "before after", "missing", "inside")
CLEAR = 0.1  # of the beat F: a gain that makes another level the right one
HALF = "half beat"
Tracker = Callable[[np.ndarray], np.ndarray]  # activation (frames,) -> beats in seconds
Budget = dict[str, float]  # cause -> loss of beat F


def main() -> None:
    parser = parser_of(__doc__, PARTS)
    parser.add_argument("--method", choices=METHODS, default="madmom")
    parser.add_argument("--tracks", action="store_true", help="list the tracks that lose most")
    arguments = parser.parse_args()
    parts = chosen_parts(parser, arguments)
    if "songs" in parts:
        songs = all_songs(arguments.shared, arguments.cache, arguments.method)
        report(songs, FOLDERS, None, arguments.tracks)
    if "sets" in parts:
        tracks = tuple(read_sets(arguments.shared / "reference"))
        report(tracks, SETS, madmom_tracker(), arguments.tracks)


def madmom_tracker() -> Tracker | None:
    """madmom's beat tracker, None where it is not installed."""
    try:
        return madmom_compat.load("madmom.features.beats").DBNBeatTrackingProcessor(fps=100)
    except madmom_compat.NotInstalled as why:
        print(f"madmom is left out: {why}")
        return None


def report(
    songs: tuple[Song, ...], groups: tuple[str, ...], tracker: Tracker | None, each: bool
) -> None:
    """Print the budget of each group of songs, and of the tracks that lose most if each."""
    print_cells("", "tracks", "beat F", *CAUSES)
    for group in groups:
        own = [song for song in songs if song.group == group]
        found = [np.array(analyse(song.features, DEFAULTS).beats) for song in own]
        print_budget(group, own, found)
        theirs = None
        if tracker is not None:
            theirs = [tracker(song.features.activations[:, 0].astype(float)) for song in own]
            print_budget("  madmom", own, theirs)
        if each:
            print_tracks(own, found, theirs)


def print_budget(name: str, songs: list[Song], found: list[np.ndarray]) -> None:
    """Print a line of means: beat F, and the loss by each cause."""
    budgets = [budget(song.beats, beats) for song, beats in zip(songs, found, strict=True)]
    means = [float(np.mean([one[cause] for one in budgets])) for cause in CAUSES]
    print_cells(name, str(len(songs)), f"{1 - sum(means):.4f}", *(f"{x:.4f}" for x in means))


def print_tracks(
    songs: list[Song], found: list[np.ndarray], theirs: list[np.ndarray] | None = None
) -> None:
    """Print the tracks that lose CLEAR or more, or on which theirs is better by as much."""
    for i, song in enumerate(songs):
        own = budget(song.beats, found[i])
        other = f_measure(song.beats, theirs[i]) if theirs else 0.0
        score = 1 - sum(own.values())
        if score <= 1 - CLEAR or other >= score + CLEAR:
            cause = max(own, key=lambda name: own[name])
            comparison = f", madmom {other:.3f}" if theirs else ""
            print(f"    {song.group}/{song.name}: {score:.3f}{comparison}, mostly {cause}")


def budget(truth: np.ndarray, beats: np.ndarray) -> Budget:
    """The loss of beat F of beats (n,) in seconds by cause; the losses sum to 1 - F."""
    lost = dict.fromkeys(CAUSES, 0.0)
    score = f_measure(truth, beats)
    if len(beats) > 3:
        name, other = best_level(truth, beats)
        gain = f_measure(truth, other) - score
        if gain >= CLEAR:
            lost[HALF if name == HALF else "octave"] = gain
            beats, score = other, score + gain
    within = beats[(beats >= truth[0] - NEAR) & (beats <= truth[-1] + NEAR)]
    lost["before after"] = f_measure(truth, within) - score
    score += lost["before after"]
    if len(within):
        early, late = truth[truth < within[0] - NEAR], truth[truth > within[-1] + NEAR]
        lost["missing"] = f_measure(truth, np.concatenate([early, within, late])) - score
        score += lost["missing"]
    lost["inside"] = 1 - score
    return lost


def best_level(truth: np.ndarray, beats: np.ndarray) -> tuple[str, np.ndarray]:
    """The best of the related metrical levels of beats (n,): its name and its beats."""

    def divided(parts: int) -> np.ndarray:
        places = np.arange((len(beats) - 1) * parts + 1) / parts
        return np.interp(places, np.arange(len(beats)), beats)

    levels = {HALF: divided(2)[1::2]}
    for parts in (1, 2, 3):
        for every in (1, 2, 3):
            if parts != every:
                for first in range(every):
                    levels[f"{parts}/{every} {first}"] = divided(parts)[first::every]
    for first in (1, 3):  # every other beat, and between
        levels[f"1/2 between {first}"] = divided(2)[first::4]
    return max(levels.items(), key=lambda item: f_measure(truth, item[1]))


def f_measure(truth: np.ndarray, beats: np.ndarray) -> float:
    """The beat F at 70 ms, nothing trimmed at the start."""
    return float(mir_eval.beat.f_measure(truth, beats)) if len(beats) else 0.0


if __name__ == "__main__":
    main()
