"""How pictures are laid out: what lines up, what stands out, and what lies behind what."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from dropgrid.base.colours import SECTION_COLOURS
from dropgrid.features import Features
from dropgrid.pictures_and_sounds.drop_map import track_picture
from dropgrid.pictures_and_sounds.figure import image
from dropgrid.pictures_and_sounds.sheet import sheet
from dropgrid.records.model import LABELS, BpmRecord, Section, StructureRecord, TrackFailure
from dropgrid.report.collect import TrackView
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

BEATS = tuple(np.arange(0.0, 20.0, 0.5))
SECTIONS = (
    Section(0.0, 8.0, "intro", 1, 5, 4, 0.9), Section(8.0, 20.0, "drop", 5, 11, 6, 0.9),
)  # fmt: skip
BPM = BpmRecord("t-0123abcd", "a/$Song_1$.flac", "ok", duration=20.0, bpm=120.0, confidence=0.5,
                beats=BEATS, downbeats=BEATS[::4], time_signature="4/4")  # fmt: skip
STRUCTURE = StructureRecord("t-0123abcd", "a/Song.flac", "ok", duration=20.0, sections=SECTIONS,
                            drops=(8.0,))  # fmt: skip
VIEWS = [
    TrackView("a", "a.flac", bpm=BPM, structure=STRUCTURE),
    TrackView("b", "b.flac", failure=TrackFailure("decode", "E", "cut short")),
]


@pytest.fixture(scope="module")
def picture() -> Figure:
    peaks = np.stack([np.full(100, -0.5), np.full(100, 0.5)], axis=1)
    bands = np.full((2000, 9), -60.0, np.float16)
    features = Features(20.0, np.zeros((2000, 2)), {"peaks": peaks, "bands": bands})
    figure = track_picture(features, BPM, STRUCTURE)
    figure.draw_without_rendering()
    return figure


@pytest.fixture(scope="module")
def rows() -> Figure:
    figure = sheet(VIEWS)
    figure.draw_without_rendering()
    return figure


def edges(figure: Figure, text: Text) -> tuple[float, float]:
    """Left and right edge of a text, as a share of the width of its figure."""
    box = text.get_window_extent().transformed(figure.transFigure.inverted())
    return box.x0, box.x1


def test_the_title_lines_up_with_the_pictures_below_it(picture: Figure) -> None:
    name, facts = picture.texts
    place = picture.axes[1].get_position()
    assert edges(picture, name)[0] == pytest.approx(place.x0, abs=0.002)
    assert edges(picture, facts)[1] == pytest.approx(place.x1, abs=0.002)
    assert name.get_position()[1] == facts.get_position()[1]  # on one line
    assert name.get_fontsize() > facts.get_fontsize() > 10
    assert name.get_fontweight() == "bold"
    assert place.y1 < name.get_window_extent().y0 / picture.bbox.height


def test_axes_of_a_picture_share_their_edges_and_leave_little_space(picture: Figure) -> None:
    places = [axes.get_position() for axes in picture.axes]
    assert len({(round(place.x0, 6), round(place.x1, 6)) for place in places}) == 1
    assert 0.05 < places[0].x0 < 0.1 and 0.97 < places[0].x1 < 1
    heights = [place.height for place in places]
    strip, wave, bands, beats = heights
    assert wave > bands > strip > beats  # by how much each has to say
    for upper, lower in pairwise(places):
        assert 0 < upper.y0 - lower.y1 < 0.02
    assert 0.05 < places[-1].y0 < 0.1 and 0.85 < places[0].y1 < 0.92


def test_a_passage_has_a_full_colour_above_and_its_name_on_a_tint_below(picture: Figure) -> None:
    strip = picture.axes[0]
    assert strip.get_ylim() == (0.0, 1.0)
    tints = [patch for patch in strip.patches if patch.get_alpha() is not None]
    solid = [patch for patch in strip.patches if patch.get_alpha() is None]
    assert len(tints) == len(solid) == len(SECTIONS)
    for section, tint, full in zip(SECTIONS, tints, solid, strict=True):
        for patch in (tint, full):
            assert to_hex(patch.get_facecolor()) == SECTION_COLOURS[section.label]
            assert patch.get_x() == section.start
            assert patch.get_x() + patch.get_width() == section.end
        assert tint.get_y() == 0.0 and full.get_y() + full.get_height() == 1.0
        assert tint.get_y() + tint.get_height() == pytest.approx(full.get_y())
        assert 0.1 < tint.get_alpha() < 0.2  # words on it stay readable
    inside = [text.get_position()[1] for text in strip.texts]
    assert inside == [pytest.approx(solid[0].get_y() / 2, abs=0.02)] * 2
    thin, wide = sorted({line.get_linewidth() for line in strip.lines})
    assert 0.5 < thin < 1 < wide < 2
    for line in strip.lines:  # between sections above the colour only, between passages all over
        assert list(line.get_ydata()) == ([0.72, 1.0] if line.get_linewidth() == thin else [0, 1])
        assert to_hex(line.get_color()) == "#ffffff"


def test_a_drop_is_marked_over_the_waveform_from_top_to_bottom(picture: Figure) -> None:
    wave = picture.axes[1]
    line, marker = wave.lines
    assert list(line.get_xdata()) == [8.0, 8.0] and list(line.get_ydata()) == [0, 1]
    assert marker.get_marker() == "v" and list(marker.get_xdata()) == [8.0]
    assert not marker.get_clip_on()  # it reaches over the edge
    low, high = wave.get_ylim()
    assert low == -high and 1.0 < high < 1.2  # silence in the middle, full scale inside
    (text,) = wave.texts
    assert edges(picture, text)[0] > wave.get_position().x0 + 0.4 * wave.get_position().width
    assert text.get_bbox_patch().get_alpha() == pytest.approx(0.8)
    assert text.get_fontweight() == "bold"
    assert line.get_linewidth() == pytest.approx(1.4) and marker.get_markersize() == 9


def test_downbeats_stand_out_from_beats_and_have_their_numbers_above(picture: Figure) -> None:
    axes = picture.axes[3]
    beats, downbeats = axes.collections
    heights = []
    for ticks in (beats, downbeats):
        segments = np.array(ticks.get_segments())
        assert (segments[:, 0, 1] == 0).all()
        heights.append(set(segments[:, 1, 1]))
    (low,), (high,) = heights
    assert 0.15 < low < 0.5 * high and high < 0.5
    assert beats.get_linewidths()[0] < downbeats.get_linewidths()[0] <= 1.0
    assert to_hex(beats.get_colors()[0]) != to_hex(downbeats.get_colors()[0])
    for text in axes.texts:
        box = text.get_window_extent().transformed(axes.transData.inverted())
        assert high < box.y0 and box.y1 < 1.05


def test_names_of_rows_stand_left_of_them_and_words_beside_the_colours(picture: Figure) -> None:
    for axes, name in ((picture.axes[1], "waveform"), (picture.axes[3], "bars")):
        label = axes.yaxis.label
        assert label.get_text() == name and label.get_rotation() == 0
        assert edges(picture, label)[1] < axes.get_position().x0
        middle = label.get_window_extent().y0 + label.get_window_extent().height / 2
        place = axes.get_window_extent()
        assert middle == pytest.approx((place.y0 + place.y1) / 2, abs=3)
    ticks = picture.axes[2].get_yticklabels()
    hertz = [label.get_text() for label in ticks]
    assert hertz[0].endswith("Hz") and hertz[-1].endswith("kHz") and len(set(hertz)) == 4
    assert list(picture.axes[2].get_yticks()) == [1, 3, 6, 8]


def test_a_row_of_a_sheet_has_its_name_at_the_left_and_its_tempo_before_the_waveform(
    rows: Figure,
) -> None:
    (axes,) = rows.axes
    place = axes.get_position()
    first, tempo, second, failure = axes.texts
    title = rows.texts[0]
    left = edges(rows, title)[0]
    for name in (first, second):
        assert edges(rows, name)[0] == pytest.approx(left, abs=0.003)
    assert edges(rows, tempo)[1] < place.x0 < edges(rows, tempo)[1] + 0.02
    assert edges(rows, first)[1] < edges(rows, tempo)[0]
    assert place.x0 < edges(rows, failure)[0] < place.x0 + 0.01
    assert to_hex(failure.get_color()) == SECTION_COLOURS["drop"]
    assert failure.get_fontsize() < first.get_fontsize()
    assert tempo.get_fontweight() == title.get_fontweight() == "bold"
    assert title.get_fontsize() > first.get_fontsize()
    rules = [line for line in axes.lines if line.get_ydata()[0] == line.get_ydata()[1]]
    assert [line.get_ydata()[0] for line in rules] == [0.5, 1.5]  # below each row
    drops = [line for line in axes.lines if line not in rules]
    assert drops[0].get_linewidth() > 1.5 * rules[0].get_linewidth() > 0


def test_a_sheet_has_a_legend_of_all_colours_in_one_row_at_the_upper_right(rows: Figure) -> None:
    (legend,) = rows.legends
    assert [text.get_text() for text in legend.get_texts()] == list(LABELS)
    colours = [to_hex(patch.get_facecolor()) for patch in legend.get_patches()]
    assert colours == [SECTION_COLOURS[label] for label in LABELS]
    assert not legend.get_frame_on()
    boxes = [text.get_window_extent() for text in legend.get_texts()]
    assert len({round(box.y0) for box in boxes}) == 1
    assert [box.x0 for box in boxes] == sorted(box.x0 for box in boxes)
    box = legend.get_window_extent().transformed(rows.transFigure.inverted())
    (axes,) = rows.axes
    assert box.x1 == pytest.approx(axes.get_position().x1, abs=0.02)
    assert axes.get_position().y1 < box.y0 and box.y1 < 1
    assert [axes.spines[side].get_visible() for side in ("left", "right", "top", "bottom")] == [
        False, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_row_is_half_an_inch_high_however_many_there_are(count: int) -> None:
    figure = sheet(VIEWS[:1] * count)
    (axes,) = figure.axes
    height = figure.get_size_inches()[1]
    assert axes.get_position().height * height == pytest.approx(0.5 * count)
    assert axes.get_position().y0 * height == pytest.approx(0.6)  # for the times
    assert (1 - axes.get_position().y1) * height == pytest.approx(0.7)  # for title and legend
    title = figure.texts[0].get_position()[1]
    assert (1 - title) * height == pytest.approx(0.35)


def test_silence_has_no_height_to_speak_of_and_breaks_nothing() -> None:
    view = TrackView("a", "a.flac", bpm=BPM, structure=STRUCTURE, waveform=np.zeros((700, 4)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (axes,) = sheet([view]).axes
    corners = np.concatenate([fill.get_paths()[0].vertices for fill in axes.collections])
    assert np.abs(corners[:, 1]).max() == pytest.approx(0.038)


def test_pictures_name_their_program_but_no_time_and_a_dollar_is_a_dollar(rows: Figure) -> None:
    figure = sheet([TrackView("a", "$x^2$.flac", bpm=BPM)])
    svg = image(figure, ".svg")
    assert image(sheet([TrackView("a", "$x^2$.flac", bpm=BPM)]), ".svg") == svg
    assert b"<dc:title>dropgrid</dc:title>" in svg
    assert b"<dc:date>" not in svg and b"<dc:creator>" not in svg
    assert b"$x^2$.flac" in svg  # not set as mathematics
    png = image(figure, ".png")
    assert png.startswith(b"\x89PNG") and b"Software\0dropgrid" in png
    width, height = (int.from_bytes(png[at : at + 4]) for at in (16, 20))
    assert (width, height) == (1400, 180)


def test_a_letter_without_a_shape_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image(sheet([TrackView("a", "\U0001f3b5 \u4e00.flac")]), ".png")
