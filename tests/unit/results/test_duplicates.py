"""The same song twice: by its audio, or by how loud it is when."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from dropgrid.base.csv_tables import read_csv
from dropgrid.commands.main import main
from dropgrid.features import Features, store
from dropgrid.library import track_id
from dropgrid.records.identity import Identity, write_identity
from dropgrid.records.store import write_record
from dropgrid.report.collect import collect
from dropgrid.results.duplicates import LIKE, likeness, write_duplicates
from dropgrid.results.layout import Results
from dropgrid.results.table import write_table
from library_of_records import PATHS, bpm_record, write_results

ONE, HALF, BROKEN, HOSTILE = PATHS


def course(seed: int, length: int = 2000) -> np.ndarray:
    """Power a tenth of a second, of sections of chance loudness with chance detail."""
    chance = np.random.default_rng(seed)
    decibels = np.repeat(chance.uniform(-40, -5, length // 100), 100) + chance.normal(0, 3, length)
    return 10 ** (decibels / 10)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Four tracks: the first and the last as long and as fast as each other."""
    results = write_results(tmp_path / "results")
    for number, path in enumerate(PATHS):
        identify(results, path, str(number))
        hear(results, path, course(number))
    return results


def identify(results: Path, path: str, digit: str) -> None:
    track = track_id(path)
    identity = Identity(track, path, 1000, 1, digit * 40, digit * 40, digit * 40)
    write_identity(Results(results).identity(track), identity)


def hear(results: Path, path: str, power: np.ndarray) -> None:
    features = Features(30.5, np.zeros((1, 2), np.float32), {"loudness": power})
    store.save(Results(results).features(track_id(path)), features)


def rows(results: Path) -> list[tuple[str, str, str, str]]:
    write_duplicates(results)
    found = read_csv(results / "duplicates.csv")
    return [(row["path"], row["group"], row["same"], row["likeness"]) for row in found]


def test_songs_that_differ_are_none(results):
    assert rows(results) == []


def test_the_same_audio_is_found_whatever_its_length_says(results):
    identify(results, HALF, "0")
    assert rows(results) == [(ONE, "1", "audio", ""), (HALF, "1", "audio", "")]


def test_another_encoding_is_found_by_its_course_of_loudness(results):
    chance = np.random.default_rng(9)
    again = np.roll(course(0), 1) * 10 ** (chance.normal(0, 0.5, 2000) / 10) * 0.8
    hear(results, HOSTILE, again)
    (one, two) = rows(results)
    assert one == (ONE, "1", "recording", "1.0")
    assert two[:3] == (HOSTILE, "1", "recording") and LIKE < float(two[3]) < 1


def test_a_third_file_of_the_same_audio_joins_the_group(results):
    hear(results, HOSTILE, course(0))
    identify(results, HALF, "0")
    found = rows(results)
    assert [row[:3] for row in found] == [
        (ONE, "1", "recording"), (HALF, "1", "recording"), (HOSTILE, "1", "recording"),
    ]  # fmt: skip


def test_alike_but_of_another_tempo_or_length_is_another_song(results):
    hear(results, HOSTILE, course(0))
    for change in ({"bpm_fitted": 128.1}, {"duration": 31.0}):
        record = dataclasses.replace(bpm_record(HOSTILE), **change)
        write_record(results / "bpm" / f"{track_id(HOSTILE)}.json", record)
        structure = results / "structure" / f"{track_id(HOSTILE)}.json"
        structure.unlink(missing_ok=True)
        key = results / "key" / f"{track_id(HOSTILE)}.json"
        key.unlink(missing_ok=True)
        write_table(results, ["bpm"])
        assert rows(results) == []


def test_without_features_a_recording_is_not_guessed_at(results):
    for path in (results / "features").iterdir():
        path.unlink()
    assert rows(results) == []


def test_a_steady_or_a_short_course_says_nothing():
    assert likeness(np.ones(2000), np.ones(2000)) == 0
    assert likeness(course(1, 100)[:90], course(1, 100)[:90]) == 0
    assert likeness(course(1), course(1)) == pytest.approx(1)
    assert likeness(course(1), course(2)) < 0.7


def test_the_command_says_them_and_the_page_marks_them(results, capsys):
    identify(results, HALF, "0")
    assert main(["duplicates", "--results", str(results)]) == 0
    message = capsys.readouterr().out
    assert (
        f"same audio: {ONE} = {HALF}\n" in message and "1 song is there more than once" in message
    )
    duplicates = {view.path: view.duplicates for view in collect(results).tracks}
    assert duplicates == {ONE: (HALF,), HALF: (ONE,), BROKEN: (), HOSTILE: ()}


def test_a_file_of_the_users_is_not_overwritten(results, capsys):
    (results / "duplicates.csv").write_text("mine")
    assert main(["duplicates", "--results", str(results)]) == 2
    assert (results / "duplicates.csv").read_text() == "mine"
