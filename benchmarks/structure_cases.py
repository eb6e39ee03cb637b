"""Songs and made-up tracks with known sections, and how found sections are scored against them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from dropgrid import demo, structure
from dropgrid.benchmark import composition, rendering
from dropgrid.benchmark.piece import Piece
from dropgrid.features import Features, store
from dropgrid.records.model import BpmRecord, Section
from dropgrid.records.store import read_bpm
from dropgrid.records.ticket import Ticket
from dropgrid.stages.make_features import compute_features
from dropgrid.stages.make_records import make_bpm_record
from dropgrid.structure.labels import LONGEST_BUILDUP

TOLERANCES = (0.5, 3.0)  # seconds
FRAME = 0.1  # seconds
KINDS = (
    "low",
    "mid",
    "peak",
)  # energy hints of the truth: calm, not judged, what a DJ calls a drop
FOLDERS = ("music", "music_more", "music_third")
STEPS_UP = 3.0  # dB by which a section is louder than the one before where the level steps up
SLACK = 0.05  # seconds by which bar lines of two grids may differ where a moment is a bar late
LEAST_PEAK = 2  # bars that a peak lasts to be a drop
GROWS, PLAYERS = 2.0, 2.0  # dB, or instruments, by which a buildup ends above its beginning
BENCHMARK_SEED = 7
LEAST = 3  # boundaries a song must have for its sections to be judged
SURE = {"no": 0.0, "weak": 0.5}  # what a song's energy hints weigh in a fit, else 1


@dataclass(frozen=True)
class Case:
    """A track with its truth.

    hints: (start, end, kind) with kind of KINDS; sure: their weight. names: (start, end, labels)
    of the sections whose label the truth says: one label, or the two it may be. entries: seconds
    at which a drop may begin, and whether it must (entries_of).
    """

    name: str
    features: Features
    true: BpmRecord
    estimated: BpmRecord
    major: np.ndarray
    boundaries: np.ndarray
    hints: tuple[tuple[float, float, str], ...]
    drops: tuple[float, ...] = ()
    folder: str = ""
    sure: float = 1.0
    names: tuple[tuple[float, float, tuple[str, ...]], ...] = ()
    entries: tuple[tuple[float, bool], ...] = ()

    @property
    def judged(self) -> bool:
        """Whether it has sections worth judging."""
        return len(self.major) >= LEAST

    @property
    def peaks(self) -> bool:
        """Whether it has drops to find."""
        return any(kind == "peak" for *_, kind in self.hints)


def read_songs(
    shared: Path,
    cache: Path,
    network: Path,
    results: Path | None = None,
    folders: tuple[str, ...] = FOLDERS,
) -> Iterator[Case]:
    """The songs of some of FOLDERS whose sections are known.

    results: a folder the workflow has written for them, whose features and bpm records are
    then taken; else both are computed, and the features kept in cache.
    """
    records = dict(_records(results)) if results else {}
    for path in sorted(song for name in folders for song in (shared / name).glob("*.json")):
        truth = json.loads(path.read_text())
        if not truth.get("sections") or "energy_hint" not in truth["sections"][0]:
            continue
        if path.stem in records:
            estimated, file = records[path.stem]
            features = store.load(file)
            assert isinstance(features, Features), features
        else:
            features = cached_features(path.with_suffix(".ogg"), cache, network)
            estimated = estimate_grid(features)
        downbeats = truth.get("downbeats_4", truth["downbeats"])
        yield Case(
            path.stem, features, true_grid(truth["beats"], downbeats, features.duration),
            estimated,
            np.array(truth["boundaries"]),
            np.array([boundary["time"] for boundary in truth["boundaries_detail"]]),
            tuple((s["start"], s["end"], s["energy_hint"]) for s in truth["sections"]),
            folder=path.parent.name, sure=SURE.get(truth.get("usable", {}).get("energy"), 1.0),
            names=arranged_names(truth), entries=entries_of(truth["sections"]),
        )  # fmt: skip


def _records(results: Path) -> Iterator[tuple[str, tuple[BpmRecord, Path]]]:
    """Of a results folder: the name of each song, its bpm record and its features' file."""
    for path in (results / "bpm").glob("*.json"):
        record = read_bpm(path)
        yield Path(record.path).stem, (record, results / "features" / f"{path.stem}.npz")


def make_tracks(count: int, cache: Path, network: Path) -> Iterator[Case]:
    """Synthesised tracks: all styles in turn, two of three at a tempo of their own."""
    random = np.random.default_rng(0)
    styles = sorted(demo.STYLES)
    for seed in range(count):
        style = styles[seed % len(styles)]
        tempo = demo.STYLES[style].bpm * random.uniform(0.93, 1.07)
        track = demo.compose(
            1000 + seed, tempo if seed % 3 else None, style, random.uniform(80, 170)
        )
        path = cache / f"synthetic-{seed}.flac"
        if not path.exists():
            soundfile.write(path, demo.render(track), 44100)
        yield _of_composition(
            f"{style} {track.bpm:.2f}", track, cached_features(path, cache, network)
        )


def make_pieces(count: int, cache: Path, network: Path) -> Iterator[Case]:
    """Pieces of `dropgrid benchmark make`, without twins: all styles in turn, traits as drawn."""
    for number in range(count):
        piece = composition.compose(BENCHMARK_SEED, number)
        path = cache / f"piece-{number}.flac"
        if not path.exists():
            soundfile.write(path, rendering.render(piece), rendering.RATE)
        yield _of_composition(
            f"{piece.style} {piece.name}", piece, cached_features(path, cache, network)
        )


def _of_composition(name: str, made: demo.Composition | Piece, features: Features) -> Case:
    """A composed track, whose beats, sections and drops are known exactly."""
    starts = np.array([section.start for section in made.sections[1:]])
    return Case(
        name, features, true_grid(made.beats, made.downbeats, features.duration),
        estimate_grid(features), starts, starts, exact_hints(made.sections), made.drops,
        names=exact_names(made.sections), entries=tuple((time, True) for time in made.drops),
    )  # fmt: skip


def exact_names(sections: Sequence[Section]) -> tuple[tuple[float, float, tuple[str, ...]], ...]:
    """The labels of sections that were composed with them."""
    return tuple((section.start, section.end, (section.label,)) for section in sections)


def exact_hints(sections: Sequence[Section]) -> tuple[tuple[float, float, str], ...]:
    """The energy of sections that were composed: drops are peaks, main is not judged."""
    kinds = {"drop": "peak", "main": "mid"}
    return tuple((s.start, s.end, kinds.get(s.label, "low")) for s in sections)


def entries_of(sections: Sequence[dict[str, Any]]) -> tuple[tuple[float, bool], ...]:
    """Where a DJ perceives the start of a drop in these sections, and whether it must be found.

    The music enters where a kick plays that did not play in the section before, or where a
    section is STEPS_UP louder than that. A drop must begin where a peak enters after anything
    else; it may begin at any other peak, and where music enters that is medium.
    """
    kicks = [bool(section.get("has_kick")) for section in sections]
    found = []
    for place, section in enumerate(sections):
        last = sections[place - 1] if place else None
        kick = kicks[place] or not any(kicks)
        returns = place > 0 and kicks[place] and not kicks[place - 1]
        enters = last is None or returns or section["rms_db"] - last["rms_db"] >= STEPS_UP
        kind, before = section["energy_hint"], last["energy_hint"] if last else ""
        if kind == "peak" or (last and kind == "mid" and kick and enters):
            found.append((float(section["start"]), kind == "peak" and enters and before != "peak"))
    return tuple(found)


def arranged_names(truth: dict[str, Any]) -> tuple[tuple[float, float, tuple[str, ...]], ...]:
    """The labels of a song's sections that follow from its arrangement; others are left out.

    First and last, unless a peak: intro, outro. A peak of LEAST_PEAK bars: drop. After the first
    music with a kick and before the last: what is calm and has no kick is a breakdown, or the
    buildup of the peak that follows at once, by how it grows; what is medium and has a kick
    is main after the first peak, unless a peak follows, which it may build up.
    """
    sections, bars, found = truth["sections"], truth.get("bars", []), []
    kinds = [section["energy_hint"] for section in sections]
    kicks = [bool(section.get("has_kick")) for section in sections]
    moving = [i for i, kick in enumerate(kicks) if kick and kinds[i] != "low"] or [0]
    for place, (section, kind, kick) in enumerate(zip(sections, kinds, kicks, strict=True)):
        inner = moving[0] < place < moving[-1]
        following = kinds[place + 1] if place + 1 < len(kinds) else ""
        labels: tuple[str, ...] = ()
        if kind == "peak":
            long = section.get("end_bar", LEAST_PEAK) - section.get("start_bar", 0) >= LEAST_PEAK
            labels = ("drop",) if long and (kick or not any(kicks)) else ()
        elif place == 0:
            labels = ("intro",)
        elif not following:
            labels = ("outro",)
        elif kind == "low" and inner and not kick:
            labels = _calm_labels(section, bars, following)
        elif kind == "mid" and inner and kick and "peak" in kinds[:place] and following != "peak":
            labels = ("main",)
        if labels:
            found.append((section["start"], section["end"], labels))
    return tuple(found)


def _calm_labels(
    section: dict[str, Any], bars: list[dict[str, Any]], following: str
) -> tuple[str, ...]:
    """The labels that a calm section without kick may have, from how it grows by its bars.

    Only what a peak follows is a buildup, and only within LONGEST_BUILDUP.
    """
    own = [bar for bar in bars if section["start_bar"] <= bar["bar"] < section["end_bar"]]
    if following == "low" or len(own) > LONGEST_BUILDUP:
        return ("breakdown",)
    if not own:
        return ("breakdown", "buildup")
    quarter = max(1, len(own) // 4)

    def growth(name: str) -> float:
        first, last = (
            np.mean([bar[name] for bar in part]) for part in (own[:quarter], own[-quarter:])
        )
        return float(last - first)

    louder, more = growth("rms_db"), growth("n_active")
    if louder <= 0 and more <= 0:
        return ("breakdown",)
    grows = louder > GROWS or more >= PLAYERS
    return ("buildup",) if grows and following == "peak" else ("breakdown", "buildup")


def cached_features(audio: Path, cache: Path, network: Path) -> Features:
    """The features of an audio file, computed once for each cache folder."""
    path = cache / f"{audio.stem}.npz"
    if not path.exists():
        ticket = Ticket(audio.stem, audio.name, str(audio), -1, -1)
        store.save(path, compute_features(ticket, network))
    features = store.load(path)
    assert isinstance(features, Features), features
    return features


def true_grid(beats: Any, downbeats: Any, duration: float) -> BpmRecord:
    """A record of beats known beforehand."""
    times = tuple(map(float, beats)), tuple(map(float, downbeats))
    return BpmRecord(
        "true", "true", "ok", duration, beats=times[0], downbeats=times[1], time_signature="4/4"
    )


def estimate_grid(features: Features) -> BpmRecord:
    """The record the product itself makes."""
    ticket = Ticket("estimated", "estimated", "", -1, -1)
    return make_bpm_record(ticket, features, {"ignore_metadata": True})


def hits(reference: np.ndarray, estimated: np.ndarray, tolerance: float) -> int:
    """How many pairs can be matched one to one within a tolerance; both ascending."""
    i = j = count = 0
    while i < len(reference) and j < len(estimated):
        if abs(reference[i] - estimated[j]) <= tolerance + 1e-9:
            i, j, count = i + 1, j + 1, count + 1
        elif reference[i] < estimated[j]:
            i += 1
        else:
            j += 1
    return count


def boundary_scores(case: Case, estimated: np.ndarray, tolerance: float) -> tuple[float, ...]:
    """Precision against all boundaries, recall of the major ones, and their F-measure."""
    return f_measures(case.boundaries, estimated, tolerance, case.major)


def f_measures(
    reference: np.ndarray, estimated: np.ndarray, tolerance: float, major: np.ndarray | None = None
) -> tuple[float, ...]:
    """Precision against the reference, recall of its major part or all of it, and F."""
    major = reference if major is None else major
    precision = hits(reference, estimated, tolerance) / max(1, len(estimated))
    recall = hits(major, estimated, tolerance) / max(1, len(major))
    return precision, recall, 2 * precision * recall / max(1e-12, precision + recall)


def drop_frames(case: Case, found: structure.Structure) -> np.ndarray:
    """Frames of peak called a drop, frames of low called a drop, frames of peak."""
    times = np.arange(0, case.features.duration, FRAME) + FRAME / 2

    def within(spans: list[tuple[float, float]]) -> np.ndarray:
        return np.any([(times >= a) & (times < b) for a, b in spans] or [times < 0], axis=0)

    peak, low = (
        within([(a, b) for a, b, k in case.hints if k == kind]) for kind in ("peak", "low")
    )
    drop = within([(s.start, s.end) for s in found.sections if s.label == "drop"])
    return np.array([(drop & peak).sum(), (drop & low).sum(), peak.sum()])


def starts(found: structure.Structure) -> np.ndarray:
    """Boundaries within the track, in seconds."""
    return np.array([section.start for section in found.sections[1:]])


def precision_recall(count: np.ndarray) -> tuple[float, float]:
    """Precision and recall from the counts of drop_frames."""
    right, wrong, positive = count
    return right / max(1, right + wrong), right / max(1, positive)


def one_bar(case: Case) -> float:
    """Seconds within which a moment is within a bar: SLACK more, or milliseconds would decide."""
    return float(np.median(np.diff(case.true.downbeats))) + SLACK


def moment_scores(case: Case, found: structure.Structure, tolerance: float) -> float:
    """F of the moments of drops against the starts of peak sections, within so many seconds.

    Precision is against the start of any peak section, recall of those that no peak precedes.
    """
    peaks = [(start, kind) for start, _, kind in case.hints]
    every = np.array([start for start, kind in peaks if kind == "peak"])
    before = [None, *(kind for _, kind in peaks[:-1])]
    first = np.array([
        start for (start, kind), last in zip(peaks, before, strict=True)
        if kind == "peak" and last != "peak"
    ])  # fmt: skip
    return f_measures(every, np.array(found.drops), tolerance, first)[2]


def entry_scores(case: Case, found: structure.Structure, tolerance: float) -> tuple[float, ...]:
    """Precision, recall and F of the moments of drops against entries, within so many seconds.

    Precision is against all entries, recall of those at which a drop must begin: NaN, as F is,
    where there is none. A song without moments has no precision.
    """
    every, needed, moments = (
        np.array(times) for times in (
            [time for time, _ in case.entries], [time for time, must in case.entries if must],
            found.drops,
        )
    )  # fmt: skip
    precision = hits(every, moments, tolerance) / len(moments) if len(moments) else np.nan
    if not len(needed):
        return precision, np.nan, np.nan
    recall = hits(needed, moments, tolerance) / len(needed)
    return precision, recall, f_measures(every, moments, tolerance, needed)[2]


MEASURES = (
    "f 0.5 s", "f 3 s", "drop precision", "drop recall", "moment beat", "moment bar", "entry bar",
)  # fmt: skip


def measures(case: Case, found: structure.Structure) -> dict[str, float]:
    """What is known of a song's sections: of MEASURES, those its truth can judge."""
    scores: dict[str, float] = {}
    if case.judged:
        for tolerance in TOLERANCES:
            scores[f"f {tolerance:g} s"] = boundary_scores(case, starts(found), tolerance)[2]
    if case.peaks:
        precision, recall = precision_recall(drop_frames(case, found))
        scores |= {"drop precision": precision, "drop recall": recall}
        bar = one_bar(case)
        beat = float(np.median(np.diff(case.true.beats)))
        scores |= {
            "moment beat": moment_scores(case, found, beat),
            "moment bar": moment_scores(case, found, bar),
            "entry bar": entry_scores(case, found, bar)[2],
        }
    return {name: round(float(value), 4) for name, value in scores.items() if value == value}
