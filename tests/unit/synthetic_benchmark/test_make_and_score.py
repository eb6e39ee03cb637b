"""Folders of pieces and their scores: what is reported, kept, compared and refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.base.errors import ConfigError
from dropgrid.demo_music.containers import encode
from dropgrid.evaluation.systems import Case
from dropgrid.synthetic_benchmark import make, rendering, score
from dropgrid.synthetic_benchmark.composition import compose
from dropgrid.synthetic_benchmark.loader import Dataset
from dropgrid.synthetic_benchmark.traits import TRAITS

RATE = rendering.RATE


def test_levels_are_those_of_each_second_in_db_of_full_scale() -> None:
    time = np.arange(2 * RATE + 10) / RATE
    sine = np.round(32767 * np.sin(2 * np.pi * 100 * time)).astype(np.int16)
    silent = np.zeros_like(sine)
    both = np.stack([sine, sine], axis=1)
    both[RATE : 2 * RATE] = 0
    found = make.levels(both)
    assert len(found) == 3 and found[:2] == (-3.01, -120.0)
    assert make.levels(np.stack([sine, silent], axis=1))[0] == -9.03, "the mean of the channels"
    assert make.levels(np.stack([sine, -sine], axis=1))[1] == -120.0
    quiet = make.levels(np.stack([sine // 7] * 2, axis=1))[0]
    assert quiet == round(quiet, 2) == pytest.approx(-3.01 - 20 * np.log10(7), abs=0.02)


@pytest.mark.parametrize(
    ("levels", "same"),
    [([-10.0, -20.0], True), ([-10.04, -19.96], True), ([-10.0, -19.94], False),
     ([-10.06, -20.0], False), ([-10.0], False), ([-10.0, -20.0, -30.0], False)],
)  # fmt: skip
def test_audio_is_the_same_by_digest_or_within_a_twentieth_of_a_db(
    levels: list[float], same: bool
) -> None:
    one = {"digest": "a", "levels": [-10.0, -20.0]}
    assert make.same_audio({"digest": "b", "levels": levels}, one) == same
    assert make.same_audio({"digest": "a", "levels": levels}, one)


def hiss(strength: float) -> np.ndarray:
    noise = np.random.default_rng(2).standard_normal((3 * RATE, 2))
    return np.round(strength * noise).astype(np.int16)


def test_every_piece_is_reported_and_listed_with_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three seconds of hiss stand in for the music, whose rendering takes most of the time."""
    monkeypatch.setattr(make, "render", lambda piece: hiss(1000))
    monkeypatch.setattr(make, "OFTEN", 2)
    lines: list[str] = []
    seen: list[int] = []

    def report(line: str) -> None:
        lines.append(line)
        seen.append(len(make.read(tmp_path)["pieces"]))

    values = make.make(tmp_path, 1, 2, tell=report)
    wanted = list(make.wanted(1, 2))
    names = [f"{number:04d}" + (f"-{twin}" if twin else "") for number, twin in wanted]
    assert [piece["name"] for piece in values["pieces"]] == names
    files = [piece["file"] for piece in values["pieces"]]
    assert lines == [f"{i} of {len(names)}: {file}" for i, file in enumerate(files, 1)]
    assert seen == [(i - 1) // 2 * 2 for i in range(1, len(names) + 1)], "written now and then"
    assert make.read(tmp_path) == json.loads(json.dumps(values))
    about = ("schema", "schema_version", "seed", "tracks", "twins", "rate")
    assert [values[name] for name in about] == ["dropgrid/benchmark", 1, 1, 2, True, 44100]
    by_name = {piece["name"]: piece for piece in values["pieces"]}
    twin = by_name["0000-mp3"]
    assert (twin["file"], twin["twin"], twin["twin_of"]) == ("0000-mp3.mp3", "mp3", "0000")
    assert (by_name["0000"]["file"], by_name["0000"]["twin_of"]) == ("0000.flac", "")
    assert by_name["0000"]["traits"] == list(compose(1, 0).traits)
    data = Dataset(tmp_path)
    assert data.validate() == ([], [])
    assert len(data.track_ids) == len(names) and data.track("0000-fast").twin_of == "0000"
    assert data.track("0001").time_signature == "4/4" and data.track("0000").twin == ""
    assert data.track("0000").time_signature == "5/4"
    samples, rate = data.track("0000").audio
    assert samples.shape == (3 * RATE, 2) and rate == RATE and samples.dtype == np.float32
    assert data.track("0000").onsets("no such drum").shape == (0,)
    # A second call keeps the files; another seed makes them again.
    monkeypatch.setattr(make, "render", lambda piece: hiss(2000))
    assert make.make(tmp_path, 1, 2)["pieces"] == values["pieces"]
    (tmp_path / "truth" / "0001.jams").unlink()
    again = {piece["name"]: piece for piece in make.make(tmp_path, 1, 2)["pieces"]}
    assert again["0000"] == by_name["0000"]
    assert again["0001"]["levels"] != by_name["0001"]["levels"]
    assert make.make(tmp_path, 2, 1, twins=False)["pieces"][0]["levels"] == again["0001"]["levels"]


@pytest.mark.parametrize(
    ("seed", "tracks", "reason"),
    [(1, 0, "from 1 to 10000"), (1, 10_001, "from 1 to 10000"), (-1, 1, "at least 0")],
)
def test_numbers_out_of_range_are_refused(
    tmp_path: Path, seed: int, tracks: int, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        make.make(tmp_path / "new", seed, tracks)
    assert not (tmp_path / "new").exists()


def test_a_lossy_piece_is_an_ogg_or_an_mp3() -> None:
    found = {}
    for number in range(120):
        piece = compose(3, number)
        found[number % 2, "lossy" in piece.traits] = make._suffix(piece)
    assert found == {
        (0, False): ".flac",
        (1, False): ".flac",
        (0, True): ".ogg",
        (1, True): ".mp3",
    }
    assert make._suffix(compose(3, 0, "mp3")) == ".mp3"


@pytest.mark.parametrize(("change", "changed"), [(0.0, False), (0.9, False), (1.1, True)])
def test_lossy_audio_may_be_one_db_off_where_it_is_audible(
    tmp_path: Path, change: float, changed: bool
) -> None:
    """The last second, which a codec may cut, and seconds below -50 dB are not compared."""
    (tmp_path / "audio").mkdir()
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "a.jams").write_text("{}")
    noise = 0.1 * np.random.default_rng(1).standard_normal((4 * RATE, 2)).astype(np.float32)
    noise[RATE : 2 * RATE] = 0.0
    (tmp_path / "audio" / "a.ogg").write_bytes(encode(noise, RATE, ".ogg"))
    stored, _ = soundfile.read(tmp_path / "audio" / "a.ogg", dtype="int16", always_2d=True)
    levels = list(make.levels(stored))
    levels[0] += change
    levels[1], levels[-1] = -90.0, levels[-1] - 30
    piece = {"name": "a", "file": "a.ogg", "style": "x", "traits": [], "twin": "", "twin_of": "",
             "digest": "", "levels": levels}  # fmt: skip
    (tmp_path / "benchmark.json").write_text(
        json.dumps({"schema": make.SCHEMA, "pieces": [piece]})
    )
    assert Dataset(tmp_path).validate() == ([], ["a"] if changed else [])


def case(name: str, ours: float | None, theirs: float | None) -> Case:
    scores = {
        system: None if value is None else dict.fromkeys(SHOWN_IN_TEMPO, value)
        for system, value in (("ours", ours), ("theirs", theirs))
    }
    return Case(name, f"{name}.flac", "tempo", "house", 120.0, scores)


SHOWN_IN_TEMPO = ("accuracy1", "accuracy2", "within_0.05")


def manifest(folder: Path, pieces: dict[str, tuple[str, list[str]]]) -> Path:
    listed = [
        {"name": name, "twin": twin, "twin_of": name[:4] if twin else "", "traits": traits}
        for name, (twin, traits) in pieces.items()
    ]
    values = {"schema": make.SCHEMA, "version": "9", "seed": 7, "tracks": 3, "twins": True}
    (folder / "benchmark.json").write_text(json.dumps(values | {"pieces": listed}))
    return folder


def test_scores_by_cause_are_means_of_pieces_and_pairs(tmp_path: Path) -> None:
    folder = manifest(tmp_path, {
        "0000": ("", ["swing"]), "0001": ("", ["swing", "noise"]), "0002": ("", []),
        "0000-fast": ("fast", ["swing"]), "0001-fast": ("fast", []), "0000-mp3": ("mp3", []),
    })  # fmt: skip
    cases = [
        case("0000", 1.0, 1.0), case("0001", 0.0, 1.0), case("0002", 1.0, None),
        case("0000-fast", 0.0, 1.0), case("0001-fast", 0.0, None), case("0000-mp3", 1.0, 1.0),
    ]  # fmt: skip
    found = score.document(folder, cases, ["ours", "theirs"])
    assert found["schema"] == "dropgrid/benchmark-scores" and found["base"] == "ours"
    assert found["benchmark"] == {"seed": 7, "tracks": 3, "twins": True, "version": "9"}
    means = {(m["system"], m["metric"]): m for m in found["tasks"]["tempo"]["means"]}
    assert means["ours", "accuracy1"]["mean"] == pytest.approx(2 / 3), "without the twins"
    assert means["ours", "accuracy1"]["tracks"] == 3
    assert list(found["traits"]) == [trait for trait in TRAITS if trait in ("swing", "noise")]
    assert found["traits"]["swing"]["tempo"] == {
        "ours": {"tracks": 2, "with": 0.5, "without": 1.0},
        "theirs": {"tracks": 2, "with": 1.0, "without": 0.0},
    }
    fast = found["twins"]["fast"]["tempo"]
    assert fast["ours"] == {"tracks": 2, "piece": 0.5, "twin": 0.0, "difference": -0.5,
                            "low": None, "high": None, "worse": 1}  # fmt: skip
    assert fast["theirs"]["difference"] == -0.5 and fast["theirs"]["worse"] == 1
    assert set(found["twins"]) == {"fast", "mp3"}
    text = score.markdown(found)
    assert text.startswith("# Systems side by side\n\nEDM-grids, seed 7, 3 pieces, dropgrid 9.")
    lines = text.splitlines()
    assert "| swing (2) | 0.500 (1.000) | 1.000 (0.000) |" in lines
    assert "| noise (1) | 0.000 (1.000) | 1.000 (0.500) |" in lines
    assert "| fast (2) | -0.500 (1) | -0.500 (1) |" in lines
    assert "| mp3 (1) | +0.000 (0) | +0.000 (0) |" in lines
    assert lines.count("| tempo, accuracy1 | ours | theirs |") == 2
    head = lines.index("| tempo, accuracy1 | ours | theirs |")
    assert lines[head + 1] == "|---|---|---|"


def test_ten_pairs_of_twins_have_an_interval(tmp_path: Path) -> None:
    pieces = {f"{i:04d}": ("", [""]) for i in range(10)}
    folder = manifest(tmp_path, pieces | {f"{i:04d}-slow": ("slow", [""]) for i in range(10)})
    cases = [case(name, 1.0, 1.0) for name in pieces]
    cases += [case(f"{name}-slow", float(i % 2), 1.0) for i, name in enumerate(pieces)]
    slow = score.document(folder, cases, ["ours", "theirs"])["twins"]["slow"]["tempo"]["ours"]
    assert slow["tracks"] == 10 and slow["worse"] == 5 and slow["difference"] == -0.5
    assert -1.0 <= slow["low"] < -0.5 < slow["high"] <= 0.0
    nine = [c for c in cases if not c.track.startswith("0009")]
    slow = score.document(folder, nine, ["ours", "theirs"])["twins"]["slow"]["tempo"]["ours"]
    assert (slow["tracks"], slow["low"], slow["high"]) == (9, None, None)


def test_a_benchmark_without_a_truth_of_each_piece_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    manifest(tmp_path, {"0000": ("", []), "0001": ("", [])})
    with pytest.raises(ConfigError, match="no truth of 0000"):
        score.gather(tmp_path, {})
