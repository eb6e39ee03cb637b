"""EDM-grids: its truth is checked against its sound, and its scores against answers made up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.commands.main import main
from dropgrid.synthetic_benchmark import make, truth
from dropgrid.synthetic_benchmark.composition import compose
from dropgrid.synthetic_benchmark.loader import Dataset
from dropgrid.synthetic_benchmark.piece import SPEEDS, Piece
from dropgrid.synthetic_benchmark.rendering import RATE, _at_speed, clicks, mix, render
from dropgrid.synthetic_benchmark.styles import NAMES
from dropgrid.synthetic_benchmark.timeline import Curve, timeline
from dropgrid.synthetic_benchmark.traits import TRAITS, TWINS

SEED = 5
COUNT = 2  # pieces in the folder that the tests of files share


def benchmark(*words: object) -> int:
    return main(["benchmark", *map(str, words)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    made: Path = tmp_path_factory.mktemp("grids") / "grids"
    assert benchmark("make", made, "--seed", SEED, "--tracks", COUNT, "--no-twins") == 0
    return made


def piece_with(trait: str, without: tuple[str, ...] = ()) -> Piece:
    for number in range(400):
        piece = compose(SEED, number)
        if trait in piece.traits and not set(without) & set(piece.traits):
            return piece
    raise AssertionError(trait)


# The truth against the sound


def test_clicks_lie_on_the_samples_of_the_truth() -> None:
    for number in range(6):
        piece = compose(SEED, number)
        found = np.flatnonzero(clicks(piece, "kick"))
        corrections = np.unique(np.round(piece.onsets("kick") * RATE).astype(int))
        np.testing.assert_array_equal(found, corrections[corrections < len(clicks(piece, "kick"))])


def test_the_sound_of_a_kick_begins_at_the_sample_of_the_truth() -> None:
    """By the audio alone: a kick's first sample is a jump that nothing before it makes."""
    pieces = [compose(SEED, number) for number in range(12)]
    for piece in [piece for piece in pieces if "soft_kick" not in piece.traits][:4]:
        sound = mix(piece, frozenset({"kick"}))[0]
        jumps = np.flatnonzero(np.abs(np.diff(sound, prepend=0.0)) > 0.35)
        began = jumps[np.diff(jumps, prepend=-1000) > 400]
        corrections = np.unique(np.round(piece.onsets("kick") * RATE).astype(int))
        np.testing.assert_array_equal(began, corrections)


@pytest.mark.parametrize("number", range(6))
def test_another_programs_onsets_are_the_strokes_of_the_truth(number: int) -> None:
    """aubio's detector, which is no beat tracker; it places an onset by blocks of 6 ms."""
    aubio = pytest.importorskip("aubio", reason="aubio is not installed: make setup-compare")
    import mir_eval

    piece = compose(SEED, number)
    drums = mix(piece, frozenset({"kick", "snare"})).mean(axis=0).astype(np.float32)
    detector, block = aubio.onset("default", 1024, 256, RATE), 256
    found = [
        float(detector.get_last_s())
        for start in range(0, len(drums) - block, block)
        if detector(drums[start : start + block])[0]
    ]
    names = {s.sound for s in piece.strokes if s.layer in ("kick", "snare")}
    composed = np.unique(np.concatenate([piece.onsets(name) for name in names]))
    f, _, _ = mir_eval.onset.f_measure(composed, np.array(found), window=0.03)
    assert f > 0.9
    near = np.abs(composed[:, None] - np.array(found)).min(axis=1)
    assert np.median(near) < 0.006


def test_beats_are_the_notes_of_the_hats_where_nothing_swings() -> None:
    piece = piece_with("ramp", without=("odd_meter", "pickup", "jump"))
    np.testing.assert_allclose(piece.seconds(4.0), piece.downbeats[1])
    assert piece.tempo[-1] != pytest.approx(piece.tempo[0], rel=0.03)
    np.testing.assert_allclose(np.diff(piece.beats), (60 / piece.tempo)[:-1])


@pytest.mark.slow
@pytest.mark.smoke
def test_a_twin_at_another_speed_is_the_same_sound_at_the_same_places() -> None:
    train = np.zeros((2, 53 * 2000), np.float32)
    places = np.arange(5000, 100_000, 9000)
    train[:, places] = 1.0
    faster = _at_speed(train, *SPEEDS["fast"])
    heard = [int(np.argmax(faster[0, p - 50 : p + 50])) + p - 50 for p in places * 50 // 53]
    assert np.abs(np.array(heard) - places * 50 / 53).max() <= 1
    base, fast = compose(SEED, 3), compose(SEED, 3, "fast")
    np.testing.assert_allclose(fast.beats * 1.06, base.beats)
    assert truth.bpm(fast) == pytest.approx(1.06 * truth.bpm(base))
    assert len(render(fast)) / RATE == pytest.approx(fast.duration, abs=0.01)


@pytest.mark.slow
@pytest.mark.smoke
def test_mirdata_takes_the_loaders_annotations_for_its_own(folder: Path) -> None:
    """Its classes check shapes, order, units, positions in the bar and the names of keys."""
    reason = "mirdata is not installed: make setup-compare"
    annotations = pytest.importorskip("mirdata.annotations", reason=reason)
    for track in Dataset(folder).load_tracks().values():
        beats, sections, keys = track.beats, track.sections, track.keys
        positions = beats.positions.astype(float)
        theirs = annotations.BeatData(beats.times, "s", positions, "bar_index")
        np.testing.assert_array_equal(theirs.times[theirs.positions == 1], track.downbeats)
        theirs = annotations.SectionData(sections.intervals, "s", list(sections.labels), "open")
        assert theirs.intervals[0, 0] == 0 and len(theirs.labels) == len(sections.labels)
        theirs = annotations.KeyData(keys.intervals, "s", list(keys.labels), "key_mode")
        assert theirs.keys == list(keys.labels)
        starts, tempo = track.tempo_curve
        bars = np.column_stack([starts, np.append(starts[1:], starts[-1] + 1)])
        assert len(annotations.TempoData(bars, "s", tempo, "bpm").value) == len(track.downbeats)


# What is composed


def test_there_are_fifteen_styles_and_every_trait_occurs() -> None:
    assert len(NAMES) == 15
    pieces = [compose(SEED, number) for number in range(120)]
    assert {piece.style for piece in pieces} == set(NAMES)
    assert {trait for piece in pieces for trait in piece.traits} == set(TRAITS)
    assert {piece.beats_per_bar for piece in pieces} == {3, 4, 5, 7}
    for piece in pieces:
        assert np.all(np.diff(piece.beats) > 0) and piece.beats[0] >= 0
        assert 40 < piece.duration < 130
        assert piece.sections[0].start == 0 and piece.sections[-1].end == piece.duration
        assert all(s.beat >= -piece.pickup - 1e-6 for s in piece.strokes)


def test_the_same_seed_is_the_same_piece_and_another_seed_another() -> None:
    assert compose(SEED, 4) == compose(SEED, 4)
    assert compose(SEED, 4).strokes != compose(SEED + 1, 4).strokes


def test_a_twin_differs_in_one_thing() -> None:
    base = compose(SEED, 0)
    twins = {name: compose(SEED, 0, name) for name in TWINS}
    kicks = {s for s in base.strokes if s.layer == "kick"}
    assert kicks and set(base.strokes) - set(twins["without_kick"].strokes) == kicks
    for name in ("fast", "slow", "mp3", "quiet", "jump"):
        assert twins[name].strokes == base.strokes
    moved = twins["swing"].strokes
    assert len(moved) == len(base.strokes) and moved != base.strokes
    snares = [s.beat % 4 for s in twins["half_time"].strokes if s.sound == "snare"]
    assert 2.0 in snares
    apart = base.beats - twins["jump"].beats
    assert apart[0] == 0 and apart[-1] == pytest.approx(0.37 * 60 / base.tempo[0], rel=0.2)
    with pytest.raises(ValueError, match="twin 'louder'"):
        compose(SEED, 0, "louder")


@pytest.mark.parametrize("trait", ["pickup", "key_change", "drift", "jitter", "jump"])
def test_a_trait_stands_in_the_truth(trait: str) -> None:
    piece = piece_with(trait)
    document = json.loads(truth.document(piece, "x.flac"))
    data = {a["namespace"]: a["data"] for a in document["annotations"][:5]}
    intervals = np.diff([o["time"] for o in data["beat"]])
    if trait == "pickup":
        first = (-piece.pickup) % piece.beats_per_bar + 1
        assert data["beat"][0]["value"] == first > 1
    elif trait == "key_change":
        assert len({o["value"] for o in data["key_mode"]}) == 2
    else:
        assert intervals.max() / intervals.min() > 1.003


def test_a_jump_leaves_out_sound_and_a_drummer_stays_near_the_tempo() -> None:
    steady = timeline(64, 120.0, 0.5, Curve(), 1).times
    np.testing.assert_allclose(steady, 0.5 + np.arange(65) / 2)
    cut = timeline(64, 120.0, 0.5, Curve(jump=(10, 0.4)), 1).times
    np.testing.assert_allclose(steady - cut, np.where(np.arange(65) > 10, 0.2, 0.0), atol=1e-12)
    played = timeline(64, 120.0, 0.5, Curve(jitter=8.0), 1).times
    assert 0 < np.abs(played - steady).max() <= 0.024 + 1e-9


# Files


@pytest.mark.slow
@pytest.mark.smoke
def test_jams_validates_every_truth_and_the_loader_reads_it(folder: Path) -> None:
    import jams

    data = Dataset(folder)
    assert data.track_ids == ["0000", "0001"]
    assert data.validate() == ([], [])
    for track in data:
        document = jams.load(str(track.jams_path), validate=True)
        piece = compose(SEED, int(track.track_id))
        times, values = document.search(namespace="beat")[0].to_event_values()
        np.testing.assert_allclose(track.beats.times, times)
        np.testing.assert_allclose(track.beats.times, piece.beats, atol=1e-6)
        np.testing.assert_allclose(track.downbeats, piece.downbeats, atol=1e-6)
        assert list(values) == list(track.beats.positions)
        samples, rate = track.audio
        assert len(samples) / rate == pytest.approx(piece.duration, abs=0.03)
        assert track.sections.labels == tuple(s.label for s in piece.sections)
        assert track.sections.intervals[-1, 1] == pytest.approx(piece.duration, abs=1e-5)
        assert track.tempo == pytest.approx(truth.bpm(piece), abs=1e-5)
        assert len(track.tempo_curve[0]) == piece.bars
        assert "kick" in track.entries.labels and len(track.onsets("kick")) > 10
        assert len(track.drops) == len(piece.drops) and track.keys.labels[0].endswith(
            (":minor", ":major")
        )


@pytest.mark.slow
@pytest.mark.smoke
def test_what_is_there_is_kept_and_what_is_lost_is_made_again(folder: Path) -> None:
    audio = sorted((folder / "audio").iterdir())
    ages = {file: file.stat().st_mtime_ns for file in audio}
    manifest = (folder / "benchmark.json").read_bytes()
    audio[0].unlink()
    assert benchmark("make", folder, "--seed", SEED, "--tracks", COUNT, "--no-twins") == 0
    assert (folder / "benchmark.json").read_bytes() == manifest
    assert audio[0].exists() and audio[1].stat().st_mtime_ns == ages[audio[1]]


@pytest.mark.slow
@pytest.mark.smoke
def test_another_processor_renders_the_same_within_the_tolerance(folder: Path) -> None:
    """NumPy without its vector code stands in for another machine."""
    program = (
        "import json, hashlib; from dropgrid.synthetic_benchmark import make, rendering\n"
        "from dropgrid.synthetic_benchmark.composition import compose\n"
        f"s = rendering.render(compose({SEED}, 0))\n"
        "print(json.dumps({'digest': hashlib.sha256(s.tobytes()).hexdigest(),"
        " 'levels': make.levels(s)}))"
    )
    plain = {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | plain, capture_output=True, check=True
    )
    (own, _) = make.read(folder)["pieces"]
    assert make.same_audio(json.loads(done.stdout), own)
    louder = own | {"digest": "", "levels": [level + 1 for level in own["levels"]]}
    assert not make.same_audio(louder, own)


def test_audio_that_was_changed_is_found(folder: Path, tmp_path: Path) -> None:
    import soundfile

    copy = tmp_path / "copy"
    for file in folder.rglob("*.*"):
        target = copy / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    first, second = Dataset(copy).load_tracks().values()
    samples, rate = soundfile.read(first.audio_path)
    soundfile.write(first.audio_path, samples * 0.5, rate)
    second.jams_path.unlink()
    assert Dataset(copy).validate() == (["0001"], ["0000"])


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "audio").mkdir()
    assert benchmark("make", tmp_path, "--seed", 1, "--tracks", 1) == 2
    assert "holds something else" in capsys.readouterr().err
    (tmp_path / "benchmark.json").write_text("mine")
    assert benchmark("make", tmp_path, "--seed", 1, "--tracks", 1) == 2
    assert (tmp_path / "benchmark.json").read_text() == "mine"
    assert benchmark("make", tmp_path / "b", "--seed", 1, "--tracks", 0) == 2


# Scores


def answers(folder: Path, output: Path, speed: float = 1.0, leave_out: str = "") -> Path:
    """Answers of the truth itself, their tempo times speed."""
    output.mkdir()
    for file in (folder / "truth").glob("*.jams"):
        document = json.loads(file.read_text())
        for annotation in document["annotations"]:
            if annotation["namespace"] == "tempo":
                for observation in annotation["data"]:
                    observation["value"] *= speed
        if file.stem != leave_out:
            (output / file.name).write_text(json.dumps(document))
    return output


def scores(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "scores.json").read_text()))


def test_the_truth_scores_one_and_what_is_wrong_or_missing_less(
    folder: Path, tmp_path: Path
) -> None:
    right, half = answers(folder, tmp_path / "right"), answers(folder, tmp_path / "half", 0.5)
    few = answers(folder, tmp_path / "few", leave_out="0000")
    systems = (f"right={right}", f"half={half}", f"few={few}")
    words = ("score", folder, "--output", tmp_path, "--estimates", *systems)
    assert benchmark(*words) == 0
    found = scores(tmp_path)
    means = {
        (task, mean["system"], mean["metric"]): mean
        for task, values in found["tasks"].items()
        for mean in values["means"]
    }
    assert set(found["tasks"]) == {"tempo", "beats", "downbeats", "boundaries", "drops", "key"}
    for (_, system, metric), mean in means.items():
        if system == "right" and metric not in ("median_error_ms", "information_gain"):
            assert mean["mean"] == pytest.approx(1.0), metric
    assert means["tempo", "half", "accuracy1"]["mean"] == 0.0
    assert means["tempo", "half", "accuracy2"]["mean"] == 1.0
    assert means["beats", "few", "f_measure"]["mean"] == pytest.approx(0.5)
    assert means["beats", "few", "f_measure"]["mean_answered"] == pytest.approx(1.0)
    for trait in compose(SEED, 0).traits:
        assert found["traits"][trait]["beats"]["few"]["with"] < 1.0
    assert "## By trait" in (tmp_path / "scores.md").read_text()


def test_twins_are_compared_with_their_own_piece(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / "audio").mkdir(parents=True)
    (made / "truth").mkdir()
    pieces = [compose(SEED, 0, twin) for twin in ("", "fast", "quiet")]
    for piece in pieces:
        (made / "truth" / f"{piece.name}.jams").write_bytes(truth.document(piece, "x.flac"))
    listed = [
        {"name": p.name, "file": f"{p.name}.flac", "digest": "", "levels": [], "style": p.style,
         "traits": list(p.traits), "twin": p.twin, "twin_of": "0000" if p.twin else ""}
        for p in pieces
    ]  # fmt: skip
    values = {"schema": make.SCHEMA, "version": "x", "seed": SEED, "tracks": 1, "twins": True}
    (made / "benchmark.json").write_text(json.dumps(values | {"pieces": listed}))
    given = answers(made, tmp_path / "given", leave_out=pieces[1].name)
    assert benchmark("score", made, "--estimates", f"given={given}") == 0
    found = scores(made / "scores")["twins"]
    fast, quiet = (found[twin]["beats"]["given"] for twin in ("fast", "quiet"))
    assert (fast["difference"], fast["worse"]) == (pytest.approx(-1.0), 1)
    assert (quiet["difference"], quiet["worse"]) == (pytest.approx(0.0), 0)
    assert fast["low"] is None  # one pair has no interval
    assert scores(made / "scores")["tasks"]["beats"]["means"][0]["tracks"] == 1


PROGRAM = """import pathlib, sys
audio, output = map(pathlib.Path, sys.argv[1:])
if audio.stem == "0001":
    sys.exit("no idea")
output.write_bytes((audio.parents[1] / "truth" / f"{audio.stem}.jams").read_bytes())
"""


def test_a_command_line_is_a_submission(folder: Path, tmp_path: Path, capsys: Any) -> None:
    program = tmp_path / "a program.py"
    program.write_text(PROGRAM)
    line = f"cheat={sys.executable} '{program}' {{audio}} {{output}}"
    assert benchmark("score", folder, "--output", tmp_path, "--command", line) == 0
    assert "0001: failed with 1: no idea" in capsys.readouterr().err
    (beats,) = [
        m for m in scores(tmp_path)["tasks"]["beats"]["means"] if m["metric"] == "f_measure"
    ]
    assert (beats["mean"], beats["answered"], beats["tracks"]) == (pytest.approx(0.5), 1, 2)


@pytest.mark.slow
@pytest.mark.smoke
def test_a_drawn_seed_is_new_and_is_reported(tmp_path: Path, capsys: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    line = f"cheat={sys.executable} {program} {{audio}} {{output}}"
    fresh = tmp_path / "fresh"
    words = ("score", fresh, "--draw", "--tracks", 1, "--no-twins", "--command", line)
    assert benchmark(*words) == 0
    seed = make.read(fresh)["seed"]
    assert f"seed {seed}" in capsys.readouterr().out
    assert scores(fresh / "scores")["benchmark"]["seed"] == seed
    assert benchmark(*words) == 2  # its seed is known by now
    assert "needs a folder of its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "no system"),
        (("--command", "a=tool {audio}"), "{output} is missing"),
        (("--command", "a=tool '{audio} {output}"), "No closing quotation"),
        (("--command", "a=no-such-tool {audio} {output}"), "cannot be run"),
        (("--estimates", "a=nowhere"), "no such file or folder"),
    ],
)
def test_what_cannot_be_scored_is_reported(
    folder: Path, words: Any, reason: str, capsys: Any
) -> None:
    assert benchmark("score", folder, *words) == 2
    assert reason in capsys.readouterr().err


def test_a_folder_without_a_benchmark_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no benchmark"):
        Dataset(tmp_path)


def test_the_document_names_every_style_trait_and_twin() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "benchmark.md").read_text().lower()
    assert [name for name in (*NAMES, *TRAITS, *TWINS) if name.lower() not in text] == []
