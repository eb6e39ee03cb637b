"""Pictures of the records: the drop map of one track, and one sheet for a library.

The same records give the same bytes: fonts come with matplotlib, and no date is written.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from .features import FRAME_RATE, Features
from .features.descriptors import EDGES
from .palette import SECTION_COLOURS
from .records import LABELS, BpmRecord, Section, StructureRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .report.collect import TrackView

INK, MUTED, RULE, PLAIN = "#1d2733", "#5b6776", "#d5dbe3", "#9aa5b3"
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "svg.hashsalt": "dropgrid",
    "text.color": INK,
    "text.parse_math": False,  # a title may hold a dollar sign
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.8,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}
DPI = 100
WIDTH = 14.0  # inches
COLUMNS = 1500  # of a band picture
DYNAMIC_RANGE = 30.0  # dB from black to white in the band picture
MIN_TICK = 0.025  # inches between ticks, below which only every second, fourth, ... is drawn
ROW = 0.5  # inches of a track in a sheet
ROW_COLUMNS = 700  # of its waveform
ROWS_PER_SHEET = 200  # larger images are refused by many viewers


def track_picture(features: Features, bpm: BpmRecord, structure: StructureRecord) -> Figure:
    """The drop map of a track: sections, waveform, bands, bars and beats."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 5.0), dpi=DPI)
        strip, wave, bands, beats = figure.subplots(
            4, 1, sharex=True,
            gridspec_kw={"height_ratios": [0.55, 2.4, 1.5, 0.45], "hspace": 0.06,
                         "left": 0.075, "right": 0.985, "top": 0.89, "bottom": 0.075},
        )  # fmt: skip
        strip.set_xlim(0, features.duration)
        _draw_title(figure, bpm)
        _draw_strip(strip, structure.sections, features.duration)
        _draw_waveform(wave, features, structure)
        _draw_bands(bands, features)
        _draw_beats(beats, bpm)
        for axes in (strip, wave, bands):
            axes.tick_params(axis="x", length=0, labelbottom=False)
        _time_axis(beats)
    return figure


def sheet(tracks: Sequence[TrackView]) -> Figure:
    """A sheet with a row for each track: name, tempo, waveform in the colours of its sections."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    with matplotlib.rc_context(STYLE):
        height = ROW * len(tracks) + 1.3
        figure = Figure(figsize=(WIDTH, height), dpi=DPI)
        axes = figure.add_axes((0.27, 0.6 / height, 0.71, ROW * len(tracks) / height))
        durations = [view.structure.duration or 0.0 for view in tracks if view.structure]
        axes.set_xlim(0, max(durations, default=1.0) * 1.01)
        axes.set_ylim(len(tracks) - 0.5, -0.5)
        for row, view in enumerate(tracks):
            _draw_row(axes, row, view)
        figure.legend(
            handles=[Patch(color=SECTION_COLOURS[label], label=label) for label in LABELS],
            loc="upper right", bbox_to_anchor=(0.985, 1 - 0.12 / height), ncols=len(LABELS),
            frameon=False, handlelength=1.0, handleheight=1.0, columnspacing=1.4,
        )  # fmt: skip
        figure.text(0.015, 1 - 0.35 / height, _counted(tracks), fontsize=13, weight="bold",
                    va="center")  # fmt: skip
        axes.set_yticks([])
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        _time_axis(axes)
    return figure


def image(figure: Figure, suffix: str) -> bytes:
    """A figure as the bytes of a .png or .svg file."""
    import matplotlib

    stream = io.BytesIO()
    names = ("Software",) if suffix == ".png" else ("Date", "Creator")
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # drawn as a box
        figure.savefig(stream, format=suffix.removeprefix("."), metadata=dict.fromkeys(names))
    return stream.getvalue()


def _draw_title(figure: Figure, bpm: BpmRecord) -> None:
    tempo = "no steady tempo" if bpm.bpm is None else f"{bpm.bpm:.2f} BPM"
    facts = [tempo, bpm.time_signature or "", "" if bpm.duration is None else clock(bpm.duration)]
    if bpm.confidence is not None:
        facts.insert(2, f"confidence {bpm.confidence:.2f}")
    figure.text(0.075, 0.94, shortened(PurePosixPath(bpm.path).name, 70), fontsize=14,
                weight="bold", va="center")  # fmt: skip
    figure.text(0.985, 0.94, "   ".join(filter(None, facts)), fontsize=11, color=MUTED,
                va="center", ha="right")  # fmt: skip


def _draw_strip(axes: Axes, sections: Sequence[Section], duration: float) -> None:
    """The sections by name and length, as far as they fit, each under a bar of its colour."""
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    inches = WIDTH * 0.91 / duration
    for section in sections:
        width = section.end - section.start
        colour = SECTION_COLOURS[section.label]
        axes.axvspan(section.start, section.end, 0.0, 0.72, color=colour, alpha=0.16, linewidth=0)
        axes.axvspan(section.start, section.end, 0.72, 1.0, color=colour, linewidth=0)
        axes.axvline(section.start, color="white", linewidth=1.5)
        bars = [] if section.bars is None else [f"  {section.bars} bars", f"  {section.bars}"]
        texts = [section.label + length for length in (*bars, "")]
        fits = (text for text in texts if len(text) * 0.085 < width * inches)
        axes.text(section.start + width / 2, 0.35, next(fits, ""), ha="center", va="center")


def _draw_waveform(axes: Axes, features: Features, structure: StructureRecord) -> None:
    """The waveform in the colours of its sections, and a line where each drop begins."""
    peaks = features.descriptors["peaks"].astype(np.float64)
    edges = np.linspace(0, features.duration, len(peaks) + 1)
    for section in structure.sections:
        first, last = np.searchsorted(edges, [section.start, section.end])
        times = edges[max(0, first - 1) : last + 1]
        part = peaks[max(0, first - 1) : last + 1]
        times = np.clip(times[: len(part)], section.start, section.end)
        axes.fill_between(times, part[:, 0], part[:, 1], step="post", linewidth=0,
                          color=SECTION_COLOURS[section.label])  # fmt: skip
    for time in structure.drops:
        axes.axvline(time, color=INK, linewidth=1.4)
        axes.plot([time], [1.0], marker="v", color=INK, markersize=9, clip_on=False)
        axes.annotate(
            f"drop {clock(time, tenths=True)}", (time, 1.0), (9, -3), textcoords="offset points",
            va="center", weight="bold", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
        )  # fmt: skip
    axes.set_ylim(-1.12, 1.12)
    axes.set_yticks([])
    axes.set_ylabel("waveform", rotation=0, ha="right", va="center")


def _draw_bands(axes: Axes, features: Features) -> None:
    """Power in each band over time, dark where there is much."""
    bands = features.descriptors["bands"].astype(np.float64)
    step = max(1, -(-len(bands) // COLUMNS))
    whole = len(bands) // step * step
    power = 10 ** (bands[:whole] / 10)
    level = 10 * np.log10(power.reshape(-1, step, bands.shape[1]).mean(axis=1) + 1e-12)
    loudest = level.max(axis=0).clip(-80)  # of each band: treble is weaker than bass by nature
    axes.imshow(
        (level - loudest).T, origin="lower", aspect="auto", cmap="Greys",
        vmin=-DYNAMIC_RANGE, vmax=0.0, interpolation="nearest",
        extent=(0.0, whole / FRAME_RATE, 0.0, float(bands.shape[1])),
    )  # fmt: skip
    shown = [1, 3, 6, 8]
    axes.set_yticks(shown, [frequency(EDGES[i]) for i in shown], fontsize=8)
    axes.tick_params(axis="y", length=2)


def _draw_beats(axes: Axes, bpm: BpmRecord) -> None:
    """A tick for every beat, a longer one for every downbeat, bars numbered."""
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel("bars", rotation=0, ha="right", va="center")
    inches = WIDTH * 0.91 / axes.get_xlim()[1]
    beats, downbeats = np.array(bpm.beats), np.array(bpm.downbeats)
    if beats.size > 1 and np.median(np.diff(beats)) * inches >= MIN_TICK:
        axes.vlines(beats, 0.0, 0.22, color=PLAIN, linewidth=0.8)
    if downbeats.size > 1:
        bar = float(np.median(np.diff(downbeats))) * inches
        every = 1
        while every * bar < MIN_TICK:
            every *= 2
        axes.vlines(downbeats[::every], 0.0, 0.45, color=INK, linewidth=1.0)
        numbered = 4
        while numbered * bar < 0.35:
            numbered *= 2
        for index in range(0, downbeats.size, numbered):
            axes.text(downbeats[index], 0.75, str(index + 1), ha="center", va="center",
                      fontsize=8, color=INK)  # fmt: skip


def _draw_row(axes: Axes, row: int, view: TrackView) -> None:
    """A track's row of a sheet; y grows downwards, a row is one high."""
    axes.axhline(row + 0.5, color=RULE, linewidth=0.6)
    margin = axes.get_yaxis_transform()
    axes.text(-0.36, row, shortened(PurePosixPath(view.path).name, 34), transform=margin,
              va="center")  # fmt: skip
    if view.failure is not None:
        message = f"{view.failure.stage}: {view.failure.message}"
        axes.text(0.005, row, shortened(message, 110), transform=margin, va="center",
                  fontsize=9, color=SECTION_COLOURS["drop"])  # fmt: skip
        return
    if view.bpm is not None and view.bpm.bpm is not None:
        axes.text(-0.015, row, f"{view.bpm.bpm:.2f}", transform=margin, va="center", ha="right",
                  weight="bold")  # fmt: skip
    if view.structure is None:
        return
    duration = view.structure.duration or 0.0
    heights = np.ones(2) if view.waveform is None else coarse(view.waveform, ROW_COLUMNS)
    heights = 0.1 + 0.9 * heights / max(float(heights.max()), 1e-9)
    edges = np.linspace(0, duration, len(heights))
    for section in view.structure.sections:
        inside = (edges > section.start) & (edges < section.end)
        times = np.concatenate([[section.start], edges[inside], [section.end]])
        half = 0.38 * np.interp(times, edges, heights)
        axes.fill_between(times, row - half, row + half, linewidth=0,
                          color=SECTION_COLOURS[section.label])  # fmt: skip
    for time in view.structure.drops:
        axes.plot([time, time], [row - 0.46, row + 0.46], color=INK, linewidth=1.2)


def _time_axis(axes: Axes) -> None:
    """Minutes and seconds below, at steps people count in."""
    longest = axes.get_xlim()[1]
    step = next((s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600) if longest / s <= 16), 1800)
    ticks = np.arange(0, longest, step)
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])


def _counted(tracks: Sequence[TrackView]) -> str:
    failed = sum(view.failure is not None for view in tracks)
    count = f"{len(tracks)} track{'s' if len(tracks) != 1 else ''}"
    return f"{count}, {failed} failed" if failed else count


def coarse(peaks: np.ndarray, columns: int) -> np.ndarray:
    """(n,) peaks as at most so many, each the largest of its share; float64."""
    share = -(-len(peaks) // columns)
    padded = np.pad(peaks.astype(np.float64), (0, -len(peaks) % share))
    return np.asarray(padded.reshape(-1, share).max(axis=1))


def clock(seconds: float, tenths: bool = False) -> str:
    """Seconds as minutes:seconds, of whole seconds or of tenths."""
    if tenths:
        whole, part = divmod(round(10 * seconds), 10)
        return f"{whole // 60}:{whole % 60:02d}.{part}"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def frequency(hertz: float) -> str:
    """A frequency as people write it: 250 Hz, 4 kHz."""
    return f"{hertz:g} Hz" if hertz < 1000 else f"{hertz / 1000:g} kHz"


def shortened(text: str, length: int) -> str:
    """The text with its middle left out where it is longer than length."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"
