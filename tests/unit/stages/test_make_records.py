"""The records that are made of features: what tags, options and corrections change."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music
from dropgrid.apply_corrections.model import Correction
from dropgrid.base.errors import RecordError
from dropgrid.features import Features, store
from dropgrid.features.extract import extract
from dropgrid.records.model import TrackFailure
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.settings.config import complete_config
from dropgrid.stages import make_records, networks, run_stage, stage_options, write_failure
from dropgrid.stages.make_records import make_bpm_record, make_key_record, make_structure_record

OPTIONS = stage_options(complete_config({"bpm": {"method": "open"}}))
FAILURE = TrackFailure("decode", "DecodeError", "cut short")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "song.wav"
    music = demo_music.compose(seed=5, bpm=126.0, style="house", duration=40.0)
    soundfile.write(path, demo_music.render(music, 16000), 16000)
    return path


@pytest.fixture(scope="module")
def features(song: Path) -> Features:
    return extract(song, "open")


@pytest.fixture
def ticket(song: Path) -> Ticket:
    status = song.stat()
    return Ticket("song-00000000", "song.wav", str(song), status.st_size, status.st_mtime_ns)


def tagged(features: Features, **tags: Any) -> Features:
    return dataclasses.replace(features, tags=tags)


@pytest.mark.parametrize(
    ("tag", "options", "bpm", "source"),
    [
        (None, {"metadata": "trust"}, 126.0, "computed"),
        (90.0, {"metadata": "trust"}, 90.0, "metadata"),
        (90.0, {"metadata": "trust", "ignore_metadata": True}, 126.0, "computed"),
        (90.0, {"metadata": "evidence"}, 126.0, "computed"),
        (30.0, {"metadata": "trust"}, 30.0, "metadata"),
        (29.9, {"metadata": "trust"}, 126.0, "computed"),
        (300.0, {"metadata": "trust"}, 300.0, "metadata"),
        (300.1, {"metadata": "trust"}, 126.0, "computed"),
    ],
)
def test_a_plausible_tag_is_the_tempo_where_it_is_trusted(
    tag: float | None, options: dict[str, Any], bpm: float, source: str,
    features: Features, ticket: Ticket,
) -> None:  # fmt: skip
    record = make_bpm_record(ticket, tagged(features, bpm=tag), OPTIONS["bpm"] | options)
    assert (record.bpm, record.source, record.tag_bpm) == (bpm, source, tag)
    assert record.bpm_computed == 126.0 and record.untagged is None
    assert record.method == "open"


def test_without_loudness_in_the_features_the_record_has_none(
    features: Features, ticket: Ticket
) -> None:
    record = make_bpm_record(ticket, features, OPTIONS["bpm"])
    assert record.loudness is not None
    assert record.loudness.sample_peak == pytest.approx(
        20 * np.log10(features.descriptors["peak"][0]), abs=1e-3
    )
    assert record.loudness.true_peak is None  # it was not looked for
    older = {k: v for k, v in features.descriptors.items() if k not in ("loudness", "peak")}
    older_features = dataclasses.replace(features, descriptors=older)
    assert make_bpm_record(ticket, older_features, OPTIONS["bpm"]).loudness is None
    structure = make_structure_record(ticket, older_features, record, OPTIONS["structure"])
    assert {section.loudness for section in structure.sections} == {None}
    silent = features.descriptors | {"peak": np.zeros(2, np.float32)}
    loudness = make_records._loudness(dataclasses.replace(features, descriptors=silent))
    assert loudness is not None and loudness.sample_peak is None


@pytest.mark.parametrize(("tag", "name"), [("8A", "A minor"), ("nonsense", None), (None, None)])
def test_a_key_record_has_the_key_in_all_notations_and_the_tags(
    tag: str | None, name: str | None, features: Features, ticket: Ticket
) -> None:
    record = make_key_record(ticket, tagged(features, key=tag), {"method": "profiles"})
    assert record.status == "ok" and record.key is not None and record.reason is None
    assert record.camelot and record.open_key and record.tag_key == name
    assert record.method == "profiles" and record.source == "computed"
    confidence = record.confidence
    for least, sure in ((confidence, True), (min(1.0, confidence + 1e-6), False)):
        options = {"method": "profiles", "min_confidence": least}
        assert make_key_record(ticket, features, options).sure is sure


def test_a_track_without_a_key_has_no_notation_and_is_not_sure_or_unsure(
    features: Features, ticket: Ticket
) -> None:
    pitches = np.zeros_like(features.descriptors["pitches"])
    drums = dataclasses.replace(features, descriptors=features.descriptors | {"pitches": pitches})
    record = make_key_record(ticket, drums, {"method": "profiles"})
    assert record.status == "ok" and record.reason == "no pitched sound"
    assert (record.key, record.camelot, record.open_key, record.sure) == (None,) * 4
    older = dataclasses.replace(features, descriptors={})
    with pytest.raises(RecordError, match="without keys"):
        make_key_record(ticket, older, {})


def test_corrections_are_in_the_records(features: Features, ticket: Ticket) -> None:
    key = make_key_record(ticket, features, {}, Correction(key="G minor"))
    assert (key.key, key.camelot, key.source) == ("G minor", "6A", "corrected")
    bpm = make_bpm_record(ticket, features, OPTIONS["bpm"], Correction(bpm=63.0))
    assert (bpm.bpm, bpm.source) == (63.0, "corrected")
    plain = make_bpm_record(ticket, features, OPTIONS["bpm"])
    assert (plain.bpm, plain.source) == (126.0, "computed")
    assert make_structure_record(ticket, features, plain, OPTIONS["structure"]).status == "ok"


def test_failures_become_records_that_say_so(features: Features, ticket: Ticket) -> None:
    bpm = make_bpm_record(ticket, FAILURE, OPTIONS["bpm"])
    assert (bpm.status, bpm.error, bpm.path) == ("error", FAILURE, "song.wav")
    assert make_key_record(ticket, FAILURE, OPTIONS["key"]).error == FAILURE
    structure = OPTIONS["structure"]
    assert make_structure_record(ticket, FAILURE, bpm, structure).error == FAILURE
    assert make_structure_record(ticket, features, bpm, structure).error == FAILURE


def test_features_are_kept_with_an_identity_only_while_the_file_stays_the_same(
    song: Path, ticket: Ticket, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    networks.prepare_network(tmp_path / "network.npz", "open")
    assert networks._instead_of(tmp_path / "network.npz") == "open"
    (tmp_path / "song-00000000.json").write_bytes(ticket_json(ticket))
    plain = {
        "ticket": tmp_path / "song-00000000.json", "network": tmp_path / "network.npz",
        "output": tmp_path / "features.npz",
    }  # fmt: skip
    run_stage("features", plain, OPTIONS["features"])
    assert store.origin_of(plain["output"]) is None and not (tmp_path / "cache").exists()
    kept = plain | {"identity": tmp_path / "identity.json", "cache": tmp_path / "cache"}
    kept["identity"].write_text("of other features")
    run_stage("features", kept, OPTIONS["features"])
    origin = store.origin_of(kept["output"])
    assert origin is not None and (tmp_path / "cache" / f"{origin}.npz").exists()
    assert "song.wav" in kept["identity"].read_text()
    assert "known" not in capsys.readouterr().out
    run_stage("features", kept, OPTIONS["features"])
    assert "this audio is known" in capsys.readouterr().out
    from dropgrid.stages import make_features

    looks = iter([(1, 1), (1, 2)])
    monkeypatch.setattr(make_features, "_look", lambda file: next(looks))
    run_stage("features", kept, OPTIONS["features"])
    assert store.origin_of(kept["output"]) is None and not kept["identity"].exists()
    kept["identity"].write_text("of other features")
    write_failure("features", kept, FAILURE)
    assert store.load(kept["output"]) == FAILURE and not kept["identity"].exists()
    write_failure("key", plain | {"output": tmp_path / "key.json"}, FAILURE)
    assert '"error"' in (tmp_path / "key.json").read_text()


@pytest.mark.parametrize("method", ["open", "profiles"])
def test_a_method_without_networks_is_named_in_their_place(method: str, tmp_path: Path) -> None:
    prepare = networks.prepare_key_network if method == "profiles" else networks.prepare_network
    prepare(tmp_path / "network.npz", method)
    assert networks.maker(method) == method
    assert networks.load_networks(tmp_path / "network.npz", tmp_path / "network.npz") == (
        method, None,
    )  # fmt: skip


def test_the_earlier_name_of_an_option_is_accepted() -> None:
    assert complete_config({})["metadata"] == "evidence"
    assert complete_config({"metadata": "witness"})["metadata"] == "witness"
