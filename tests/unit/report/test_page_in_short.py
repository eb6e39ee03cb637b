"""The page from what was kept of each track: the same bytes as from all records and waveforms."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropgrid.features import Features, store
from dropgrid.report import collect as collecting
from dropgrid.report.collect import collect
from dropgrid.report.page import build
from dropgrid.results.artefacts import path_of
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from settled_files import let_time_pass
from synthetic_library import write_library


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library left alone long enough: failed tracks, one without features, one that waits, one
    whose key record is damaged."""
    folder = tmp_path / "results"
    claim(folder, [])
    tracks = write_library(folder, 8, tmp_path / "music", failing=4)
    files = Results(folder)
    files.features(tracks[0]).unlink()
    for kind in files.kinds():
        files.record(kind, tracks[1]).unlink()
    damaged = files.record("key", tracks[2])
    damaged.write_bytes(damaged.read_bytes()[:-30])
    let_time_pass(monkeypatch)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tracks whose records and waveforms are read."""
    tracks: list[str] = []
    usual = collecting.read_waveform

    def reading(path: Path, columns: int) -> np.ndarray | None:
        tracks.append(path.stem)
        return usual(path, columns)

    monkeypatch.setattr(collecting, "read_waveform", reading)
    return tracks


def page(results: Path, **options: object) -> bytes:
    place = results / "report" / "index.html"
    return build(collect(results, in_short=True, **options), place)  # type: ignore[arg-type]


def whole(results: Path, **options: object) -> bytes:
    place = results / "report" / "index.html"
    return build(collect(results, **options), place)  # type: ignore[arg-type]


def test_the_page_is_the_same_bytes_and_reads_only_what_is_not_kept(
    results: Path, read: list[str]
) -> None:
    expected = whole(results)
    assert page(results) == expected
    read.clear()
    assert page(results) == expected
    damaged = sorted(Results(results).recorded("key"))[1]
    assert read == [damaged]


def test_where_the_music_lies_and_what_is_known_of_it_is_not_kept(
    results: Path, tmp_path: Path
) -> None:
    page(results)
    assert page(results, library=Path("/media/usb")) == whole(results, library=Path("/media/usb"))
    references = tmp_path / "known.csv"
    paths = [view.path for view in collect(results).tracks][3:]
    references.write_text("path,bpm\n" + "".join(f"{path},99.5\n" for path in paths))
    named = {"references": [str(references)]}
    assert page(results, **named) == whole(results, **named) != whole(results)


CHANGED = {
    "bpm": {"bpm": 99.0},
    "structure": {"drops": [1.5], "drop_confidences": [0.5]},
    "key": {"camelot": "12A"},
}


@pytest.mark.parametrize("kind", [*CHANGED, "features"])
def test_what_changes_is_read_again(results: Path, kind: str) -> None:
    page(results)
    before = whole(results)
    track = sorted(Results(results).recorded("bpm"))[3]
    path = results / kind / f"{track}.json"
    if kind == "features":
        drawn = {"attack": np.linspace(0, 1, 4000, dtype=np.float16)[:, None].repeat(2, axis=1)}
        store.save(path.with_suffix(".npz"), Features(10.0, np.zeros((0, 2), np.float32), drawn))
    else:
        path.write_text(json.dumps(json.loads(path.read_bytes()) | CHANGED[kind]))
    assert page(results) == whole(results) != before


def test_a_track_that_gets_its_records_is_shown(results: Path) -> None:
    before = page(results)
    waiting = path_of("bpm", results, track="x").parent
    tracks = json.loads((results / "scan.json").read_bytes())["tracks"]
    model = json.loads((waiting / f"{tracks[4]}.json").read_bytes())
    ticket = json.loads((results / "tracks" / f"{tracks[1]}.json").read_bytes())
    model |= {"track": tracks[1], "path": ticket["path"]}
    (waiting / f"{tracks[1]}.json").write_text(json.dumps(model))
    assert page(results) == whole(results) != before


def test_features_that_could_not_be_read_once_are_read_the_next_time(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(collecting, "read_waveform", lambda path, columns: None)
        page(results)
    assert page(results) == whole(results)


def test_features_that_cannot_be_looked_at_are_missing(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = os.stat

    def denied(path: Any, **options: Any) -> os.stat_result:
        if str(path).endswith(".npz"):
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(collecting, "read_waveform", lambda path, columns: None)
        patch.setattr(os, "stat", denied)
        without = page(results)
    assert page(results) == whole(results) != without


def test_another_number_of_columns_is_another_page(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page(results)
    monkeypatch.setattr(collecting, "columns_for", lambda tracks: 50)
    assert page(results) == whole(results)


def test_a_page_of_a_folder_that_cannot_be_written_is_the_same(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", os.devnull)
    assert page(results) == whole(results)
    assert not path_of("reading", results, any="page").exists()
