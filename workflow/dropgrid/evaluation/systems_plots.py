"""Plots that compare systems: one per task, with every system and the main metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..base.optional_packages import has
from .plots import INK, MUTED, POINTS, drawn
from .systems import ERRORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_METRICS = 3  # in the plot of a task


def system_plots(values: Mapping[str, Any]) -> dict[str, bytes]:
    """The files by name: systems_TASK for each task; none without matplotlib."""
    if not has("matplotlib"):
        return {}
    found: dict[str, bytes] = {}
    for task, scores in values["tasks"].items():
        means = [mean for mean in scores["means"] if mean["metric"] not in ERRORS]
        metrics = list(dict.fromkeys(mean["metric"] for mean in means))[:MAX_METRICS]
        height = 0.32 * len(metrics) * len(values["systems"])

        def draw(axes: Axes, task: str = task, means: Any = means, metrics: Any = metrics) -> None:
            points(axes, task, [mean for mean in means if mean["metric"] in metrics])

        found |= drawn(f"systems_{task}", draw, height)
    return found


def points(axes: Axes, task: str, means: Any) -> None:
    """A line per metric and system: the mean with interval, and the mean of answered tracks."""
    for place, mean in enumerate(means):
        if mean["low"] is not None:
            axes.plot((mean["low"], mean["high"]), (place, place), color=INK, linewidth=1)
        if mean["mean_answered"] is not None:
            axes.scatter(mean["mean_answered"], place, s=26, color=MUTED, zorder=2)
        if mean["mean"] is not None:
            axes.scatter(mean["mean"], place, s=26, color=POINTS, zorder=3)
    axes.set_yticks(range(len(means)), [f"{m['metric']}: {m['system']}" for m in means])
    axes.invert_yaxis()
    axes.set(title=task.capitalize(), xlim=(-0.02, 1.02))
    axes.set_xlabel("mean with 95 % interval; pale: of the answered tracks alone")
