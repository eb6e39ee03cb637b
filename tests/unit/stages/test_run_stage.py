"""A track from ticket to records: stage by stage on disk, in one process, and with faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music
from dropgrid.apply_corrections.model import Correction, SectionStart
from dropgrid.base.errors import ConfigError, DecodeError, ModelError, TrackError
from dropgrid.features import Features, store
from dropgrid.records.model import TrackFailure
from dropgrid.records.store import read_bpm, read_key, read_structure, write_record
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.settings.config import complete_config
from dropgrid.stages import (
    STAGES,
    analyse_track,
    networks,
    run_stage,
    stage_options,
    write_failure,
)
from dropgrid.stages.make_features import compute_features, save_features
from dropgrid.stages.make_records import make_bpm_record, make_key_record, make_structure_record

CONFIG = complete_config({"bpm": {"method": "open"}, "key": {"method": "profiles"}})
OPTIONS = stage_options(CONFIG)
READ = {"bpm": read_bpm, "structure": read_structure, "key": read_key}


def ticket_of(path: Path) -> Ticket:
    status = path.stat()
    return Ticket("song-00000000", "song.wav", str(path), status.st_size, status.st_mtime_ns)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A short track with its features and records, made stage by stage."""
    folder = tmp_path_factory.mktemp("stages")
    music = demo_music.compose(seed=5, bpm=175.0, style="house", duration=30.0)
    soundfile.write(folder / "song.wav", demo_music.render(music, 16000), 16000)
    found = {name: folder / f"{name}.json" for name in ("ticket", "bpm", "structure", "key")}
    found |= {name: folder / name for name in ("network", "key_network", "features", "song.wav")}
    found["ticket"] = folder / "song-00000000.json"
    found["ticket"].write_bytes(ticket_json(ticket_of(folder / "song.wav")))
    networks.prepare_network(found["network"], "open")
    networks.prepare_key_network(found["key_network"], "profiles")
    for stage in STAGES:
        run_stage(stage, found | {"output": found[stage]}, OPTIONS[stage])
    return found


@pytest.fixture
def features(files: Mapping[str, Path]) -> Features:
    loaded = store.load(files["features"])
    assert isinstance(loaded, Features)
    return loaded


@pytest.fixture
def ticket(files: Mapping[str, Path]) -> Ticket:
    return ticket_of(files["song.wav"])


def test_one_process_makes_the_same_bytes_as_the_stages_on_disk(
    files: Mapping[str, Path], ticket: Ticket, tmp_path: Path
) -> None:
    records = analyse_track(ticket, files["network"], files["key_network"], CONFIG)
    for stage, record in zip(READ, records, strict=True):
        assert (record.status, record.track) == ("ok", ticket.track)
        write_record(tmp_path / stage, record)
        assert (tmp_path / stage).read_bytes() == files[stage].read_bytes()


def test_a_track_that_fails_has_three_records_that_say_why(
    files: Mapping[str, Path], ticket: Ticket, tmp_path: Path
) -> None:
    gone = replace(ticket, file=str(tmp_path / "gone.wav"))
    for record in analyse_track(gone, files["network"], files["key_network"], CONFIG):
        assert record.error == TrackFailure("decode", "DecodeError", "the file is no longer there")


def test_what_is_not_the_tracks_fault_is_raised_and_makes_no_records(
    files: Mapping[str, Path], ticket: Ticket, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="no network"):
        analyse_track(ticket, tmp_path / "no network", files["key_network"], CONFIG)


@pytest.mark.parametrize("stage", list(READ))
def test_a_failed_stage_leaves_a_record_of_its_kind(
    stage: str, files: Mapping[str, Path], tmp_path: Path
) -> None:
    failure = TrackFailure(stage, "OutOfMemory", "too large")
    write_failure(stage, {"ticket": files["ticket"], "output": tmp_path / "out"}, failure)
    record = READ[stage](tmp_path / "out", "song-00000000")
    assert (record.error, record.path) == (failure, "song.wav")


def test_failed_features_without_a_folder_of_results_are_kept(tmp_path: Path) -> None:
    failure = TrackFailure("decode", "DecodeError", "cut short")
    write_failure("features", {"output": tmp_path / "features"}, failure)
    assert store.load(tmp_path / "features") == failure
    kept = {"output": tmp_path / "features", "identity": tmp_path / "no identity yet"}
    write_failure("features", kept, failure)
    assert store.load(tmp_path / "features") == failure


def test_a_file_that_is_gone_loses_its_identity_and_says_so(
    files: Mapping[str, Path], ticket: Ticket, tmp_path: Path
) -> None:
    kept = {"network": files["network"], "output": tmp_path / "features",
            "identity": tmp_path / "identity.json", "cache": tmp_path / "cache"}  # fmt: skip
    gone = replace(ticket, file=str(tmp_path / "gone.wav"))
    for content in ("of other features", None):
        if content:
            kept["identity"].write_text(content)
        with pytest.raises(DecodeError, match="no longer there"):
            save_features(gone, kept, OPTIONS["features"], 1)
        assert not kept["identity"].exists()


def test_messages_name_the_file_but_no_folder_of_this_machine(
    files: Mapping[str, Path], ticket: Ticket, tmp_path: Path
) -> None:
    loop = tmp_path / "loop.wav"
    loop.symlink_to(loop)
    with pytest.raises(DecodeError) as raised:
        compute_features(replace(ticket, file=str(loop)), files["network"])
    assert str(raised.value).startswith("the file cannot be read (Too many levels")
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"This is no music.\n" * 99)
    with pytest.raises(TrackError) as failed:
        compute_features(replace(ticket, file=str(broken)), files["network"])
    assert str(tmp_path) not in str(failed.value)


def test_an_upgrade_keeps_features_whose_contents_and_options_stay() -> None:
    """All features of a library are computed again if these change."""
    assert OPTIONS["features"] == {"contents": 2, "true_peak": False}
    ignoring = stage_options(complete_config({"ignore_metadata": True, "metadata": "trust"}))
    assert ignoring["bpm"]["ignore_metadata"] is True and ignoring["bpm"]["metadata"] == "trust"
    usual = stage_options(complete_config({}))
    assert [stage for stage in STAGES if ignoring[stage] != usual[stage]] == ["bpm"]


def test_features_take_most_of_a_tracks_time_and_late_stages_the_same() -> None:
    """The bar of progress and the jobs of a batch are measured with these weights."""
    weights = {name: stage.weight for name, stage in STAGES.items()}
    late = [weights.pop(name) for name in READ]
    assert late == [1.0] * 3
    assert 0.7 < weights["features"] / (weights["features"] + sum(late)) < 0.78


def test_peaks_are_in_decibels_of_full_scale_and_the_true_peak_only_where_asked_for(
    files: Mapping[str, Path], ticket: Ticket, features: Features
) -> None:
    peaks = np.array([0.5, 0.25], np.float32)
    loud = replace(features, descriptors=features.descriptors | {"peak": peaks})
    loudness = make_bpm_record(ticket, loud, OPTIONS["bpm"]).loudness
    assert loudness is not None
    assert loudness.sample_peak == pytest.approx(-6.02, abs=0.01)
    assert loudness.true_peak == pytest.approx(-12.04, abs=0.01)
    assert np.isnan(features.descriptors["peak"][1])
    assert np.isnan(compute_features(ticket, files["network"]).descriptors["peak"][1])


@pytest.mark.parametrize(
    "options", [{}, *({"ignore_metadata": False, "metadata": m} for m in ("evidence", "witness"))]
)
def test_a_tag_is_by_default_evidence_for_the_octave_and_the_result_without_it_is_kept(
    options: dict[str, Any], ticket: Ticket, features: Features
) -> None:
    alone = make_bpm_record(ticket, features, {})
    assert alone.bpm is not None and alone.untagged is None
    for tag in (2 * alone.bpm, alone.bpm / 2):
        if not 30 <= tag <= 300:
            continue
        record = make_bpm_record(ticket, replace(features, tags={"bpm": tag}), options)
        assert (record.bpm, record.source) == (tag, "computed")
        assert record.bpm_computed == alone.bpm
        assert record.untagged is not None and record.untagged.bpm == alone.bpm
        assert record.untagged.beats == alone.beats
        assert make_bpm_record(
            ticket, replace(features, tags={"bpm": tag}), {"ignore_metadata": True}
        ).bpm == alone.bpm  # fmt: skip
        return
    raise AssertionError("neither octave is a plausible tag")


def test_sections_without_corrections_are_computed_and_corrected_ones_measured(
    ticket: Ticket, features: Features
) -> None:
    bpm = make_bpm_record(ticket, features, OPTIONS["bpm"])
    plain = make_structure_record(ticket, features, bpm, OPTIONS["structure"])
    assert (plain.source, plain.status) == ("computed", "ok")
    assert all(section.loudness is not None for section in plain.sections)
    key_only = Correction(key="G minor")
    assert make_structure_record(ticket, features, bpm, OPTIONS["structure"], key_only) == plain
    middle = bpm.downbeats[len(bpm.downbeats) // 2]
    sections = (SectionStart(0.0, "intro"), SectionStart(middle, "drop"))
    mine = Correction(sections=sections, drops=(middle,))
    found = make_structure_record(ticket, features, bpm, OPTIONS["structure"], mine)
    assert found.source == "corrected"
    assert [section.label for section in found.sections] == ["intro", "drop"]
    assert all(section.loudness is not None for section in found.sections)
    assert len(found.drop_impacts) == len(found.drops) == 1


def test_options_that_do_not_exist_are_refused_by_each_stage(
    ticket: Ticket, features: Features
) -> None:
    bpm = make_bpm_record(ticket, features, OPTIONS["bpm"])
    wrong = {"no_such_option": 1}
    with pytest.raises(ConfigError, match="no_such_option"):
        make_bpm_record(ticket, features, wrong)
    with pytest.raises(ConfigError, match="no_such_option"):
        make_structure_record(ticket, features, bpm, wrong)
    with pytest.raises(ConfigError, match="no_such_option"):
        make_key_record(ticket, features, wrong)
