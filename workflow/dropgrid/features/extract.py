"""From a file to its features: blocks -> segments -> spectra -> inputs and descriptors ->
activations, in one pass; and from the same blocks what key and loudness are found from.

The steps can run in several threads. Each step does the same work in the same order as in one
thread, so the features are the same bytes with any number of threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..audio.channels import largest
from ..audio.reader import SAMPLE_RATE, Reader
from ..base.errors import UnusableAudio
from ..base.threads import in_thread
from . import Features
from .descriptors import Descriptors, Waveform
from .engines.front_end import (
    BANDS,
    LEAD,
    MARGIN,
    WINDOW,
    Ensemble,
    Inputs,
    activations,
    onset_strengths,
)
from .engines.key_network import Network
from .loudness import Meter
from .memory import give_back
from .pitch import Pitch
from .spectra import Bank, Spectra, segments

if TYPE_CHECKING:
    from .engines.plugin import Engine

SHORTEST = 1.0  # seconds
SILENCE = 4 / 32768  # of full scale: a peak below it is dither, not music
INVERTED = 1e-4  # energy of the sum over that of the difference, below which the channels cancel
OVER = 4.0  # times full scale: more than any mix overshoots, and clipped for the networks
SCALES = (2.0**15, 2.0**23, 2.0**31)  # full scale of integers that were stored as floats


@dataclass(frozen=True)
class Way:
    """How a file's samples are read: divided by `divisor`; side: the difference of channels."""

    divisor: float = 1.0
    side: bool = False

    def problem(self, peak: float) -> str | None:
        """A note on an unusual way of reading; None for the usual one. peak: times full scale."""
        parts = []
        if self.divisor != 1:
            parts.append(
                f"its floats are integers in scale; they were divided by {self.divisor:.0f}"
            )
        elif peak > OVER:
            parts.append(f"its peak is {peak:.3g} times full scale; what is above 1 was clipped")
        if self.side:
            parts.append(
                "its channels are each other's inverse and silent in mono; their difference was "
                "analysed"
            )
        return "; ".join(parts) or None


class _Otherwise(Exception):
    """At the end of a file: its samples have to be read in another way."""

    def __init__(self, way: Way) -> None:
        super().__init__(way)
        self.way = way


def integer_scale(peak: float) -> float | None:
    """The full scale of integers stored as floats, by their peak; None where they are none."""
    if peak < 256:
        return None
    return next((scale for scale in SCALES if peak <= 1.5 * scale), None)


def extract(
    path: Path,
    ensemble: Ensemble | str,
    key_network: Network | None = None,
    true_peak: bool = False,
    threads: int = 1,
) -> Features:
    """The features of an audio file. Raises DecodeError, UnusableAudio, OSError.

    ensemble: from ensemble.load, or the name of a method that does without madmom's networks:
    "open", "librosa", or that of an engine of the user's (engines.plugin). key_network: from
    key_network.load; None leaves the key to the profiles.
    true_peak: see loudness.Meter. threads: that may work at a time.
    """
    way = Way()
    while True:
        try:
            return _extract(path, ensemble, key_network, true_peak, threads, way)
        except _Otherwise as other:
            way = other.way


def _extract(
    path: Path,
    ensemble: Ensemble | str,
    key_network: Network | None,
    true_peak: bool,
    threads: int,
    way: Way,
) -> Features:
    reader = Reader(path)
    reader.divisor = way.divisor
    meter = Meter(reader.decoder["sample_rate"], reader.positions, true_peak)
    reader.tap = meter.add
    waveform, pitch = Waveform(), Pitch(key_network)
    inputs = Inputs(SAMPLE_RATE)
    descriptors = Descriptors(SAMPLE_RATE)
    blocks = _usable(path, _mid(reader, waveform, meter, way))
    blocks = _with_pitch(in_thread(blocks) if threads > 3 else blocks, pitch)
    engine = plugin_of(ensemble)
    if engine is not None:
        blocks = engine.fed(blocks)
    chunks = front_end(in_thread(blocks) if threads > 1 else blocks, inputs, descriptors)
    chunks = in_thread(chunks) if threads > 1 else chunks
    if engine is not None:
        values, method = engine.activations(sum(map(len, chunks)) - LEAD), engine.name
    else:
        values, method = _activations(chunks, ensemble, threads)
    return Features(
        duration=waveform.samples / SAMPLE_RATE,
        activations=values,
        descriptors=(descriptors.arrays() | waveform.arrays() | pitch.arrays() | meter.arrays()),
        decoder=reader.decoder,
        method=method,
    )


def plugin_of(ensemble: Ensemble | str) -> Engine | None:
    """The user's own engine, if that is what finds the beats. Raises ModelError."""
    if not isinstance(ensemble, str):
        return None
    from .engines.plugin import Engine, is_plugin

    return Engine(ensemble, SAMPLE_RATE) if is_plugin(ensemble) else None


def _activations(
    chunks: Iterable[np.ndarray], ensemble: Ensemble | str, threads: int
) -> tuple[np.ndarray, str]:
    """Activations (frames, 2), and the name of how they were found."""
    if ensemble == "open":
        from .engines import spectral_flux

        return spectral_flux.activations_of_rises(chunks), spectral_flux.METHOD
    if ensemble == "librosa":
        from .engines import librosa_onsets

        strengths = onset_strengths(chunks)
        return librosa_onsets.activations_of_onsets(strengths), librosa_onsets.METHOD
    assert not isinstance(ensemble, str), ensemble
    values, whole = activations(chunks, partial(ensemble, threads=threads), sum(BANDS))
    if whole:
        return values, "madmom"
    return values, f"madmom, windows of {WINDOW / 6000:g} min, margins of {MARGIN / 6000:g} min"


def front_end(
    blocks: Iterable[np.ndarray], inputs: Inputs, descriptors: Descriptors
) -> Iterator[np.ndarray]:
    """The levels of bands, chunk by chunk, of a mono signal in blocks; collects descriptors."""
    spectra = Spectra(banks(inputs, descriptors), descriptors.kick_bins)
    for segment in segments(blocks):
        lowest, sums = spectra(segment)
        levels, powers = split(sums)
        descriptors.add(segment, lowest, powers)
        yield inputs(levels)


def banks(inputs: Inputs, descriptors: Descriptors) -> list[Bank]:
    """The outputs of each of the three spectra: the networks' bands, and the descriptors'."""
    return [Bank(*pair) for pair in zip(inputs.banks, descriptors.powers, strict=True)]


def split(sums: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The sums of `banks`: of the networks' bands, and of the descriptors'."""
    return (
        [found[:, :count] for found, count in zip(sums, BANDS, strict=True)],
        [found[:, count:] for found, count in zip(sums, BANDS, strict=True)],
    )


def _mid(reader: Reader, waveform: Waveform, meter: Meter, way: Way) -> Iterator[np.ndarray]:
    """The signal that is analysed: the mean of the channels, or their difference.

    Raises _Otherwise at its end if the samples have to be read in another way.
    """
    sum_energy = difference_energy = 0.0
    for block in reader:
        mid, side = np.ascontiguousarray(block[:, 0]), np.ascontiguousarray(block[:, 1])
        sum_energy += float(np.dot(mid, mid))
        difference_energy += float(np.dot(side, side))
        signal = side if way.side else mid
        waveform.add(signal)
        yield signal
    other = way
    if way.divisor == 1 and (divisor := integer_scale(meter.sample_peak)):
        other = replace(other, divisor=divisor)
    elif sum_energy < INVERTED * difference_energy:
        other = replace(other, side=True)
    if other != way:
        raise _Otherwise(other)
    if problem := way.problem(meter.sample_peak):
        reader.note(problem)


def _with_pitch(blocks: Iterable[np.ndarray], pitch: Pitch) -> Iterator[np.ndarray]:
    """Pass blocks on and add each to pitch, which finishes before the networks need memory."""
    for block in blocks:
        pitch.add(block)
        yield block
    pitch.finish()
    give_back()


def _usable(path: Path, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same blocks; raises UnusableAudio at their end, before the networks run.

    Zeros wait until something else follows: hours of silence cost only their decoding.
    """
    samples, peak = 0, 0.0
    zeros: list[int] = []  # lengths of the waiting blocks
    for block in blocks:
        samples += len(block)
        if peak == 0 and not block.any():
            zeros.append(len(block))
            continue
        yield from (np.zeros(length, block.dtype) for length in zeros)
        zeros = []
        peak = max(peak, largest(block))
        yield block
    if samples < SHORTEST * SAMPLE_RATE:
        raise UnusableAudio(
            f"{path}: {samples / SAMPLE_RATE:.2f} s long; at least {SHORTEST:g} s are needed"
        )
    if peak < SILENCE:
        raise UnusableAudio(f"{path}: silent throughout")
