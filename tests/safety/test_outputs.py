"""Output paths that are a user's songs, notes and lists: none is overwritten.

Item A5 of forged.md beside this file.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.commands.main import main
from dropgrid.export import formats
from dropgrid.library import track_id
from dropgrid.results.output_guard import is_own_output
from library_of_records import PATHS, write_results

HOUSE = track_id(PATHS[0])
# Copies of songs are tried where there are songs: tests/unit/export/test_serato_copies.py.
FORMATS = tuple(name for name, form in formats().items() if not getattr(form, "ALONE", False))
ONE_FILE = tuple(name for name in FORMATS if "." in formats()[name].FILE)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    soundfile.write(folder / PATHS[0], np.zeros((31 * 44100, 2)), 44100)
    for name in ("x.ogg", "x.wav", "x.aiff", "x.MP3"):
        (folder / name).write_bytes(b"the only copy of " + name.encode())
    (folder / "notes.txt").write_text("do not lose this")
    (folder / "mine.csv").write_text("path,bpm\na.flac,120\n")
    os.link(folder / PATHS[0], folder / "hard.wav")
    (folder / "link.wav").symlink_to(folder / PATHS[0])
    return folder


@pytest.fixture
def results(tmp_path: Path, music: Path) -> Path:
    return write_results(tmp_path / "results", music)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The single line with which the command refuses."""
    capsys.readouterr()
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"dropgrid {arguments[0]}: "), said
    return said


def sonify(music: Path, results: Path, output: str, *more: str) -> list[str]:
    bpm = str(results / "bpm" / f"{HOUSE}.json")
    return ["sonify", str(music / PATHS[0]), "--bpm", bpm, "--output", str(music / output), *more]


@pytest.mark.parametrize("output", [PATHS[0], "hard.wav", "link.wav", "../music/" + PATHS[0]])
@pytest.mark.parametrize("force", [True, False])
def test_no_song_is_overwritten_by_its_own_clicks(music, results, output, force, capsys):
    before = contents(music)
    arguments = sonify(music, results, output, *["--force"] * force)
    assert "is read by this command" in refused(arguments, capsys)
    assert contents(music) == before


def attacks(music: Path, results: Path) -> list[list[str]]:
    """Commands whose output is one of the user's files."""
    bpm, structure = (str(results / kind / f"{HOUSE}.json") for kind in ("bpm", "structure"))
    ticket = str(results / "tracks" / f"{HOUSE}.json")
    features = str(results / "features" / f"{HOUSE}.npz")
    found = [sonify(music, results, "x.wav")]
    for name in ("x.ogg", "x.wav", "x.aiff", "x.MP3", "notes.txt", "mine.csv"):
        victim = str(music / name)
        found += [
            ["export", form, "--results", str(results), "--output", victim] for form in ONE_FILE
        ]
        found += [
            ["report", "--results", str(results), "--output", victim],
            ["network", victim, "--method", "librosa"],
            ["features", ticket, features, victim],
            ["bpm", ticket, features, victim],
            ["structure", ticket, features, bpm, victim],
            ["picture", "--features", features, "--bpm", bpm, "--structure", structure,
             "--output", victim],
            ["picture", "--results", str(results), "--sheet", victim],
        ]  # fmt: skip
    return found


def test_no_output_overwrites_a_song_or_a_note(music, results, capsys):
    before = contents(music)
    for arguments in attacks(music, results):
        refused(arguments, capsys)
        assert contents(music) == before, arguments


def test_what_is_read_is_not_overwritten_either(results, capsys):
    table = results / "library.csv"
    before = table.read_bytes()
    arguments = ["export", "csv", "--results", str(results), "--output", str(table)]
    assert "is read by this command" in refused(arguments, capsys)
    assert table.read_bytes() == before


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ONE_FILE])
def test_an_export_into_a_folder_leaves_files_of_others(tmp_path, results, form, capsys):
    output = tmp_path / "annotations"
    arguments = ["export", form, "--results", str(results), "--output", str(output)]
    assert main(arguments) == 0
    for path in files_below(output):
        path.write_text("corrected by hand, in words\n")
    before = {path: path.read_bytes() for path in files_below(output)}
    assert "nothing dropgrid wrote" in refused(arguments, capsys)
    assert {path: path.read_bytes() for path in files_below(output)} == before


@pytest.mark.parametrize("form", FORMATS)
def test_dropgrids_own_files_are_overwritten(tmp_path, results, form):
    output = tmp_path / "out" / ("file" if form in ONE_FILE else "folder")
    arguments = ["export", form, "--results", str(results), "--output", str(output)]
    assert main(arguments) == 0
    for path in [output] if output.is_file() else files_below(output):
        assert is_own_output(path, getattr(formats()[form], "MARK", None)), path
    assert main(arguments) == 0


def test_page_table_evaluation_networks_and_clicks_are_recognised_as_dropgrids(
    music, results, tmp_path
):
    (tmp_path / "r.csv").write_text(f"track,bpm\n{HOUSE},128\n")
    page, network = tmp_path / "p.html", tmp_path / "n"
    references = ["--references", str(tmp_path / "r.csv")]
    for _ in range(2):
        assert main(["table", str(results)]) == 0
        assert main(["report", "--results", str(results), "--output", str(page)]) == 0
        assert main(["evaluate", "--results", str(results), *references]) == 0
        for method in ("librosa", "open"):
            assert main(["network", str(network), "--method", method]) == 0
        for name in ("clicks.wav", "clicks.flac"):
            assert main(sonify(music, results, f"../{name}")) == 0
    written = [page, network, tmp_path / "clicks.wav", tmp_path / "clicks.flac"]
    written += [*(results / "evaluation").iterdir(), *results.glob("library.*")]
    assert all(map(is_own_output, written)), [path for path in written if not is_own_output(path)]


def test_an_evaluation_leaves_files_of_others(tmp_path, results, capsys):
    output = tmp_path / "mine"
    output.mkdir()
    (output / "summary.md").write_text("my own summary")
    (output / "bpm_error.svg").write_text("<svg>my own drawing</svg>")
    before = contents(output)
    refused(["evaluate", "--results", str(results), "--output", str(output)], capsys)
    assert contents(output) == before


def test_analyze_leaves_files_of_others(music, tmp_path, capsys):
    output = tmp_path / "out"
    (output / "bpm").mkdir(parents=True)
    (output / "bpm" / f"{HOUSE}.json").write_text('{"my": "own notes"}')
    before = contents(output / "bpm")
    refused(["analyze", str(music / PATHS[0]), "--output", str(output)], capsys)
    assert contents(output / "bpm") == before


def test_force_overwrites_all_but_what_is_read(music, results):
    arguments = ["export", "csv", "--results", str(results), "--output", str(music / "x.ogg")]
    assert main([*arguments, "--force"]) == 0
    assert (music / "x.ogg").read_bytes().startswith(b"track,path")
    assert main(sonify(music, results, "x.wav", "--force")) == 0
    assert soundfile.info(music / "x.wav").frames == 31 * 44100


def test_a_song_is_never_taken_for_a_file_of_dropgrid(music, tmp_path):
    assert not any(map(is_own_output, music.iterdir()))
    named = tmp_path / f"{HOUSE}.beats"
    named.write_text("0.5\t1\nand a note\n")
    assert not is_own_output(named)
    shutil.copy(music / "notes.txt", tmp_path / f"{HOUSE}.lab")
    assert not is_own_output(tmp_path / f"{HOUSE}.lab")


def test_a_file_where_a_folder_is_needed_is_reported(music, results, capsys):
    file = music / "notes.txt"
    for form in ("jams", "csv"):
        output = file if form == "jams" else file / "x.csv"
        arguments = ["export", form, "--results", str(results), "--output", str(output)]
        assert "--output" in refused(arguments, capsys)
    assert "--output" in refused(["analyze", str(music / PATHS[0]), "--output", str(file)], capsys)
    assert "folder" in refused(["network", str(music)], capsys)
    assert file.read_text() == "do not lose this"


def test_an_output_that_is_a_link_is_written_through_and_keeps_its_mode(results, tmp_path):
    real, link = tmp_path / "kept.xml", tmp_path / "out.xml"
    export = ["export", "rekordbox", "--results", str(results), "--output"]
    assert main([*export, str(real)]) == 0
    expected = real.read_bytes()
    real.chmod(0o600)
    real.write_bytes(b"")
    link.symlink_to(real)
    assert main([*export, str(link)]) == 0
    assert link.is_symlink() and real.read_bytes() == expected
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_link_in_a_folder_of_results_is_never_written_through(results, tmp_path):
    victim = tmp_path / "victim.html"
    victim.write_bytes(b"")
    (results / "report").mkdir(exist_ok=True)
    page = results / "report" / "index.html"
    page.unlink(missing_ok=True)
    page.symlink_to(victim)
    (results / ".dropgrid").write_text('{\n  "schema": "dropgrid/results",\n  "x": 1\n}\n')
    assert main(["report", "--results", str(results)]) == 0
    assert victim.read_bytes() == b"" and not page.is_symlink() and page.stat().st_size
