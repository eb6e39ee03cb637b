"""Whatever is in and around a folder of results, no command harms it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.base.errors import DropgridError, LibraryError
from dropgrid.commands.main import main
from dropgrid.library import scan
from dropgrid.results.artefacts import MARK, folders
from dropgrid.results.crash_cleanup import remove_broken_files
from dropgrid.results.ownership import check_claim, claim
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.plan import make_plan
from folders_of_files import CONFIG, contents, fill
from hypothesis import example, given, settings
from hypothesis import strategies as st

# The model: folders, files and links at random.
NAMES = ("a", "b", "tracks", "batches", "bpm")
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
USER = st.dictionaries(
    st.tuples(PATHS, st.sampled_from(["a.json", "x.flac", ".n.1.tmp", "scan.json", "00000.json"]))
    .map("/".join),
    st.just(None), max_size=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(files=USER, library=PATHS, results=PATHS, link=st.none() | st.tuples(PATHS, PATHS))
def test_every_byte_of_others_is_the_same_whatever_lies_where(
    files, library, results, link, tmp_path_factory
):
    top = tmp_path_factory.mktemp("tree")
    for name in files:
        fill(top, name)
    (top / library).mkdir(parents=True, exist_ok=True)
    if link and not (top / link[0]).exists():
        (top / link[0]).parent.mkdir(parents=True, exist_ok=True)
        (top / link[0]).symlink_to(top / link[1])
    before = contents(top)
    for write in (False, True, True):
        try:
            check_claim(top / results, [str(top / library)])
            found = scan(str(top / library), apart=str(top / results))
            if write:
                claim(top / results, [str(top / library)])
                remove_broken_files(top / results)
            make_plan(found, str(top / results), CONFIG, write)
        except (DropgridError, OSError):  # a loop of links is reported for a file in it
            pass
        after = contents(top)
        assert {k: after.get(k) for k in before} == before
        assert write or after == before
    shutil.rmtree(top)


INSIDE = st.dictionaries(
    st.tuples(
        st.sampled_from(["", *folders(), "logs/tracks", "mine"]),
        st.sampled_from(["a.json", "old-01234567.json", "old-01234567.npz", "00000.json",
                         "00000.done", "scan.json", "summary.json",
                         "library.csv", "failures.csv", "library.parquet", "index.html",
                         "bpm.json",
                         "summary.md", "library.m3u8", ".library.csv.7.tmp",
                         ".old-01234567.json.7.tmp", "song.flac"]),
    ).map(lambda pair: str(Path(*pair))),
    st.booleans(), max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(files=INSIDE)
@example(files={"report/index.html": False})
@example(files={"options/bpm.json": True})
def test_no_command_harms_files_of_others_in_the_results(files, tmp_path_factory):
    """files: names in a folder that carries our mark -> whether it is a link to the user's."""
    top = tmp_path_factory.mktemp("marked")
    fill(top, "music/song.flac", "user/a")
    results, music = top / "results", str(top / "music")
    claim(results, [music])
    for name, linked in files.items():
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        if linked:
            (results / name).symlink_to(top / "user" / "a")
        else:
            fill(results, name)
    theirs = contents(top)
    del theirs[f"results/{MARK}"]
    commands = (
        ["scan", music, "--results", results], ["retry", "--results", results],
        ["table", results], ["summary", "--results", results], ["report", "--results", results],
        ["evaluate", "--results", results, "--references", top / "user"],
        ["export", "m3u8", "--results", results, "--output", results / "library.m3u8"],
    )  # fmt: skip
    for write in (False, True):
        try:
            check_claim(results, [music])
            if write:
                claim(results, [music])
                remove_broken_files(results)
            make_plan(scan(music, apart=str(results)), str(results), CONFIG, write)
        except DropgridError:
            assert write or contents(top).items() >= theirs.items()
    for command in commands:
        main([str(word) for word in command])
        after = contents(top)
        assert {name: after.get(name) for name in theirs} == theirs, command
    shutil.rmtree(top)


@pytest.mark.parametrize("command", ["scan", "retry"])
def test_no_command_writes_through_links_or_into_folders_of_others(command, tmp_path, dropgrid):
    fill(tmp_path, "music/song.flac", "docs/letter.txt", "user/bpm.json")
    results = tmp_path / "docs"
    arguments = ["scan", tmp_path / "music"] if command == "scan" else ["retry"]
    before = contents(tmp_path)
    run = dropgrid(*arguments, "--results", results)
    assert run.returncode == 2 and run.stderr.count("\n") == 1, run.stderr
    assert contents(tmp_path) == before
    write_tickets(scan(str(tmp_path / "music")), tmp_path / "results")
    (tmp_path / "results" / "bpm").symlink_to(tmp_path / "user")
    before = contents(tmp_path)
    run = dropgrid(*arguments, "--results", tmp_path / "results")
    assert run.returncode == 2 and "is a link" in run.stderr
    assert contents(tmp_path) == before


def test_what_analyze_made_in_a_new_folder_can_be_gone_on_with(tmp_path: Path) -> None:
    """It is marked as results, so that other commands take it; a user's folder is not."""
    soundfile.write(tmp_path / "song.wav", np.random.default_rng(0).normal(0, 0.1, 44100), 44100)
    analyze = ["analyze", str(tmp_path / "song.wav"), "--only", "key", "--output"]
    assert main([*analyze, str(tmp_path / "new")]) == 0
    check_claim(tmp_path / "new", [])
    fill(tmp_path / "notes", "text")
    assert main([*analyze, str(tmp_path / "notes")]) == 0
    with pytest.raises(LibraryError, match="was not made by dropgrid"):
        check_claim(tmp_path / "notes", [])
