"""Grids and cues in Serato's tags: unpacked, and read as references."""

from __future__ import annotations

from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from dropgrid.audio import serato
from dropgrid.audio.serato_file import FLAC, STAMP, read_serato, stamp
from dropgrid.commands.main import main
from dropgrid.evaluation.score import EvaluationOptions, gather
from dropgrid.library import track_id
from dropgrid.references.serato import read_file
from library_of_records import HOSTILE, PATHS, write_results
from tracks_to_correct import write_steady

GRID = serato.Grid(((0.25, 8), (4.25, 4)), (8.25, 60.0))

CUES = (
    serato.Cue(0, 0, "Intro", b"\x01\x02\x03"),
    serato.Cue(1, 4250, "Drop 1"),
    serato.Cue(2, 4250, "Drüp ☃ " * 20, end=8250),
)


def test_what_is_packed_as_seratos_is_unpacked_the_same() -> None:
    assert serato.unpack_grid(serato.pack_grid(GRID)) == GRID
    data = serato.pack_markers2(CUES, locked=True)
    assert len(data) >= 470 and data.endswith(b"\0")
    assert max(map(len, data.rstrip(b"\0")[2:].split(b"\n"))) == 72
    cues, locked = serato.unpack_markers2(data)
    assert locked and cues[:2] == list(CUES[:2])
    assert cues[2].end == 8250 and len(cues[2].name.encode()) <= 51
    assert "\N{REPLACEMENT CHARACTER}" not in cues[2].name
    assert serato.pack_autotags(125.376, -3.25) == b"\x01\x01125.38\0-3.250\x000.000\0"
    for size in range(600):
        name, back = serato.unwrap(serato.wrap("Serato X", bytes(range(1, 250)) * 3)[: 200 + size])
        assert name == "Serato X" and (bytes(range(1, 250)) * 3).startswith(back[:-2])


@pytest.mark.parametrize(
    "data",
    [b"", b"\1\0", b"\1\0\0\0\0\0", b"\1\0\xff\xff\xff\xff" + bytes(9),
     serato.pack_grid(serato.Grid(((2.0, 4),), (1.0, 60.0))),
     serato.pack_grid(serato.Grid(((1.0, 0),), (2.0, 60.0))),
     serato.pack_grid(serato.Grid((), (float("nan"), 60.0))),
     serato.pack_grid(serato.Grid(((0.0, 2**32 - 1),), (1.0, 60.0))),
     serato.pack_grid(serato.Grid((), (-1e30, 60.0))),
     serato.pack_grid(serato.Grid((), (1.0, float("inf")))),
     serato.pack_grid(GRID) + b"12"],
)  # fmt: skip
def test_a_broken_grid_is_none(data: bytes) -> None:
    with pytest.raises(ValueError):
        serato.unpack_grid(data)


def test_seratos_usual_grid_of_one_marker_is_read() -> None:
    grid = serato.unpack_grid(serato.pack_grid(serato.Grid((), (0.5, 120.0))))
    assert serato.beats_of(grid, 3.0) == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


@pytest.mark.parametrize("markers", [(), ((-0.25, 4),)])
def test_a_marker_before_the_music_counts_and_beats_begin_at_0(markers: tuple) -> None:
    start = 1.75 if markers else -0.25
    grid = serato.unpack_grid(serato.pack_grid(serato.Grid(markers, (start, 120.0))))
    assert serato.beats_of(grid, 3.0) == [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]


def song(path: Path) -> Path:
    soundfile.write(path, np.zeros((44100 * 10, 1)), 44100)
    return path


def test_seratos_tags_of_a_flac_are_read_and_dropgrids_are_skipped(tmp_path: Path) -> None:
    path = song(tmp_path / "a.flac")
    assert read_serato(path) is None and read_file(path, "a", 10.0) is None
    tags = {serato.GRID: serato.pack_grid(GRID), serato.MARKERS2: serato.pack_markers2(CUES, True)}
    file = mutagen.File(path)
    for name, data in tags.items():
        file[FLAC[name]] = serato.wrap(name, data)
    file.save()
    found = read_file(path, "a", 10.0)
    assert found is not None and found.locked and found.player == "serato" and found.bpm == 60.0
    np.testing.assert_allclose(
        found.beats or (), [*np.arange(0.25, 4.2, 0.5), *np.arange(4.25, 10, 1.0)], atol=1e-6
    )
    assert [s.label for s in found.sections or ()] == ["intro", "drop"]
    file[STAMP] = stamp(tags)
    file.save()
    assert read_file(path, "a", 10.0) is None
    moved = serato.Grid(((0.26, 8),), GRID.last)
    file[FLAC[serato.GRID]] = serato.wrap(serato.GRID, serato.pack_grid(moved))
    file.save()  # the user has moved the grid: it is the user's, the cues are not
    found = read_file(path, "a", 10.0)
    assert found is not None and found.beats and not found.sections


def test_serato_is_a_word_in_the_list_of_references(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for name in PATHS:
        if name != HOSTILE:
            path = song(music / name)
    results = write_results(tmp_path / "results", music)
    path = music / PATHS[0]
    file = mutagen.File(path)
    beats = serato.pack_grid(serato.Grid(((0.25, 63),), (0.25 + 63 * 60 / 128, 128.0)))
    file[FLAC[serato.GRID]] = serato.wrap(serato.GRID, beats)
    file.save()
    found = gather(results, EvaluationOptions(references=("serato",)))
    (row,) = [row for row in found.rows.beats if row["system"] == "dropgrid"]
    assert row["reference"] == "serato" and row["f_measure"] > 0.99  # the grid goes on


def test_a_file_of_seratos_that_cannot_be_read_is_listed_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    music = tmp_path / "music"
    music.mkdir()
    songs = [song(music / f"{name}.flac") for name in ("broken", "good", "marked")]
    results = write_steady(tmp_path / "results", [p.name for p in songs], str(music)).folder
    beats = serato.pack_grid(serato.Grid((), (0.25, 60.0)))
    marks = serato.pack_markers2([serato.Cue(0, 500, "Drop")])
    tags = (
        {serato.GRID: beats + b"1234"},
        {serato.GRID: beats},
        {serato.GRID: b"\2" + beats[1:], serato.MARKERS2: marks},
    )
    for path, held in zip(songs, tags, strict=True):
        file = mutagen.File(path)
        for name, data in held.items():
            file[FLAC[name]] = serato.wrap(name, data)
        file.save()
    found = gather(results, EvaluationOptions(references=("serato",)))
    assert {row["path"] for row in found.rows.beats} == {"good.flac"}
    marked = read_file(songs[2], "a", 10.0)
    assert marked is not None and [s.label for s in marked.sections or ()] == ["drop"]
    refused = {item.key: item.reason for item in found.left_out}
    assert refused == {
        track_id("broken.flac"): "not readable: a beat grid of 1 markers has not 20 bytes",
        track_id("marked.flac"): "not readable: not a beat grid of Serato's version 1.0",
    }
    assert main(["correct", "--results", str(results), "--from", "serato", "--dry-run"]) == 0
    shown = capsys.readouterr()
    assert "good.flac: 60.00 BPM, not 120.00 BPM" in shown.out
    for path in (songs[0], songs[2]):
        assert f"{path.name}: " in shown.err
