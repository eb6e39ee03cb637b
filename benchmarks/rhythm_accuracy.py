"""Measure tempo, octave, beats and downbeats: songs with exact truth, and published sets.

Usage: .venv/bin/python benchmarks/rhythm_accuracy.py [songs] [excerpts] [jumps] [sets]
       [giantsteps] [--method METHOD] [--shared FOLDER] [--cache FOLDER] [--save FILE]
       [--baseline FILE]

songs       tempo, beats and downbeats of FOLDER/music, music_more and music_third from the audio,
            how many regions of eight bars and more, how many entries of the grid (an export's
            markers), and how far a true beat is from the nearest one found, at most
excerpts    the same on a minute of each song, from every 20 s: no start, no end, less evidence
jumps       the same on songs from which part of a beat is cut out, three fifths of the way through
sets        beats of FOLDER/reference/beat_activations_dev.npz, from beat activations alone
giantsteps  tempo of FOLDER/reference/giantsteps_*, likewise

--method: the beat detector for songs and excerpts: madmom, open or librosa (bpm.method).
--save writes the results of every track. --baseline lists the tracks that have become right or
wrong since such a file was written by any version, and those whose beats or regions changed.

Beat and downbeat F-measures are mir_eval.beat.f_measure, 70 ms, nothing trimmed at the start.
A phase error is an estimated beat's distance to the nearest true one, where that is below 70 ms.
Accuracy1 is a tempo within 4 % of the reference, Accuracy2 also of 2, 3, 1/2 or 1/3 times it.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from command_line import chosen_parts, parser_of
from dropgrid.rhythm import Rhythm, analyse
from rhythm_material import (
    DEFAULTS,
    METHODS,
    OCTAVES,
    SETS,
    SONGS,
    Song,
    Tempo,
    Verdict,
    cache_of,
    excerpts,
    judge,
    print_cells,
    read_giantsteps,
    read_sets,
    read_songs,
    right,
    without,
)

PARTS = ("songs", "excerpts", "jumps", "sets", "giantsteps")
FOLDERS = (*SONGS, "music_third")
MOVED = 0.01  # smallest change of the beat F that is listed
EXCERPT, EVERY = 60, 20  # seconds
JUMPS = (0.25, 0.37, 0.5, 0.75)  # of a beat
JUMP_AT = 0.6  # of the beats
BEFORE = 0.7  # of a beat from the last beat to the end of the cut
RIGHT = 0.9  # beat F
MADMOM = {"hjdb": 0.850, "ballroom": 0.932, "gtzan": 0.848, "hainsworth": 0.878, "smc": 0.543}

Verdicts = dict[str, Verdict]  # "group/name" -> verdict


def main() -> None:
    parser = parser_of(__doc__, PARTS)
    parser.add_argument("--method", choices=METHODS, default="madmom")
    parser.add_argument("--save", type=Path, help="a JSON file to write")
    parser.add_argument("--baseline", type=Path, help="such a file of an earlier state")
    arguments = parser.parse_args()
    parts = set(chosen_parts(parser, arguments))
    found: Verdicts = {}
    if parts & {"songs", "excerpts", "jumps"}:
        songs = all_songs(arguments.shared, arguments.cache, arguments.method)
        if "songs" in parts:
            found |= report_songs(songs)
        if "excerpts" in parts:
            report_excerpts(songs)
        if "jumps" in parts:
            report_jumps(songs)
    reference = arguments.shared / "reference"
    if "sets" in parts:
        found |= report_sets(tuple(read_sets(reference)))
    if "giantsteps" in parts:
        report_giantsteps(tuple(read_giantsteps(reference)))
    if arguments.baseline:
        before = json.loads(arguments.baseline.read_text())
        report_changes(found, before)
        report_moved(found, before.get("tracks", {}))
    if arguments.save:
        arguments.save.write_text(json.dumps(as_saved(found), indent=1, sort_keys=True) + "\n")


def all_songs(shared: Path, cache: Path | None, method: str = "madmom") -> tuple[Song, ...]:
    """The songs of all folders, their features from the cache where there is one."""
    with tempfile.TemporaryDirectory() as folder:
        cache = cache_of(cache or Path(folder), method)
        cache.mkdir(parents=True, exist_ok=True)
        return tuple(song for name in FOLDERS for song in read_songs(shared / name, cache, method))


def report_songs(songs: tuple[Song, ...]) -> Verdicts:
    """Print every song's scores and their means by folder."""
    print("Songs: tempo, beat and downbeat F at 70 ms, phase in ms; confidences of the parts")
    heads = ("truth", "bpm", "beats", "downbeats", "phase", "tempo", "octave", "beat", "downbeat")
    print_cells("", *heads, "regions", "markers", "off ms", "cpu s", "wrong")
    found = {}
    fits = []
    for song in songs:
        began = time.process_time()
        rhythm = analyse(song.features, DEFAULTS)
        if right(rhythm.bpm, song.bpm, (1.0,)):
            low, high = rhythm.bpm_interval
            fits.append((rhythm.bpm_fitted - song.bpm, (high - low) / 2))
        spent = time.process_time() - began
        verdict = found[f"{song.group}/{song.name}"] = judge(song, rhythm)
        print_cells(
            f"  {song.name[:28]}", f"{song.bpm:g}", f"{verdict.bpm:g}", *score_cells(verdict),
            *(f"{part:.3f}" for part in verdict.confidences), str(verdict.long),
            str(verdict.regions), f"{1000 * verdict.farthest:.0f}", f"{spent:.3f}", verdict.wrong,
        )  # fmt: skip
    for group in FOLDERS:
        print_means(group, [v for name, v in found.items() if name.startswith(f"{group}/")])
    print_means("all", list(found.values()))
    print_fits(np.array(fits))
    print()
    return found


def print_fits(fits: np.ndarray) -> None:
    """Print how far fitted tempi are off; fits: (songs, 2) errors and margins in BPM."""
    errors, margins = fits.T
    beyond = np.abs(errors) - margins
    print(
        f"  fitted tempi: off by {errors.mean():+.4f} BPM in the mean, {np.median(errors):+.4f} in"
        f" the median; beyond their interval {np.sum(beyond > 0)} of {len(fits)}, by"
        f" {beyond.max():.4f} at most"
    )


def score_cells(one: Verdict) -> list[str]:
    """Cells of beats, downbeats and phase."""
    shift = "" if one.shift is None else f"{1000 * one.shift:+.1f}"
    return [f"{one.beats:.3f}", f"{one.downbeats:.3f}", shift]


def print_means(name: str, verdicts: Sequence[Verdict]) -> None:
    """Print a line of means, and how many decisions of each kind are wrong."""
    shifts = [abs(v.shift) * 1000 for v in verdicts if v.shift is not None]
    wrong = [v.wrong for v in verdicts if v.wrong]
    print(
        f"  {name}: beat F {np.mean([v.beats for v in verdicts]):.4f},"
        f" downbeat F {np.mean([v.downbeats for v in verdicts]):.4f},"
        f" median absolute phase error {np.median(shifts):.2f} ms; wrong of {len(verdicts)}: "
        + (", ".join(f"{kind} {wrong.count(kind)}" for kind in dict.fromkeys(wrong)) or "none")
    )


def report_excerpts(songs: tuple[Song, ...]) -> None:
    """Print the mean scores of every song's excerpts."""
    print(f"Excerpts of {EXCERPT} s: means by song")
    print_cells("", "excerpts", "octave", "half beat", "beats", "downbeats", "confidence")
    rows = []
    for song in songs:
        verdicts = [
            judge(minute, analyse(minute.features, DEFAULTS))
            for minute in excerpts(song, EXCERPT, EVERY)
        ]
        values = [
            (v.octave is True, v.phase is not False, v.beats, v.downbeats, v.confidence)
            for v in verdicts
        ]
        rows += values
        means = np.mean(values, axis=0)
        print_cells(f"  {song.name[:28]}", str(len(values)), *(f"{x:.3f}" for x in means))
    print_cells("all", str(len(rows)), *(f"{x:.3f}" for x in np.mean(rows, axis=0)))
    print()


def report_jumps(songs: tuple[Song, ...]) -> None:
    """Print the mean scores of all songs with a jump of each size, and how many are right."""
    print("Jumps: part of a beat is missing in each song")
    print_cells("", "songs", "right", "beats", "downbeats", "confidence", "wrong above .9")
    for jump in JUMPS:
        verdicts = []
        for song in songs:
            period = 60 / song.bpm
            start = song.beats[int(len(song.beats) * JUMP_AT)] + max(BEFORE - jump, 0.1) * period
            one = without(song, float(start), jump * period)
            verdicts.append(judge(one, analyse(one.features, DEFAULTS)))
        wrong = [v for v in verdicts if v.beats < RIGHT]
        means = np.mean([(v.beats, v.downbeats, v.confidence) for v in verdicts], axis=0)
        print_cells(
            f"  {jump:g} of a beat", str(len(songs)), str(len(songs) - len(wrong)),
            *(f"{x:.3f}" for x in means), str(sum(v.confidence > 0.9 for v in wrong)),
        )  # fmt: skip
    print()


def report_sets(songs: tuple[Song, ...]) -> Verdicts:
    """Print the mean scores of each set, and madmom's on the same activations."""
    print("Sets, from beat activations alone; madmom: its tracker on the whole sets")
    print_cells("", "tracks", "beats", "madmom", "downbeats", "octave", "half beat", "cpu s")
    found: Verdicts = {}
    for group in SETS:
        own = [song for song in songs if song.group == group]
        began = time.process_time()
        rhythms = [analyse(song.features, DEFAULTS) for song in own]
        spent = (time.process_time() - began) / len(own)
        verdicts = [judge(song, rhythm) for song, rhythm in zip(own, rhythms, strict=True)]
        scores = [
            v.downbeats for v, song in zip(verdicts, own, strict=True) if len(song.downbeats)
        ]
        print_cells(
            f"  {group}", str(len(own)), f"{np.mean([v.beats for v in verdicts]):.4f}",
            f"{MADMOM[group]:.3f}", f"{np.mean(scores):.4f}" if scores else "",
            *(f"{[v.wrong for v in verdicts].count(kind)} wrong"
              for kind in ("octave", "half beat")),
            f"{spent:.4f}",
        )  # fmt: skip
        found |= {f"{s.group}/{s.name}": v for s, v in zip(own, verdicts, strict=True)}
    print()
    return found


def as_saved(found: Verdicts) -> dict[str, dict]:
    """The content of --save: wrong decisions, mean F-measures by group, F of each track."""
    groups = {name.split("/")[0]: [] for name in found}
    for name, verdict in found.items():
        groups[name.split("/")[0]].append((verdict.beats, verdict.downbeats))
    return {
        "wrong": {name: verdict.wrong for name, verdict in found.items() if verdict.wrong},
        "means": {group: np.mean(own, axis=0).round(4).tolist() for group, own in groups.items()},
        "tracks": {
            name: [round(v.beats, 4), round(v.downbeats, 4), v.regions]
            for name, v in found.items()
        },
    }


def report_moved(found: Verdicts, before: dict[str, list[float]]) -> None:
    """Print the tracks whose beat F has moved, or that have more or fewer markers than before."""
    for name in sorted(found.keys() & before.keys()):
        now, (beats, _, markers) = found[name], before[name]
        if abs(now.beats - beats) >= MOVED or now.regions != markers:
            print(
                f"  {name}: beat F {beats:.3f} -> {now.beats:.3f},"
                f" markers {markers:g} -> {now.regions}, confidence {now.confidence:.2f}"
            )


def report_changes(found: Verdicts, before: dict[str, dict]) -> None:
    """Print which tracks are right that were wrong, and the other way round; and the means.

    Downbeats are left out if only beat activations are known.
    """
    then, now = before["wrong"], as_saved(found)
    for wrong in (then, now["wrong"]):
        for name in [
            n for n, what in wrong.items() if what == "downbeat" and n.split("/")[0] in SETS
        ]:
            del wrong[name]
    for title, names in (
        ("mended", then.keys() & found.keys() - now["wrong"].keys()),
        ("broken", now["wrong"].keys() - then.keys()),
        ("wrong in another way", {n for n, w in now["wrong"].items() if then.get(n, w) != w}),
    ):
        print(f"{title}: {len(names)}")
        for name in sorted(names):
            print(
                f"  {name}: {then.get(name, 'right')} -> {now['wrong'].get(name, 'right')},"
                f" confidence {found[name].confidence:.2f}"
            )
    for group, (beats, downbeats) in now["means"].items():
        old = before["means"].get(group, [np.nan, np.nan])
        print(
            f"{group}: beat F {old[0]:.4f} -> {beats:.4f},"
            f" downbeat F {old[1]:.4f} -> {downbeats:.4f}"
        )


@dataclass(frozen=True)
class Accuracy:
    """Tempo scores of tracks: see report_giantsteps."""

    one: float
    two: float
    in_octave: int
    exact: float
    median: float
    median_fitted: float
    several: int


def accuracy(tempi: tuple[Tempo, ...], found: Iterable[Rhythm]) -> Accuracy:
    """Accuracy1 and 2 on v2; of tracks in v1's octave, how near v1; tracks of several regions."""
    pairs = list(zip(tempi, found, strict=True))
    annotated = [(t, f) for t, f in pairs if t.v2 > 0]
    near = [(t, f) for t, f in pairs if right(f.bpm, t.v1, (1.0,))]
    errors = np.array([abs((f.bpm or 0) - t.v1) for t, f in near])
    fitted = np.array([abs((f.bpm_fitted or 0) - t.v1) for t, f in near])
    return Accuracy(
        float(np.mean([right(f.bpm, t.v2, (1.0,)) for t, f in annotated])),
        float(np.mean([right(f.bpm, t.v2, OCTAVES) for t, f in annotated])),
        len(near),
        float(np.mean(errors <= 0.05)),
        float(np.median(errors)),
        float(np.median(fitted)),
        sum(len(f.grid) > 1 for _, f in pairs),
    )


def report_giantsteps(tempi: tuple[Tempo, ...]) -> None:
    """Print accuracies, accuracies by genre and what is still wrong."""
    began = time.process_time()
    found = [analyse(track.features, DEFAULTS) for track in tempi]
    spent = (time.process_time() - began) / len(tempi)
    total = accuracy(tempi, found)
    print(f"GiantSteps, {len(tempi)} tracks, {spent:.3f} s of cpu each")
    print(f"  Accuracy1 {total.one:.4f}, Accuracy2 {total.two:.4f} (v2)")
    print(
        f"  {total.in_octave} in the octave of v1: {total.exact:.3f} within 0.05 BPM,"
        f" median error {total.median:.4f}, of the unsnapped fit {total.median_fitted:.4f}"
    )
    print(f"  {total.several} tracks of more than one region")
    print_cells("  genre", "tracks", "Accuracy1", "Accuracy2", "wrong: found for v2")
    for genre in sorted({t.genre for t in tempi}):
        own = [(t, f) for t, f in zip(tempi, found, strict=True) if t.genre == genre and t.v2 > 0]
        scores = [
            np.mean([right(f.bpm, t.v2, ratios) for t, f in own]) for ratios in ((1.0,), OCTAVES)
        ]
        wrong = [f"{f.bpm:.0f}/{t.v2:.0f}" for t, f in own if not right(f.bpm, t.v2, (1.0,))]
        print_cells(f"  {genre}", str(len(own)), *(f"{x:.3f}" for x in scores), " ".join(wrong))
    print()


if __name__ == "__main__":
    main()
