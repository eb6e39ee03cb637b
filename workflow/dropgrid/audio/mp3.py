"""Where an MP3's music begins: the info frame at its start, and how far players disagree.

An MP3 encoder delays the music (LAME by 576 samples) and a decoder again (by 529). The frame
at the start of most MP3s, the info frame, tells the encoder's delay, and a player that heeds
it cuts both delays off; without it every player does as it likes.

MP3s set one behind the other are an MP3, too, but the info frame of the first speaks of the
first alone, and a decoder that heeds it stops there; `recordings` tells where each begins.

Sources: the Mp3 Info Tag, revision 1 (G. Bouvigne); ISO/IEC 11172-3, 2.4.1 (frames).
libsndfile 1.2.2, FFmpeg (PyAV 18), and a decode of every frame by libmad 0.15: measured on files
of LAME 3.100, tests/unit/audio/test_mp3.py. Mixxx 2.3.3 (with libmad; it drops the first frame):
measured in the program. The others are inferred, see INFERRED.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

Kind = Literal["bare", "counted", "unchecked", "lame"]

# Samples by which music is late, by player and by kind of info frame:
# bare: there is none; counted: it tells no delay; unchecked: it tells the delay, but its
# checksum is wrong (FFmpeg's own encoders write it so); lame: it tells the delay, intact.
LAGS: dict[str, dict[Kind, int]] = {
    "libsndfile": {"bare": 1105, "counted": 576, "unchecked": 0, "lame": 0},
    "ffmpeg": {"bare": 1105, "counted": 1105, "unchecked": 0, "lame": 0},
    "rekordbox": {"bare": 1105, "counted": 1105, "unchecked": 1105, "lame": 2257},
    "serato": {"bare": 1105, "counted": 2257, "unchecked": 2257, "lame": 2257},
    "traktor": {"bare": 1105, "counted": 2257, "unchecked": 2257, "lame": 2257},
    "mixxx": {"bare": -47, "counted": 1105, "unchecked": 1105, "lame": 1105},
}

# Players whose lags were not measured, and what they are inferred from.
INFERRED = {
    "rekordbox": "the table by which Mixxx (pull request 2119) moves rekordbox's cues to the time "
    "of its own decoder, libmad, which was measured",
    "serato": "the 26 ms by which Mixxx moves the beats of Serato's tags to libmad's time, which "
    "is that of a decode of every frame, the info frame too",
    "traktor": "dj-data-converter's measurements of Traktor against rekordbox (its issue 3)",
}

SEARCHED = 2**20  # bytes looked through for another MP3 behind one; tags are skipped besides
WINDOW = 4096  # bytes of them looked at in one go
BEGINNING = re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]")  # a tag, a frame
IN_A_ROW = 4  # frames that make chance impossible
BITRATES = (  # kbit/s of layer III: MPEG 2 and 2.5, MPEG 1
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)


@dataclass(frozen=True)
class InfoFrame:
    """kind: what it tells of the delay, see LAGS. counts: it tells how many frames there are."""

    kind: Kind
    counts: bool


def lead(decoder: Mapping[str, Any], player: str | None) -> float:
    """Seconds by which a player's time is ahead of that of the analysis, for one file.

    decoder: as records tell it. 0 where there is no player, and for all files but MP3s.
    """
    kind = decoder.get("info_frame")
    if player is None or kind is None:
        return 0.0
    return (LAGS[player][kind] - LAGS[decoder["name"]][kind]) / float(decoder["sample_rate"])


def info_frame(path: Path, start: int = 0) -> InfoFrame:
    """The info frame of the MP3 that begins at byte start of a file. Raises OSError."""
    with path.open("rb") as stream:
        _, frame = _first_frame(stream, start)
    # It stands after the frame's side information: 9, 17 or 32 bytes, and a checksum if any.
    tags = [at for at in (frame.find(b"Xing", 0, 64), frame.find(b"Info", 0, 64)) if at > 0]
    if not tags:
        return InfoFrame("bare", counts=False)
    counts = bool(int.from_bytes(frame[tags[0] + 4 : tags[0] + 8], "big") & 1)
    encoder = frame[tags[0] + 120 : tags[0] + 156]
    if len(encoder) < 36 or not any(encoder[21:24]):
        return InfoFrame("counted", counts)
    stated = int.from_bytes(encoder[34:36], "big")
    intact = stated == _crc16(frame[: tags[0] + 154])
    return InfoFrame("lame" if intact else "unchecked", counts)


def recordings(path: Path, most: int) -> list[tuple[int, int]]:
    """The bytes [start, end) of each MP3 of a file: one, unless some stand behind one another.

    The first `most` of them, and only where an info frame tells how long the first is: without
    it a decoder goes on to the end. Raises OSError.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        found: list[tuple[int, int]] = []
        start = 0
        while len(found) < most:
            end = _told_end(stream, start)
            behind = None if end is None else _next_recording(stream, end, size)
            if behind is not None or (end is not None and end > size):
                end = _counted_end(stream, start)  # the bytes may be wrong
                behind = None if end is None else _next_recording(stream, end, size)
            found.append((start, size if behind is None else behind))
            if behind is None:
                break
            start = behind
    return found


def _told_end(stream: IO[bytes], start: int) -> int | None:
    """Where the MP3 that begins at `start` ends, by its info frame; None where none tells."""
    begin, frame = _first_frame(stream, start)
    told = _told(frame)
    return None if told is None else begin + told[1]


def _counted_end(stream: IO[bytes], start: int) -> int | None:
    """The same, by as many frames as are told; None where they do not follow each other."""
    at, frame = _first_frame(stream, start)
    told = _told(frame)
    for _ in range(told[0] + 1 if told else 0):  # the info frame is not counted
        stream.seek(at)
        length = _frame_length(stream.read(4))
        if length is None:
            return None
        at += length
    return at if told else None


def _told(frame: bytes) -> tuple[int, int] | None:
    """Frames and bytes that an info frame tells; None unless it tells both."""
    at = max(frame.find(b"Xing", 0, 64), frame.find(b"Info", 0, 64))
    if at <= 0 or not frame[at + 7] & 1 or not frame[at + 7] & 2:
        return None
    return (
        int.from_bytes(frame[at + 8 : at + 12], "big"),
        int.from_bytes(frame[at + 12 : at + 16], "big"),
    )


def _first_frame(stream: IO[bytes], start: int) -> tuple[int, bytes]:
    """Where the first frame from `start` on begins, behind a tag, and some 4000 bytes of it."""
    stream.seek(start)
    begin = start + end_of_id3(stream)
    stream.seek(begin)
    head = stream.read(4096)
    skipped = max(0, head.find(b"\xff"))
    return begin + skipped, head[skipped:]


def _next_recording(stream: IO[bytes], at: int, size: int) -> int | None:
    """Where another MP3 begins behind the tags that stand from `at` on; None where none does."""
    limit = at + SEARCHED
    while at < min(size, limit):
        stream.seek(at)
        match = BEGINNING.search(stream.read(WINDOW + 2))
        if match is None:
            at += WINDOW
            continue
        place = at + match.start()
        stream.seek(place)
        tag = end_of_id3(stream)
        if _frames_follow(stream, place + tag):
            return place
        at, limit = place + max(tag, 1), limit + tag
    return None


def _frames_follow(stream: IO[bytes], at: int) -> bool:
    """Whether IN_A_ROW frames of one kind stand one behind the other from `at` on."""
    kind = None
    for _ in range(IN_A_ROW):
        stream.seek(at)
        head = stream.read(4)
        length = _frame_length(head)
        if length is None or kind not in (None, head[1] & 0xFE):
            return False
        kind, at = head[1] & 0xFE, at + length
    return True


def _frame_length(head: bytes) -> int | None:
    """Bytes of the frame of layer III that a header begins; None where it is no such header."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, rate, step = head[1] >> 3 & 3, head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or rate == 3 or step in (0, 15):
        return None
    bitrate = BITRATES[version == 3][step - 1]
    hertz = (44100, 48000, 32000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    return (144 if version == 3 else 72) * 1000 * bitrate // hertz + (head[2] >> 1 & 1)


def end_of_id3(stream: IO[bytes]) -> int:
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
