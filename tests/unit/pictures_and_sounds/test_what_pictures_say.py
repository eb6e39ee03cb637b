"""What pictures say in words, numbers, ticks and lines, read from the figure itself."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from dropgrid.base.colours import SECTION_COLOURS
from dropgrid.features import Features
from dropgrid.pictures_and_sounds.drop_map import coarse, track_picture
from dropgrid.pictures_and_sounds.figure import time_axis
from dropgrid.pictures_and_sounds.sheet import sheet
from dropgrid.records.model import BpmRecord, Section, StructureRecord, TrackFailure
from dropgrid.report.collect import TrackView
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

SECTIONS = (
    Section(0.0, 32.0, "intro", 1, 17, 16, 0.9), Section(32.0, 48.0, "buildup", 17, 25, 8, 0.9),
    Section(48.0, 96.0, "drop", 25, 49, 24, 0.9), Section(96.0, 100.0, "outro", 49, 51, 2, 0.9),
)  # fmt: skip
BEATS = tuple(np.arange(0.0, 100.0, 0.5))


def features(duration: float = 100.0, columns: int = 200) -> Features:
    """Peaks that grow from column to column; one loud half second in the lowest band."""
    frames = round(100 * duration)
    rising = np.linspace(0.1, 0.9, columns)
    bands = np.full((frames, 9), -60.0, np.float16)
    bands[3000:3050, 0] = -10.0
    peaks = np.stack([-rising / 2, rising], axis=1)
    return Features(duration, np.zeros((frames, 2), np.float32), {"peaks": peaks, "bands": bands})


def bpm(**changes: object) -> BpmRecord:
    facts: dict = {
        "duration": 100.0, "bpm": 120.0, "confidence": 0.97, "time_signature": "4/4",
        "beats": BEATS, "downbeats": BEATS[::4], **changes,
    }  # fmt: skip
    return BpmRecord("t-0123abcd", "a/Song.flac", "ok", **facts)


STRUCTURE = StructureRecord(
    "t-0123abcd", "a/Song.flac", "ok", duration=100.0, sections=SECTIONS, drops=(48.0,)
)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return track_picture(features(), bpm(), STRUCTURE)


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def lines(axes: Axes) -> list[list[float]]:
    """Where the vertical lines of each collection stand."""
    found = []
    for collection in axes.collections:
        if hasattr(collection, "get_segments"):
            found.append([float(segment[0][0]) for segment in collection.get_segments()])
    return found


def test_the_title_has_name_tempo_metre_confidence_and_length(figure: Figure) -> None:
    assert [text.get_text() for text in figure.texts] == [
        "Song.flac", "120.00 BPM   4/4   confidence 0.97   1:40",
    ]  # fmt: skip
    plain = track_picture(
        features(), bpm(bpm=None, confidence=None, time_signature=None, duration=None), STRUCTURE
    )
    assert plain.texts[1].get_text() == "no steady tempo"


def test_passages_are_named_in_their_middle_as_far_as_the_words_fit(figure: Figure) -> None:
    strip = figure.axes[0]
    # A white line between sections, and a wider one between passages.
    assert sorted(line.get_xdata()[0] for line in strip.lines) == [
        start for section in SECTIONS for start in [section.start] * 2
    ]  # fmt: skip
    assert [text.get_position()[0] for text in strip.texts] == [16.0, 40.0, 72.0, 98.0]
    assert words(strip) == ["intro 16 bars", "buildup 8 bars", "drop 24 bars", "outro"]
    # 0.085 inches a letter of 12.74 inches for the track: "outro" needs 3.34 s of 100 s.
    # and "outro  2" 5.34 s, "outro 2 bars" 8.01 s.
    widths = ((3.3, ""), (3.4, "outro"), (5.3, "outro"), (5.4, "outro  2"), (8.1, "outro 2 bars"))
    for length, name in widths:
        last = (Section(0.0, 100.0 - length, "drop", 1, 49, 48, 0.9),
                Section(100.0 - length, 100.0, "outro", 49, 51, 2, 0.9))  # fmt: skip
        structure = StructureRecord("t", "a", "ok", duration=100.0, sections=last)
        assert words(track_picture(features(), bpm(), structure).axes[0])[-1] == name


def test_the_waveform_is_cut_at_the_boundaries_of_the_sections(figure: Figure) -> None:
    fills = list(figure.axes[1].collections)
    assert len(fills) == len(SECTIONS)
    rising = np.linspace(0.1, 0.9, 200)
    for section, fill in zip(SECTIONS, fills, strict=True):
        assert to_hex(fill.get_facecolor()[0]) == SECTION_COLOURS[section.label]
        corners = fill.get_paths()[0].vertices
        assert corners[:, 0].min() == pytest.approx(section.start)
        assert corners[:, 0].max() == pytest.approx(section.end, abs=0.5)  # a column
        # Columns are half a second long: those within the section, and no other.
        inside = rising[round(section.start * 2) : round(section.end * 2)]
        assert corners[:, 1].max() == pytest.approx(inside.max(), abs=0.005)
        assert corners[:, 1].min() == pytest.approx(-inside.max() / 2, abs=0.005)
        heights = corners[corners[:, 1] > 0, 1]
        assert heights.min() == pytest.approx(inside.min(), abs=0.009)


def test_a_drop_is_labelled_with_its_time(figure: Figure) -> None:
    (text,) = figure.axes[1].texts
    assert text.get_text() == "drop 0:48.0" and text.xy == (48.0, 1.0)


def test_bands_lie_where_they_sound(figure: Figure) -> None:
    axes = figure.axes[2]
    (image,) = axes.images
    assert image.get_extent() == [0.0, pytest.approx(100.0, abs=0.1), 0.0, 9.0]
    levels = np.asarray(image.get_array())
    assert levels.shape[0] == 9 and 1000 <= levels.shape[1] <= 1500
    assert np.allclose(levels[1:], 0.0, atol=0.01)  # as loud as each band ever is
    loud = np.flatnonzero(levels[0] > -0.01) / levels.shape[1] * 100
    assert 30.0 <= loud.min() <= 30.1 and 30.38 <= loud.max() <= 30.5
    assert np.median(levels[0]) == pytest.approx(-50.0, abs=0.1)
    assert image.get_clim() == (-30.0, 0.0)
    assert len(axes.get_yticks()) == len(axes.get_yticklabels()) == 4


def test_every_fourth_bar_is_numbered_where_there_is_room(figure: Figure) -> None:
    beats = figure.axes[3]
    assert words(beats) == [str(bar) for bar in range(1, 51, 4)]
    assert [text.get_position()[0] for text in beats.texts] == list(BEATS[::16])
    assert lines(beats) == [pytest.approx(BEATS), pytest.approx(BEATS[::4])]
    # Ten times as long: a bar of 2 s has 0.0255 inches, sixteen of them 0.41, eight 0.2.
    long = bpm(beats=tuple(np.arange(0, 1000, 0.5)), downbeats=tuple(np.arange(0.0, 1000, 2.0)))
    beats = track_picture(features(1000.0), long, STRUCTURE).axes[3]
    assert lines(beats) == [pytest.approx(np.arange(0.0, 1000, 2.0))]  # no room for beats
    assert words(beats) == [str(bar) for bar in range(1, 501, 16)]
    beats = track_picture(features(1100.0), long, STRUCTURE).axes[3]
    assert lines(beats) == [pytest.approx(np.arange(0.0, 1000, 4.0))]  # each second bar


@pytest.mark.parametrize("count", [0, 1])
def test_a_single_beat_has_no_ticks(count: int) -> None:
    few = bpm(beats=BEATS[:count], downbeats=BEATS[:count])
    beats = track_picture(features(), few, STRUCTURE).axes[3]
    assert lines(beats) == [] and words(beats) == []


@pytest.mark.parametrize(
    ("longest", "step"),
    [(10, 1), (16, 1), (17, 2), (32, 2), (33, 5), (80, 5), (81, 10), (160, 10), (240, 15),
     (241, 30), (480, 30), (500, 60), (960, 60), (961, 120), (1920, 120), (1921, 300),
     (4800, 300), (4801, 600), (9600, 600), (9601, 1800), (36_000, 1800)],
)  # fmt: skip
def test_times_stand_at_the_smallest_step_that_gives_at_most_sixteen(
    longest: float, step: float
) -> None:
    axes = Figure().add_subplot()
    axes.set_xlim(0, longest)
    time_axis(axes)
    assert axes.get_xticks().tolist() == list(range(0, longest, step))
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[:2] == ["0:00", f"{step // 60}:{step % 60:02d}"]


def test_a_sheet_says_name_tempo_and_failure() -> None:
    views = [
        TrackView("a", "x/a.flac", bpm=bpm(bpm=127.996), structure=STRUCTURE),
        TrackView("b", "b" * 36 + ".mp3", failure=TrackFailure("decode", "E", "cut short")),
        TrackView("c", "c.wav", bpm=bpm(bpm=None)),
    ]
    figure = sheet(views)
    (axes,) = figure.axes
    found = [(text.get_text(), text.get_position()[1]) for text in axes.texts]
    name = "b" * 22 + "…" + "b" * 7 + ".mp3"  # 34 letters
    assert found == [
        ("a.flac", 0), ("128.00", 0), (name, 1), ("decode: cut short", 1), ("c.wav", 2),
    ]  # fmt: skip
    assert figure.texts[0].get_text() == "3 tracks, 1 failed"
    assert sheet(views[:1]).texts[0].get_text() == "1 track"
    assert sheet(views[1:]).axes[0].get_xlim() == (0, 1.01)
    assert figure.get_size_inches().tolist() == [14.0, 2.8]
    assert axes.get_ylim() == (2.5, -0.5) and axes.get_xlim() == (0, 101.0)


def test_a_row_of_a_sheet_has_the_waveform_of_its_track_and_lines_at_its_drops() -> None:
    """Loud in its first half only: as high as a row allows there, a tenth of it after."""
    wave = np.zeros((1000, 4))
    wave[:500, 0] = 0.5
    view = TrackView("a", "a.flac", bpm=bpm(), structure=STRUCTURE, waveform=wave)
    (axes,) = sheet([view]).axes
    for section, fill in zip(SECTIONS, axes.collections, strict=True):
        corners = fill.get_paths()[0].vertices
        assert corners[:, 0].min() == section.start and corners[:, 0].max() == section.end
        high = 0.38 if section.start < 50 else 0.038
        assert corners[:, 1].max() == pytest.approx(high)
        assert corners[:, 1].min() == pytest.approx(-high)
    drops = [line for line in axes.lines if line.get_xdata()[0] == line.get_xdata()[1]]
    assert [line.get_xdata()[0] for line in drops] == [48.0]
    assert list(drops[0].get_ydata()) == [-0.46, 0.46]
    view = TrackView("a", "a.flac", bpm=bpm(), structure=STRUCTURE)  # no waveform: full height
    corners = sheet([view]).axes[0].collections[-1].get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx(0.38)


@pytest.mark.parametrize("size", [1, 699, 700, 701, 1400, 1401])
def test_a_coarse_waveform_has_at_most_so_many_columns_and_its_loudest_peak(size: int) -> None:
    peaks = np.random.default_rng(size).random(size)
    found = coarse(peaks, 700)
    assert len(found) <= 700 and found.max() == peaks.max() and found.dtype == np.float64
    assert found.min() >= peaks.min() and found[0] == peaks[: -(-size // 700)].max()


def test_all_words_lie_within_the_picture_and_none_on_another() -> None:
    view = TrackView("a", "x/a.flac", bpm=bpm(), structure=STRUCTURE)
    long = TrackView("b", "b" * 99, failure=TrackFailure("decode", "E", "cut short " * 99))
    for figure in (track_picture(features(), bpm(), STRUCTURE), sheet([view, long, view])):
        figure.draw_without_rendering()
        shown = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        boxes = [text.get_window_extent() for text in shown]
        width, height = figure.get_size_inches() * figure.dpi
        assert len(boxes) >= 10
        for text, box in zip(shown, boxes, strict=True):
            assert box.x0 >= 0 and box.y0 >= 0, text
            assert box.x1 <= width and box.y1 <= height, text
        for one, other in combinations(zip(shown, boxes, strict=True), 2):
            assert not one[1].overlaps(other[1]), (one[0], other[0])


def test_colours_end_at_their_boundaries_and_heights_have_no_numbers(figure: Figure) -> None:
    """An outline would reach into the neighbour, and make a quiet stretch look loud."""
    view = TrackView("a", "x/a.flac", bpm=bpm(), structure=STRUCTURE)
    (rows,) = sheet([view]).axes
    for axes in (figure.axes[1], rows):
        assert axes.collections and all(set(c.get_linewidths()) == {0} for c in axes.collections)
    assert all(patch.get_linewidth() == 0 for patch in figure.axes[0].patches)
    for axes in (figure.axes[1], figure.axes[3], rows):
        assert len(axes.get_yticks()) == 0
    assert not figure.axes[0].axison


def test_only_the_lowest_axes_have_times(figure: Figure) -> None:
    assert [axes.get_xlim() for axes in figure.axes] == [(0.0, 100.0)] * 4
    shown = [any(label.get_visible() and label.get_text() for label in axes.get_xticklabels())
             for axes in figure.axes[1:]]  # fmt: skip
    assert shown == [False, False, True]
