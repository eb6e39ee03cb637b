"""Mix clicks on the beats and tones at the sections into the music.

    click       1 kHz on a beat, 2 kHz and a little louder on a downbeat
    intro       one note
    buildup     three rising notes
    main        a fifth down
    drop        a major chord, and a gong where a drop begins
    breakdown   three falling notes
    outro       a fourth down

Each sound begins exactly at the sample of its time, so a beat that sounds late or early is late or
early. The music is decoded in blocks, as for the analysis; memory does not grow with its length.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..audio.reader import SAMPLE_RATE, Reader
from ..base.errors import ConfigError, RecordError
from ..base.files import cut_name
from ..records.model import BpmRecord, Label, StructureRecord

MUSIC = 0.6  # gain of the music, which leaves room for the clicks
CLICK_HZ, DOWNBEAT_HZ = 1000.0, 2000.0
FORMATS = {".wav": "WAV", ".flac": "FLAC"}

# Semitones above A5, and the delay in seconds from one note to the next (0: a chord).
SIGNALS: dict[Label, tuple[tuple[int, ...], float]] = {
    "intro": ((0,), 0.0),
    "buildup": ((0, 4, 7), 0.09),
    "main": ((2, -5), 0.14),
    "drop": ((-12, 0, 4, 7), 0.0),
    "breakdown": ((7, 4, 0), 0.09),
    "outro": ((5, 0), 0.14),
}

Event = tuple[int, int, np.ndarray]  # first sample, order of schedule, samples


def sonify(audio: Path, bpm: BpmRecord, structure: StructureRecord | None, output: Path) -> None:
    """Write the music with clicks, and signals if structure is given, to a WAV or FLAC file.

    Stereo, 44.1 kHz, 16 bit; the file appears whole or not at all. Raises ConfigError for
    another suffix, RecordError for the record of a failed track, DecodeError, OSError.
    """
    check_format(output)
    for record in (bpm, structure):
        if record is not None and record.error is not None:
            raise RecordError(
                f"{record.path}: not analysed ({record.error.stage}: {record.error.message})"
            )
    blocks = (left_and_right(block) * np.float32(MUSIC) for block in Reader(audio))
    write_audio(output, mix(blocks, schedule(bpm, structure)))


def schedule(bpm: BpmRecord, structure: StructureRecord | None) -> list[Event]:
    """The sounds with their times, sorted by time."""
    beat, downbeat = click(CLICK_HZ, 0.45), click(DOWNBEAT_HZ, 0.6)
    downbeats = {_sample(time) for time in bpm.downbeats}
    sounds = [
        (at, downbeat if at in downbeats else beat)
        for at in sorted(downbeats | {_sample(time) for time in bpm.beats})
    ]
    if structure is not None:
        signals = {label: signal(label) for label in SIGNALS}
        sounds += [
            (_sample(section.start), signals[section.label]) for section in structure.sections
        ]
        sounds += [(_sample(time), gong()) for time in structure.drops]
    return sorted((at, number, sound) for number, (at, sound) in enumerate(sounds))


def mix(blocks: Iterable[np.ndarray], events: list[Event]) -> Iterator[np.ndarray]:
    """Add sounds to consecutive (n, 2) blocks of music; sounds are cut off at its end.

    Sums beyond full scale are clipped. Events must be in order of time.
    """
    start = 0
    waiting = deque(events)
    sounding: list[Event] = []
    for block in blocks:
        end = start + len(block)
        while waiting and waiting[0][0] < end:
            sounding.append(waiting.popleft())
        for at, _, sound in sounding:
            first, last = max(at, start), min(at + len(sound), end)
            block[first - start : last - start] += sound[first - at : last - at, np.newaxis]
        sounding = [event for event in sounding if event[0] + len(event[2]) > end]
        yield np.clip(block, -1.0, 1.0)
        start = end


def left_and_right(block: np.ndarray) -> np.ndarray:
    """(n, 2) of left and right from mid and side, as Reader gives them."""
    mid, side = block[:, 0], block[:, 1]
    return np.stack([mid + side, mid - side], axis=1)


def click(frequency: float, gain: float) -> np.ndarray:
    """A click: its first sample is its loudest, so that its time can be measured exactly."""
    t = np.arange(round(0.03 * SAMPLE_RATE)) / SAMPLE_RATE
    return _sound(gain * np.cos(2 * np.pi * frequency * t) * np.exp(-t / 0.006))


def signal(label: Label) -> np.ndarray:
    """The signal for the beginning of a section."""
    notes, delay = SIGNALS[label]
    late = round(delay * SAMPLE_RATE)
    t = np.arange(round(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros(t.size + late * (len(notes) - 1))
    for number, semitones in enumerate(notes):
        tone = np.sin(2 * np.pi * 880.0 * 2 ** (semitones / 12) * t) * np.exp(-t / 0.12)
        sound[number * late : number * late + t.size] += 0.3 / len(notes) ** 0.5 * tone
    return _sound(sound)


def gong() -> np.ndarray:
    """The sound at the start of a drop: low and inharmonic, 1.5 s."""
    t = np.arange(round(1.5 * SAMPLE_RATE)) / SAMPLE_RATE
    modes = ((220.0, 1.0, 0.6), (367.0, 0.7, 0.4), (553.0, 0.5, 0.3), (947.0, 0.3, 0.2))
    sound = np.zeros(t.size)
    for frequency, gain, decay in modes:
        sound += 0.16 * gain * np.sin(2 * np.pi * frequency * t) * np.exp(-t / decay)
    return _sound(sound)


def _sound(samples: np.ndarray) -> np.ndarray:
    """The samples with their last 5 ms faded out, as float32."""
    fade = round(0.005 * SAMPLE_RATE)
    samples[-fade:] *= np.linspace(1.0, 0.0, fade)
    return samples.astype(np.float32)


def _sample(time: float) -> int:
    return max(0, round(time * SAMPLE_RATE))


def check_format(output: Path) -> None:
    """Raises ConfigError unless the name ends in .wav or .flac."""
    if output.suffix.lower() not in FORMATS:
        raise ConfigError(f"--output {output}: the name must end in .wav or .flac")


def write_audio(output: Path, blocks: Iterable[np.ndarray]) -> None:
    """Write (n, 2) blocks as 16 bit, 44.1 kHz; the file appears whole or not at all."""
    import soundfile

    check_format(output)

    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{cut_name(output.name)}.{os.getpid()}.tmp")
    try:
        with soundfile.SoundFile(
            os.fsencode(temporary), "w", SAMPLE_RATE, 2, "PCM_16",
            format=FORMATS[output.suffix.lower()],
        ) as file:  # fmt: skip
            file.comment = "dropgrid sonify"  # a later call recognises the file by it
            for block in blocks:
                file.write(block)
        os.replace(temporary, output)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
