"""Engines that users bring: what they get, may return, and the messages when they fail."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from audio_containers import write_audio
from dropgrid import api
from dropgrid.base.errors import ConfigError, EngineError, ModelError
from dropgrid.commands.main import main
from dropgrid.features.engines import plugin
from dropgrid.settings.config import complete_config

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
PULSE = """
import numpy as np

__version__ = "1.2"

def detect(blocks, rate):
    sound = np.abs(np.concatenate(list(blocks)))
    assert rate == 44100 and sound.dtype == np.float32
    frames = -(-len(sound) // 441)
    found = np.full((frames, 2), 0.02)
    found[20::50] = (0.9, 0.02)   # 120 BPM from 0.2 s
    found[20::200] = (0.02, 0.9)
    return found

def short(blocks, rate):
    return np.zeros(10)

def wild(blocks, rate):
    return np.full(sum(map(len, blocks)) // 441, 7.0)

def broken(blocks, rate):
    next(blocks)
    raise RuntimeError("no weights here")

value = 3
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    file = tmp_path / "my engine.py"
    file.write_text(PULSE)
    return file


@pytest.fixture
def song(songs: Path) -> Path:
    return songs / "house.flac"


def config(method: str) -> dict[str, Any]:
    return {"bpm": {"method": method}, "key": {"method": "profiles"}}


@pytest.mark.slow
@pytest.mark.smoke
def test_a_function_in_a_file_finds_the_beats(engine: Path, song: Path) -> None:
    track = api.analyze(song, config(f"{engine}:detect"))
    assert track.bpm.status == "ok", track.bpm.error
    assert track.bpm.bpm_fitted == pytest.approx(120.0, abs=0.01)
    assert track.bpm.beats[4] % 0.5 == pytest.approx(0.2, abs=0.02)
    name, digest = (track.bpm.method or "").rsplit(" ", 1)
    assert name == "my engine.py:detect" and len(digest) == 8  # no path of this machine


def test_a_module_is_named_with_its_version(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "pulse_engine.py").write_text(PULSE)
    monkeypatch.syspath_prepend(tmp_path / "installed")
    function, name = plugin.load("pulse_engine:detect")
    assert name == "pulse_engine:detect 1.2"
    assert len(function(iter([np.zeros(44100, np.float32)]), 44100)) == 100
    del sys.modules["pulse_engine"]


def test_an_installed_engine_is_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pulse_package.py").write_text(PULSE)
    about = tmp_path / "pulse_package-3.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pulse-package\nVersion: 3.1\n")
    (about / "entry_points.txt").write_text("[dropgrid.engines]\npulse = pulse_package:detect\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert plugin.load("pulse")[1] == "pulse 3.1"
    assert complete_config(config("pulse"))["bpm"]["method"] == "pulse"
    del sys.modules["pulse_package"]


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("no_such_module:detect", "No module named 'no_such_module'"),
        ("FILE:nothing", "there is no such function"),
        ("FILE:value", "there is no such function"),
        ("nowhere.py:detect", "FileNotFoundError"),
        ("madmon", "no such method"),
    ],
)
def test_what_cannot_be_loaded_is_reported_with_the_option(
    engine: Path, method: str, reason: str
) -> None:
    with pytest.raises(ModelError, match=r"bpm\.method") as error:
        plugin.load(method.replace("FILE", str(engine)))
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_a_misspelt_method_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"bpm\.method: 'madmon' .*madmom"):
        complete_config(config("madmon"))
    assert complete_config(config("mine.py:detect"))["bpm"]["method"] == "mine.py:detect"


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("short", "returned 10 frames"),
        ("wild", "returned values outside 0 to 1"),
        ("broken", "RuntimeError: no weights here"),
    ],
)
def test_a_track_that_an_engine_fails_on_has_a_record_that_says_so(
    engine: Path, tmp_path: Path, function: str, reason: str
) -> None:
    song = tmp_path / "song.wav"
    soundfile.write(song, np.random.default_rng(0).normal(0, 0.1, 8 * 44100), 44100)
    (tmp_path / "mine.yaml").write_text(json.dumps(config(f"{engine}:{function}")))
    words = ["analyze", song, "--output", tmp_path / "out", "--config", tmp_path / "mine.yaml"]
    assert main([str(word) for word in words]) == 1
    (file,) = (tmp_path / "out" / "bpm").iterdir()
    found = json.loads(file.read_text())
    assert found["status"] == "error" and found["error"]["type"] == "EngineError"
    assert reason in found["error"]["message"]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ("text", "no array of numbers"),
        (None, "shape"),
        (np.zeros((100, 3)), "shape"),
        (np.zeros(500), "500 frames of 100"),
        (np.full(100, np.nan), "outside 0 to 1"),
        (np.full(100, -0.1), "outside 0 to 1"),
    ],
)
def test_only_activations_are_accepted(found: Any, reason: str) -> None:
    with pytest.raises(EngineError, match=reason):
        plugin.checked(found, 100, "mine")


def test_one_column_is_of_beats_and_a_few_frames_may_be_missing() -> None:
    values = plugin.checked(np.full(97, 0.5), 100, "mine")
    assert values.shape == (100, 2) and values.dtype == np.float32
    assert values[:97, 0].min() == 0.5 and values[97:].max() == 0 and values[:, 1].max() == 0


STUB = """
class Audio2Frames:
    def __init__(self, checkpoint_path="final0", device="cpu", float16=False, dbn=False):
        assert checkpoint_path == "mine.ckpt" and device == "cpu"

    def __call__(self, signal, sr):
        import numpy as np
        frames = 1 + len(signal) * 50 // sr
        beat, downbeat = np.full(frames, -9.0), np.full(frames, -9.0)
        beat[10::25] = 6.0       # every half second from 0.2 s
        downbeat[10::100] = 6.0
        return Tensor(beat), Tensor(downbeat)


class Tensor:
    def __init__(self, values):
        self.values = values

    def cpu(self):
        return self

    def numpy(self):
        return self.values
"""


def test_the_example_wraps_beat_this_as_it_is_published(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a stand-in of the same shape: its weights are their users'."""
    package = tmp_path / "beat_this"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inference.py").write_text(textwrap.dedent(STUB))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("BEAT_THIS_CHECKPOINT", "mine.ckpt")
    track = api.analyze(song, config(f"{EXAMPLES / 'beat_this_engine.py'}:detect"))
    assert track.bpm.status == "ok", track.bpm.error
    assert track.bpm.bpm_fitted == pytest.approx(120.0, abs=0.01)
    assert track.bpm.downbeats[1] - track.bpm.downbeats[0] == pytest.approx(2.0, abs=0.01)
    for name in ("beat_this", "beat_this.inference"):
        del sys.modules[name]


def test_a_changed_engine_hears_again(engine: Path) -> None:
    from dropgrid.stages.networks import maker

    before = maker(f"{engine}:detect")
    engine.write_text(PULSE + "\n# better\n")
    assert maker(f"{engine}:detect") != before
    assert maker("open") == "open"


def test_silence_of_an_engine_gives_no_grid(tmp_path: Path) -> None:
    (tmp_path / "none.py").write_text(
        "import numpy as np\n"
        "def detect(blocks, rate):\n"
        "    return np.zeros(sum(map(len, blocks)) // 441)\n"
    )
    tone = write_audio(tmp_path / "tone.wav", 5.0)
    track = api.analyze(tone, config(f"{tmp_path / 'none.py'}:detect"))
    assert track.bpm.status == "ok" and not track.bpm.beats
