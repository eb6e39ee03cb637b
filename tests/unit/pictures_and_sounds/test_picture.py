"""Pictures show what the records say, where they say it, and are the same each time."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from dropgrid.base.colours import SECTION_COLOURS
from dropgrid.base.errors import ConfigError, RecordError
from dropgrid.base.text import clock, shortened
from dropgrid.commands import picture as command
from dropgrid.demo_music import compose
from dropgrid.features import Features
from dropgrid.features.store import save
from dropgrid.pictures_and_sounds.drop_map import coarse, track_picture
from dropgrid.pictures_and_sounds.figure import image
from dropgrid.pictures_and_sounds.sheet import sheet
from dropgrid.records.model import BpmRecord, StructureRecord, TrackFailure
from dropgrid.records.store import write_record
from dropgrid.report.collect import TrackView
from matplotlib import colors
from PIL import Image

LEFT, RIGHT = 0.075, 0.985  # of the axes, as shares of the width
STRIP = 61  # a row of pixels within the coloured bars above the sections' names
TRACK, OTHER = "t-0123abcd", "u-0123abcd"
TITLE = "-it's $x$ & {y} ☾ 日本.flac"


@pytest.fixture(scope="module")
def song():
    return compose(1, 128, "house", 77.0)


@pytest.fixture(scope="module")
def features(song):
    frames = round(song.duration * 100)
    random = np.random.default_rng(0)
    descriptors = {
        "peaks": np.stack([-random.uniform(0.3, 0.9, 2000), random.uniform(0.3, 0.9, 2000)], 1),
        "bands": random.uniform(-60, -10, (frames, 9)).astype(np.float16),
    }
    return Features(song.duration, np.zeros((frames, 2), np.float32), descriptors)


@pytest.fixture(scope="module")
def bpm(song):
    return BpmRecord(
        TRACK, f"a/{TITLE}", "ok", duration=song.duration, bpm=128.0, confidence=0.97,
        time_signature="4/4", beats=tuple(song.beats), downbeats=tuple(song.downbeats),
    )  # fmt: skip


@pytest.fixture(scope="module")
def structure(song):
    return StructureRecord(
        TRACK,
        f"a/{TITLE}",
        "ok",
        duration=song.duration,
        sections=song.sections,
        drops=song.drops,
    )


@pytest.fixture(scope="module")
def drawn(features, bpm, structure):
    """The picture of the track as pixels."""
    return pixels(image(track_picture(features, bpm, structure), ".png"))


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def column(time, duration, width, left=LEFT, right=RIGHT):
    return round((left + (right - left) * time / duration) * width)


def rgb(label):
    return np.round(255 * np.array(colors.to_rgb(SECTION_COLOURS[label]))).astype(int)


def test_each_section_has_its_colour_from_its_start_to_its_end(drawn, features, structure):
    assert drawn.shape == (500, 1400, 3)
    for section in structure.sections:
        for time in (section.start + 0.3, section.end - 0.3):
            colour = drawn[STRIP, column(time, features.duration, 1400)]
            np.testing.assert_allclose(colour, rgb(section.label), atol=2)


def test_the_waveform_has_the_colours_of_the_sections(drawn, features, structure):
    for section in structure.sections:
        middle = column((section.start + section.end) / 2, features.duration, 1400)
        np.testing.assert_allclose(drawn[200, middle], rgb(section.label), atol=2)


def test_a_dark_line_stands_at_each_drop_and_nowhere_else_in_the_waveform(
    drawn, features, structure
):
    dark = (drawn[140:290] < 80).all(axis=2).mean(axis=0) > 0.9
    runs = np.flatnonzero(np.diff(dark.astype(int)) == 1) + 1
    expected = [column(time, features.duration, 1400) for time in structure.drops]
    np.testing.assert_allclose(runs, expected, atol=2)


def test_every_downbeat_has_a_tick(drawn, features, bpm):
    row = 453  # above the beats' ticks, within the downbeats'
    dark = drawn[row, : column(features.duration, features.duration, 1400) - 2].mean(axis=1) < 150
    inside = np.flatnonzero(dark & (np.arange(dark.size) > LEFT * 1400 + 2))
    ticks = inside[np.concatenate([[True], np.diff(inside) > 1])]
    expected = [column(t, features.duration, 1400) for t in bpm.downbeats if t > 0.1]
    np.testing.assert_allclose(ticks, expected, atol=1.5)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_has_the_same_bytes_each_time_and_no_date(features, bpm, structure, suffix):
    first, second = (image(track_picture(features, bpm, structure), suffix) for _ in range(2))
    assert first == second
    assert b"date>" not in first
    assert b"Matplotlib v" not in first


def test_a_track_without_tempo_or_bars_is_drawn_all_the_same(features, bpm, structure):
    sections = tuple(replace(s, start_bar=None, end_bar=None, bars=None)
                     for s in structure.sections)  # fmt: skip
    silent = replace(bpm, bpm=None, beats=(), downbeats=(), time_signature=None)
    loose = replace(structure, sections=sections, drops=(), time_base="seconds")
    picture = pixels(image(track_picture(features, silent, loose), ".png"))
    np.testing.assert_allclose(
        picture[STRIP, 700], rgb(label_at(structure, features, 700)), atol=2
    )


def label_at(structure, features, at):
    time = (at / 1400 - LEFT) / (RIGHT - LEFT) * features.duration
    return next(s.label for s in structure.sections if s.start <= time < s.end)


@pytest.fixture
def views(bpm, structure):
    wave = np.linspace(0.2, 1.0, 500)
    half = replace(
        structure, duration=structure.duration / 2,
        sections=(replace(structure.sections[0], end=structure.duration / 2),),
    )  # fmt: skip
    return (
        TrackView("a", "a.flac", bpm=bpm, structure=structure, waveform=wave[:, None]),
        TrackView("b", "b.mp3", failure=TrackFailure("decode", "E", "cut short")),
        TrackView("c", "c.wav", bpm=bpm, structure=half),
    )


def test_a_sheet_has_a_row_for_each_track_on_one_time_scale(views, structure):
    picture = pixels(image(sheet(views), ".png"))
    assert picture.shape == (280, 1400, 3)
    rows = [95, 145, 195]
    for section in structure.sections:
        middle = (section.start + section.end) / 2
        at = column(middle, structure.duration * 1.01, 1400, 0.27, 0.98)
        np.testing.assert_allclose(picture[rows[0], at], rgb(section.label), atol=2)
    half = column(structure.duration / 2, structure.duration * 1.01, 1400, 0.27, 0.98)
    np.testing.assert_allclose(picture[rows[2], half - 4], rgb("intro"), atol=2)
    np.testing.assert_array_equal(picture[rows[2], half + 4], [255, 255, 255])
    red = np.abs(picture[rows[1] - 6 : rows[1] + 6].astype(int) - rgb("drop")).sum(axis=2) < 30
    assert red.sum() > 50  # the reason, in words


@pytest.mark.parametrize(
    ("seconds", "tenths", "text"),
    [(0, False, "0:00"), (59.96, True, "1:00.0"), (61.24, True, "1:01.2"), (600, False, "10:00")],
)
def test_times_are_written_as_people_read_them(seconds, tenths, text):
    assert clock(seconds, tenths) == text


def test_a_coarser_waveform_keeps_its_peaks():
    np.testing.assert_array_equal(coarse(np.array([1, 5, 2, 3, 4.0]), 3), [5, 3, 4])
    np.testing.assert_array_equal(coarse(np.array([1, 5.0]), 3), [1, 5])


def test_a_long_name_keeps_its_beginning_and_its_end():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 7) == "abcd…jk"


@pytest.fixture
def run():
    import argparse

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return lambda *words: command.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def results(tmp_path, features, bpm, structure):
    save(tmp_path / "features" / f"{TRACK}.npz", features)
    write_record(tmp_path / "bpm" / f"{TRACK}.json", bpm)
    write_record(tmp_path / "structure" / f"{TRACK}.json", structure)
    return tmp_path


def test_the_command_draws_a_track_and_a_sheet(run, results):
    assert run("--features", results / "features" / f"{TRACK}.npz",
               "--bpm", results / "bpm" / f"{TRACK}.json",
               "--structure", results / "structure" / f"{TRACK}.json",
               "--output", results / "t.png") == 0  # fmt: skip
    assert pixels((results / "t.png").read_bytes()).shape == (500, 1400, 3)
    assert run("--results", results, "--sheet", results / "sheet.svg") == 0
    assert (results / "sheet.svg").read_bytes().startswith(b"<?xml")


def test_a_large_library_takes_several_sheets(run, results, monkeypatch):
    monkeypatch.setattr("dropgrid.pictures_and_sounds.sheet.ROWS_PER_SHEET", 1)
    for kind in ("bpm", "structure"):
        record = (results / kind / f"{TRACK}.json").read_text()
        (results / kind / f"{OTHER}.json").write_text(record.replace(TRACK, OTHER))
    run("--results", results, "--sheet", results / "sheet.png")
    assert sorted(path.name for path in results.glob("*.png")) == ["sheet-1.png", "sheet-2.png"]


def test_what_cannot_be_drawn_is_refused_with_the_reason(run, results, bpm):
    track = (
        "--features",
        results / "features" / f"{TRACK}.npz",
        "--structure",
        results / "structure" / f"{TRACK}.json",
    )
    with pytest.raises(ConfigError, match="give either"):
        run(*track)
    with pytest.raises(ConfigError, match=r"t\.gif: the name must end in \.png or \.svg"):
        run(*track, "--bpm", results / "bpm" / f"{TRACK}.json", "--output", results / "t.gif")
    failed = BpmRecord(TRACK, "a.mp3", "error", error=TrackFailure("decode", "E", "cut short"))
    write_record(results / "bpm" / f"{TRACK}.json", failed)
    with pytest.raises(RecordError, match=r"a\.mp3: not analysed \(decode: cut short\)"):
        run(*track, "--bpm", results / "bpm" / f"{TRACK}.json", "--output", results / "t.png")
