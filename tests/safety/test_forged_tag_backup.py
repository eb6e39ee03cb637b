"""No ticket, link or forged backup leads `dropgrid tag` out of the library.

Item B (tags) of the table in README.md beside this file.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audio_containers import write_audio
from dropgrid.base.errors import RecordError
from dropgrid.library import scan
from dropgrid.records.ticket import ticket_json
from dropgrid.tagging.backup import read_backup
from dropgrid.tagging.change import apply
from dropgrid.tagging.plan import Change, TagError
from library_to_tag import HEAD, all_tags, library, song, tag


def outside(tmp_path: Path) -> Path:
    path = tmp_path / "secret" / "v.flac"
    path.parent.mkdir()
    return write_audio(path)


def forge_ticket(results: Path, victim: Path) -> list[str]:
    for ticket in (results / "tracks").iterdir():
        values = json.loads(ticket.read_bytes())
        ticket.write_text(json.dumps({**values, "file": str(victim)}))
    return []


def forge_path(results: Path, victim: Path) -> list[str]:
    for record in (results / "bpm").iterdir():
        values = json.loads(record.read_bytes())
        record.write_text(json.dumps({**values, "path": "../secret/v.flac"}))
    return ["--library", str(results.parent / "music")]


def put_a_link(results: Path, victim: Path) -> list[str]:
    song_path = results.parent / "music" / "a.flac"
    song_path.unlink()
    song_path.symlink_to(victim)
    return []


def put_a_linked_folder(results: Path, victim: Path) -> list[str]:
    shutil.rmtree(results.parent / "music")
    shutil.copy(victim, victim.parent / "a.flac")
    (results.parent / "music").mkdir()
    (results.parent / "music" / "sub").symlink_to(victim.parent)
    for ticket in (results / "tracks").iterdir():
        values = json.loads(ticket.read_bytes())
        file = str(results.parent / "music" / "sub" / "v.flac")
        ticket.write_text(json.dumps({**values, "file": file}))
    return []


@pytest.mark.parametrize("forge", [forge_ticket, forge_path, put_a_link, put_a_linked_folder])
def test_no_ticket_record_or_link_leads_out_of_the_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forge: Callable[[Path, Path], list[str]]
) -> None:
    song(tmp_path, "a.flac")
    results = library(tmp_path)
    victim = outside(tmp_path)
    before = victim.read_bytes(), victim.stat().st_ino, victim.stat().st_mtime_ns
    code = tag(results, "write", *forge(results, victim))
    plain_text = capsys.readouterr()
    assert (victim.read_bytes(), victim.stat().st_ino, victim.stat().st_mtime_ns) == before
    assert sorted(p.name for p in victim.parent.iterdir())[-1] == "v.flac"
    assert "file changed" not in plain_text.out
    reasons = (
        "outside the library, or is a link",
        "not a path below",
        "file lies is not known",
        "not analysed: ",
    )
    assert code == 2 or any(reason in plain_text.err for reason in reasons)


def backup_line(file: Path | str, **changes: Any) -> str:
    values = {"track": "v-00000000", "file": str(file), "had_tags": True,
              "old": {"BPM": ["666"]}, "new": {"BPM": None}} | changes  # fmt: skip
    return json.dumps(values)


@pytest.mark.parametrize("root", ["scanned", "named"])
def test_a_forged_backup_restores_nothing_outside_the_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], root: str
) -> None:
    inside = song(tmp_path, "a.flac")
    results = library(tmp_path)
    victim = outside(tmp_path)
    link = inside.parent / "link.flac"
    link.symlink_to(victim)
    before = victim.read_bytes(), victim.stat().st_ino
    paths = (victim, link, f"{inside.parent}/../secret/v.flac", "/etc/hostname")
    lines = [HEAD, *(backup_line(path) for path in paths), backup_line(inside)]
    (results / "tag-backup.json").write_text("\n".join(lines) + "\n")
    named = ["--library", str(inside.parent)] if root == "named" else []
    assert tag(results, "restore", *named) == 1
    plain_text = capsys.readouterr()
    assert (victim.read_bytes(), victim.stat().st_ino) == before
    assert plain_text.err.count("outside the library") == 4
    assert plain_text.out.startswith("1 file restored; 4 still in")


def test_without_a_scan_or_a_name_for_the_library_nothing_is_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    (results / "scan.json").unlink()
    (results / "tag-backup.json").write_text(f"{HEAD}\n{backup_line(path)}\n")
    before = path.read_bytes()
    assert tag(results, "restore") == 2
    assert "where the library lies is not known" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("[]", "line"),
        ("3", "line"),
        (backup_line("/m/a.flac", more=1), "line"),
        (backup_line("/m/a.flac", track="../../victim"), "track"),
        (backup_line("/m/a.flac", track=5), "track"),
        (backup_line("a.flac"), "file"),
        (backup_line("/m/\0.flac"), "file"),
        (backup_line("/m/a.flac", had_tags="yes"), "had_tags"),
        (backup_line("/m/a.flac", old=[]), "old"),
        (backup_line("/m/a.flac", old={"APIC:": ["x"]}), "old: APIC:"),
        (backup_line("/m/a.flac", old={"TITLE": ["x"]}), "old: TITLE"),
        (backup_line("/m/a.flac", new={"BPM": "128"}), "new: BPM"),
        (backup_line("/m/a.flac", new={"BPM": [{"a": 1}]}), "new: BPM"),
        (backup_line("/m/a.flac", new={"BPM": [[[[["x"]]]]]}), "new: BPM"),
        (backup_line("/m/a.flac", new={"BPM": [1.5]}), "new: BPM"),
    ],
)
def test_a_backup_is_checked_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, field: str
) -> None:
    song(tmp_path, "a.flac")
    results = library(tmp_path)
    path = results / "tag-backup.json"
    path.write_text(f"{HEAD}\n{line}\n")
    for action in ("restore", "write"):
        assert tag(results, action) == 2
        plain_text = capsys.readouterr().err.splitlines()
        assert plain_text[-1].endswith(f"{path}:2: `{field}` is not what a backup of tags holds")
    assert path.read_text() == f"{HEAD}\n{line}\n"


@pytest.mark.parametrize(
    "text", ["", "{}", "[" * 100_000, "\xff", '{"schema": "dropgrid/tag-backup"}', f"{HEAD}\n{{\n"]
)
def test_a_file_that_is_not_a_backup_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tag-backup.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordError, match=r"tag-backup\.json: (cannot be read as|not a)"):
        read_backup(path)


def test_values_that_no_field_can_hold_leave_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, old in [("a.mp3", {"TBPM": [9, "x"]}), ("b.m4a", {"tmpo": ["many"]}),
                      ("c.wma", {"WM/BeatsPerMinute": [[1, "no hex"]]}),
                      ("d.m4a", {"tmpo": [10**30]})]:  # fmt: skip
        path = song(tmp_path, name)
        results = library(tmp_path)
        new = dict.fromkeys(old)
        line = backup_line(path, old=old, new=new)
        (results / "tag-backup.json").write_text(f"{HEAD}\n{line}\n")
        before = path.read_bytes()
        assert tag(results, "restore") == 1
        plain_text = capsys.readouterr()
        assert "left as it is" in plain_text.err and "Traceback" not in plain_text.err
        assert path.read_bytes() == before


def test_a_torn_last_line_is_of_a_change_that_was_not_made(tmp_path: Path) -> None:
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    assert tag(results, "write") == 0
    backup = results / "tag-backup.json"
    whole = read_backup(backup)
    with backup.open("a") as stream:
        stream.write(backup_line("/m/b.flac")[:40])
    assert read_backup(backup) == whole
    song(tmp_path, "b.flac")
    library(tmp_path)
    assert tag(results, "write") == 0
    assert len(read_backup(backup)) == 2
    assert tag(results, "restore") == 0
    assert all_tags(path) == {}


def test_a_change_of_a_ticket_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """A track id is checked where it becomes a path."""
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    track = scan(str(tmp_path / "music")).tracks[0]
    victim = tmp_path / "victim.json"
    victim.write_bytes(ticket_json(dataclasses.replace(track, track="victim")))
    before = victim.read_bytes()
    change = Change("../../victim", str(path), False, {"BPM": None}, {"BPM": ["128"]})
    with pytest.raises(TagError, match="not a track's id"):
        apply(change, results=results)
    assert victim.read_bytes() == before and all_tags(path) == {}
