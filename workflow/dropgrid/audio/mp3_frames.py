"""The frames of an MP3: the first frame, the number of frames, and gaps between them.

Like a decoder, this module skips everything before the first frame (tags, zeros, stray bytes). It
accepts a frame if IN_A_ROW frames of one kind are consecutive, or the file ends earlier. It counts
the frames that are present; an info frame declares how many there should be.

Source: ISO/IEC 11172-3, 2.4.1 and 13818-3, 2.4.2 (headers of frames).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

IN_A_ROW = 4  # frames that make chance impossible
SEARCHED = 2**20  # bytes looked through for a frame; tags are skipped besides
WINDOW = 4096  # bytes read at a time, and kept of the first frame
BLOCK = 2**20  # bytes read at once where all frames are counted
HEAD = 4  # bytes of a frame's header
BEGINNING = re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]")  # a tag, a frame
SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]")
BITRATES = (  # kbit/s of layer III: MPEG 2 and 2.5, MPEG 1
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)


@dataclass(frozen=True)
class Frames:
    """The frames of one recording.

    count: number of whole frames. last_cut: one more frame is cut off by the end of the file.
    gaps: how often other bytes come between two frames. samples: of one frame. rate: Hz.
    """

    count: int
    last_cut: bool
    gaps: int
    samples: int
    rate: int

    @property
    def seconds(self) -> float:
        """How long the frames last."""
        return self.count * self.samples / self.rate


def first_frame(stream: IO[bytes], start: int, end: int | None = None) -> tuple[int, bytes]:
    """The position of the first frame from `start` on, and about 4000 bytes from there.

    Without a frame: the position and bytes after the first tag. Raises OSError.
    """
    size = stream.seek(0, 2) if end is None else end
    begin = find_frames(stream, start, size, first=True)
    if begin is None:
        stream.seek(start)
        begin = start + end_of_id3(stream)
    stream.seek(begin)
    return begin, stream.read(min(WINDOW, max(0, size - begin)))


def find_frames(stream: IO[bytes], at: int, size: int, first: bool = False) -> int | None:
    """The start of an MP3 from `at` on: a tag, or frames without a tag; None if there is none.

    first: look for frames only, not tags; the file may end after the first few frames.
    """
    limit = at + SEARCHED
    while at < min(size, limit):
        stream.seek(at)
        match = BEGINNING.search(stream.read(min(WINDOW + 2, size - at)))
        if match is None:
            at += WINDOW
            continue
        place = at + match.start()
        stream.seek(place)
        tag = end_of_id3(stream)
        if _frames_follow(stream, place + tag, size, or_end=first):
            return place + tag if first else place
        at, limit = place + max(tag, 1), limit + tag
    return None


def survey(path: Path, start: int, end: int) -> Frames | None:
    """The frames from byte `start` to byte `end`, or None.

    Raises OSError."""
    with path.open("rb") as stream:
        stream.seek(start)
        head = stream.read(HEAD)
        if frame_length(head) is None:
            return None
        count = gaps = 0
        behind, last_cut = start, False
        for at, length in _walk(stream, start, end):
            gaps += at != behind
            behind = at + length
            last_cut = behind > end
            count += not last_cut
    return Frames(count, last_cut, gaps, samples_of(head), rate_of(head))


def spans(path: Path, start: int, end: int) -> list[tuple[int, int]]:
    """(place, bytes) of each whole frame from byte `start` on. Raises OSError."""
    with path.open("rb") as stream:
        return [span for span in _walk(stream, start, end) if sum(span) <= end]


def frames(path: Path, start: int, end: int) -> Iterator[bytes]:
    """The whole frames from byte `start` on, without the bytes between them. Raises OSError."""
    with path.open("rb") as stream, path.open("rb") as walked:
        for at, length in _walk(walked, start, end):
            if at + length <= end:
                stream.seek(at)
                yield stream.read(length)


def _walk(stream: IO[bytes], start: int, end: int) -> Iterator[tuple[int, int]]:
    """(place, length) of each frame of the same kind as the first, including a last frame that is
    cut off."""
    lengths: dict[bytes, int | None] = {}
    kind = None
    at = base = start
    data = b""
    while at + HEAD <= end:
        if not base <= at <= base + len(data) - HEAD:
            stream.seek(at)
            base, data = at, stream.read(min(BLOCK, end - at))
            if len(data) < HEAD:
                return
        head = data[at - base : at - base + HEAD]
        short = head[:3]
        if short not in lengths:
            lengths[short] = frame_length(head)
        length = lengths[short]
        if length is not None and kind in (None, kind_of(head)):
            kind = kind_of(head)
            yield at, length
            at += length
            continue
        found = _resume(stream, at + 1, end, kind)
        if found is None:
            return
        at = found


def _resume(stream: IO[bytes], at: int, end: int, kind: tuple[int, int] | None) -> int | None:
    """The position where frames of a kind continue after other bytes, or None."""
    while at + HEAD <= end:
        stream.seek(at)
        data = stream.read(min(BLOCK, end - at))
        for match in SYNC.finditer(data):
            head = data[match.start() : match.start() + HEAD]
            if len(head) < HEAD or kind_of(head) != kind or frame_length(head) is None:
                continue
            if _frames_follow(stream, at + match.start(), end):
                return at + match.start()
        at += max(1, len(data) - HEAD)
    return None


def _frames_follow(stream: IO[bytes], at: int, size: int, or_end: bool = False) -> bool:
    """Whether IN_A_ROW consecutive frames of one kind start at `at`.

    or_end: also accept at least one frame if the file ends after it.
    """
    kind = None
    for number in range(IN_A_ROW):
        if or_end and number and at == size:
            return True
        stream.seek(at)
        head = stream.read(HEAD)
        length = frame_length(head)
        if length is None or kind not in (None, kind_of(head)):
            return False
        kind, at = kind_of(head), at + length
    return True


def frame_length(head: bytes) -> int | None:
    """The length in bytes of the layer III frame with this header; None for any other header."""
    if len(head) < HEAD or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, rate, step = head[1] >> 3 & 3, head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or rate == 3 or step in (0, 15):
        return None
    bitrate = BITRATES[version == 3][step - 1]
    return (144 if version == 3 else 72) * 1000 * bitrate // rate_of(head) + (head[2] >> 1 & 1)


def kind_of(head: bytes) -> tuple[int, int]:
    """The properties that all frames of a recording share: version and layer, sample rate."""
    return head[1] & 0x1E, head[2] & 0x0C


def rate_of(head: bytes) -> int:
    """The sample rate of a frame, Hz."""
    return (44100, 48000, 32000)[head[2] >> 2 & 3] >> {3: 0, 2: 1, 0: 2}[head[1] >> 3 & 3]


def samples_of(head: bytes) -> int:
    """Samples in each channel of a frame."""
    return 1152 if head[1] >> 3 & 3 == 3 else 576


def end_of_id3(stream: IO[bytes]) -> int:
    """The length in bytes of the ID3v2 tag at the stream's position; 0 if there is none."""
    head = stream.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size
