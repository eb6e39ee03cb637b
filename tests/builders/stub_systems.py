"""Stand-ins for systems that are not installed here: packages of the same shape, and an
interpreter that finds them. They show that an adapter asks and answers as it should, not how
good a system is."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGES = {
    "aubio": {"aubio.py": """
class source:
    def __init__(self, path, rate, hop):
        import wave
        with wave.open(path) as file:
            self.samplerate, self.left, self.hop = file.getframerate(), file.getnframes(), hop
    def __call__(self):
        read = min(self.hop, self.left)
        self.left -= read
        return None, read

class tempo:
    def __init__(self, method, window, hop, rate):
        assert (method, window, hop, rate) == ("default", 1024, 512, 44100)
        self.blocks = 0
    def __call__(self, samples):
        self.blocks += 1
        return [float(self.blocks % 40 == 0)]
    def get_last_s(self):
        return self.blocks * 512 / 44100
"""},
    "all_in_one": {"allin1.py": """
import os

class Segment:
    def __init__(self, start, end, label):
        self.start, self.end, self.label = start, end, label

class AnalysisResult:
    bpm, beats, downbeats = 120, [0.0, 0.5, 1.0], [0.5]
    parts = (0.0, 0.0, "start"), (0.0, 1.0, "intro"), (1.0, 2.0, "chorus")
    segments = [Segment(*part) for part in parts]

def analyze(path, device):
    assert device == "cpu" and os.environ["HF_HUB_OFFLINE"] == "1"
    open(path).close()
    return AnalysisResult
"""},
    "mixxx": {"mixxx_analyzer.py": """
class Found:
    bpm, key, beatgrid = 120.0, "A minor", [-0.5, 0.0, 0.5, 1.0]

def analyze(path):
    open(path).close()
    return Found
"""},
    "essentia": {"essentia/__init__.py": "", "essentia/standard.py": """
def MonoLoader(filename, sampleRate):
    open(filename).close()
    return lambda: sampleRate
def RhythmExtractor2013(method):
    assert method == "multifeature"
    return lambda audio: (120.0, [0.0, 0.5, 1.0], 3.0, [], [])
def KeyExtractor(profileType):
    return lambda audio: ("A", "minor", 0.9)
"""},
    "beatnet": {"BeatNet/__init__.py": "", "BeatNet/BeatNet.py": """
class BeatNet:
    def __init__(self, model, mode, inference_model, plot, thread):
        assert (mode, inference_model) == ("offline", "DBN")
    def process(self, path):
        open(path).close()
        return [[0.0, 4.0], [0.5, 1.0], [1.0, 2.0]]
"""},
    "beat_this": {"beat_this/__init__.py": "", "beat_this/inference.py": """
class File2Beats:
    def __init__(self, checkpoint_path, device, dbn):
        assert open(checkpoint_path).read() == "weights" and not dbn
    def __call__(self, path):
        open(path).close()
        return [0.0, 0.5, 1.0], [0.5]
"""},
    "librosa": {"librosa.py": """
class Tempo:
    flat = [120.0]

class beat:
    @staticmethod
    def beat_track(y, sr, units):
        assert (y, sr, units) == ("signal", 22050, "time")
        return Tempo, [0.0, 0.5, 1.0]

def load(path):
    open(path).close()
    return "signal", 22050
"""},
    "madmom": {"numpy.py": """
isin = "isin"
float = "their own"  # prepare() must leave it

class Row(list):
    pass

def empty(size, kind):
    assert kind is object
    return Row([None] * size)
""", "madmom/__init__.py": """
import collections, collections.abc, numpy
assert collections.MutableSequence is collections.abc.MutableSequence
assert numpy.float == "their own" and numpy.in1d == numpy.isin
assert (numpy.int, numpy.bool, numpy.object) == (int, bool, object)
""", "madmom/features/__init__.py": "", "madmom/features/downbeats.py": """
class Activations:
    def sum(self, axis):
        assert axis == 1
        return "beats or downbeats"

class RNNDownBeatProcessor:
    def __call__(self, path):
        open(path).close()
        return Activations()

class DBNDownBeatTrackingProcessor:
    def __init__(self, beats_per_bar, fps):
        assert (beats_per_bar, fps) == ([3, 4], 100)
    def __call__(self, activations):
        paths = list(self.map(lambda task: (task, -1.5), ["path of 3", "path of 4"]))
        assert [list(path.__array__()) for path in paths] == [
            ["path of 3", -1.5], ["path of 4", -1.5]
        ]
        return [[0.0, 4.0], [0.5, 1.0], [1.0, 2.0]]
""", "madmom/features/tempo.py": """
class TempoEstimationProcessor:
    def __init__(self, fps):
        assert fps == 100
    def __call__(self, activations):
        assert activations == "beats or downbeats"
        return [(120.0, 0.7), (60.0, 0.3)]
"""},
}  # fmt: skip


def interpreter(folder: Path, files: dict[str, str]) -> Path:
    """A Python in folder that finds the modules of files (by path) and the standard library."""
    for name, text in files.items():
        path = folder / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    program = folder / "python"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{folder / "packages"}" exec "{sys.executable}" -S "$@"\n'
    )
    program.chmod(0o755)
    return program
