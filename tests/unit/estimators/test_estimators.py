"""Other systems estimate tracks, and an evaluation reads and scores what they answered."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jams as jams_package
import madmom_compat
import pytest
from audio_containers import write_audio
from dropgrid import demo_music
from dropgrid.base.errors import ConfigError, InvalidReference
from dropgrid.commands.main import main
from dropgrid.estimators import inside, process, system_of, systems
from dropgrid.estimators.answers import read_answer, render
from dropgrid.references import jams
from stub_systems import PACKAGES, interpreter

ROOM = Path(inside.__file__).parent
NAMES = ["all_in_one", "aubio", "beat_this", "beatnet", "essentia", "librosa", "madmom", "mixxx"]
CLAIM = {"bpm": 126.0, "beats": [0.0, 0.5, 1.0], "downbeats": [0.5], "key": "A minor"}


def estimate(*words: object) -> int:
    return main(["estimate", *map(str, words)])


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return write_audio(tmp_path / "in" / "tone.wav", 2.0)


@pytest.fixture(scope="module")
def analysed(
    songs: Path, house: demo_music.Composition, tmp_path_factory: Any
) -> tuple[Path, Path]:
    """(results of the house track, a file of its truth)."""
    folder = tmp_path_factory.mktemp("analysed")
    assert main(["analyze", str(songs / "house.flac"), "--output", str(folder / "results")]) == 0
    truth = {
        "path": "house.flac", "bpm": house.bpm, "beats": list(house.beats),
        "downbeats": list(house.downbeats),
    }  # fmt: skip
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder / "results", folder / "truth.json"


def scores(analysed: tuple[Path, Path], name: str, answers: Path, output: Path) -> dict[str, Any]:
    """What an evaluation finds of a system: (task, metric) -> mean."""
    results, truth = analysed
    words = ["evaluate", "--results", results, "--references", truth, "--output", output,
             "--estimates", f"{name}={answers}"]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    tasks = json.loads((output / "systems.json").read_text())["tasks"]
    return {
        (task, mean["metric"]): mean["mean"]
        for task, found in tasks.items()
        for mean in found["means"]
        if mean["system"] == name and mean["answered"]
    }


def real(name: str) -> None:
    """Skip, saying so, where a system is not installed in this environment."""
    if name == "madmom":
        try:
            madmom_compat.load("madmom.features.downbeats")
        except madmom_compat.NotInstalled as error:
            pytest.skip(str(error))
    elif find_spec(system_of(name).IMPORTS[0].partition(".")[0]) is None:
        pytest.skip(f"{name} is not installed here: {system_of(name).INSTALL}")


@pytest.mark.slow  # other systems are
@pytest.mark.parametrize("name", ["aubio", "essentia", "librosa", "madmom", "mixxx"])
def test_a_systems_answers_are_right_and_scored(
    name: str, analysed: tuple[Path, Path], songs: Path, tmp_path: Path
) -> None:
    real(name)
    results, _ = analysed
    answers = tmp_path / "answers"
    words = ("--with", name, "--results", results, "--library", songs, "--output", answers)
    assert estimate(*words) == 0
    (file,) = answers.glob("*.jams")
    jams_package.load(str(file), validate=True, strict=True)
    found = scores(analysed, name, answers, tmp_path / "evaluation")
    assert found["tempo", "accuracy1"] == 1.0
    if name not in ("aubio", "mixxx"):  # theirs lie between the beats on this track
        assert found["beats", "f_measure"] > 0.95
    if name == "madmom":
        assert found["downbeats", "f_measure"] > 0.9


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_an_adapter_asks_and_answers(name: str, tone: Path, tmp_path: Path) -> None:
    """By stand-ins of the same shape: the protocol, not how good the system is."""
    (tmp_path / "weights").write_text("weights")
    python = interpreter(tmp_path, PACKAGES[name])
    words = ["--with", name, tone, "--python", python, "--output", tmp_path / "out"]
    if hasattr(system_of(name), "WEIGHTS"):
        words += ["--weights", tmp_path / "weights"]
    assert estimate(*words) == 0
    (file,) = (tmp_path / "out").iterdir()
    (found,) = jams.read(file)
    if name == "aubio":  # a beat every 40 blocks
        assert found.beats == pytest.approx([n * 40 * 512 / 44100 for n in range(1, 5)], abs=1e-6)
        assert found.bpm == pytest.approx(60 / (40 * 512 / 44100))
    else:
        assert (found.bpm, found.beats) == (120.0, (0.0, 0.5, 1.0))
    with_downbeats = ("all_in_one", "beatnet", "beat_this", "madmom")
    assert found.downbeats == ((0.5,) if name in with_downbeats else None)
    sections = [(s.start, s.end, s.label) for s in found.sections or ()]
    assert sections == ([(0, 1, "intro"), (1, 2, "chorus")] if name == "all_in_one" else [])
    assert found.tonality == (21 if name in ("mixxx", "essentia") else None)


def test_every_system_is_a_module_that_any_python_can_run() -> None:
    assert list(systems()) == NAMES
    for file in [ROOM / f"{name}.py" for name in [*NAMES, "inside"]]:
        tree = ast.parse(file.read_text(), feature_version=(3, 7))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not node.level, file
            named = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            named += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert all(name.partition(".")[0] in sys.stdlib_module_names for name in named), file
    assert all(module.HELP and module.PACKAGE and module.INSTALL for module in systems().values())


def test_the_systems_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate("--list") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == NAMES


def test_a_system_that_is_not_installed_is_named_in_one_line(
    tone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = interpreter(tmp_path, {})
    assert estimate("--with", "aubio", tone, "--python", python, "--output", tmp_path / "o") == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert (
        "No module named 'aubio'" in message
        and "pip install aubio" in message
        and "--python" in message
    )
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--with", "beat_this"],
            "needs trained weights, which dropgrid does not contain or downl",
        ),
        (["--with", "beat_this", "--weights", "none.ckpt"], "none.ckpt: no such file"),
        (["--with", "librosa", "--weights", "x"], "librosa does not need weights"),
        (["--with", "librosa", "--python", "no-such"], "--python no-such: no such prog"),
        (["--with", "nobody"], "nobody: not a system; known: all_in_one, aubio, "),
        ([], "--with: not given"),
    ],
)
def test_a_wrong_request_is_one_line(
    words: list[str], message: str, tone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert estimate(tone, *words, "--output", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_tracks_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate("--with", "librosa", "--output", tmp_path) == 2
    assert "no tracks" in capsys.readouterr().err
    assert estimate("--with", "librosa", tmp_path / "x.wav") == 2
    assert "--output: not given" in capsys.readouterr().err


CRASHING = """
import os, signal
def analyze(path):
    import wave
    with wave.open(path) as file:
        frames = file.getnframes()
    if frames < 44100:
        raise RuntimeError("too short\\nfor me")
    if frames < 2 * 44100:
        os.kill(os.getpid(), signal.SIGKILL)
    class Found:
        bpm, key, beatgrid = 120.0, "", [0.0, 0.5]
        if frames < 3 * 44100:
            beatgrid = [0.5, 0.0]
    return Found
"""


@pytest.mark.slow
@pytest.mark.smoke
def test_a_failing_track_is_recorded_and_the_others_go_on(
    tone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tone.parent, tmp_path / "out"
    for name, seconds in [("error", 0.5), ("crash", 1.5), ("order", 2.5), ("right", 3.5)]:
        write_audio(folder / f"{name}.wav", seconds)
    (folder / "text.wav").write_text("not audio")
    names = ["error", "crash", "order", "right", "text"]
    files = [folder / f"{name}.wav" for name in names]
    right = interpreter(tmp_path, PACKAGES["mixxx"])
    assert estimate("--with", "mixxx", *files, "--python", right, "--output", out) == 0
    assert len(list(out.glob("*.jams"))) == 4  # all but the text
    python = interpreter(tmp_path / "crashing", {"mixxx_analyzer.py": CRASHING})
    assert estimate("--with", "mixxx", *files, "--python", python, "--output", out) == 0
    assert "1 of 5 tracks answered" in capsys.readouterr().out
    (kept,) = out.glob("*.jams")  # the old answers of the failed ones are gone
    assert kept.name.startswith("right-")
    head, *lines = (out / "missing.log").read_text().splitlines()
    assert head.startswith("# dropgrid estimate: ")
    reasons = {line.split("\t")[1]: line.split("\t")[2] for line in lines}
    assert reasons["error.wav"] == "RuntimeError: too short for me"
    assert reasons["crash.wav"] == "ended by signal 9"
    assert "is not later than" in reasons["order.wav"]
    assert reasons["text.wav"].startswith("decode: ")
    assert estimate("--with", "mixxx", files[3], "--python", right, "--output", out) == 0
    assert not (out / "missing.log").exists()
    assert estimate("--with", "mixxx", files[0], "--python", python, "--output", out) == 1


@pytest.mark.slow
@pytest.mark.smoke
def test_a_missing_answer_counts_as_wrong(
    analysed: tuple[Path, Path], songs: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "missing.log").write_text("# dropgrid estimate: nothing an evaluation reads\n")
    results, truth = analysed
    words = ["evaluate", "--results", results, "--references", truth, "--output", tmp_path / "e",
             "--estimates", f"nothing={answers}"]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    tasks = json.loads((tmp_path / "e" / "systems.json").read_text())["tasks"]
    (mean,) = [m for m in tasks["tempo"]["means"] if m["metric"] == "accuracy1"][1:]
    assert (mean["mean"], mean["answered"], mean["mean_answered"]) == (0.0, 0, None)


def test_no_file_of_another_user_is_overwritten(tone: Path, tmp_path: Path) -> None:
    python = interpreter(tmp_path, PACKAGES["mixxx"])
    words = ("--with", "mixxx", tone, "--python", python, "--output", tmp_path / "out")
    assert estimate(*words) == 0
    (file,) = (tmp_path / "out").iterdir()
    file.write_text("my notes")
    assert estimate(*words) == 2
    assert file.read_text() == "my notes"
    assert estimate(*words, "--force") == 0
    assert jams.read(file)[0].bpm == 120.0


def test_an_answer_reads_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a-00000000.jams"
    file.write_bytes(render("a-00000000", 2.0, CLAIM, "system 1", file))
    (found,) = jams.read(file)
    assert (found.bpm, found.beats, found.downbeats) == (126.0, (0.0, 0.5, 1.0), (0.5,))
    assert (found.duration, found.tonality) == (2.0, 21)
    jams_package.load(str(file), validate=True, strict=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bpm": "fast"}, "bpm: not a number"),
        ({"bpm": -1.0}, "bpm: not a tempo"),
        ({"beats": 3}, "beats: not a list"),
        ({"beats": [0.0, 0.5, 0.5]}, "not later than"),
        ({"beats": [0.5, 0.5000001]}, "not later than"),
        ({"downbeats": [0.25]}, "0.25 is not a beat"),
        ({"key": "loud"}, "not a key"),
        (dict.fromkeys(CLAIM), "no tempo, beats, key or sections"),
        ({"sections": 3}, "sections: not a list"),
        ({"sections": [[0.0, 1.0]]}, "not .start, end, label."),
        ({"sections": [[0.0, 1.0, "a"], [0.5, 2.0, "b"]]}, "overlaps the one"),
    ],
)
def test_an_answer_that_no_evaluation_would_read_is_refused(
    changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidReference, match=message):
        render("a", 2.0, {**CLAIM, **changed}, "system 1", tmp_path / "a.jams")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"answer": 3}', b'{"answer": {"bpm": NaN}}'])
def test_what_no_process_writes_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_answer(data, tmp_path / "answer.json")


def where(tmp_path: Path, body: str) -> process.Environment:
    python = interpreter(tmp_path, {"mixxx_analyzer.py": f"def analyze(path):\n    {body}\n"})
    return process.Environment(system_of("mixxx"), python, None, "1")


def test_a_track_has_its_time(tmp_path: Path) -> None:
    waiting = where(tmp_path, "import time; time.sleep(1000)")
    with pytest.raises(process.Failed, match=r"stopped after 0\.5 s, the time limit per track"):
        process.ask(waiting, tmp_path / "x.wav", tmp_path, 0.5)


def test_a_process_without_an_answer_is_quoted(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no such library: libx' >&2\nexit 127\n")
    python.chmod(0o755)
    with pytest.raises(ConfigError, match="no such library: libx"):
        process.environment(system_of("aubio"), python, None, tmp_path)


def test_what_a_system_leaves_running_is_ended(tmp_path: Path) -> None:
    shell = shutil.which("sh") or "/bin/sh"
    with (tmp_path / "stderr").open("wb") as errors:
        words = [shell, "-c", "sleep 1000 & echo $! > pid"]
        assert process._wait(words, tmp_path, errors, 600) == 0
    _await_end(int((tmp_path / "pid").read_text()))


NUMBA = "import os; d = os.environ['NUMBA_CACHE_DIR']; open(d + '/f.nbi', 'a').write('1')\n"


def numba_cache_of_a_run(folder: Path, environment: dict[str, str]) -> tuple[Path, str]:
    """(the cache of numba that a run gives a system, asked twice; what it then held)"""
    program = f"""
from pathlib import Path
from dropgrid.estimators import process, system_of
where = process.Environment(system_of("mixxx"), Path({str(folder / "python")!r}), None, "1")
for _ in range(2):
    found = process.ask(where, Path("x.wav"), Path({str(folder)!r}), 60)
print(found["key"], open(found["key"] + "/f.nbi").read())
"""
    words = [sys.executable, "-c", program]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    cache, held = ended.stdout.split()
    return Path(cache), held


@pytest.mark.slow
@pytest.mark.smoke
def test_two_runs_share_no_cache_of_numba(tmp_path: Path) -> None:
    """Two processes that fill one cache at a time can leave it so that a third one crashes."""
    body = f"    {NUMBA}    return type('Found', (), dict(bpm=120.0, key=d, beatgrid=[0.0]))\n"
    python = interpreter(tmp_path, {"mixxx_analyzer.py": f"def analyze(path):\n{body}"})
    assert python == tmp_path / "python"
    bare = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    one, held = numba_cache_of_a_run(tmp_path, bare)
    assert held == "11"  # kept from track to track
    other, held = numba_cache_of_a_run(tmp_path, bare)
    assert (one != other, held) == (True, "11")
    assert not one.exists() and not other.exists()
    (tmp_path / "own").mkdir()
    named = {**bare, "NUMBA_CACHE_DIR": str(tmp_path / "own")}
    assert numba_cache_of_a_run(tmp_path, named)[0] == tmp_path / "own"


@pytest.mark.alone
def test_a_signal_ends_the_systems_process_too(tone: Path, tmp_path: Path) -> None:
    body = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); "
    python = where(tmp_path, body + "time.sleep(1000)").python
    words = ["estimate", "--with", "mixxx", tone, "--python", python, "--output", tmp_path / "o"]
    run = subprocess.Popen([sys.executable, "-m", "dropgrid", *map(str, words)])
    pid = tmp_path / "pid"
    while not (pid.exists() and pid.read_text()):
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    assert run.wait(300) == 143
    _await_end(int(pid.read_text()))


def _await_end(pid: int) -> None:
    """Wait for the end of a process that is none of our children; a zombie has ended."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(6000):
        try:
            os.kill(pid, 0)
            if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} runs on")


def test_numbers_of_arrays_become_plain() -> None:
    import numpy as np

    found = inside.numbers({"bpm": np.float32(2), "beats": (np.float64(1), 2), "key": "A"})
    assert found == {"bpm": 2.0, "beats": [1.0, 2], "key": "A"}
    json.dumps(found)
