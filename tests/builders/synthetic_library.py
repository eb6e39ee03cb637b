"""Libraries of artificial records, written by the real writers, for the report's tests."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from dropgrid.features import ENVELOPE_RATE, Features
from dropgrid.features.store import save
from dropgrid.key import notation
from dropgrid.library import Scan, track_id
from dropgrid.records.model import (
    Alternative,
    BpmRecord,
    Confidences,
    GridRegion,
    KeyRecord,
    KeySegment,
    Loudness,
    Section,
    StructureRecord,
    TrackFailure,
)
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket
from dropgrid.results.scan_store import write_tickets

FORM = (
    ("intro", 32, 0.35), ("buildup", 16, 0.55), ("drop", 32, 1.0), ("breakdown", 32, 0.3),
    ("buildup", 16, 0.6), ("drop", 32, 0.95), ("outro", 32, 0.4),
)  # fmt: skip
WORDS = "Solar Night Glass Echo Paper Velvet North Signal Amber Tide Static Bloom".split()
ARTISTS = "Mira Holm,Kassette,Två Vänner,Ode Nord,Lumen,Øya,The Low Ends,Juno Falk".split(",")

ENERGY = {"intro": 0.3, "buildup": 0.5, "main": 0.6, "drop": 0.9, "breakdown": 0.2, "outro": 0.3}
GENRES = ("House", "Techno", "Drum & Bass")


def write_library(results: Path, tracks: int, root: Path, failing: int = 40) -> list[str]:
    """Records, tickets and features of `tracks` tracks; every `failing`th track failed."""
    found = []
    for i in range(tracks):
        name = f"{ARTISTS[i % 8]}/{i:05d} {WORDS[i % 12]} {WORDS[i // 12 % 12]}.wav"
        found.append(Ticket(track_id(name), name, str(root / name), 1000 + i, 10**18 + i))
    write_tickets(Scan(str(root), tuple(found), ()), results)
    for i, track in enumerate(found):
        if failing and i % failing == failing - 1:
            write_failure(results, track)
        else:
            write_track(results, track, seed=i)
    return [track.track for track in found]


def write_failure(results: Path, track: Ticket, message: str = "not audio (no header)") -> None:
    """The records of a track that cannot be decoded."""
    error = TrackFailure("decode", "DecodeError", message)
    for kind, folder in ((BpmRecord, "bpm"), (StructureRecord, "structure"), (KeyRecord, "key")):
        record = kind(track.track, track.path, "error", error=error)
        write_record(results / folder / f"{track.track}.json", record)


def write_track(results: Path, track: Ticket, seed: int) -> tuple[BpmRecord, StructureRecord]:
    """The records and features (for the drawing) of a track of 192 bars at an integer tempo."""
    files, record, structure = _written(track.track, track.path, seed)
    for name, data in files:
        path = results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return record, structure


Written = tuple[list[tuple[str, bytes]], BpmRecord, StructureRecord]


@lru_cache(maxsize=64)
def _written(track: str, path: str, seed: int) -> Written:
    """The files of a track from the real writers; cached, as many tests use the same tracks."""
    with TemporaryDirectory() as folder:
        record, structure = _write(Path(folder), Ticket(track, path, "", 0, 0), seed)
        files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
        found = [(str(file.relative_to(folder)), file.read_bytes()) for file in files]
        return found, record, structure


def _write(results: Path, track: Ticket, seed: int) -> tuple[BpmRecord, StructureRecord]:
    random = np.random.default_rng(seed)
    bpm = float(random.choice([122, 124, 126, 128, 132, 138, 140, 174]))
    first, bar = float(random.uniform(0.0, 0.4)), 240 / bpm
    bars = sum(bars for _, bars, _ in FORM)
    duration = first + bars * bar + 1.5
    beats = first + np.arange(4 * bars) * bar / 4
    confidence = float(random.choice([0.99, 0.97, 0.9, 0.42], p=[0.5, 0.3, 0.15, 0.05]))
    artist, _, title = track.path.partition("/")
    write_record(
        results / "bpm" / f"{track.track}.json",
        record := BpmRecord(
            track.track, track.path, "ok", duration=duration, bpm=bpm, bpm_fitted=bpm + 1e-4,
            bpm_interval=(bpm - 4e-4, bpm + 6e-4), confidence=confidence,
            confidences=Confidences(1.0, confidence, 1.0, 0.95), method="madmom",
            alternatives=(Alternative(bpm / 2, 1 - confidence, "octave"),), time_signature="4/4",
            beats=tuple(beats), downbeats=tuple(beats[::4]),
            grid=(GridRegion(first, bpm, len(beats), first),),
            tags={"title": title[6:-4], "artist": artist, "genre": GENRES[seed % 3]},
            loudness=Loudness(-8.5 - seed % 5, 4.0, -6.0, -7.0, -0.3, None),
        ),
    )  # fmt: skip
    key = 5 * seed % 24
    write_record(
        results / "key" / f"{track.track}.json",
        KeyRecord(
            track.track, track.path, "ok", duration=duration, key=notation.name(key),
            camelot=notation.camelot(key), open_key=notation.open_key(key), confidence=0.93,
            segments=(
                KeySegment(0.0, duration, notation.name(key), notation.camelot(key), 0.93),
            ),
            tuning_cents=0.0, method="madmom",
        ),
    )  # fmt: skip
    sections: list[Section] = []
    done = 0
    for label, length, _ in FORM:
        start = 0.0 if done == 0 else first + done * bar
        done += length
        end = duration if done == bars else first + done * bar
        energy = round(ENERGY[label] + 0.02 * (seed % 5), 2)
        sections.append(
            Section(start, end, label, done - length + 1, done + 1, length, 0.9, energy=energy)  # type: ignore[arg-type]
        )
    drops = tuple(section.start for section in sections if section.label == "drop")
    structure = StructureRecord(
        track.track, track.path, "ok", duration=duration, method="phrases",
        sections=tuple(sections), drops=drops, drop_confidences=(0.9,) * len(drops),
        drop_impacts=(6.0,) * len(drops), mix_in=sections[0].end if seed % 2 else None,
    )  # fmt: skip
    write_record(results / "structure" / f"{track.track}.json", structure)
    attack = _attack(random, duration, bar, first)
    levels = 20 * np.log10(attack[::4, :1].astype(float) + 1e-5)
    bands = levels + random.uniform(-9, 0, (len(levels), 9)) - 2 * np.arange(9)
    drawn = {"attack": attack, "bands": bands.astype(np.float16)}
    features = Features(duration, np.zeros((0, 2), np.float32), drawn)
    save(results / "features" / f"{track.track}.npz", features)
    return record, structure


def _attack(random: np.random.Generator, duration: float, bar: float, first: float) -> np.ndarray:
    """(values, 2) at 400 a second: every section's level, falling after each beat."""
    times = np.arange(int(duration * ENVELOPE_RATE)) / ENVELOPE_RATE - first
    levels = np.repeat([level for _, _, level in FORM], [bars for _, bars, _ in FORM])
    level = levels[np.clip(times // bar, 0, len(levels) - 1).astype(int)]
    decay = np.exp(-3 * np.mod(times / bar * 4, 1))
    values = 0.6 * level * (0.35 + 0.65 * decay) * random.uniform(0.8, 1, len(times))
    return np.column_stack([values, values]).astype(np.float16)
