"""Which files are recognised, and which must not be, also with forged tickets."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from dropgrid.audio.digests import audio_digest, sample_digest, whole_digest
from dropgrid.library import scan, track_id
from dropgrid.records.identity import Identity, identity_json, read_identity, write_identity
from dropgrid.records.model import KINDS, TrackFailure
from dropgrid.records.store import read_bpm, write_record
from dropgrid.records.ticket import read_ticket, ticket_json
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.batches import Batch, write_batches
from dropgrid.run.moved_files import Recognised, recognise, reuse_results, without
from dropgrid.run.staleness import note_options
from library_of_records import bpm_record, key_record, structure_record

ANALYSES = ("bpm", "structure", "key")
SIZE = 3 * 2**20


def song(path: Path, seed: int = 1) -> Path:
    """A file of SIZE bytes; those of one seed are the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seed.to_bytes(4, "big") * (SIZE // 4))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A library of three songs of one size, and its results."""
    for number, name in enumerate(("a.wav", "b.wav", "sub/c.wav")):
        song(tmp_path / "music" / name, number)
    results = tmp_path / "results"
    claim(results, [str(tmp_path / "music")])
    note_options(results, {})
    for ticket in (found := scan(str(tmp_path / "music"))).tracks:
        analyse(results, ticket.path, Path(ticket.file))
    write_tickets(found, results)
    for path in results.glob("tracks/*"):
        os.utime(path, ns=(10**18, 10**18))
    return tmp_path


def analyse(results: Path, path: str, file: Path) -> None:
    """What a run would leave of a track, but for its features."""
    files, track = Results(results), track_id(path)
    status = file.stat()
    digests = whole_digest(file), sample_digest(file), audio_digest(file)
    known = Identity(track, path, status.st_size, status.st_mtime_ns, *digests)
    write_identity(files.identity(track), known)
    write_record(files.record("bpm", track), bpm_record(path))
    write_record(files.record("structure", track), structure_record(path))
    write_record(files.record("key", track), key_record(path))


def look(home: Path, folder: str = "music") -> Recognised:
    return recognise(scan(str(home / folder)), home / "results")


def taken(recognised: Recognised) -> dict[str, str]:
    return {ticket.path: giver for ticket, giver in recognised.reused.items()}


def test_where_nothing_changed_nothing_is_looked_into(home, monkeypatch):
    monkeypatch.setattr("dropgrid.run.moved_files.whole_digest", lambda path: 1 / 0)
    monkeypatch.setattr("dropgrid.run.moved_files.sample_digest", lambda path: 1 / 0)
    assert look(home) == Recognised()


def test_a_run_that_distributed_one_track_leaves_all_others_known(home, monkeypatch):
    """The last run's batches hold only what was due: they do not say what is in the library."""
    found = scan(str(home / "music"))
    write_batches(home / "results", [Batch(found.tracks[:1])])
    monkeypatch.setattr("dropgrid.run.moved_files.whole_digest", lambda path: 1 / 0)
    monkeypatch.setattr("dropgrid.run.moved_files.sample_digest", lambda path: 1 / 0)
    assert look(home) == Recognised()
    assert look(home).unchanged == {track.track for track in found.tracks}


def test_a_renamed_file_takes_over_and_nothing_stays_behind(home):
    results = Results(home / "results")
    old, new = track_id("a.wav"), track_id("sub/z.wav")
    age = results.record("bpm", old).stat().st_mtime_ns
    (home / "music" / "a.wav").rename(home / "music" / "sub" / "z.wav")
    recognised, found = look(home), scan(str(home / "music"))
    assert taken(recognised) == {"sub/z.wav": old}
    assert reuse_results(recognised, found, results.folder, ANALYSES) == 1
    record = read_bpm(results.record("bpm", new), new)
    assert record == dataclasses.replace(bpm_record("a.wav"), track=new, path="sub/z.wav")
    assert results.record("bpm", new).stat().st_mtime_ns == age
    assert results.ticket(new).stat().st_mtime_ns <= age
    for path in (results.record("bpm", old), results.record("key", old), results.identity(old)):
        assert not path.exists()
    write_tickets(found, results.folder)
    assert look(home) == Recognised()


@pytest.mark.parametrize(("data", "left"), [(b"PK\x03\x04", False), (b"mine", True)])
def test_features_go_with_the_file_and_a_users_file_does_not(home, data, left):
    results = Results(home / "results")
    old, new = track_id("a.wav"), track_id("z.wav")
    results.features(old).parent.mkdir()
    results.features(old).write_bytes(data)
    os.utime(results.features(old), ns=(10**18, 10**18))
    (home / "music" / "a.wav").rename(home / "music" / "z.wav")
    reuse_results(look(home), scan(str(home / "music")), results.folder, ANALYSES)
    assert results.features(old).exists() == left
    assert not results.record("bpm", old).exists() and results.record("bpm", new).exists()


def test_a_copy_leaves_the_original_what_it_has(home):
    shutil.copyfile(home / "music" / "a.wav", home / "music" / "copy.wav")
    reuse_results(look(home), scan(str(home / "music")), home / "results", ANALYSES)
    for path in ("a.wav", "copy.wav"):
        assert read_bpm(home / "results" / "bpm" / f"{track_id(path)}.json").path == path


def test_under_another_suffix_a_file_is_another(home):
    (home / "music" / "a.wav").rename(home / "music" / "a.mp3")
    assert look(home) == Recognised()


def test_who_has_another_file_now_gives_nothing(home):
    """a becomes b's copy; the file that was a is elsewhere: a's records are not available."""
    (home / "music" / "a.wav").rename(home / "music" / "was a.wav")
    song(home / "music" / "a.wav", 7)
    assert look(home) == Recognised()


def test_a_dry_run_plans_no_job_for_what_is_known(home):
    os.utime(home / "music" / "b.wav")
    (home / "music" / "a.wav").rename(home / "music" / "z.wav")
    found = scan(str(home / "music"))
    planned = without(found, look(home), home / "results")
    assert [t.path for t in planned.tracks] == ["b.wav", "sub/c.wav"]
    assert planned.tracks[0] == read_ticket(Results(home / "results").ticket(track_id("b.wav")))


def test_what_is_out_of_date_is_not_taken_over(home):
    results = home / "results"
    note_options(results, {"structure": {"sensitivity": 0.5}})
    (home / "music" / "a.wav").rename(home / "music" / "z.wav")
    reuse_results(look(home), scan(str(home / "music")), results, ANALYSES)
    assert (results / "bpm" / f"{track_id('z.wav')}.json").exists()
    assert not (results / "structure" / f"{track_id('z.wav')}.json").exists()


def forge_ticket(home: Path, track: str, **changes: Any) -> None:
    path = Results(home / "results").ticket(track)
    path.write_bytes(ticket_json(dataclasses.replace(read_ticket(path), **changes)))


def test_a_forged_ticket_gives_no_file_the_record_of_another(home):
    """It says of a's track that it lies where b's file does, as large and as old."""
    victim = song(home / "music" / "deep" / "a.wav", 9)
    status = victim.stat()
    forge_ticket(home, track_id("a.wav"), file=str(victim), mtime_ns=status.st_mtime_ns)
    os.utime(home / "music" / "a.wav", ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert "deep/a.wav" not in taken(look(home))
    (home / "music" / "a.wav").unlink()
    assert look(home) == Recognised()


def test_a_forged_ticket_keeps_no_record_for_a_file_that_changed(home):
    changed = song(home / "music" / "b.wav", 9)
    forge_ticket(home, track_id("b.wav"), mtime_ns=changed.stat().st_mtime_ns, file="/b.wav")
    assert look(home) == Recognised()


def test_a_forged_scan_decides_nothing(home):
    (home / "results" / "scan.json").write_text('{"schema": "dropgrid/scan", "tracks": []}')
    song(home / "music" / "new.wav", 9)
    assert look(home) == Recognised()


FORGERIES: tuple[dict[str, Any], ...] = (
    {"track": "../../victim"}, {"track": "other-01234567"}, {"path": "../a.wav"},
    {"path": "/etc/passwd"}, {"whole": "x"}, {"audio": None}, {"size": "1"}, {"wish": 1},
)  # fmt: skip


@pytest.mark.parametrize("change", FORGERIES)
def test_a_forged_identity_is_nobodys(home, change):
    path = Results(home / "results").identity(track_id("a.wav"))
    values = dataclasses.asdict(read_identity(path)) | change
    path.write_bytes(identity_json(_Forged(**values)))
    (home / "music" / "a.wav").rename(home / "music" / "z.wav")
    assert look(home) == Recognised()


class _Forged:
    """A dataclass of any fields."""

    def __new__(cls, **values: Any) -> Any:
        return dataclasses.make_dataclass("Forged", list(values))(**values)


def test_a_file_of_the_users_in_the_way_is_left_and_the_track_is_analysed(home):
    (home / "music" / "a.wav").rename(home / "music" / "z.wav")
    mine = home / "results" / "key" / f"{track_id('z.wav')}.json"
    mine.write_text("mine")
    assert reuse_results(look(home), scan(str(home / "music")), home / "results", ANALYSES) == 0
    assert mine.read_text() == "mine"
    assert not (home / "results" / "bpm" / f"{track_id('z.wav')}.json").exists()


def test_an_error_is_not_taken_over_and_stays_where_it_is(home):
    track, failure = track_id("a.wav"), TrackFailure("bpm", "ValueError", "odd")
    for kind in ANALYSES:
        record = KINDS[kind](track, "a.wav", "error", error=failure)
        write_record(home / "results" / kind / f"{track}.json", record)
    (home / "music" / "a.wav").rename(home / "music" / "z.wav")
    assert reuse_results(look(home), scan(str(home / "music")), home / "results", ANALYSES) == 0
    assert (home / "results" / "bpm" / f"{track}.json").exists()
