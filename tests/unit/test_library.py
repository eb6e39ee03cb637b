"""Scanning a library: which files are tracks, their ids, and their tickets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from dropgrid.base.errors import LibraryError, RecordError
from dropgrid.library import files_digest, scan, scan_files, track_id
from dropgrid.records.ticket import read_ticket
from dropgrid.results.scan_store import read_scan, write_tickets
from permissions import obey_permissions


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_folders_are_searched_for_audio_in_the_order_of_paths(tmp_path):
    for name in ["b/two.MP3", "a.flac", "b/cover.jpg", ".hidden/x.wav", "b/.y.wav", "c/z.m4a"]:
        touch(tmp_path / name)
    assert [track.path for track in scan(str(tmp_path)).tracks] == [
        "a.flac",
        "b/two.MP3",
        "c/z.m4a",
    ]


def test_the_order_of_paths_is_that_of_their_bytes_so_capitals_come_first(tmp_path):
    for name in ["a.wav", "B.wav", "é.wav", "z.wav"]:
        touch(tmp_path / name)
    paths = [track.path for track in scan(str(tmp_path)).tracks]
    assert paths == ["B.wav", "a.wav", "z.wav", "é.wav"]


def test_a_library_below_the_home_folder_may_begin_with_a_tilde(tmp_path, monkeypatch):
    touch(tmp_path / "music" / "x.wav")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert scan("~/music").root == str(tmp_path / "music")
    (tmp_path / "music" / "list.csv").write_text("path\n~/music/x.wav\n")
    assert [track.size for track in scan("~/music/list.csv").tracks] == [1]
    with pytest.raises(LibraryError, match="~nobody-of-this-name/music: there is no such user"):
        scan("~nobody-of-this-name/music")


def test_a_folder_that_may_not_be_read_is_listed_and_the_others_are_searched(tmp_path):
    touch(tmp_path / "m" / "closed" / "x.wav")
    touch(tmp_path / "m" / "open" / "y.wav")
    (tmp_path / "m" / "closed").chmod(0)
    command = ["-m", "dropgrid", "scan", tmp_path / "m", "--results", tmp_path / "results"]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, preexec_fn=obey_permissions
    )
    (tmp_path / "m" / "closed").chmod(0o700)
    assert "closed: Permission denied" in done.stderr
    found = read_scan(tmp_path / "results")
    assert found["problems"] == [{"path": "closed", "reason": "Permission denied"}]
    tickets = [json.loads(path.read_text()) for path in (tmp_path / "results/tracks").iterdir()]
    assert [ticket["path"] for ticket in tickets] == ["open/y.wav"]


def test_the_digest_of_files_changes_with_every_change_of_a_file_and_with_nothing_else(tmp_path):
    top = tmp_path / "references"
    files = [touch(top / name) for name in ("a.csv", "deep/b.csv")]
    for file in files:
        os.utime(file, ns=(0, 10**18))
    seen = [files_digest([str(top)])]
    assert files_digest([str(top)]) == seen[0]
    assert files_digest([str(top), str(tmp_path / "nowhere")]) == seen[0]

    def note() -> None:
        seen.append(files_digest([str(top)]))

    files[1].write_bytes(b"xx")
    os.utime(files[1], ns=(0, 10**18))  # its size alone
    note()
    os.utime(files[1], ns=(0, 10**18 + 1))  # its time alone
    note()
    files[1].rename(files[1].with_name("c.csv"))  # its name alone
    note()
    touch(top / "d.csv")
    note()
    shutil.rmtree(top / "deep")
    note()
    assert len(set(seen)) == len(seen) == 6


def test_the_digest_of_a_single_file_changes_with_it(tmp_path):
    file = touch(tmp_path / "truth.csv")
    before = files_digest([str(file)])
    file.write_bytes(b"xx")
    assert files_digest([str(file)]) != before


def test_the_id_is_a_slug_and_the_sha1_of_the_nfc_path():
    # the last part: printf "house/Beyoncé – Énergie.flac" | sha1sum
    path = "house/Beyoncé – Énergie.flac"
    assert track_id(path) == "beyonce-energie-e9c61fdc"
    assert track_id(unicodedata.normalize("NFD", path)) == track_id(path)


@pytest.mark.parametrize(
    "name", ["-rf.wav", "$(rm).wav", "a\nb.wav", "{x}.wav", "'\".wav", "…" * 80]
)
def test_an_id_is_safe_in_any_shell_and_file_system(name):
    track = track_id(name)
    assert len(track) < 60
    assert set(track) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not track.startswith("-")


def test_names_that_differ_in_normal_form_or_case_only_are_two_tracks(tmp_path):
    for name in ["é.wav", unicodedata.normalize("NFD", "é.wav"), "A.wav", "a.wav"]:
        touch(tmp_path / name)
    tracks = scan(str(tmp_path)).tracks
    assert len({track.track for track in tracks}) == 4
    assert [track.track == track_id(track.path) for track in tracks] == [True, True, True, False]


def test_undecodable_names_survive_the_way_through_a_ticket(tmp_path):
    touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")))
    found = scan(str(tmp_path))
    write_tickets(found, tmp_path / "results")
    ticket = read_ticket(tmp_path / "results" / "tracks" / f"{found.tracks[0].track}.json")
    assert os.fsencode(ticket.file).endswith(b"caf\xe9.wav")
    assert Path(ticket.file).read_bytes() == b"x"


def test_a_loop_of_links_ends(tmp_path):
    touch(tmp_path / "a" / "x.wav")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "self.wav").symlink_to("self.wav")
    assert [track.path for track in scan(str(tmp_path)).tracks] == ["a/x.wav", "self.wav"]


def test_several_folders_share_their_deepest_common_root(tmp_path):
    touch(tmp_path / "m" / "house" / "x.wav")
    touch(tmp_path / "m" / "dnb" / "x.wav")
    found = scan([str(tmp_path / "m" / "house"), str(tmp_path / "m" / "dnb")])
    assert [track.path for track in found.tracks] == ["dnb/x.wav", "house/x.wav"]


def test_a_list_names_files_relative_to_itself(tmp_path):
    touch(tmp_path / "x.wav")
    (tmp_path / "list.csv").write_text("path,bpm\nx.wav,120\ngone.wav,90\n")
    found = scan(str(tmp_path / "list.csv"))
    assert [(track.path, track.size) for track in found.tracks] == [("gone.wav", -1), ("x.wav", 1)]
    assert found.tracks[0].mtime_ns == -1


def test_where_the_results_go_is_not_part_of_the_library(tmp_path):
    touch(tmp_path / "x.wav")
    touch(tmp_path / "results" / "y.wav")
    touch(tmp_path / "old" / "z.wav")
    touch(tmp_path / "old" / ".dropgrid")
    found = scan(str(tmp_path), apart=str(tmp_path / "results"))
    assert [track.path for track in found.tracks] == ["x.wav"]


def test_only_tables_of_dropgrid_contain_added_apostrophes(tmp_path):
    for header, path in (("track,path,status", "=x.wav"), ("path,track,status", "'=x.wav")):
        row = {"track": "x", "path": "'=x.wav", "status": "ok"}
        cells = ",".join(row[name] for name in header.split(","))
        (tmp_path / "list.csv").write_text(f"{header}\n{cells}\n")
        assert [track.path for track in scan(str(tmp_path / "list.csv")).tracks] == [path]


def test_a_list_with_tabs_may_have_commas_in_its_paths(tmp_path):
    touch(tmp_path / "one, two.wav")
    (tmp_path / "list.tsv").write_text("bpm\tpath\n120\tone, two.wav\n")
    found = scan(str(tmp_path / "list.tsv"))
    assert [(track.path, track.size) for track in found.tracks] == [("one, two.wav", 1)]


def test_a_list_of_files_elsewhere_has_the_folder_that_holds_all_as_its_root(tmp_path):
    touch(tmp_path / "disk" / "house" / "x.wav")
    touch(tmp_path / "lists" / "y.wav")
    (tmp_path / "lists" / "set.csv").write_text("path\n../disk/house/x.wav\ny.wav\n")
    found = scan(str(tmp_path / "lists" / "set.csv"))
    assert found.root == str(tmp_path)
    paths = [track.path for track in found.tracks]
    assert paths == ["disk/house/x.wav", "lists/y.wav"]
    assert scan_files([track.file for track in found.tracks], tmp_path).tracks == found.tracks


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file\nx.wav\n", "no column `path`"),
        ("path,a\n,1\n", "line 2: empty path"),
        ("\xff", "path"),
    ],
)
def test_a_malformed_list_is_refused_with_its_line(tmp_path, text, reason):
    (tmp_path / "list.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(LibraryError, match=reason if text != "\xff" else "decode"):
        scan(str(tmp_path / "list.csv"))


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LibraryError, match="nowhere"):
        scan(str(tmp_path / "nowhere"))


def test_a_ticket_is_written_again_only_when_its_file_changed(tmp_path):
    files = [touch(tmp_path / "m" / name) for name in ("a.wav", "b.wav")]
    results = tmp_path / "results"
    tickets = [
        results / "tracks" / f"{t}.json" for t in write_tickets(scan(str(tmp_path / "m")), results)
    ]
    before = [ticket.stat().st_mtime_ns for ticket in tickets]
    os.utime(files[1], ns=(1, 1))
    write_tickets(scan(str(tmp_path / "m")), results)
    after = [ticket.stat().st_mtime_ns for ticket in tickets]
    assert after[0] == before[0]
    assert after[1] > before[1]


def test_a_track_that_left_loses_its_ticket(tmp_path):
    files = [touch(tmp_path / "m" / name) for name in ("a.wav", "b.wav")]
    write_tickets(scan(str(tmp_path / "m")), tmp_path / "results")
    files[0].unlink()
    kept = write_tickets(scan(str(tmp_path / "m")), tmp_path / "results")
    assert [path.stem for path in (tmp_path / "results" / "tracks").iterdir()] == kept
    assert read_scan(tmp_path / "results")["tracks"] == kept


def test_files_given_one_by_one_get_the_ids_of_their_folder(tmp_path):
    file = touch(tmp_path / "m" / "a.wav")
    assert scan_files([file]).tracks == scan(str(tmp_path / "m")).tracks


def test_a_broken_ticket_is_named(tmp_path):
    (tmp_path / "t.json").write_text("{")
    with pytest.raises(RecordError, match=r"t\.json"):
        read_ticket(tmp_path / "t.json")


def test_sound_that_is_not_read_is_counted_in_the_line_of_the_scan(tmp_path, capsys):
    from dropgrid.commands.main import main

    for name in ["a.flac", "b.ape", "c/d.APE", "c/e.ts", "c/f.jpg", "g.wv", "h.caf"]:
        touch(tmp_path / "music" / name)
    found = scan(str(tmp_path / "music"))
    assert [track.path for track in found.tracks] == ["a.flac", "g.wv", "h.caf"]
    assert found.unsupported == ((".ape", 2), (".ts", 1))
    assert main(["scan", str(tmp_path / "music"), "--results", str(tmp_path / "results")]) == 0
    line = f"3 tracks below {tmp_path / 'music'}; 3 files of other kinds: 2 .ape, 1 .ts\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        ([], 6),
        (["*(stem)*"], 5),
        ("*(STEM)*", 5),
        (["loops"], 4),
        (["Loops/"], 4),
        (["kick.wav/"], 6),
        (["mixes/2019*"], 5),
        (["2019*"], 5),
        (["Mixes/*"], 4),
        (["music/*"], 6),
        (["*.flac", "*.wav", "*.mp3"], 0),
        (["U\u0308bung*"], 5),
        (["/Loops/"], 4),
    ],
)
def test_patterns_leave_out_files_and_folders(tmp_path, patterns, kept):
    names = ["Song (Stem).wav", "Loops/kick.wav", "a/loops/b.wav", "Mixes/2019/a.mp3",
             "Mixes/\u00dcbung.flac", "Song.flac"]  # fmt: skip
    for name in names:
        touch(tmp_path / "music" / name)
    found = scan(str(tmp_path / "music"), exclude=patterns)
    assert (len(found.tracks), found.excluded) == (kept, 6 - kept)


def test_what_is_left_out_by_a_pattern_is_counted_in_the_line_of_the_scan(tmp_path, capsys):
    from dropgrid.commands.main import main

    for name in ["a.flac", "Loops/b.flac"]:
        touch(tmp_path / "music" / name)
    words = ["scan", str(tmp_path / "music"), "--results", str(tmp_path / "r")]
    assert main([*words, "--exclude", "loops/"]) == 0
    assert capsys.readouterr().out.endswith("music; 1 left out by `exclude`\n")


@pytest.mark.parametrize("given", [["Loops/", "*stem*"], "Loops/", "['Loops/']", "*stem*"])
def test_the_option_exclude_is_a_pattern_or_a_list(given):
    from dropgrid.settings.config import complete_config

    assert complete_config({"exclude": given})["exclude"]


def test_the_option_exclude_leaves_out_what_a_run_would_plan(tmp_path, capsys):
    from dropgrid.run.plan import plan_run
    from dropgrid.settings.config import complete_config

    for name in ["a.flac", "Loops/b.flac", "c.ape"]:
        touch(tmp_path / "music" / name)
    config = complete_config(
        {"library": str(tmp_path / "music"), "results": str(tmp_path / "r"), "exclude": "loops"}
    )
    plan = plan_run(config, main=True, real=False, cluster=False)
    assert len(plan.tracks) == 1
    said = "dropgrid: not analysed: 1 file of other kinds: 1 .ape; 1 left out by `exclude`\n"
    assert said in capsys.readouterr().err
