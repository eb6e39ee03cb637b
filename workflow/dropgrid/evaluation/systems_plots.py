"""Pictures of systems side by side: of each task, every system by every metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..base.optional_packages import has
from .plots import INK, MUTED, POINTS, drawn
from .systems import ERRORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 3  # metrics of a task in its picture


def system_plots(values: Mapping[str, Any]) -> dict[str, bytes]:
    """The files by name: systems_TASK for each task; none without matplotlib."""
    if not has("matplotlib"):
        return {}
    found: dict[str, bytes] = {}
    for task, scores in values["tasks"].items():
        means = [mean for mean in scores["means"] if mean["metric"] not in ERRORS]
        metrics = list(dict.fromkeys(mean["metric"] for mean in means))[:SHOWN]
        height = 0.32 * len(metrics) * len(values["systems"])

        def draw(axes: Axes, task: str = task, means: Any = means, metrics: Any = metrics) -> None:
            points(axes, task, [mean for mean in means if mean["metric"] in metrics])

        found |= drawn(f"systems_{task}", draw, height)
    return found


def points(axes: Axes, task: str, means: Any) -> None:
    """A line a metric and system: the mean with its interval, and that of the answered tracks."""
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
