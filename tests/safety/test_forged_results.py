"""Files in a folder of results that are forged or belong to others."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError, LibraryError, RecordError
from dropgrid.base.json_documents import json_lines
from dropgrid.jobs.policy import classify
from dropgrid.library import scan
from dropgrid.records.model import BpmRecord, TrackFailure
from dropgrid.records.store import write_record
from dropgrid.records.ticket import read_ticket
from dropgrid.results.artefacts import ARTEFACTS
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import read_scan, write_tickets
from dropgrid.run.batches import read_batch
from dropgrid.run.plan import make_plan
from dropgrid.run.summary import forget_failures
from dropgrid.settings.config import complete_config
from folders_of_files import CONFIG, fill


# B: forged scans, tickets and manifests
def test_a_forged_scan_names_no_files_outside(tmp_path):
    fill(tmp_path, "victim.json")
    head = {"schema": "dropgrid/scan", "schema_version": 1, "root": "/"}
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "scan.json").write_bytes(
        json_lines({**head, "tracks": ["../../victim"], "problems": []})
    )
    with pytest.raises(RecordError, match=r"scan.json: tracks: '../../victim' is no track's id"):
        read_scan(tmp_path / "r")


TICKET = {"schema": "dropgrid/track", "schema_version": 1, "track": "a-01234567", "path": "a.wav",
          "file": "/m/a.wav", "size": 1, "mtime_ns": 1}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"track": "../../PWN"}, {"track": "b-01234567"}, {"path": "../secret/v.flac"},
        {"path": "/etc/passwd"}, {"file": "/m/a\0.wav"}, {"size": "1"}, {"file": None}, {"x": 1},
    ],
)  # fmt: skip
def test_a_forged_ticket_is_refused(change, tmp_path):
    path = tmp_path / "a-01234567.json"
    path.write_bytes(json_lines(TICKET))
    assert read_ticket(path).path == "a.wav"
    path.write_bytes(json_lines({**TICKET, **change}))
    with pytest.raises(RecordError, match=r"a-01234567\.json"):
        read_ticket(path)


def test_a_forged_manifest_is_refused(tmp_path):
    path = tmp_path / "00000.json"
    track = {k: v for k, v in TICKET.items() if not k.startswith("schema")}
    head = {"schema": "dropgrid/batch", "schema_version": 1}
    path.write_bytes(json_lines({**head, "tracks": [{**track, "track": "../../../PWN"}]}))
    with pytest.raises(RecordError, match="PWN"):
        read_batch(path)


# E4, E6
def test_only_errors_of_the_tracks_own_input_are_the_tracks():
    fault, _ = classify(FileNotFoundError(2, "gone", "results/network.npz"), "features")
    assert fault == "machine"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", ".inf"])
def test_values_that_are_not_numbers_are_refused_as_options(value):
    with pytest.raises(ConfigError, match=r"bpm\.max_bpm"):
        complete_config({"bpm": {"max_bpm": value}})


@pytest.mark.parametrize(
    "edges", [[120, 120], [130, 120], [120], [120.001, 120.0011, 120.0012], [120, float("inf")]]
)
def test_ranges_that_cannot_be_distinguished_are_refused_as_an_option(edges, tmp_path):
    with pytest.raises(ConfigError, match=r"^export\.bpm_ranges.*") as caught:
        complete_config({"export": {"bpm_ranges": edges}})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [a.path for a in ARTEFACTS.values() if a.renewed])
def test_a_users_file_in_the_place_of_an_output_is_not_overwritten(name, tmp_path):
    fill(tmp_path, "music/song.flac")
    results, music = tmp_path / "results", [str(tmp_path / "music")]
    claim(results, music)
    for empty in (b"", bytes(9)):  # what a crash leaves of dropgrid's files
        (results / name).write_bytes(empty)
        claim(results, music)
    fill(results, name)
    with pytest.raises(LibraryError, match=rf"{name}: was not written by dropgrid"):
        claim(results, music)


@pytest.mark.parametrize(
    "name",
    [
        "batches/00000.json",
        "batches/00000.done",
        "options/bpm.json",
        "tracks/{track}.json",
        "bpm/{track}.json",
        "features/{track}.npz",
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_no_batch_ticket_or_record_takes_the_place_of_a_file_of_the_users(name, write, tmp_path):
    fill(tmp_path, "music/song.flac")
    results, found = tmp_path / "results", scan(str(tmp_path / "music"))
    name = name.format(track=found.tracks[0].track)
    claim(results, [str(tmp_path / "music")])
    fill(results, name)
    if name.startswith("batches"):  # dropgrid continues its numbering
        config = {**CONFIG, "tracks_per_job": 20}
        assert make_plan(found, str(results), config, write).batches
    elif write or not name.startswith("tracks"):  # a dry run only sees which tickets there are
        with pytest.raises(LibraryError, match=rf"{Path(name).name}: was not written by dropgrid"):
            make_plan(found, str(results), CONFIG, write)
    assert (results / name).read_bytes() == f"the user's {name}".encode()


@pytest.mark.parametrize("kind", ["json", "npz"])
def test_retry_deletes_only_dropgrids_files(kind, tmp_path):
    """A failure that a forged record tells, of a stage without records: its features stay."""
    fill(tmp_path, "music/song.flac")
    results = tmp_path / "results"
    claim(results, [str(tmp_path / "music")])
    (track,) = write_tickets(scan(str(tmp_path / "music")), results)
    failure = TrackFailure("features", "DecodeError", "not audio")
    write_record(results / "bpm" / f"{track}.json", BpmRecord(track, "song.flac", "error",
                                                              error=failure))  # fmt: skip
    user = f"features/{track}.npz" if kind == "npz" else f"structure/{track}.json"
    fill(results, user)
    assert forget_failures(results) == [track]
    assert (results / user).read_bytes() == f"the user's {user}".encode()
    assert not (results / "bpm" / f"{track}.json").exists()


def test_a_summary_of_the_users_is_not_overwritten(tmp_path, dropgrid):
    fill(tmp_path, "music/song.flac", "r/summary.json")
    write_tickets(scan(str(tmp_path / "music")), tmp_path / "r")
    run = dropgrid("summary", "--results", tmp_path / "r")
    assert run.returncode == 2 and "summary.json: exists" in run.stderr
    assert (tmp_path / "r" / "summary.json").read_bytes() == b"the user's r/summary.json"
