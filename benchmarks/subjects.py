"""What is measured, each in a process of its own: prints one JSON object of cpu seconds.

Usage: subjects.py SUBJECT [FILE] [NETWORK]
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "builders"))


class Stopwatch:
    """Adds up cpu seconds under names."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, name: str) -> None:
        now = time.process_time()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now


def madmom_both(file: str) -> dict[str, float]:
    """madmom's beat ensemble and tracker, then its downbeat ensemble and tracker."""
    from madmom_compat import downbeat_tracker, load

    beats, downbeats = load("madmom.features.beats"), load("madmom.features.downbeats")
    watch = Stopwatch()
    beat_networks, downbeat_networks = beats.RNNBeatProcessor(), downbeats.RNNDownBeatProcessor()
    trackers = beats.DBNBeatTrackingProcessor(fps=100), downbeat_tracker((3, 4))
    watch.lap("loading")
    activations = beat_networks(file)
    watch.lap("beat networks")
    trackers[0](activations)
    watch.lap("beat tracker")
    activations = downbeat_networks(file)
    watch.lap("downbeat networks")
    trackers[1](activations)
    watch.lap("downbeat tracker")
    return watch.seconds


def librosa_beats(file: str) -> dict[str, float]:
    """librosa's beat tracker, compiled and warm."""
    import librosa

    signal, rate = librosa.load(file, duration=10)
    librosa.beat.beat_track(y=signal, sr=rate)
    watch = Stopwatch()
    signal, rate = librosa.load(file)
    watch.lap("decoding")
    librosa.beat.beat_track(y=signal, sr=rate)
    watch.lap("beat tracker")
    return watch.seconds


def stages(file: str, network_file: str, key_file: str) -> dict[str, float]:
    """dropgrid's stages, one after another in this process."""
    import numpy as np
    from dropgrid import rhythm, structure
    from dropgrid.audio.reader import SAMPLE_RATE, Reader
    from dropgrid.features import Features
    from dropgrid.features.descriptors import Descriptors, Waveform
    from dropgrid.features.engines import beat_ensemble as networks
    from dropgrid.features.engines import front_end, key_network
    from dropgrid.features.extract import banks, split
    from dropgrid.features.loudness import Meter
    from dropgrid.features.pitch import Pitch
    from dropgrid.features.spectra import Spectra, segments
    from dropgrid.key import analysis as key
    from dropgrid.key.options import KeyOptions
    from dropgrid.library import scan_files
    from dropgrid.stages.make_records import make_bpm_record

    watch = Stopwatch()
    ensemble = networks.load(Path(network_file))
    pitch = Pitch(key_network.load(Path(key_file)))
    watch.lap("loading the networks")
    reader = Reader(Path(file))
    meter = Meter(reader.decoder["sample_rate"], reader.positions)

    def tap(block: np.ndarray, rate: int) -> None:
        watch.lap("decoding")
        meter.add(block, rate)
        watch.lap("loudness")

    reader.tap = tap
    blocks = list(reader)
    watch.lap("decoding")
    waveform, inputs = Waveform(), front_end.Inputs(SAMPLE_RATE)
    descriptors = Descriptors(SAMPLE_RATE)
    mono = [np.ascontiguousarray(block[:, 0]) for block in blocks]
    for block in mono:
        waveform.add(block)
    watch.lap("descriptors")
    for block in mono:
        pitch.add(block)
    pitch.finish()
    watch.lap("key: spectra and network")
    chunks = []
    spectra = Spectra(banks(inputs, descriptors), descriptors.kick_bins)
    for segment in segments(mono):
        lowest, sums = spectra(segment)
        watch.lap("spectra and filterbanks")
        levels, powers = split(sums)
        chunks.append(inputs(levels))
        watch.lap("levels of bands")
        descriptors.add(segment, lowest, powers)
        watch.lap("descriptors")
    values = ensemble(np.concatenate(chunks))
    watch.lap("networks")
    features = Features(
        waveform.samples / SAMPLE_RATE, values,
        descriptors.arrays() | waveform.arrays() | pitch.arrays() | meter.arrays(),
        reader.decoder, "madmom",
    )  # fmt: skip
    ticket = scan_files([Path(file)], None).tracks[0]
    watch.lap("(scan)")
    rhythm.analyse(features, rhythm.RhythmOptions())
    watch.lap("rhythm")
    record = make_bpm_record(ticket, features, {})
    watch.lap("(rhythm again, as a record)")
    structure.analyse(features, record, structure.StructureOptions())
    watch.lap("structure")
    key.analyse(features, KeyOptions())
    watch.lap("key")
    return {name: cpu for name, cpu in watch.seconds.items() if not name.startswith("(")}


def decoding(file: str) -> dict[str, float]:
    """Reading a file, start-up left out."""
    from dropgrid.audio.reader import Reader

    watch = Stopwatch()
    for _ in Reader(Path(file)):
        pass
    watch.lap("decoding")
    return watch.seconds


def floor(file: str) -> dict[str, float]:
    """The least a minute of audio could cost here: its transforms and its matrix products, each
    at the best rate that this machine shows."""
    import numpy as np
    from dropgrid.features.engines.front_end import Inputs
    from dropgrid.features.spectra import FRAME_SIZES, real_fft

    transform = real_fft()
    random = np.random.default_rng(0)
    frames = 6000
    fft = 0.0
    for size in FRAME_SIZES:
        batch = random.standard_normal((16, size)).astype(np.float32)
        out = np.empty((16, size // 2 + 1), np.complex64)
        fft += frames / 16 * _best(lambda: transform(batch, out), 200)  # noqa: B023
    n = 768
    matrix = random.standard_normal((n, n)).astype(np.float32)
    product = np.empty_like(matrix)
    rate = 2 * n**3 / _best(lambda: np.matmul(matrix, matrix, out=product), 10)
    gates, directions, networks = 100, 2, 8
    per_frame = networks * directions * gates * (314 + 25 + 2 * (50 + 25)) + networks * 50 * 3
    filters = sum(int(np.count_nonzero(bank)) for bank in Inputs(44100).banks)
    products = 2 * frames * (per_frame + filters) / rate
    return {"transforms": fft, "matrix products": products, "GFLOP/s": rate / 1e9}


def _best(call: Callable[[], object], repeats: int) -> float:
    """The least cpu seconds of one call, among 7 rounds of so many."""
    rounds = []
    for _ in range(7):
        start = time.process_time()
        for _ in range(repeats):
            call()
        rounds.append((time.process_time() - start) / repeats)
    return min(rounds)


SUBJECTS: dict[str, Callable[..., dict[str, float]]] = {
    "madmom": madmom_both, "librosa": librosa_beats, "stages": stages, "decoding": decoding,
    "floor": floor,
}  # fmt: skip

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        seconds = SUBJECTS[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(seconds | {"process": time.process_time()}))
