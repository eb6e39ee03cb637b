"""The evaluation as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..base.text import counted
from ..results.metric_names import BEATS, BPM, IN_GROUPS, KEY, STRUCTURE
from .bootstrap import MIN_TRACKS
from .score import Gathered

EXAMPLES = 3  # of references left out for the same reason
Json = Mapping[str, Any]


def markdown(documents: Mapping[str, Json], gathered: Gathered) -> bytes:
    """The summary: counts, a table per task with 95 % intervals, references left out."""
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
        *_strata(bpm["strata"], IN_GROUPS["bpm"], BPM),
        *_section("Beats", beats["tracks"], beats["systems"], BEATS),
        *_strata(beats["strata"], IN_GROUPS["beats"], BEATS),
        *_section("Downbeats", beats["downbeats"]["tracks"], beats["downbeats"]["systems"], BEATS),
        *_strata(beats["downbeats"]["strata"], IN_GROUPS["downbeats"], BEATS),
        *_section("Structure", structure["tracks"], structure["systems"], STRUCTURE),
        *_strata(structure["strata"], IN_GROUPS["structure"], STRUCTURE),
        *_labels(structure),
        *_section("Key", documents["key"]["tracks"], documents["key"]["systems"], KEY),
        *_counts("Keys by kind of error:", documents["key"]["errors"]),
        *_strata(documents["key"]["strata"], IN_GROUPS["key"], KEY),
        *_calibration(bpm["calibration"] | documents["key"]["calibration"]),
        *_left_out(gathered),
    ]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "backslashreplace")


def _by_tag(tracks: Sequence[str]) -> list[str]:
    """The tracks where a BPM tag decided the result; the result from audio alone is scored."""
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
    """A table with a row per system: the number of estimates of each kind."""
    if not counts:
        return []
    names = list(dict.fromkeys(name for found in counts.values() for name in found))
    body = [[system, *(str(found.get(n, 0)) for n in names)] for system, found in counts.items()]
    return [title, "", *_table(["", *names], body)]


def _strata(strata: Json, shown: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """A table by tempo range and one by genre, with the number of tracks in each group."""
    lines = []
    for title, kind in (("Tempo range", "tempo"), ("Genre", "genre")):
        groups = strata[kind]
        present = [m for m in shown if any(m in found for found in groups.values())]
        if not present:
            continue
        body = [
            [name, _counted(found, present), *(_shown(found.get(m)) for m in present)]
            for name, found in groups.items()
        ]
        lines += _table([title, "tracks", *(names[m] for m in present)], body)
    return lines


def _counted(found: Json, measures: Sequence[str]) -> str:
    return str(max(found[m]["tracks"] for m in measures if m in found))


def _calibration(found: Json) -> list[str]:
    """The calibration: a row per confidence, with its bins."""
    if not found:
        return []
    head = ["confidence", "tracks", "mean", "share right", "calibration error", "by bin"]
    body = [
        [
            kind, str(values["tracks"]), *(_decimals(values[name]) for name in (
                "confidence", "right", "calibration_error"
            )),
            "; ".join(
                f"{b['from']:.1f} to {b['to']:.1f}: {_decimals(b['right'])} of {b['tracks']}"
                for b in values["bins"]
            ),
        ]
        for kind, values in found.items()
    ]  # fmt: skip
    return ["## Confidence", "", *_table(head, body)]


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
    """A value with its interval, then the value over the answered tracks if those are fewer."""
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
