"""The style of all pictures, and figures as PNG or SVG."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.text import clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE, PLAIN = "#1d2733", "#5b6776", "#d5dbe3", "#9aa5b3"
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "svg.hashsalt": "dropgrid",
    "text.color": INK,
    "text.parse_math": False,  # a title may contain a dollar sign
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.8,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}
DPI = 100


def image(figure: Figure, suffix: str) -> bytes:
    """A figure as the bytes of a .png or .svg file."""
    import matplotlib

    stream = io.BytesIO()
    metadata: dict[str, Any] = (
        {"Software": "dropgrid"}
        if suffix == ".png"
        else {"Title": "dropgrid", "Date": None, "Creator": None}
    )
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # drawn as a box
        figure.savefig(stream, format=suffix.removeprefix("."), metadata=metadata)
    return stream.getvalue()


def time_axis(axes: Axes) -> None:
    """Label the time axis in minutes and seconds, at round steps."""
    longest = axes.get_xlim()[1]
    step = next((s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600) if longest / s <= 16), 1800)
    ticks = np.arange(0, longest, step)
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])
