"""The channels of a file: where each stands, and what is made of them."""

from __future__ import annotations

import numpy as np

from ..native import compiled

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
    """Mean and half the difference of channels: (samples, channels) -> (samples, 2) float32.

    Samples are rounded and clipped to 16 bits; their mean is cut to 16 bits towards zero, the
    same as madmom.audio.signal.remix makes of 16-bit samples.
    """
    if block.shape[1] == 2 and block.flags.c_contiguous and (loops := compiled()):
        mixed = np.empty_like(block)
        loops.mix(block.ctypes.data, len(block), mixed.ctypes.data)
        return mixed
    steps = np.rint(block * np.float32(STEPS))
    np.clip(steps, -STEPS, STEPS - 1, out=steps)
    mixed = np.zeros((len(block), 2), np.float32)
    channels = block.shape[1]
    if channels == 1:
        mixed[:, 0] = steps[:, 0]
    else:
        mean = steps[:, 0] + steps[:, 1]
        np.subtract(steps[:, 0], steps[:, 1], out=mixed[:, 1])
        mixed[:, 1] *= np.float32(0.5)
        for channel in range(2, channels):
            mean += steps[:, channel]
        np.trunc(mean / np.float32(channels), out=mixed[:, 0])
    mixed *= np.float32(1 / STEPS)
    return mixed
