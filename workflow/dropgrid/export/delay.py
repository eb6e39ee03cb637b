"""Where players disagree about sample 0 of an MP3, and how far.

An MP3 encoder delays the music (LAME by 576 samples) and a decoder again (by 529). The frame
at the start of most MP3s, the info frame, tells the encoder's delay, and a player that heeds
it cuts both delays off; without it every player does as it likes. Grid and cues exported for
another player than the decoder of the analysis therefore need a shift, which depends on that
frame. Only MP3s are shifted: FLAC, OGG, WAV and AIFF start alike everywhere.

Sources: libsndfile 1.2.2 and FFmpeg (PyAV 18): measured, tests/unit/test_export_delay.py.
rekordbox: not measured; the table by which Mixxx (pull request 2119) moves rekordbox's cues
to FFmpeg's time, the other way round: one MPEG frame later where LAME's header is intact.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import IO

from ..api import Track
from ..records import BpmRecord, GridRegion, StructureRecord

# Samples by which music is late, by player and by kind of info frame:
# bare: there is none; counted: it tells no delay; unchecked: it tells the delay, but its
# checksum is wrong (FFmpeg's own encoders write it so); lame: it tells the delay, intact.
LAGS = {
    "libsndfile": {"bare": 1105, "counted": 576, "unchecked": 0, "lame": 0},
    "ffmpeg": {"bare": 1105, "counted": 1105, "unchecked": 0, "lame": 0},
    "rekordbox": {"bare": 1105, "counted": 1105, "unchecked": 0, "lame": 1152},
}
PROFILES = tuple(LAGS)


def delay_shift(track: Track, profile: str | None) -> float:
    """Seconds to add to a track's times for the player that profile names; 0 without one.

    Raises OSError if the file of an MP3 cannot be read.
    """
    decoder = track.bpm.decoder if track.bpm else {}
    is_mp3 = str(decoder.get("format", "")).split(" ")[0].upper() == "MP3"
    if profile is None or not is_mp3 or track.file is None:
        return 0.0
    kind = info_frame(track.file)
    samples = LAGS[profile][kind] - LAGS[decoder["name"]][kind]
    return samples / decoder["sample_rate"]


def info_frame(path: Path) -> str:
    """The kind of info frame an MP3 begins with, a key of LAGS' tables. Raises OSError.

    Source: the Mp3 Info Tag, revision 1 (G. Bouvigne).
    """
    with path.open("rb") as stream:
        stream.seek(_end_of_id3(stream))
        head = stream.read(4096)
    frame = head[max(0, head.find(b"\xff")) :]
    # It stands after the frame's side information: 9, 17 or 32 bytes, and a checksum if any.
    tags = [at for at in (frame.find(b"Xing", 0, 64), frame.find(b"Info", 0, 64)) if at > 0]
    if not tags:
        return "bare"
    encoder = frame[tags[0] + 120 : tags[0] + 156]
    if len(encoder) < 36 or not any(encoder[21:24]):
        return "counted"
    stated = int.from_bytes(encoder[34:36], "big")
    return "lame" if stated == _crc16(frame[: tags[0] + 154]) else "unchecked"


def shifted(track: Track, seconds: float) -> Track:
    """The track with all its times moved; what would come before 0 is left out or cut at 0."""
    if seconds == 0:
        return track
    bpm, structure = track.bpm, track.structure
    if bpm is not None:
        bpm = _shifted_bpm(bpm, seconds)
    if structure is not None:
        structure = _shifted_structure(structure, seconds)
    return Track(track.file, bpm, structure)


def _shifted_bpm(record: BpmRecord, seconds: float) -> BpmRecord:
    return dataclasses.replace(
        record,
        duration=_moved_end(record.duration, seconds),
        beats=_moved(record.beats, seconds),
        downbeats=_moved(record.downbeats, seconds),
        grid=tuple(_shifted_region(region, seconds) for region in record.grid),
    )


def _shifted_region(region: GridRegion, seconds: float) -> GridRegion:
    start, beats = region.start + seconds, region.beats
    while start < 0:
        start, beats = start + 60 / region.bpm, beats - 1
    downbeat = region.first_downbeat
    return GridRegion(start, region.bpm, beats, None if downbeat is None else downbeat + seconds)


def _shifted_structure(record: StructureRecord, seconds: float) -> StructureRecord:
    sections = [
        dataclasses.replace(
            section,
            start=0.0 if index == 0 else section.start + seconds,
            end=section.end + seconds,
        )
        for index, section in enumerate(record.sections)
    ]
    return dataclasses.replace(
        record,
        duration=_moved_end(record.duration, seconds),
        sections=tuple(section for section in sections if section.end > 0),
        drops=_moved(record.drops, seconds),
    )


def _moved(times: tuple[float, ...], seconds: float) -> tuple[float, ...]:
    return tuple(time + seconds for time in times if time + seconds >= 0)


def _moved_end(duration: float | None, seconds: float) -> float | None:
    return None if duration is None else duration + seconds


def _end_of_id3(stream: IO[bytes]) -> int:
    head = stream.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _crc16(data: bytes) -> int:
    """CRC-16 as in the Mp3 Info Tag: polynomial 0x8005 reflected, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
