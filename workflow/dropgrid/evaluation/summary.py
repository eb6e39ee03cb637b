"""The evaluation as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..base.text import counted
from ..results.metric_names import BEATS, BPM, KEY, STRUCTURE
from .bootstrap import MIN_TRACKS
from .score import Gathered

EXAMPLES = 3  # of references left out for the same reason
Json = Mapping[str, Any]


def markdown(documents: Mapping[str, Json], gathered: Gathered) -> bytes:
    """The summary: counts, a table a task with 95 % intervals, what was left out."""
    bpm, beats, structure = (documents[task] for task in ("bpm", "beats", "structure"))
    options = bpm["options"]
    lines = [
        "# Evaluation",
        "",
        f"{gathered.evaluated} of {gathered.tracks} tracks were compared with references "
        f"({', '.join(options['references']) or 'none named'}). "
        f"In brackets: 95 % intervals, by resampling the tracks, from {MIN_TRACKS} tracks on. "
        "A track that failed, or has no answer, counts as wrong; behind it the value of the "
        "answered ones alone.",
        "",
        *_by_tag(bpm["decided_by_tag"]),
        *_section("Tempo", bpm["tracks"], bpm["systems"], BPM),
        *_counts("Estimates by their multiple of the reference:", bpm["octaves"]),
        *_strata("Tempo range", bpm["strata"]["tempo"]),
        *_strata("Genre", bpm["strata"]["genre"]),
        *_section("Beats", beats["tracks"], beats["systems"], BEATS),
        *_section("Downbeats", beats["downbeats"]["tracks"], beats["downbeats"]["systems"], BEATS),
        *_section("Structure", structure["tracks"], structure["systems"], STRUCTURE),
        *_labels(structure),
        *_section("Key", documents["key"]["tracks"], documents["key"]["systems"], KEY),
        *_counts("Keys by kind of error:", documents["key"]["errors"]),
        *_key_genres(documents["key"]["genres"]),
        *_left_out(gathered),
    ]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "backslashreplace")


def _by_tag(tracks: Sequence[str]) -> list[str]:
    """Of which tracks a BPM tag decided the answer, whose own answer is scored all the same."""
    if not tracks:
        return []
    shown = ", ".join(tracks[:EXAMPLES]) + (", ..." if len(tracks) > EXAMPLES else "")
    return [
        f"Of {counted(len(tracks), 'track')} a BPM tag decided the octave or the tempo ({shown}). "
        "Scored as `dropgrid` is what the audio alone says, `with_tag` is the record's answer.",
        "",
    ]


def _section(title: str, tracks: int, systems: Json, names: Mapping[str, str]) -> list[str]:
    lines = [f"## {title}", "", f"{counted(tracks, 'track')}.", ""]
    if not systems:
        return lines
    present = [name for name in names if any(name in found for found in systems.values())]
    body = [[names[name], *(_shown(s.get(name)) for s in systems.values())] for name in present]
    return [*lines, *_table(["measure", *systems], body)]


def _counts(title: str, counts: Json) -> list[str]:
    """A row a system of how many estimates there are of each kind."""
    if not counts:
        return []
    names = list(dict.fromkeys(name for found in counts.values() for name in found))
    body = [[system, *(str(found.get(n, 0)) for n in names)] for system, found in counts.items()]
    return [title, "", *_table(["", *names], body)]


def _key_genres(genres: Json) -> list[str]:
    if not genres:
        return []
    body = [
        [name, str(found["exact"]["tracks"]), *(_shown(found[measure]) for measure in KEY)]
        for name, found in genres.items()
    ]
    return _table(["Genre", "tracks", *KEY.values()], body)


def _strata(title: str, strata: Json) -> list[str]:
    if not strata:
        return []
    shown = ("median_error", "accuracy1", "accuracy2")
    body = [
        [name, str(found["accuracy1"]["tracks"]), *(_shown(found[measure]) for measure in shown)]
        for name, found in strata.items()
    ]
    return _table([title, "tracks", *(BPM[name] for name in shown)], body)


def _labels(structure: Json) -> list[str]:
    if not structure["labels"]:
        return []
    body = [
        [label, *(_shown(found[kind]) for kind in ("precision", "recall", "f"))]
        for label, found in structure["labels"].items()
    ]
    confusion = structure["confusion"]
    seconds = [
        [label, *(f"{value:.0f}" for value in row)]
        for label, row in zip(confusion["labels"], confusion["seconds"], strict=True)
    ]
    return [
        f"Frames of 0.1 s with the right label: {_shown(structure['label_accuracy'])}.",
        "",
        *_table(["label", "precision", "recall", "F"], body),
        "Seconds by annotated (rows) and estimated label (columns):",
        "",
        *_table(["", *confusion["labels"]], seconds),
    ]


def _left_out(gathered: Gathered) -> list[str]:
    lines = [
        "## References",
        "",
        "Found by " + ", ".join(f"{way}: {n}" for way, n in gathered.ways.items()) + ". "
        f"{len(gathered.without_reference)} tracks have none.",
        "",
    ]
    by_reason: dict[str, list[str]] = {}
    for item in gathered.left_out:
        by_reason.setdefault(item.reason, []).append(f"{item.key} ({item.source})")
    if by_reason:
        lines += ["Left out (each of them in left_out.csv):", ""]
    for reason, places in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = ", ".join(places[:EXAMPLES]) + (", ..." if len(places) > EXAMPLES else "")
        lines.append(f"- {_escaped(reason)}: {len(places)}: {_escaped(shown)}")
    return lines


def _shown(estimate: Json | None) -> str:
    """A value with its interval, and behind it that of the answered tracks, where it differs."""
    if estimate is None or estimate["value"] is None:
        return "–"
    text = _decimals(estimate["value"])
    if estimate["low"] is not None:
        text += f" [{_decimals(estimate['low'])}, {_decimals(estimate['high'])}]"
    answered, count = estimate.get("answered"), estimate.get("answered_tracks")
    if answered is not None and count != estimate["tracks"]:
        text += f"; {_decimals(answered)} of the {count} answered"
    return text


def _decimals(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"  # + 0.0: never -0.000


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines] + [""]


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
