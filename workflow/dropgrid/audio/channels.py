"""The channels of a file: their positions, and the mix to two channels."""

from __future__ import annotations

import numpy as np

from ..native import address, compiled

STEPS = 32768  # 16-bit steps in full scale
# Where the channels of a file stand whose format does not say, by their number: the order of WAV
# and FLAC. libsndfile leaves those of Ogg in Vorbis' own order.
POSITIONS = {
    1: "FC",
    2: "FL FR",
    3: "FL FR FC",
    4: "FL FR BL BR",
    5: "FL FR FC BL BR",
    6: "FL FR FC LFE BL BR",
    7: "FL FR FC LFE BC SL SR",
    8: "FL FR FC LFE BL BR SL SR",
}
VORBIS_POSITIONS = {
    3: "FL FC FR",
    5: "FL FC FR BL BR",
    6: "FL FC FR BL BR LFE",
    7: "FL FC FR SL SR BC LFE",
    8: "FL FC FR SL SR BL BR LFE",
}


def mix(block: np.ndarray) -> np.ndarray:
    """Mean and half the difference of channels: (samples, channels) -> (samples, 2) float32, each
    in one piece.

    Samples are rounded and clipped to 16 bits; their mean is cut to 16 bits towards zero, the
    same as madmom.audio.signal.remix makes of 16-bit samples.
    """
    mixed = np.empty((2, len(block)), np.float32).T
    if block.shape[1] == 2 and (apart := _apart(block)) is not None and (loops := compiled()):
        loops.mix(address(block), len(block), apart, address(mixed))
        return mixed
    steps = np.rint(block * np.float32(STEPS))
    np.clip(steps, -STEPS, STEPS - 1, out=steps)
    channels = block.shape[1]
    if channels == 1:
        mixed[:, 0], mixed[:, 1] = steps[:, 0], 0
    else:
        mean = steps[:, 0] + steps[:, 1]
        np.subtract(steps[:, 0], steps[:, 1], out=mixed[:, 1])
        mixed[:, 1] *= np.float32(0.5)
        for channel in range(2, channels):
            mean += steps[:, channel]
        np.trunc(mean / np.float32(channels), out=mixed[:, 0])
    mixed *= np.float32(1 / STEPS)
    return mixed


def largest(block: np.ndarray) -> float:
    """The largest magnitude of samples; infinite where one is no number."""
    if not block.size:
        return 0.0
    whole = block.flags.c_contiguous or block.flags.f_contiguous
    if whole and block.dtype == np.float32 and (loops := compiled()):
        return float(loops.largest(address(block), block.size))
    found = max(float(block.max()), -float(block.min()))
    return found if np.isfinite(found) else float("inf")


def _apart(block: np.ndarray) -> int | None:
    """How far the second of two channels lies behind the first, in numbers: 0 where they lie side
    by side; None where they lie otherwise."""
    if block.dtype != np.float32 or not len(block):
        return None
    if block.flags.c_contiguous:
        return 0
    return block.strides[1] // 4 if block.strides[0] == 4 else None
