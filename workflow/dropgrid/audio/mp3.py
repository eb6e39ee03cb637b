"""Find where the music of an MP3 begins: its info frame, and the differences between players.

An MP3 encoder delays the music (LAME by 576 samples), and a decoder delays it again (by 529). The
frame at the start of most MP3s, the info frame, declares the encoder's delay. A player that uses
it removes both delays; without it, players differ.

Concatenated MP3s are also an MP3, but the first info frame describes only the first of them, and a
decoder that uses it stops there. `recordings` lists where each MP3 begins.

VBRI is the info frame of Fraunhofer's encoders; it declares no delay. libsndfile decodes it as
music.

Sources: the Mp3 Info Tag, revision 1 (G. Bouvigne). libsndfile 1.2.2, FFmpeg (PyAV 18), and a
decode of every frame by libmad 0.15: measured on files of LAME 3.100, in
tests/unit/audio/test_mp3.py. Mixxx 2.3.3 (with libmad; it drops the first frame): measured in the
program. The others are inferred, see INFERRED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from .mp3_frames import Frames, end_of_id3, find_frames, first_frame, frame_length

Kind = Literal["bare", "counted", "unchecked", "lame", "vbri"]

# Samples by which music is late, by player and by kind of info frame:
# bare: there is none; counted: it declares no delay; unchecked: it declares the delay, but its
# checksum is wrong (FFmpeg's own encoders write it so); lame: it declares the delay, intact;
# vbri: Fraunhofer's.
LAGS: dict[str, dict[Kind, int]] = {
    "libsndfile": {"bare": 1105, "counted": 576, "unchecked": 0, "lame": 0, "vbri": 2257},
    "ffmpeg": {"bare": 1105, "counted": 1105, "unchecked": 0, "lame": 0, "vbri": 1105},
    "rekordbox": {"bare": 1105, "counted": 1105, "unchecked": 1105, "lame": 2257, "vbri": 1105},
    "serato": {"bare": 1105, "counted": 2257, "unchecked": 2257, "lame": 2257, "vbri": 2257},
    "traktor": {"bare": 1105, "counted": 2257, "unchecked": 2257, "lame": 2257, "vbri": 2257},
    "mixxx": {"bare": -47, "counted": 1105, "unchecked": 1105, "lame": 1105, "vbri": 1105},
}
# Lags of a decode of every frame, without the info frame and with it.
BY_FRAMES, EVERY_FRAME = 1105, 2257
SLACK_SECONDS, SLACK_SHARE = 0.2, 0.002  # by which a count may be wrong and nothing is missing

# Players whose lags were not measured, and what they are inferred from.
INFERRED = {
    "rekordbox": "the table by which Mixxx (pull request 2119) moves rekordbox's cues to the time "
    "of its own decoder, libmad, which was measured",
    "serato": "the 26 ms by which Mixxx moves the beats of Serato's tags to libmad's time, which "
    "is that of a decode of every frame, the info frame too",
    "traktor": "dj-data-converter's measurements of Traktor against rekordbox (its issue 3)",
}


@dataclass(frozen=True)
class InfoFrame:
    """The info frame of an MP3, or its absence.

    kind: how it declares the delay, see LAGS. counts: it declares the number of frames. declared:
    that number, without the info frame. hidden: bytes that are not a tag come before it, so FFmpeg
    decodes it as music. begin: the byte where the first frame begins; music: the first byte of
    music.
    """

    kind: Kind
    counts: bool
    declared: int = 0
    hidden: bool = False
    begin: int = 0
    music: int = 0


def lead(decoder: Mapping[str, Any], player: str | None) -> float:
    """Seconds by which a player's time is ahead of that of the analysis, for one file.

    decoder: as in records. The result is 0 without a player and for all files except MP3s.
    """
    kind = decoder.get("info_frame")
    if player is None or kind is None:
        return 0.0
    rate = float(decoder["sample_rate"])
    player_lag = LAGS[player][kind]
    if player == "ffmpeg" and decoder.get("info_frame_hidden"):
        player_lag = EVERY_FRAME
    own_lag = decoder.get("lag")
    return (
        player_lag - (LAGS[decoder["name"]][kind] if own_lag is None else round(own_lag * rate))
    ) / rate


def info_frame(path: Path, start: int = 0) -> InfoFrame:
    """The info frame of the MP3 that begins at byte start of a file. Raises OSError."""
    with path.open("rb") as stream:
        begin, frame = first_frame(stream, start)
        hidden = begin > _end_of_tags(stream, start)
    length = frame_length(frame[:4]) or 0
    if frame[36:40] == b"VBRI":
        declared = int.from_bytes(frame[50:54], "big")
        return InfoFrame("vbri", bool(declared), declared, hidden, begin, begin + length)
    # It stands after the frame's side information: 9, 17 or 32 bytes, and a checksum if any.
    tags = [at for at in (frame.find(b"Xing", 0, 64), frame.find(b"Info", 0, 64)) if at > 0]
    if not tags:
        return InfoFrame("bare", counts=False, begin=begin, music=begin)
    counts = bool(int.from_bytes(frame[tags[0] + 4 : tags[0] + 8], "big") & 1)
    declared = int.from_bytes(frame[tags[0] + 8 : tags[0] + 12], "big") if counts else 0
    encoder = frame[tags[0] + 120 : tags[0] + 156]
    kind: Kind = "counted"
    if len(encoder) >= 36 and any(encoder[21:24]):
        checksum = int.from_bytes(encoder[34:36], "big")
        kind = "lame" if checksum == _crc16(frame[: tags[0] + 154]) else "unchecked"
    return InfoFrame(kind, counts, declared, hidden, begin, begin + length)


def wants_frames(info: InfoFrame, found: Frames | None, promised: float) -> bool:
    """Whether an MP3 must be decoded frame by frame because libsndfile would lose part of it.

    found: the frames of its music. promised: seconds that libsndfile will decode. libsndfile
    decodes a VBRI frame as music, guesses the length if none is declared, and stops at the
    declared number of frames or soon after bytes that are not a frame.
    """
    if found is None or not found.count:
        return False
    if info.kind == "vbri" or (info.kind != "bare" and not info.declared) or found.gaps:
        return True
    return promised < (1 - SLACK_SHARE) * found.seconds - SLACK_SECONDS


def oddity(info: InfoFrame, found: Frames) -> str | None:
    """A note for the record about irregular frames of an MP3, or None.

    found: the frames of its music.
    """
    there = found.count + found.last_cut
    lost = info.declared - there if info.kind in ("lame", "unchecked") and info.declared else 0
    if found.gaps or lost > 0:
        parts = []
        if found.gaps:
            places = "one place" if found.gaps == 1 else f"{found.gaps} places"
            parts.append(f"bytes that are no music stand in {places}")
        if lost > 0:
            length = 1000 * lost * found.samples / found.rate
            parts.append(f"of {info.declared} frames {lost} are missing, {length:.0f} ms")
        return f"the MP3 is damaged: {', and '.join(parts)}; beats behind that may be early"
    slack = SLACK_SECONDS + SLACK_SHARE * found.seconds
    if info.declared and (there - info.declared) * found.samples / found.rate > slack:
        return f"its info frame promises {info.declared} frames of {there}; all were analysed"
    return None


def recordings(path: Path, most: int) -> list[tuple[int, int]]:
    """The bytes [start, end) of each MP3 in a file; usually one, more if MP3s were concatenated.

    Returns the first `most` of them. Looks for more than one only if an info frame declares the
    length of the first; without it a decoder continues to the end. Raises OSError.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        found: list[tuple[int, int]] = []
        start = 0
        while len(found) < most:
            behind = _behind(stream, start, size)
            found.append((start, size if behind is None else behind))
            if behind is None:
                break
            start = behind
    return found


def _behind(stream: IO[bytes], start: int, size: int) -> int | None:
    """The start of another MP3 after the one that begins at `start`, or None."""
    declared = _declared_end(stream, start)
    behind = None if declared is None else find_frames(stream, declared, size)
    if behind is None and (declared is None or declared <= size):
        return None
    end = _counted_end(stream, start)  # the bytes may be wrong
    behind = None if end is None else find_frames(stream, end, size)
    if behind is not None and behind == end != declared and not _begins(stream, behind):
        return None  # the count is wrong: its own frames go on
    return behind


def _begins(stream: IO[bytes], at: int) -> bool:
    """Whether a tag or an info frame is at `at`, as at the beginning of an MP3."""
    stream.seek(at)
    head = stream.read(64)
    return head[:3] == b"ID3" or any(name in head for name in (b"Xing", b"Info", b"VBRI"))


def _declared_end(stream: IO[bytes], start: int) -> int | None:
    """The end of the MP3 that begins at `start`, from its info frame; None if it has none."""
    begin, frame = first_frame(stream, start)
    declared = _declared(frame)
    return None if declared is None else begin + declared[1]


def _counted_end(stream: IO[bytes], start: int) -> int | None:
    """The same, by counting the declared number of frames; None if they are not consecutive."""
    at, frame = first_frame(stream, start)
    declared = _declared(frame)
    for _ in range(declared[0] + 1 if declared else 0):  # the info frame is not counted
        stream.seek(at)
        length = frame_length(stream.read(4))
        if length is None:
            return None
        at += length
    return at if declared else None


def _declared(frame: bytes) -> tuple[int, int] | None:
    """Frames and bytes that an info frame declares; None unless it declares both."""
    at = max(frame.find(b"Xing", 0, 64), frame.find(b"Info", 0, 64))
    if at <= 0 or not frame[at + 7] & 1 or not frame[at + 7] & 2:
        return None
    return (
        int.from_bytes(frame[at + 8 : at + 12], "big"),
        int.from_bytes(frame[at + 12 : at + 16], "big"),
    )


def _end_of_tags(stream: IO[bytes], at: int) -> int:
    """The end of the consecutive ID3v2 tags that start at `at`."""
    while True:
        stream.seek(at)
        length = end_of_id3(stream)
        if not length:
            return at
        at += length


def _crc16(data: bytes) -> int:
    """CRC-16 as in the Mp3 Info Tag: polynomial 0x8005 reflected, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
