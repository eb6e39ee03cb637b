"""What the pictures of an evaluation show: bars, points, lines and names, read from the axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dropgrid.evaluation import plots, systems_plots
from dropgrid.records.model import LABELS

pytest.importorskip("matplotlib")

from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure


@pytest.fixture
def axes() -> Axes:
    return Figure(layout="constrained").add_subplot()


def names(labels: Any) -> list[str]:
    return [label.get_text() for label in labels]


def test_errors_are_counted_up_to_each_edge(axes: Axes) -> None:
    plots.error_histogram(axes, np.array([0.0, 0.005, 0.0050001, 0.3 - 0.25, 0.4, 10.0, 10.1, 99]))
    assert names(axes.get_xticklabels()) == [
        "≤ 0.005", "≤ 0.01", "≤ 0.05", "≤ 0.1", "≤ 0.5", "≤ 1", "≤ 2.5", "≤ 5", "≤ 10", "> 10",
    ]  # fmt: skip
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == [2, 1, 1, 0, 1, 0, 0, 0, 1, 2]
    assert names(axes.texts) == [str(n) if n else "" for n in heights]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("absolute error, BPM", "tracks")
    assert axes.get_title() == "Tempo error"


def test_estimates_are_points_between_lines_of_octaves(axes: Axes) -> None:
    tempi = np.array([(100.0, 100.0), (150.0, 75.0), (120.0, 200.0)])
    plots.estimates(axes, tempi)
    (points,) = axes.collections
    np.testing.assert_array_equal(points.get_offsets(), tempi)
    low, high = 0.9 * 75, 1.1 * 200
    assert axes.get_xlim() == axes.get_ylim() == pytest.approx((low, high))
    slopes = {}
    for line in axes.lines:
        x, y = line.get_data()
        assert list(x) == pytest.approx([low, high])
        slopes[round(float(y[1] / x[1]), 6)] = line.get_linestyle()
        assert y[0] / x[0] == pytest.approx(y[1] / x[1])
    assert slopes == {
        round(f, 6): "-" if f == 1 else ":" for f in (1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3)
    }
    ends = {text.get_text(): text.xy for text in axes.texts}  # type: ignore[attr-defined]
    assert set(ends) == {"1/3", "1/2", "2/3", "1", "3/2", "2", "3"}
    assert ends["1/2"] == pytest.approx((high, high / 2)), "where the line leaves the picture"
    assert ends["2"] == pytest.approx((high / 2, high))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("reference, BPM", "estimate, BPM")


def measure(value: float, low: float | None, high: float | None, tracks: int) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "tracks": tracks}


def test_genres_have_two_bars_with_their_intervals(axes: Axes) -> None:
    plots.genre_bars(axes, {
        "House": {"accuracy1": measure(0.5, 0.25, 0.875, 12),
                  "accuracy2": measure(0.75, 0.5, 1.0, 12)},
        "Trance": {"accuracy1": measure(0.25, None, None, 4),
                   "accuracy2": measure(1.0, None, None, 4)},
    })  # fmt: skip
    first, second = axes.containers[1], axes.containers[3]
    assert [bar.get_width() for bar in first] == [0.5, 0.25]
    assert [bar.get_width() for bar in second] == [0.75, 1.0]
    assert [bar.get_y() + bar.get_height() / 2 for bar in first] == pytest.approx([-0.2, 0.8])
    assert [bar.get_y() + bar.get_height() / 2 for bar in second] == pytest.approx([0.2, 1.2])
    assert to_hex(first[0].get_facecolor()) != to_hex(second[0].get_facecolor())
    spans = [
        [(round(a[0], 6), round(b[0], 6)) for a, b in lines.get_segments()]
        for lines in axes.collections
    ]
    assert spans == [[(0.25, 0.875), (0.25, 0.25)], [(0.5, 1.0), (1.0, 1.0)]]
    assert names(axes.get_yticklabels()) == ["House (12)", "Trance (4)"]
    assert axes.yaxis_inverted() and axes.get_xlim() == (0, 1)
    (legend,) = axes.figure.legends
    assert names(legend.get_texts()) == ["Accuracy1", "Accuracy2"]
    assert (axes.get_title(), axes.get_xlabel()) == ("Tempo by genre", "share of tracks")


def test_confidences_lie_beside_the_diagonal_and_many_tracks_are_large_points(axes: Axes) -> None:
    bins = [{"confidence": 0.25, "right": 0.5, "tracks": 1},
            {"confidence": 0.9, "right": 0.75, "tracks": 3}]  # fmt: skip
    found = {"tracks": 4, "calibration_error": 0.175, "bins": bins}
    plots.reliability(axes, {"whole": found})
    diagonal, line = axes.lines
    np.testing.assert_array_equal(diagonal.get_xydata(), [(0, 0), (1, 1)])
    assert diagonal.get_linestyle() == ":"
    (points,) = axes.collections
    for data in (line.get_xydata(), points.get_offsets()):
        np.testing.assert_array_equal(data, [(0.25, 0.5), (0.9, 0.75)])
    small, large = points.get_sizes()
    assert (small, large) == (12 + 60 * 1 / 4, 12 + 60 * 3 / 4)
    assert to_hex(points.get_facecolor()[0]) == to_hex(line.get_color())
    (legend,) = axes.figure.legends
    assert names(legend.get_texts()) == ["whole (4), off by 0.175"]
    assert axes.get_xlim()[0] <= 0 and axes.get_xlim()[1] > 1, "no point at 1 is cut"
    assert axes.get_ylim()[0] < 0 and axes.get_ylim()[1] > 1.02
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("confidence", "share right")
    assert axes.get_title() == "Confidence"


def test_a_confusion_has_shares_of_the_annotated_seconds(axes: Axes) -> None:
    seconds = np.zeros((6, 6))
    seconds[0, 0], seconds[0, 3], seconds[3, 3] = 15.0, 45.0, 8.0
    plots.confusion_matrix(axes, seconds)
    (image,) = axes.images
    shares = np.zeros((6, 6))
    shares[0, 0], shares[0, 3], shares[3, 3] = 0.25, 0.75, 1.0
    np.testing.assert_array_equal(image.get_array(), shares)
    assert image.get_clim() == (0, 1)
    shown = {text.get_position(): text for text in axes.texts}
    assert len(shown) == 36 and shown[3, 0].get_text() == "0.75", "a column, then a row"
    assert shown[0, 0].get_text() == "0.25" and shown[5, 5].get_text() == "0.00"
    assert shown[3, 0].get_color() == "white" != shown[0, 0].get_color()
    assert names(axes.get_xticklabels()) == list(LABELS)
    assert names(axes.get_yticklabels())[:4:3] == ["intro (60 s)", "drop (8 s)"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("estimated", "annotated")


def mean(system: str, metric: str, value: float | None, answered: float | None) -> dict[str, Any]:
    interval = {"low": 0.25, "high": 0.75} if value == 0.5 else {"low": None, "high": None}
    return {"system": system, "metric": metric, "mean": value, "mean_answered": answered,
            **interval}  # fmt: skip


def test_systems_have_a_line_each_with_both_means_and_the_interval(axes: Axes) -> None:
    means = [mean("dropgrid", "f", 0.5, 0.625), mean("b", "f", 0.0, None), mean("c", "f", None, 1)]
    systems_plots.points(axes, "beats", means)
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xydata(), [(0.25, 0), (0.75, 0)])
    at = [tuple(points.get_offsets()[0]) for points in axes.collections]
    assert at == [(0.625, 0), (0.5, 0), (0.0, 1), (1.0, 2)]
    colours = [to_hex(points.get_facecolor()[0]) for points in axes.collections]
    assert colours[0] == colours[3] != colours[1] == colours[2]
    assert names(axes.get_yticklabels()) == ["f: dropgrid", "f: b", "f: c"]
    assert axes.get_title() == "Beats" and axes.yaxis_inverted()
    assert axes.get_xlim()[0] < 0 and axes.get_xlim()[1] > 1
    assert axes.get_xlabel() == "mean with 95 % interval; pale: of the answered tracks alone"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """The figures by file name, in place of their bytes."""
    figures: dict[str, Figure] = {}

    def keep(figure: Figure, kind: str) -> bytes:
        figures[f"{len(figures)}.{kind}"] = figure
        return kind.encode()

    monkeypatch.setattr(plots, "_saved", keep)
    return figures


def test_three_metrics_of_each_task_are_drawn_without_distances(drawn: dict[str, Figure]) -> None:
    beats = [mean(system, metric, 0.5, 0.5) for metric in ("median_error_ms", *"abcd")
             for system in ("x", "y")]  # fmt: skip
    values = {"systems": ["x", "y"], "tasks": {"beats": {"means": beats},
                                               "key": {"means": beats[2:4]}}}  # fmt: skip
    assert list(systems_plots.system_plots(values)) == [
        "systems_beats.svg", "systems_beats.png", "systems_key.svg", "systems_key.png",
    ]  # fmt: skip
    first, _, last, _ = drawn.values()
    assert names(first.axes[0].get_yticklabels()) == [f"{m}: {s}" for m in "abc" for s in "xy"]
    assert names(last.axes[0].get_yticklabels()) == ["a: x", "a: y"]
    assert last.axes[0].get_title() == "Key"


def row(system: str, reference: float, estimate: float | None) -> dict[str, Any]:
    error = None if estimate is None else estimate - reference
    return {"system": system, "reference_bpm": reference, "estimated_bpm": estimate,
            "error": error}  # fmt: skip


def documents(genres: int = 0, **more: Any) -> dict[str, Any]:
    measures = {
        f"g{i:02d}": {name: measure(0.5, None, None, 1 + i % 50)
                      for name in ("accuracy1", "accuracy2")}
        for i in range(genres)
    }  # fmt: skip
    return {
        "bpm": {"strata": {"genre": measures}, "calibration": more.get("calibration", {})},
        "structure": {"confusion": {"seconds": more.get("seconds", [])}},
    }


def test_only_dropgrids_own_answers_are_drawn_and_nothing_without_data(
    drawn: dict[str, Figure],
) -> None:
    assert plots.plots([row("dropgrid", 120.0, None), row("tag", 120.0, 121.0)], documents()) == {}
    rows = [row("dropgrid", 120.0, 118.0), row("dropgrid", 99.0, None), row("tag", 90.0, 90.0)]
    found = plots.plots(rows, documents())
    assert list(found) == [f"{n}.{k}" for n in ("bpm_errors", "bpm_estimates")
                           for k in ("svg", "png")]  # fmt: skip
    errors, _, estimates, _ = drawn.values()
    assert [bar.get_height() for bar in errors.axes[0].patches] == [0] * 6 + [1] + [0] * 3
    points = estimates.axes[0].collections[0].get_offsets()
    np.testing.assert_array_equal(points, [(120.0, 118.0)])
    seconds = [[1.0] * 6] * 6
    bins = {"whole": {"tracks": 1, "calibration_error": 0.0, "bins": []}}
    found = plots.plots([], documents(1, calibration=bins, seconds=seconds))
    assert set(found) == {f"{n}.{k}" for n in plots.NAMES[2:] for k in plots.KINDS}


def test_the_genres_with_most_tracks_are_drawn_in_a_high_picture(drawn: dict[str, Figure]) -> None:
    plots.plots([], documents(3))
    plots.plots([], documents(45))
    few, _, many, _ = drawn.values()
    assert names(few.axes[0].get_yticklabels()) == ["g02 (3)", "g01 (2)", "g00 (1)"]
    assert names(many.axes[0].get_yticklabels()) == [f"g{i:02d} ({i + 1})"
                                                     for i in range(44, 4, -1)]  # fmt: skip
    assert few.get_size_inches().tolist() == [6.4, 4.8]
    assert many.get_size_inches().tolist() == [6.4, 0.35 * 40]


def test_a_picture_has_no_date_and_says_that_dropgrid_made_it(
    pictures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = plots.drawn("x", lambda axes: axes.set(title="$a_b$"))
    assert list(found) == ["x.svg", "x.png"]
    assert (
        b"<dc:title>dropgrid</dc:title>" in found["x.svg"] and b"<dc:date>" not in found["x.svg"]
    )
    assert b"Software\0dropgrid" in found["x.png"]
    assert found == plots.drawn("x", lambda axes: axes.set(title="$a_b$"))
    assert int.from_bytes(found["x.png"][16:20], "big") == 768  # 6.4 inches at 120 dpi
    assert b"$a_b$" in found["x.svg"], "not read as a formula"
