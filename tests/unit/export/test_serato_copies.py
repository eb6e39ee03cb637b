"""Copies that carry Serato's tags: the songs are only read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import mutagen
import pytest
from audio_containers import decoded, write_audio
from dropgrid.audio import serato
from dropgrid.audio.serato_file import read_serato
from dropgrid.audio.serato_track import grid_of
from dropgrid.commands.main import main
from dropgrid.export import export
from dropgrid.library import track_id
from dropgrid.records.store import write_record
from dropgrid.results.output_guard import is_own_output
from library_of_records import bpm_record, structure_record

NAMES = ("a.mp3", "b/ü & co.flac", "b/c.m4a", "d.aiff", "e.wav", "f.ogg")
LONG = "曲" * 83 + ".mp3"  # 253 bytes


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, Path]:
    """(music, results)."""
    music, results = tmp_path / "music", tmp_path / "results"
    (music / "b").mkdir(parents=True)
    for name in NAMES:
        write_audio(music / name)
        write_record(results / "bpm" / f"{track_id(name)}.json", bpm_record(name))
        write_record(results / "structure" / f"{track_id(name)}.json", structure_record(name))
    return music, results


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_copies_lie_as_the_songs_do_and_the_songs_stay(
    library: tuple[Path, Path], tmp_path: Path
) -> None:
    music, results = library
    file = mutagen.File(music / "b/ü & co.flac")
    file["TITLE"] = "kept"
    theirs = serato.pack_grid(serato.Grid(((0.1, 8),), (4.1, 120.0)))
    file["SERATO_BEATGRID"] = serato.wrap(serato.GRID, theirs)
    file.save()
    before, output = digests(music), tmp_path / "copies"
    written, left_out = export("serato", results, output, library=music)
    assert (written, dict(left_out)) == (5, {"this export does not support the file format": 1})
    assert digests(music) == before and set(digests(output)) == set(NAMES[:5])
    for name in NAMES[:5]:
        found, expected = read_serato(output / name), grid_of(bpm_record(name))
        assert found is not None and found.grid is not None and expected is not None
        assert found.own and [beats for _, beats in found.grid.markers] == [
            beats for _, beats in expected.markers
        ]
        assert decoded(output / name) == decoded(music / name)
        assert is_own_output(output / name, b"DROPGRID_SERATO")
    assert mutagen.File(output / "b/ü & co.flac")["TITLE"] == ["kept"]
    assert export("serato", results, output, library=music)[0] == 5, "ours are written again"


def test_a_song_of_the_longest_name_is_copied(tmp_path: Path) -> None:
    music, results = tmp_path / "music", tmp_path / "results"
    music.mkdir()
    write_audio(music / "a.mp3").rename(music / LONG)
    write_record(results / "bpm" / f"{track_id(LONG)}.json", bpm_record(LONG))
    assert export("serato", results, tmp_path / "copies", library=music) == (1, {})
    assert (tmp_path / "copies" / LONG).exists()


def test_a_song_is_never_overwritten(library: tuple[Path, Path], tmp_path: Path, capsys) -> None:
    music, results = library
    before = digests(music)
    command = ["export", "serato", "--results", str(results), "--library", str(music)]
    assert main([*command, "--output", str(music)]) == 2
    assert "is read by this command" in capsys.readouterr().err
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.mp3").write_bytes(b"another song of that name")
    assert main([*command, "--output", str(other)]) == 2
    assert "nothing dropgrid wrote" in capsys.readouterr().err
    assert (other / "a.mp3").read_bytes() == b"another song of that name"
    assert digests(music) == before
    (music / "a.mp3").unlink()
    (music / "d.aiff").write_bytes(b"no audio at all")
    assert main([*command, "--output", str(tmp_path / "copies")]) == 0
    message = capsys.readouterr()
    assert "3 tracks" in message.out and "the song is no longer there" in message.err
    assert not list((tmp_path / "copies").glob(".*")), "nothing half made is left"
