"""Measure how changes of a file affect its rhythm.

Usage: .venv/bin/python benchmarks/rhythm_robustness.py [CHANGE ...] [--shared FOLDER]
       [--cache FOLDER] [--method METHOD]

Every song of FOLDER/music, music_more and music_third is analysed unchanged and after each change:
each half, speed -6 % and +3 %, MP3 of 128 kbit/s, 22.05 kHz, 1.234 s of silence before, mono,
-12 dB. The wrong decisions are counted. Those that were right for the unchanged song are listed,
with their confidence. --method: the beat detector (bpm.method).
A quarter of an hour the first time; features are kept in --cache.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from command_line import parser_of
from dropgrid.features import Features, store
from dropgrid.features.engines.beat_ensemble import load
from dropgrid.features.extract import extract
from dropgrid.rhythm import analyse
from rhythm_accuracy import all_songs
from rhythm_material import DEFAULTS, METHODS, Song, Verdict, cache_of, judge, print_cells

SILENCE = 1.234  # seconds
CONFIDENT = 0.9  # confidence above which nothing should be wrong


@dataclass(frozen=True)
class Sound:
    """A song's samples (n, channels) and the truth that goes with them, in seconds."""

    samples: np.ndarray
    rate: int
    bpm: float
    beats: np.ndarray
    downbeats: np.ndarray

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def slower_or_faster(speed: float) -> Callable[[Sound], Sound]:
    """The change that plays a sound at another speed, as a record player would."""

    def change(sound: Sound) -> Sound:
        import soxr

        samples = soxr.resample(sound.samples, sound.rate * speed, sound.rate)
        return Sound(
            samples, sound.rate, sound.bpm * speed, sound.beats / speed, sound.downbeats / speed
        )

    return change


def part(first: float, last: float) -> Callable[[Sound], Sound]:
    """The change that keeps the part between two shares of the length."""

    def change(sound: Sound) -> Sound:
        start, end = (round(share * len(sound.samples)) for share in (first, last))
        begin, stop = start / sound.rate, end / sound.rate
        return Sound(
            sound.samples[start:end], sound.rate, sound.bpm,
            *(times[(times >= begin) & (times < stop)] - begin
              for times in (sound.beats, sound.downbeats)),
        )  # fmt: skip

    return change


def after_silence(sound: Sound) -> Sound:
    """The sound with SILENCE before it."""
    nothing = np.zeros((round(SILENCE * sound.rate), sound.samples.shape[1]), np.float32)
    late = len(nothing) / sound.rate
    samples = np.concatenate([nothing, sound.samples])
    return replace(
        sound, samples=samples, beats=sound.beats + late, downbeats=sound.downbeats + late
    )


def at_half_rate(sound: Sound) -> Sound:
    """The sound at half its sample rate."""
    import soxr

    return replace(
        sound, samples=soxr.resample(sound.samples, sound.rate, sound.rate / 2),
        rate=sound.rate // 2,
    )  # fmt: skip


def same(sound: Sound) -> Sound:
    """No change."""
    return sound


def mono(sound: Sound) -> Sound:
    """The mean of the channels."""
    return replace(sound, samples=sound.samples.mean(axis=1, keepdims=True))


def quiet(sound: Sound) -> Sound:
    """12 dB less."""
    return replace(sound, samples=sound.samples * np.float32(10 ** (-12 / 20)))


CHANGES: dict[str, tuple[Callable[[Sound], Sound], str]] = {  # and the suffix of its file
    "first half": (part(0.0, 0.5), ".flac"),
    "second half": (part(0.5, 1.0), ".flac"),
    "-6 %": (slower_or_faster(0.94), ".flac"),
    "+3 %": (slower_or_faster(1.03), ".flac"),
    "MP3": (same, ".mp3"),
    "silence": (after_silence, ".flac"),
    "22 kHz": (at_half_rate, ".flac"),
    "mono": (mono, ".flac"),
    "-12 dB": (quiet, ".flac"),
}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument(
        "changes", nargs="*", metavar="CHANGE", help=", ".join(CHANGES).replace("%", "%%")
    )
    parser.add_argument("--method", choices=METHODS, default="madmom")
    arguments = parser.parse_args()
    if unknown := set(arguments.changes) - CHANGES.keys():
        parser.error(f"no such change: {', '.join(sorted(unknown))}; known: {', '.join(CHANGES)}")
    with tempfile.TemporaryDirectory() as folder:
        method, cache = arguments.method, arguments.cache or Path(folder)
        songs = all_songs(arguments.shared, cache, method)
        cache = cache_of(cache, method)
        before = [judge(song, analyse(song.features, DEFAULTS)) for song in songs]
        print_cells("", "octave", "half beat", "downbeat", "beats", "downbeats")
        print_row("unchanged", before)
        for change in arguments.changes or CHANGES:
            after = [
                judge(other, analyse(other.features, DEFAULTS))
                for other in (changed(song, change, cache, method) for song in songs)
            ]
            print_row(change, after)
            for song, then, now in zip(songs, before, after, strict=True):
                if now.wrong and not then.wrong:
                    print_flip(song, now)


def print_row(name: str, verdicts: list[Verdict]) -> None:
    """Print how many decisions are wrong, and mean F-measures."""
    wrong = [verdict.wrong for verdict in verdicts]
    print_cells(
        f"  {name}", *(str(wrong.count(what)) for what in ("octave", "half beat", "downbeat")),
        f"{np.mean([v.beats for v in verdicts]):.4f}",
        f"{np.mean([v.downbeats for v in verdicts]):.4f}",
    )  # fmt: skip


def print_flip(song: Song, now: Verdict) -> None:
    """Print a decision that a change made wrong."""
    of_downbeat = now.confidence * now.confidences[3]
    confidence = of_downbeat if now.wrong == "downbeat" else now.confidence
    warning = ", and should not be" if confidence > CONFIDENT else ""
    print(f"      {song.name}: {now.wrong} wrong, confidence {confidence:.2f}{warning}")


def changed(song: Song, change: str, cache: Path, method: str) -> Song:
    """The song after a change, its features from the cache if they are there."""
    alter, suffix = CHANGES[change]
    assert song.file
    samples, rate = soundfile.read(song.file, dtype="float32", always_2d=True)
    sound = alter(Sound(samples, rate, song.bpm, song.beats, song.downbeats))
    kept = cache / f"{song.name} {change}.npz"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"changed{suffix}")
            write(file, sound)
            engine = load(cache / "network.npz") if method == "madmom" else method
            store.save(kept, extract(file, engine))
    features = store.load(kept)
    assert isinstance(features, Features), features
    return replace(
        song, features=features, bpm=sound.bpm, beats=sound.beats, downbeats=sound.downbeats
    )


def write(file: Path, sound: Sound) -> None:
    """Write a sound; an MP3 at 128 kbit/s."""
    if file.suffix == ".mp3":
        with soundfile.SoundFile(
            file, "w", sound.rate, sound.samples.shape[1], format="MP3",
            subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=0.66,
        ) as stream:  # fmt: skip
            # A second at a time: the encoder puts what it is given on the stack.
            for start in range(0, len(sound.samples), sound.rate):
                stream.write(sound.samples[start : start + sound.rate])
    else:
        soundfile.write(file, np.clip(sound.samples, -1, 1), sound.rate)


if __name__ == "__main__":
    main()
