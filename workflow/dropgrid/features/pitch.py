"""Input of key detection: spectra with fine frequency resolution.

`Pitch` takes a mono signal in blocks and keeps

key_scores  (steps, 24) float32: the key network's scores, see engines.key_network; absent without
            the network. A step is 1.6 s.
pitches     (steps, 2, FINE) float16: how strong each pitch class is, in FINE parts of an octave
            from C up, in two registers: bass and above. A step is 1.6 s, four frames.
tonality    (steps, 2) float16: of the power in each register, the share that stands out as
            partials.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from ..audio.channels import STEPS
from ..native import address, compiled
from .engines.filterbank import filterbank
from .engines.key_network import Network, Scores
from .spectra import Bank, Transform

RATE = 44100
KEY_FRAME, KEY_HOP = 8192, 8820  # samples: the key network's frames, 5 a second
KEY_ROOM = 256  # samples by which a key frame may be longer: half a semitone down
PITCH_FRAME, PITCH_HOP = 32768, 17640  # samples: 1.35 Hz between bins, 0.4 s between frames
PER_STEP = 4  # pitch frames in a step
STEP_SECONDS = PER_STEP * PITCH_HOP / RATE  # 1.6; a step of the key network lasts as long
FINE = 120  # parts of an octave: 10 cents each
REGISTERS = ((65.0, 220.0), (220.0, 2100.0))  # Hz; below are the tails of bass drums
C1 = 440 * 2 ** (-45 / 12)  # Hz, a C: where pitch classes are counted from
BATCH = 16  # frames transformed at once: whole steps
AROUND = 24  # bins on either side, 32 Hz, that a partial is measured against
PROMINENCE = 3.5  # times the mean magnitude around it: a partial, no noise and no drum
IN_TUNE = 12.0  # cents: a smaller deviation counts as in tune
AGREEMENT = 0.35  # of the tuning: less is no tuning
AHEAD = 60 * RATE  # samples: delay of the key network's frames, for the pitches to give the tuning
COMPRESSION = 0.3  # strength is magnitude to this power, so that no one note drowns the others


class Frames:
    """Cuts a signal in blocks into centred, zero-padded, overlapping frames: ceil(n / hop)."""

    def __init__(self, size: int, hop: int) -> None:
        self.size, self.hop = size, hop
        self._parts = [np.zeros(size // 2, np.float32)]
        self._waiting = size // 2
        self._samples, self._sent = 0, 0

    def add(self, block: np.ndarray) -> Iterator[np.ndarray]:
        """Groups of BATCH frames (BATCH, size) that the block completes."""
        self._parts.append(block)
        self._waiting += len(block)
        self._samples += len(block)
        length = (BATCH - 1) * self.hop + max(self.size, self.hop)
        while self._waiting >= length:
            signal = np.concatenate(self._parts)
            yield self._cut(signal, BATCH)
            self._parts = [signal[BATCH * self.hop :]]
            self._waiting -= BATCH * self.hop
            self._sent += BATCH

    def rest(self) -> Iterator[np.ndarray]:
        """The remaining frames, padded with zeros: at most BATCH frames at a time."""
        left = -(-self._samples // self.hop) - self._sent
        signal = np.concatenate([*self._parts, np.zeros(self.size + self.hop, np.float32)])
        for first in range(0, left, BATCH):
            yield self._cut(signal[first * self.hop :], min(BATCH, left - first))

    def _cut(self, signal: np.ndarray, count: int) -> np.ndarray:
        strides = (self.hop * signal.itemsize, signal.itemsize)
        return np.lib.stride_tricks.as_strided(
            signal, (count, self.size), strides, writeable=False
        )


class Pitch:
    """Collects the input of key detection; network: None for no scores of a network."""

    def __init__(self, network: Network | None) -> None:
        self._key_frames = Frames(KEY_FRAME + KEY_ROOM, KEY_HOP)
        bands = filterbank(KEY_FRAME, RATE, 24, lowest=65, highest=2100)
        self._bank = Bank(bands, np.zeros((0, 0), np.float32))
        self._scores = None if network is None else Scores(network)
        self._ahead: deque[np.ndarray] = deque()  # blocks that only the pitches have used so far
        self._ahead_samples = 0
        self._pitch_frames = Frames(PITCH_FRAME, PITCH_HOP)
        self._transforms: dict[int, Transform] = {}
        self._pitches: list[np.ndarray] = []
        self._pitch_sums = np.zeros(FINE)  # pitches of all steps so far, both registers
        self._tonality: list[np.ndarray] = []

    def add(self, block: np.ndarray) -> None:
        """Add a block of the mono signal at RATE."""
        for frames in self._pitch_frames.add(block):
            self._keep(frames)
        if self._scores is not None:
            self._ahead.append(packed(block))
            self._ahead_samples += len(block)
            while self._ahead_samples > AHEAD:
                self._follow()

    def finish(self) -> None:
        """After the last block: process the remaining samples and free the buffers."""
        for frames in self._pitch_frames.rest():
            self._keep(frames)
        if self._scores is not None:
            while self._ahead:
                self._follow()
            for frames in self._key_frames.rest():
                self._scores.add(self._key_input(frames))
        del self._pitch_frames, self._key_frames, self._transforms

    def arrays(self) -> dict[str, np.ndarray]:
        """What was found in all blocks, once they are finished."""
        found: dict[str, np.ndarray] = {}
        if self._scores is not None:
            found["key_scores"] = self._scores.array()
        found["pitches"] = np.concatenate(self._pitches)
        found["tonality"] = np.concatenate(self._tonality)
        return found

    def _follow(self) -> None:
        """Let the key network's frames take the next block."""
        assert self._scores is not None
        block = unpacked(self._ahead.popleft())
        self._ahead_samples -= len(block)
        for frames in self._key_frames.add(block):
            self._scores.add(self._key_input(frames))

    def _key_input(self, frames: np.ndarray) -> np.ndarray:
        """The key network's input: log10(1 + magnitude) in 24 bands an octave.

        The network was trained on music tuned to 440 Hz. If the music so far differs from
        that by more than IN_TUNE, shorter or longer frames put the bins at the music's pitches.
        """
        cents, agreement = tuning(self._pitch_sums)
        in_tune = abs(cents) <= IN_TUNE or agreement < AGREEMENT
        size = KEY_FRAME if in_tune else fast_size(KEY_FRAME * 2 ** (-cents / 1200))
        spare = (frames.shape[1] - size) // 2
        bands, _ = self._transform(size).sums(frames[:, spare : spare + size], self._bank)
        if size != KEY_FRAME:
            bands *= np.float32(KEY_FRAME / size)
        return np.log10(bands + np.float32(1))

    def _transform(self, size: int) -> Transform:
        if size not in self._transforms:
            self._transforms[size] = Transform(size)
        return self._transforms[size]

    def _keep(self, frames: np.ndarray) -> None:
        pitches, tonality = partials(self._transform(PITCH_FRAME).magnitudes(frames, TOP))
        self._pitch_sums += pitches.sum(axis=(0, 1))
        self._pitches.append(pitches.astype(np.float16))
        self._tonality.append(tonality.astype(np.float16))


def packed(block: np.ndarray) -> np.ndarray:
    """A copy of float32 samples; in half the room where they are whole steps of 16 bits, as they
    are unless they were resampled. `unpacked` gives the same samples back."""
    if block.flags.c_contiguous and block.dtype == np.float32 and (loops := compiled()):
        whole = np.empty(len(block), np.int16)
        is_whole = loops.pack(address(block), len(block), address(whole))
        return whole if is_whole else block.copy()
    steps = block * np.float32(STEPS)
    with np.errstate(invalid="ignore"):
        whole = steps.astype(np.int16)
    return whole if np.array_equal(whole, steps) else block.copy()


def unpacked(block: np.ndarray) -> np.ndarray:
    """What `packed` was given."""
    return block * np.float32(1 / STEPS) if block.dtype == np.int16 else block


TOP = int(REGISTERS[1][1] * PITCH_FRAME / RATE) + AROUND + 2  # bins of the pitch frames in use


def partials(magnitudes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitches (steps, 2, FINE) and tonality (steps, 2) of spectra (frames, TOP).

    A partial is a maximum over frequency that rises above its surroundings by PROMINENCE; its
    frequency is that of the parabola through the logarithms of three bins. Noise, and drums
    within the half second of a frame, have no such maxima.
    """
    steps = -(-len(magnitudes) // PER_STEP)
    magnitudes = magnitudes / np.float32(PITCH_FRAME / 4)  # a sine at full scale is 1
    sums = np.cumsum(magnitudes, axis=1, dtype=np.float64)
    around = (sums[:, 2 * AROUND :] - sums[:, : -2 * AROUND]) / (2 * AROUND)
    inner = magnitudes[:, AROUND + 1 : -AROUND + 1][:, : around.shape[1]]
    inner = inner[:, : TOP - 2 * AROUND - 1]
    around = around[:, : inner.shape[1]]
    before = magnitudes[:, AROUND : AROUND + inner.shape[1]]
    after = magnitudes[:, AROUND + 2 : AROUND + 2 + inner.shape[1]]
    is_peak = (inner > before) & (inner >= after) & (inner > PROMINENCE * around + 1e-5)
    frame, bin_ = np.nonzero(is_peak)
    log = np.log(np.maximum([before[frame, bin_], inner[frame, bin_], after[frame, bin_]], 1e-9))
    offset = 0.5 * (log[0] - log[2]) / np.minimum(log[0] - 2 * log[1] + log[2], -1e-6)
    frequency = (bin_ + AROUND + 1 + offset) * (RATE / PITCH_FRAME)
    strength = np.exp(COMPRESSION * log[1])
    pitch = np.rint(FINE * np.log2(frequency / C1)).astype(np.int64) % FINE
    pitches = np.zeros((steps, len(REGISTERS), FINE))
    tonality = np.zeros((steps, len(REGISTERS)))
    centres = (np.arange(inner.shape[1]) + AROUND + 1) * (RATE / PITCH_FRAME)
    for register, (low, high) in enumerate(REGISTERS):
        chosen = (frequency >= low) & (frequency < high)
        where = frame[chosen] // PER_STEP * FINE + pitch[chosen]
        counted = np.bincount(where, strength[chosen], minlength=steps * FINE)
        pitches[:, register] = counted.reshape(steps, FINE)
        band = (centres >= low) & (centres < high)
        whole = _by_step((inner[:, band] ** 2).sum(axis=1), steps)
        power = np.bincount(frame[chosen] // PER_STEP, np.exp(2 * log[1][chosen]), minlength=steps)
        tonality[:, register] = 1.5 * power / np.maximum(whole, 1e-12)
    return pitches, np.minimum(tonality, 1)


def tuning(pitches: np.ndarray) -> tuple[float, float]:
    """How far (FINE,) pitches lie above A = 440 Hz, -50 to 50 cents, and how many agree.

    The place within a semitone where most lie; the share of them within 15 cents of it, 0.3
    where they lie anywhere.
    """
    within = pitches.reshape(12, -1).sum(axis=0)
    smooth = within + 0.6 * (np.roll(within, 1) + np.roll(within, -1))
    top = int(smooth.argmax())
    near = smooth[(top + np.arange(-1, 2)) % len(smooth)]
    curvature = near[0] - 2 * near[1] + near[2]
    offset = 0.5 * (near[0] - near[2]) / curvature if curvature else 0.0
    cents = (top + offset) * (100 / len(within))
    agreeing = within[(top + np.arange(-1, 2)) % len(within)].sum() / max(within.sum(), 1e-12)
    return float((cents + 50) % 100 - 50), float(agreeing)


def fast_size(size: float) -> int:
    """The even whole number nearest a size, within 5 cents, that Fourier transforms like best."""
    near = range(2 * round(size * 0.9985 / 2), 2 * round(size * 1.0015 / 2) + 1, 2)
    return min(near, key=lambda n: (_largest_prime(n) > 11, abs(n - size)))


def _largest_prime(number: int) -> int:
    factor = 2
    while factor * factor <= number:
        if number % factor:
            factor += 1
        else:
            number //= factor
    return number


def _by_step(values: np.ndarray, steps: int) -> np.ndarray:
    return np.bincount(np.arange(len(values)) // PER_STEP, values, minlength=steps)
