"""mutagen, with limits on what a hostile tag can make it do.

mutagen is careful, but believes sizes and counts: a million frames, texts or chapters take it
minutes, a genre of 12 MB a gigabyte, a compressed frame as much as it inflates to. Within
`limits` its parsers are asked only after counting what they are given; beyond a limit TagLimit
is raised, and so it is after SECONDS, where the interpreter's main thread reads (elsewhere there
is no timer). Outside of `limits` mutagen is as it was.
"""

from __future__ import annotations

import importlib
import signal
import threading
import types
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

MAX_ENTRIES = 2000  # frames, comments, items or chapters in the tags of one file
MAX_ALIKE = 200  # ID3 frames of one name: mutagen makes each name of a kind unique, step by step
MANY = (b"TXXX", b"CHAP", b"PRIV", b"UFID")  # but these there may be many of
MAX_TEXTS = 1000  # in one frame
MAX_ALL_TEXTS = 10_000  # in all frames of a tag
MAX_TEXT_BYTES = 2**18  # of one frame of text: a short novel as lyrics
MAX_INFLATED = 64 * 2**20  # bytes of a compressed frame: a large cover
MAX_COPIED = 2**33  # bytes: mutagen copies what is left of an ID3 tag for every frame of it
SECONDS = 5.0  # for all tags of one file
TEXT_FRAMES = (b"T", b"W", b"COM", b"USL", b"ULT")  # how the names of frames of text begin

SizeOf = Callable[[bytes], int]  # of a frame's content, from its header

_state = threading.local()


class TagLimit(BaseException):
    """A tag goes beyond a limit. Not an Exception: no handler within mutagen takes it."""


@contextmanager
def limits(seconds: float = SECONDS) -> Iterator[None]:
    """Raise TagLimit where reading tags with mutagen goes beyond a limit, or takes seconds."""
    import_mutagen()
    before = getattr(_state, "entries", None)
    _state.entries = 0
    timed = threading.current_thread() is threading.main_thread()
    timed = timed and signal.getitimer(signal.ITIMER_REAL)[0] == 0  # the program's own, if any
    handler = signal.signal(signal.SIGALRM, _time_is_up) if timed else None
    try:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)
        _state.entries = before


def _time_is_up(_signal: int, _frame: object) -> None:
    raise TagLimit(f"reading them takes more than {SECONDS:g} s")


def _count(entries: int) -> None:
    """Count entries that mutagen is about to parse."""
    _state.entries += entries
    if _state.entries > MAX_ENTRIES:
        raise TagLimit(f"more than {MAX_ENTRIES} entries")


def _limited() -> bool:
    return getattr(_state, "entries", None) is not None


def import_mutagen() -> Any:
    """mutagen, imported late (it takes a while), with the limits put in once."""
    import mutagen
    import mutagen._vorbis
    import mutagen.apev2
    import mutagen.id3

    frames: Any = importlib.import_module("mutagen.id3._frames")
    if frames.zlib is not _ZLIB:
        frames.zlib = _ZLIB
        tags: Any = importlib.import_module("mutagen.id3._tags")
        _check_first(tags.ID3Tags, "_read", _check_id3)
        _check_first(mutagen._vorbis.VComment, "load", _check_vorbis)
        _check_first(mutagen.apev2.APEv2, "_APEv2__parse_tag", _check_ape)
    return mutagen


def import_formats() -> None:
    """Import the modules of all formats, which mutagen would do at the first file."""
    import_mutagen().File(BytesIO())


def _check_first(owner: Any, name: str, check: Any) -> None:
    """Let a method of mutagen run only after check(its arguments but self), within limits."""
    method = getattr(owner, name)

    def checked(self: Any, *arguments: Any, **options: Any) -> Any:
        if _limited():
            check(*arguments)
        return method(self, *arguments, **options)

    setattr(owner, name, checked)


def _check_id3(header: Any, data: bytes) -> None:
    """Count frames and texts of an ID3v2 tag before they are parsed.

    Sizes in version 2.4 mean one of two numbers; mutagen tries both, so both are counted.
    """
    if header.version < (2, 4) and header.f_unsynch:
        util: Any = importlib.import_module("mutagen.id3._util")
        with suppress(ValueError):
            data = util.unsynch.decode(data)
    head_size = 10 if header.version >= (2, 3) else 6
    size_of = _plain if head_size == 10 else _short
    _count_frames(data, head_size, size_of)
    if header.version >= (2, 4):
        _count_frames(data, head_size, _syncsafe)
        tags: Any = importlib.import_module("mutagen.id3._tags")
        size_of = _plain if tags.determine_bpi(data, header.known_frames) is int else _syncsafe
    found = list(_frames(data, head_size, size_of))
    _count(len(found))
    texts = [_texts(data, at, size) for at, size, name in found if name.startswith(TEXT_FRAMES)]
    if sum(texts) > MAX_ALL_TEXTS:
        raise TagLimit(f"more than {MAX_ALL_TEXTS} texts")


def _count_frames(data: bytes, head_size: int, size_of: SizeOf) -> None:
    copied = 0
    alike: Counter[bytes] = Counter()
    for number, (at, _, name) in enumerate(_frames(data, head_size, size_of), _state.entries):
        copied += len(data) - at
        alike[name] += 1
        if number >= MAX_ENTRIES or copied > MAX_COPIED:
            raise TagLimit(f"more than {MAX_ENTRIES} entries, or too large ones")
        if alike[name] > MAX_ALIKE and not name.startswith(MANY):
            raise TagLimit(f"more than {MAX_ALIKE} entries of one kind")


def _plain(head: bytes) -> int:
    return int.from_bytes(head[4:8], "big")


def _short(head: bytes) -> int:
    return int.from_bytes(head[3:6], "big")


def _syncsafe(head: bytes) -> int:
    size = 0
    for byte in head[4:8]:
        size = size << 7 | byte & 0x7F
    return size


def _frames(data: bytes, head_size: int, size_of: SizeOf) -> Iterator[tuple[int, int, bytes]]:
    """(where its content begins, its size, its name) of each frame of an ID3v2 tag."""
    at = 0
    while at + head_size <= len(data):
        head = data[at : at + head_size]
        if not head.strip(b"\0"):  # padding
            return
        size = min(size_of(head), len(data) - at - head_size)
        yield at + head_size, size, head[: 3 if head_size == 6 else 4]
        at += head_size + size


def _texts(data: bytes, at: int, size: int) -> int:
    """How many texts a frame of text holds, about."""
    if size > MAX_TEXT_BYTES:
        raise TagLimit(f"a text of more than {MAX_TEXT_BYTES >> 10} KiB")
    ending = b"\0\0" if data[at : at + 1] in (b"\1", b"\2") else b"\0"  # UTF-16
    count = data.count(ending, at, at + size)
    if count > MAX_TEXTS:
        raise TagLimit(f"more than {MAX_TEXTS} texts in one entry")
    return count


def _check_vorbis(stream: Any, *_: Any) -> None:
    """Count the comments of Vorbis, Opus and FLAC before they are parsed."""
    start = stream.tell()
    stream.seek(int.from_bytes(stream.read(4), "little"), 1)
    count = int.from_bytes(stream.read(4), "little")
    stream.seek(start)
    _count(count)


def _check_ape(tag: bytes, count: int) -> None:
    """Count the items of an APEv2 tag, and find their names, before they are parsed."""
    _count(count)
    at = 0
    for _ in range(count):
        end = tag.find(b"\0", at + 8, at + 8 + 256)
        if at < len(tag) and end < 0:
            raise TagLimit("a name of more than 255 letters")
        at = end + 1 + int.from_bytes(tag[at : at + 4], "little")


def _inflate(data: bytes) -> bytes:
    """zlib.decompress for mutagen's frames: one that grows too much is junk to it."""
    decompressor = zlib.decompressobj()
    result = decompressor.decompress(data, MAX_INFLATED)
    many = _limited() and result.count(b"\0", 0, MAX_TEXT_BYTES) > MAX_TEXTS
    if decompressor.unconsumed_tail or many:
        raise zlib.error("inflates to more than any honest tag")
    return result


_ZLIB = types.SimpleNamespace(decompress=_inflate, error=zlib.error)
