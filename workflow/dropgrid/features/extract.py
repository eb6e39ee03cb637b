"""From a file to its features: blocks -> segments -> spectra -> inputs and descriptors ->
activations, in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..audio import SAMPLE_RATE, Reader
from ..errors import UnusableAudio
from . import Features
from .descriptors import Descriptors, Waveform
from .network import MARGIN, WHOLE, Ensemble, Inputs, activations
from .spectra import FRAME_SIZES, hann, segments, spectrum

SHORTEST = 1.0  # seconds
SILENCE = 4 / 32768  # of full scale: a peak below it is dither, not music


def extract(path: Path, ensemble: Ensemble) -> Features:
    """The features of an audio file. Raises DecodeError, UnusableAudio.

    ensemble: from network.load.
    """
    reader = Reader(path)
    waveform = Waveform(SAMPLE_RATE)
    inputs = Inputs(SAMPLE_RATE)
    descriptors = Descriptors(SAMPLE_RATE, inputs.centres)
    chunks = front_end(_mid(reader, waveform), inputs, descriptors)
    # The networks run over what came before the last block: refuse first what needs no run.
    values, whole = activations(chunks, ensemble, inputs.width)
    duration = waveform.samples / SAMPLE_RATE
    if duration < SHORTEST:
        raise UnusableAudio(f"{path}: {duration:.2f} s long; at least {SHORTEST} s are needed")
    return Features(
        duration=duration,
        activations=values,
        descriptors=descriptors.arrays() | waveform.arrays(),
        decoder=reader.decoder,
        method="madmom"
        if whole
        else f"madmom, windows of {WHOLE / 6000:g} min, margins of {MARGIN / 6000:g} min",
    )


def front_end(
    blocks: Iterable[np.ndarray], inputs: Inputs, descriptors: Descriptors
) -> Iterator[np.ndarray]:
    """The networks' inputs, chunk by chunk, of a mono signal in blocks; collects descriptors."""
    windows = [hann(size) for size in FRAME_SIZES]
    for segment in segments(blocks):
        spectra = [spectrum(segment, window) for window in windows]
        magnitudes = [np.abs(s[:, : len(b)]) for s, b in zip(spectra, inputs.banks, strict=True)]
        chunk = inputs(magnitudes)
        descriptors.add(segment, spectra[-1], magnitudes, chunk)
        yield chunk


def _mid(reader: Reader, waveform: Waveform) -> Iterator[np.ndarray]:
    for block in reader:
        waveform.add(block)
        yield block[:, 0]
