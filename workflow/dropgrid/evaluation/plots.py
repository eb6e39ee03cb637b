"""Plots of the evaluation, each as SVG and PNG; the same rows give the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.colours import SECTION_COLOURS
from ..base.optional_packages import has
from ..records.model import LABELS
from .rows import PRODUCT, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, POINTS, MUTED = "#22303c", SECTION_COLOURS["breakdown"], SECTION_COLOURS["intro"]
ERROR_EDGES = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)  # BPM
KINDS = ("svg", "png")
NAMES = (
    "bpm_errors", "bpm_estimates", "bpm_genres", "bpm_calibration", "structure_confusion",
)  # fmt: skip
MAX_GENRES = 40  # in a plot; the documents have all
OCTAVES = (1 / 3, 1 / 2, 2 / 3, 1.0, 3 / 2, 2.0, 3.0)
STYLE: dict[str, Any] = {
    "svg.hashsalt": "dropgrid",
    "text.parse_math": False,  # a genre may contain a dollar sign
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def plots(bpm_rows: Sequence[Row], documents: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """The files by name, for plots that have data; {} without matplotlib."""
    if not has("matplotlib"):
        return {}
    rows = [row for row in bpm_rows if row["system"] == PRODUCT and row["estimated_bpm"]]
    genres = documents["bpm"]["strata"]["genre"]
    confusion = documents["structure"]["confusion"]
    found: dict[str, bytes] = {}
    if rows:
        errors = np.abs([row["error"] for row in rows])
        found |= drawn("bpm_errors", lambda axes: error_histogram(axes, errors))
        tempi = np.array([(row["reference_bpm"], row["estimated_bpm"]) for row in rows])
        found |= drawn("bpm_estimates", lambda axes: estimates(axes, tempi))
    if genres:
        genres = dict(sorted(genres.items(), key=_fewest_tracks_last)[:MAX_GENRES])
        found |= drawn("bpm_genres", lambda axes: genre_bars(axes, genres), 0.35 * len(genres))
    calibration = documents["bpm"]["calibration"]
    if calibration:
        found |= drawn("bpm_calibration", lambda axes: reliability(axes, calibration))
    if confusion["seconds"]:
        seconds = np.array(confusion["seconds"])
        found |= drawn("structure_confusion", lambda axes: confusion_matrix(axes, seconds))
    return found


def _fewest_tracks_last(genre: tuple[str, Any]) -> tuple[int, str]:
    name, measures = genre
    return -measures["accuracy1"]["tracks"], name


def error_histogram(axes: Axes, errors: Any) -> None:
    """How many tracks have an absolute error in each range of BPM."""
    ranges = np.searchsorted(ERROR_EDGES, np.round(errors, 9), side="left")
    counts = np.bincount(ranges, minlength=len(ERROR_EDGES) + 1)
    names = [f"≤ {edge:g}" for edge in ERROR_EDGES] + [f"> {ERROR_EDGES[-1]:g}"]
    bars = axes.bar(names, counts, color=POINTS)
    axes.bar_label(bars, labels=[str(n) if n else "" for n in counts])
    axes.tick_params(axis="x", rotation=45)
    axes.set(title="Tempo error", xlabel="absolute error, BPM", ylabel="tracks")


def estimates(axes: Axes, tempi: Any) -> None:
    """Estimated against reference tempo, with a line for each octave relation."""
    low, high = tempi.min() * 0.9, tempi.max() * 1.1
    line = np.array([low, high])
    for factor in OCTAVES:
        style = "-" if factor == 1 else ":"
        axes.plot(line, factor * line, style, color=MUTED, linewidth=1, zorder=1)
        end = (high, factor * high) if factor <= 1 else (high / factor, high)
        if min(end) > low:
            axes.annotate(_factor(factor), end, color=INK, fontsize=8)
    axes.scatter(tempi[:, 0], tempi[:, 1], s=14, color=POINTS, alpha=0.6, linewidths=0, zorder=2)
    axes.set_title("Estimated and reference tempo", pad=14)
    axes.set(
        xlabel="reference, BPM", ylabel="estimate, BPM",
        xlim=(low, high), ylim=(low, high),
    )  # fmt: skip


def genre_bars(axes: Axes, genres: Mapping[str, Any]) -> None:
    """Accuracy1 and Accuracy2 of each genre, with 95 % intervals."""
    places = np.arange(len(genres))
    for shift, name, colour in ((-0.2, "accuracy1", POINTS), (0.2, "accuracy2", MUTED)):
        found = [genre[name] for genre in genres.values()]
        values = np.array([estimate["value"] for estimate in found])
        spread = [
            [0.0 if e["low"] is None else max(0.0, e["value"] - e["low"]) for e in found],
            [0.0 if e["high"] is None else max(0.0, e["high"] - e["value"]) for e in found],
        ]
        axes.barh(
            places + shift, values, 0.4, xerr=spread, color=colour, ecolor=INK,
            label=name.capitalize(),
        )  # fmt: skip
    names = [f"{name} ({found['accuracy1']['tracks']})" for name, found in genres.items()]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set(title="Tempo by genre", xlabel="share of tracks", xlim=(0, 1))
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False)


def reliability(axes: Axes, calibration: Mapping[str, Any]) -> None:
    """For each bin of a confidence the share that is right; larger points mean more tracks."""
    axes.plot((0, 1), (0, 1), ":", color=MUTED, linewidth=1, zorder=1)
    for kind, found in calibration.items():
        bins = found["bins"]
        at = [b["confidence"] for b in bins]
        right = [b["right"] for b in bins]
        sizes = [12 + 60 * b["tracks"] / found["tracks"] for b in bins]
        (line,) = axes.plot(at, right, linewidth=1, zorder=2)
        label = f"{kind} ({found['tracks']}), off by {found['calibration_error']:.3f}"
        axes.scatter(at, right, s=sizes, color=line.get_color(), label=label, zorder=3)
    axes.set(title="Confidence", xlabel="confidence", ylabel="share right")
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.04))
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False)


def confusion_matrix(axes: Axes, seconds: Any) -> None:
    """For each annotated label, the shares of its seconds with each estimated label."""
    totals = seconds.sum(axis=1, keepdims=True)
    shares = np.divide(seconds, totals, out=np.zeros_like(seconds), where=totals > 0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            colour = "white" if share > 0.5 else INK
            axes.text(j, i, f"{share:.2f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=45)
    axes.set_yticks(
        range(len(LABELS)),
        [f"{name} ({total:.0f} s)" for name, total in zip(LABELS, totals[:, 0], strict=True)],
    )
    axes.set(title="Sections", xlabel="estimated", ylabel="annotated")


def _factor(factor: float) -> str:
    names = {1 / 3: "1/3", 1 / 2: "1/2", 2 / 3: "2/3", 3 / 2: "3/2"}
    return names.get(factor, f"{factor:g}")


def drawn(name: str, draw: Any, height: float = 0.0) -> dict[str, bytes]:
    """A figure as the bytes of an image."""
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", STYLE]):
        figure = Figure(figsize=(6.4, max(4.8, height)), layout="constrained")
        draw(figure.add_subplot())
        return {f"{name}.{kind}": _saved(figure, kind) for kind in KINDS}


def _saved(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    undated: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Title": "dropgrid"},
        "png": {"Software": "dropgrid"},
    }
    with warnings.catch_warnings():  # about characters in a genre that the font lacks
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(stream, format=kind, metadata=undated[kind], dpi=120)
    return stream.getvalue()
