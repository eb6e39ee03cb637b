"""Pictures of the records: the drop map of one track, and one sheet for a library.

The same records give the same bytes: fonts come with matplotlib, and no date is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ..base.colours import SECTION_COLOURS
from ..base.text import clock, frequency, shortened
from ..features import FRAME_RATE, Features
from ..features.descriptors import EDGES
from ..records.model import BpmRecord, Section, StructureRecord
from ..records.passages import passages
from .figure import DPI, INK, MUTED, PLAIN, STYLE, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WIDTH = 14.0  # inches
COLUMNS = 1500  # of a band picture
DYNAMIC_RANGE = 30.0  # dB from black to white in the band picture
MIN_TICK = 0.025  # inches between ticks; else only every second, fourth, ... is drawn


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
        time_axis(beats)
    return figure


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
    """The passages with name and length, where they fit, below the colours of the sections."""
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    inches = WIDTH * 0.91 / duration
    for section in sections:
        axes.axvline(section.start, 0.72, 1.0, color="white", linewidth=0.7, zorder=3)
    for passage in passages(sections):
        width = passage.end - passage.start
        colour = SECTION_COLOURS[passage.label]
        axes.axvspan(passage.start, passage.end, 0.0, 0.72, color=colour, alpha=0.16, linewidth=0)
        axes.axvspan(passage.start, passage.end, 0.72, 1.0, color=colour, linewidth=0)
        axes.axvline(passage.start, color="white", linewidth=1.5)
        bars = [] if passage.bars is None else [f"{passage.label}  {passage.bars}"]
        texts = [passage.text, *bars, passage.label]
        fits = (text for text in texts if len(text) * 0.085 < width * inches)
        axes.text(passage.start + width / 2, 0.35, next(fits, ""), ha="center", va="center")


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
    """Power in each band over time; dark is loud."""
    bands = features.descriptors["bands"].astype(np.float64)
    step = max(1, -(-len(bands) // COLUMNS))
    whole = len(bands) // step * step
    power = 10 ** (bands[:whole] / 10)
    level = 10 * np.log10(power.reshape(-1, step, bands.shape[1]).mean(axis=1) + 1e-12)
    loudest = level.max(axis=0).clip(-80)  # of each band, because treble is weaker than bass
    axes.imshow(
        (level - loudest).T, origin="lower", aspect="auto", cmap="Greys",
        vmin=-DYNAMIC_RANGE, vmax=0.0, interpolation="nearest",
        extent=(0.0, whole / FRAME_RATE, 0.0, float(bands.shape[1])),
    )  # fmt: skip
    shown = [1, 3, 6, 8]
    axes.set_yticks(shown, [frequency(EDGES[i]) for i in shown], fontsize=8)
    axes.tick_params(axis="y", length=2)


def _draw_beats(axes: Axes, bpm: BpmRecord) -> None:
    """A tick for every beat, a longer tick for every downbeat, and the numbers of bars."""
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


def coarse(peaks: np.ndarray, columns: int) -> np.ndarray:
    """(n,) peaks reduced to at most `columns` maxima; float64."""
    share = -(-len(peaks) // columns)
    padded = np.pad(peaks.astype(np.float64), (0, -len(peaks) % share))
    return np.asarray(padded.reshape(-1, share).max(axis=1))
