"""Lists of tracks: reading them, arranging them with their transitions, writing them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..base.csv_tables import csv_bytes
from ..base.errors import ConfigError, RecordError
from ..base.text import one_line, printable
from ..records.store import read_bpm, read_structure
from ..records.ticket import read_ticket
from ..records.track import Track
from ..references.matching import Tracks
from ..results.layout import Results
from ..results.scan_store import read_scan
from .library import Library
from .order import Wishes, arrange
from .score import scores
from .transition import Transition, transition

COLUMNS = (
    "number", "path", "artist", "title", "bpm", "key", "energy", "enter_bar", "enter_seconds",
    "leave_bar", "leave_seconds", "blend_bars", "tempo_change", "score", "reasons",
)  # fmt: skip


class SetOptions(Protocol):
    """The options of `dropgrid set` that the choice of tracks depends on."""

    results: Path
    tempo_limit: float
    energy: str
    start: str | None
    end: str | None
    pair: list[list[str]]
    minutes: float | None


@dataclass(frozen=True)
class Step:
    """A transition of a list, and how many seconds both tracks play together."""

    transition: Transition
    seconds: float


def find(library: Library, results: Path, names: Iterable[str]) -> list[int]:
    """The places in the library of tracks by path or file name. Raises ConfigError."""
    paths = dict(zip(library.ids, library.paths, strict=True))
    known = Tracks(paths, read_scan(results)["root"])
    places = {track: place for place, track in enumerate(library.ids)}
    found = []
    for name in names:
        track, why = known.find(name)
        if track is None:
            raise ConfigError(f"{printable(name)}: {why}, or it has no tempo")
        found.append(places[track])
    return found


def read_tracks(results: Path, ids: Sequence[str]) -> list[Track]:
    """The bpm and structure records of tracks. Raises RecordError."""
    files = Results(results)
    found = []
    for track in ids:
        structure = None
        if files.record("structure", track).exists():
            structure = read_structure(files.record("structure", track), track)
        found.append(Track(None, read_bpm(files.record("bpm", track), track), structure))
    return found


def matrix(library: Library, places: Sequence[int], limit: float) -> np.ndarray:
    """(n, n) the scores of the tracks at these places after each other."""
    chosen = np.asarray(places, int)
    return np.stack([scores(library, int(i), limit=limit).total[chosen] for i in chosen])


def chosen(library: Library, options: SetOptions, names: Sequence[str]) -> list[int]:
    """The places of the tracks to play, in order. Raises ConfigError."""
    places = list(dict.fromkeys(find(library, options.results, names)))
    ends = [
        find(library, options.results, [n])[0] if n else None for n in (options.start, options.end)
    ]
    pairs = [find(library, options.results, pair) for pair in options.pair]
    wanted = [
        place for place in (*ends, *(p for pair in pairs for p in pair)) if place is not None
    ]
    places += [place for place in dict.fromkeys(wanted) if place not in places]
    if ends[0] is not None and ends[0] == ends[1]:
        raise ConfigError("--start and --end: the same track")
    table = matrix(library, places, options.tempo_limit)
    kept = list(range(len(places)))
    at = {place: row for row, place in enumerate(places)}
    if options.minutes is not None:
        kept = _that_fit(library, places, table, 60 * options.minutes, {at[p] for p in wanted})
    row_of = {row: number for number, row in enumerate(kept)}

    def row(place: int | None) -> int | None:
        return None if place is None else row_of[at[place]]

    wishes = Wishes(
        options.energy, row(ends[0]), row(ends[1]),
        tuple((row_of[at[a]], row_of[at[b]]) for a, b in pairs),
    )  # fmt: skip
    artists = [library.artists[places[k]] for k in kept]
    energy = library.energy[[places[k] for k in kept]]
    order = arrange(table[np.ix_(kept, kept)], energy, artists, wishes)
    return [places[kept[k]] for k in order]


def _that_fit(
    library: Library, places: Sequence[int], table: np.ndarray, seconds: float, wanted: set[int]
) -> list[int]:
    """The rows that fit into so many seconds: the tracks that mix best with the others."""
    friends = np.where(table > 0, table, 0).sum(axis=0) + np.where(table > 0, table, 0).sum(axis=1)
    ranking = sorted(range(len(places)), key=lambda k: (k not in wanted, -friends[k], k))
    kept, total = [], 0.0
    for row in ranking:
        length = float(np.nan_to_num(library.duration[places[row]]))
        if row in wanted or total + length <= seconds:
            kept.append(row)
            total += length
    return sorted(kept)


def transitions(library: Library, results: Path, order: Sequence[int], limit: float) -> list[Step]:
    """The transitions between neighbours of an order. Raises RecordError."""
    tracks = read_tracks(results, [library.ids[i] for i in order])
    steps = []
    for (i, before), (j, after) in zip(
        zip(order, tracks, strict=True), zip(order[1:], tracks[1:], strict=True), strict=False
    ):
        found = scores(library, i, limit=limit)
        step = transition(library, i, j, found, before, after)
        beats = int((before.bpm.time_signature or "4/4").partition("/")[0]) if before.bpm else 4
        steps.append(Step(step, step.bars * beats * 60 / float(library.bpm[i])))
    return steps


def _m3u8(library: Library, results: Path, order: Sequence[int], steps: Sequence[Step]) -> bytes:
    """A playlist; above each track how it is entered, as a comment that players pass over."""
    lines = ["#EXTM3U", "#DROPGRID"]
    for number, i in enumerate(order):
        if number:
            step = steps[number - 1].transition
            lines.append(
                f"# leave at bar {step.leave} ({step.leave_at:.3f} s), enter at bar {step.enter} "
                f"({step.enter_at:.3f} s), {step.bars} bars: {'; '.join(step.reasons)}"
            )
        file = _file(results, library, i)
        duration = round(float(np.nan_to_num(library.duration[i])))
        lines.append(f"#EXTINF:{duration},{one_line(library.name(i))}")
        address = str(file)
        lines.append(address if address == one_line(address) else file.as_uri())
    return ("\n".join(lines) + "\n").encode()


def _file(results: Path, library: Library, i: int) -> Path:
    try:
        return Path(read_ticket(Results(results).ticket(library.ids[i])).file)
    except RecordError:
        return Path(library.paths[i])


def _rows(library: Library, order: Sequence[int], steps: Sequence[Step]) -> list[dict[str, Any]]:
    rows = []
    for number, i in enumerate(order):
        came = steps[number - 1].transition if number else None
        goes = steps[number].transition if number < len(steps) else None
        rows.append({
            "number": number + 1, "path": library.paths[i], "artist": library.artists[i],
            "title": library.titles[i], "bpm": round(float(library.bpm[i]), 6),
            "key": None if library.key[i] < 0 else int(library.key[i]),
            "energy": None if np.isnan(library.energy[i]) else round(float(library.energy[i]), 4),
            "enter_bar": came and came.enter, "enter_seconds": came and came.enter_at,
            "leave_bar": goes and goes.leave, "leave_seconds": goes and goes.leave_at,
            "blend_bars": goes and goes.bars, "tempo_change": came and round(came.change, 3),
            "score": came and round(came.score, 4),
            "reasons": "; ".join(came.reasons) if came else None,
        })  # fmt: skip
    return rows


def _csv(library: Library, results: Path, order: Sequence[int], steps: Sequence[Step]) -> bytes:
    from ..key import notation

    rows = _rows(library, order, steps)
    for row in rows:
        row["key"] = None if row["key"] is None else notation.camelot(row["key"])
    return csv_bytes(COLUMNS, [[row[name] for name in COLUMNS] for row in rows])


def _json(library: Library, results: Path, order: Sequence[int], steps: Sequence[Step]) -> bytes:
    values = {
        "schema": "dropgrid/set", "schema_version": 1,
        "tracks": [{"track": library.ids[i], "path": library.paths[i]} for i in order],
        "transitions": [step.transition.as_json() for step in steps],
    }  # fmt: skip
    return (json.dumps(values, indent=2) + "\n").encode()


Writer = Callable[[Library, Path, Sequence[int], Sequence[Step]], bytes]
WRITERS: dict[str, Writer] = {".m3u8": _m3u8, ".csv": _csv, ".json": _json}
