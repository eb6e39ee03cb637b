"""A sheet: a picture of a whole library, with one row per track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..base.colours import SECTION_COLOURS
from ..base.text import shortened
from ..records.model import LABELS, BpmRecord, StructureRecord, TrackFailure
from .drop_map import WIDTH, coarse
from .figure import DPI, INK, RULE, STYLE, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.5  # inches: height of a row
ROW_COLUMNS = 700  # of a row's waveform
ROWS_PER_SHEET = 200  # many viewers refuse larger images


class View(Protocol):
    """The data of a row; waveform: (columns, ...), loudness first."""

    @property
    def path(self) -> str:
        """The path of the track in its library."""
        ...

    @property
    def bpm(self) -> BpmRecord | None:
        """Its bpm record, if there is one."""
        ...

    @property
    def structure(self) -> StructureRecord | None:
        """Its structure record, if there is one."""
        ...

    @property
    def failure(self) -> TrackFailure | None:
        """The reason why it could not be analysed."""
        ...

    @property
    def waveform(self) -> np.ndarray | None:
        """Its levels by column, loudness first."""
        ...


def sheet(tracks: Sequence[View]) -> Figure:
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
        time_axis(axes)
    return figure


def _draw_row(axes: Axes, row: int, view: View) -> None:
    """Draw a row; y grows downwards, and a row has height 1."""
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
    heights = np.ones(2) if view.waveform is None else coarse(view.waveform[:, 0], ROW_COLUMNS)
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


def _counted(tracks: Sequence[View]) -> str:
    failed = sum(view.failure is not None for view in tracks)
    count = f"{len(tracks)} track{'s' if len(tracks) != 1 else ''}"
    return f"{count}, {failed} failed" if failed else count
