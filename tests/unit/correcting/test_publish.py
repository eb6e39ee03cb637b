"""Corrections reach the jobs: of each track by itself, of renamed files too, and nothing twice."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from dropgrid.apply_corrections.document import Document, changing, to_bytes
from dropgrid.apply_corrections.fingerprints import fingerprint
from dropgrid.apply_corrections.model import Correction
from dropgrid.apply_corrections.per_track import correction_for, read_slice, with_corrections
from dropgrid.base.errors import ConfigError
from dropgrid.correcting.publish import (
    corrections_file,
    read_corrections,
    tracks_with_corrections,
    write_slices,
)
from dropgrid.features import Features
from dropgrid.library import Scan, track_id
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket
from dropgrid.results.layout import Results
from dropgrid.run.batches import read_batch
from dropgrid.run.plan import Plan, make_plan
from dropgrid.run.staleness import tracks_due
from dropgrid.settings.config import load_config
from dropgrid.stages import STAGES
from library_of_records import bpm_record

ONE = "139999-" + "0b" * 32
OTHER = "200000-" + "1c" * 32


def tickets(*paths: str) -> list[Ticket]:
    return [Ticket(track_id(path), path, f"/music/{path}", 1, 1) for path in paths]


def write(results: Path, stated: dict[str, Correction], *paths: str) -> dict[str, str]:
    return write_slices(
        Document(stated), tickets(*paths), results, results, results / "corrections.json"
    )


def slice_of(results: Path, path: str) -> Correction | None:
    return read_slice(Results(results).corrections / f"{track_id(path)}.json")


def test_a_track_gets_its_own_corrections_without_the_note(tmp_path):
    found = write(tmp_path, {"a.flac": Correction(bpm=90.0, note="x")}, "a.flac", "b.flac")
    assert slice_of(tmp_path, "a.flac") == Correction(bpm=90.0)
    assert slice_of(tmp_path, "b.flac") is None
    assert found.keys() == {track_id("a.flac")} == tracks_with_corrections(tmp_path)


def test_only_what_changed_is_written(tmp_path):
    stated = {"a.flac": Correction(bpm=90.0), "b.flac": Correction(bpm=100.0)}
    write(tmp_path, stated, "a.flac", "b.flac")
    files = {p: (Results(tmp_path).corrections / f"{track_id(p)}.json") for p in stated}
    for file in files.values():
        os.utime(file, (1, 1))
    write(tmp_path, {**stated, "b.flac": Correction(bpm=101.0, note="new")}, "a.flac", "b.flac")
    assert files["a.flac"].stat().st_mtime == 1
    assert files["b.flac"].stat().st_mtime > 1
    write(tmp_path, {**stated, "a.flac": Correction(bpm=90.0, note="only a note")}, "a.flac")
    assert files["a.flac"].stat().st_mtime == 1


def test_corrections_that_are_removed_leave_an_empty_file(tmp_path):
    write(tmp_path, {"a.flac": Correction(bpm=90.0)}, "a.flac")
    write(tmp_path, {}, "a.flac")
    assert slice_of(tmp_path, "a.flac") == Correction()


def test_a_library_without_corrections_gets_no_folder(tmp_path):
    assert write(tmp_path, {}, "a.flac") == {}
    assert not Results(tmp_path).corrections.exists()


def test_an_analysed_track_gets_corrections_of_its_recording(tmp_path):
    for path, heard in (("new/a.flac", ONE), ("b.flac", OTHER)):
        record = bpm_record(path)
        object.__setattr__(record, "fingerprint", heard)
        write_record(Results(tmp_path).record("bpm", record.track), record)
    stated = {"old/a.flac": Correction(fingerprint=ONE, bpm=90.0)}
    write(tmp_path, stated, "new/a.flac", "b.flac")
    assert slice_of(tmp_path, "new/a.flac") == stated["old/a.flac"]
    assert slice_of(tmp_path, "b.flac") is None
    write(tmp_path, stated, "new/a.flac", "b.flac")  # nothing is new, and nothing is lost
    assert slice_of(tmp_path, "new/a.flac") == stated["old/a.flac"]
    write(tmp_path, {}, "new/a.flac", "b.flac")
    assert slice_of(tmp_path, "new/a.flac") == Correction()


def test_the_file_of_the_last_run_is_found_by_itself(tmp_path):
    mine = tmp_path / "mine.json"
    assert corrections_file(tmp_path) == tmp_path / "corrections.json"
    write_slices(Document(), tickets("a"), tmp_path, tmp_path, mine)
    assert corrections_file(tmp_path) == tmp_path / "corrections.json"  # nothing is made there
    mine.touch()
    assert corrections_file(tmp_path) == mine
    write_slices(Document(), tickets("a"), tmp_path, tmp_path, tmp_path / "corrections.json")
    assert corrections_file(tmp_path) == tmp_path / "corrections.json"


def test_a_file_that_was_named_has_to_be_there(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        read_corrections(tmp_path / "none.json")
    assert read_corrections(tmp_path / "none.json", needed=False).tracks == {}


def plan(results: Path, stated: dict[str, Correction], real: bool = True) -> Plan:
    """The plan of two tracks with these corrections in the user's own file."""
    found = Scan("/music", tuple(tickets("a.flac", "b.flac")), ())
    results.mkdir(exist_ok=True)
    (results / "corrections.json").write_bytes(to_bytes(Document(stated)))
    return make_plan(found, str(results), {**load_config(), "tracks_per_job": 2}, real)


def asked(made: Plan) -> list[str]:
    """The tracks in the batches of a plan."""
    return [t.path for name in made.batches for t in read_batch(Path(made.batch(name))).tracks]


def analysed(results: Path, made: Plan) -> None:
    """Leave what the jobs of a plan leave."""
    files = Results(results)
    for track in made.tracks:
        for stage in STAGES:
            files.output(stage, track).parent.mkdir(exist_ok=True)
            files.output(stage, track).touch()
    for batch in made.batches:
        files.done(batch).touch()


def test_a_dry_run_plans_with_corrections_that_it_does_not_write(tmp_path):
    results = tmp_path / "results"
    for network in (Results(results).network, Results(results).key_network):
        results.mkdir(exist_ok=True)
        network.touch()
    analysed(results, plan(results, {}))
    assert asked(plan(results, {}, real=False)) == ["a.flac", "b.flac"]
    stated = {"a.flac": Correction(bpm=90.0)}
    made = plan(results, stated, real=False)
    assert asked(made) == ["a.flac"]
    shown = made.shadow / "corrections" / f"{track_id('a.flac')}.json"
    assert read_slice(shown) == stated["a.flac"]
    assert not Results(results).corrections.exists()


def test_only_the_cheap_stages_of_a_corrected_track_are_due(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    for network in (Results(results).network, Results(results).key_network):
        network.touch()
    analysed(results, plan(results, {}))
    track = track_id("a.flac")
    assert asked(plan(results, {"a.flac": Correction(bpm=90.0)})) == ["a.flac"]
    kinds = ("bpm", "structure", "key")
    assert tracks_due(results, [track], kinds) == {track: [*kinds]}


def test_two_programs_may_state_things_while_a_run_begins(tmp_path):
    with changing(tmp_path / "corrections.json") as stated:
        stated.put("a.flac", Correction(bpm=90.0))
    plan(tmp_path, read_corrections(tmp_path / "corrections.json").tracks)
    assert tracks_with_corrections(tmp_path) == {track_id("a.flac")}


def sound(seed: int) -> Features:
    """Features of a recording of its own course of loudness."""
    powers = 10 ** np.random.default_rng(seed).uniform(-3, 0, 40)
    return Features(
        200.0, np.zeros((0, 2)), {"loudness": np.repeat(powers, 50).astype(np.float32)}
    )


def test_a_job_uses_the_corrections_of_its_recording(tmp_path):
    mine, other = (Correction(fingerprint=fingerprint(sound(seed)), bpm=bpm)
                   for seed, bpm in ((1, 90.0), (2, 100.0)))  # fmt: skip
    write(tmp_path, {"a.flac": mine, "gone.flac": other}, "a.flac", "b.flac")
    folder = Results(tmp_path).corrections
    assert correction_for(folder, track_id("a.flac"), sound(1)) == mine
    assert correction_for(folder, track_id("b.flac"), sound(2)) == other  # renamed
    assert correction_for(folder, track_id("a.flac"), sound(2)) == other  # took the other's name
    assert correction_for(folder, track_id("b.flac"), sound(3)) == Correction()
    assert correction_for(folder, track_id("a.flac"), sound(3)) == Correction()


def test_a_record_is_made_again_when_corrections_change_meanwhile(tmp_path):
    write(tmp_path, {"a.flac": Correction(bpm=90.0)}, "a.flac")
    made = []

    def make(said: Correction) -> None:
        made.append(said.bpm)
        if len(made) == 1:
            write(tmp_path, {"a.flac": Correction(bpm=91.0)}, "a.flac")

    with_corrections(Results(tmp_path).corrections, track_id("a.flac"), sound(1), make)
    assert made == [90.0, 91.0]
    with_corrections(None, track_id("a.flac"), sound(1), make)
    assert made[-1] is None
