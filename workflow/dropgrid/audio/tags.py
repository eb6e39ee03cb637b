"""Tags: title, tempo, key and more from a file, read without trusting it.

Covers ID3 (MP3, AIFF, WAV), INFO (WAV), MP4, Vorbis comments (FLAC, Ogg, Opus), ASF (WMA), APEv2
and, by FFmpeg, what other containers hold (Matroska, CAF).
Whatever is wrong with a file's tags, reading them never raises and never takes more than
MAX_BYTES of reading, nor more than the process may that reads them (dropgrid.audio.tag_process):
tags are a help, the analysis does not depend on them.
"""

from __future__ import annotations

import math
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .tag_process import TagLimit, in_tag_process

MAX_BYTES = 64 * 2**20  # read from one file for its tags: large covers fit, hostile sizes do not
MAX_READS = 200_000  # calls of read, which bounds tags made of very many very small parts
MAX_TEXT = 500  # characters kept of a text field
MAX_BPM = 999.0

# Names of each field in the formats, lower case. A format has some of them.
BPM_FIELDS = ("tbpm", "tmpo", "bpm", "wm/beatsperminute", "tempo")
# Fields with an exact tempo, besides an integer-only field.
EXACT_BPM_FIELDS = ("txxx:bpm", "----:com.apple.itunes:bpm")
# Fields of its own that `dropgrid tag` writes besides the common ones (`without_own_fields`).
OWN_BPM, OWN_KEY = "DROPGRID_BPM", "DROPGRID_KEY"
FREE_FORMS = ("", "txxx:", "----:com.apple.itunes:")  # before a name of one's own, by format
TEXT_FIELDS = {
    "title": ("tit2", "©nam", "title"),
    "artist": ("tpe1", "©art", "artist", "author"),
    "album": ("talb", "©alb", "album", "wm/albumtitle"),
    "genre": ("tcon", "©gen", "genre", "wm/genre"),
    "key": (
        "tkey",
        "----:com.apple.itunes:initialkey",
        "initialkey",
        "wm/initialkey",
        "key",
    ),
    "year": ("tdrc", "tyer", "©day", "date", "year", "wm/year"),
}
UNKNOWN_CONTAINER = "no known container of tags"
MAX_INFO = 2**18  # bytes of a list INFO
MAX_CHUNKS = 1000  # of a WAV file, looked at for its list INFO
INFO_FIELDS = {  # a WAV file's list INFO -> as above
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"IGNR": "genre",
    b"ICRD": "date",
    b"IBPM": "bpm",
}
NUMBER = re.compile(r"\s*([0-9]{1,4}(?:[.,][0-9]{0,12})?)\s*(?:bpm)?\s*", re.IGNORECASE)
YEAR = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")


@dataclass(frozen=True)
class Tags:
    """The tags of a file. An absent text is ""; problem: why tags could not be read."""

    bpm: float | None = None
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: str = ""
    key: str = ""
    problem: str | None = None


def read_tags(path: str | Path, include_own: bool = False) -> Tags:
    """The tags of an audio file; Tags.problem gives the reason if they cannot be read.

    include_own: also the tempo and key that dropgrid wrote itself, as players show them. Raises
    OSError if the machine cannot run the tag process, which is not the file's fault.
    """
    try:
        fields, problem = in_tag_process(read_fields, Path(path))
    except TagLimit as limit:
        return Tags(problem=f"not read: {limit}")
    fields = fields if include_own else without_own_fields(fields)
    texts = {name: _first_text(fields, keys) for name, keys in TEXT_FIELDS.items()}
    year = YEAR.search(texts.pop("year"))
    return Tags(bpm=_bpm(fields), year=year.group() if year else "", problem=problem, **texts)


def parse_bpm(text: str) -> float | None:
    """The tempo in a BPM field: "127.96", "128,0", " 128 BPM"; None if it is implausible."""
    match = NUMBER.fullmatch(text[:MAX_TEXT])
    if match is None:
        return None
    bpm = float(match.group(1).replace(",", "."))
    return bpm if math.isfinite(bpm) and 0 < bpm <= MAX_BPM else None


def without_own_fields(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    """The fields without the tempo and key that dropgrid itself wrote into the file.

    With them dropgrid writes a field of its own with the same value. A tempo or key equal to that
    field is not evidence: dropgrid would compare its result with itself. A value that was changed
    since is the user's.
    """
    bpm = _first_bpm(fields, _own_names(OWN_BPM))
    key = _first_text(fields, _own_names(OWN_KEY))

    def is_own(name: str, text: str) -> bool:
        if name in (*BPM_FIELDS, *EXACT_BPM_FIELDS) and bpm is not None:
            return parse_bpm(text) in (bpm, int(bpm + 0.5))  # as the fields of a tempo hold it
        return name in TEXT_FIELDS["key"] and key != "" and _clean(text) == key

    return {
        name: [text for text in texts if not is_own(name, text)] for name, texts in fields.items()
    }


def _own_names(name: str) -> tuple[str, ...]:
    """A field that dropgrid writes as each format names it, lower case."""
    return tuple(form + name.lower() for form in FREE_FORMS)


def _bpm(fields: dict[str, list[str]]) -> float | None:
    """The tagged tempo: the exact field's, unless the standard one was changed since."""
    standard = _first_bpm(fields, BPM_FIELDS)
    exact = _first_bpm(fields, EXACT_BPM_FIELDS)
    if standard is None or exact is None:
        return standard if exact is None else exact
    return exact if abs(exact - standard) <= 1 else standard


def _first_bpm(fields: dict[str, list[str]], keys: tuple[str, ...]) -> float | None:
    values = (parse_bpm(text) for key in keys for text in fields.get(key, ()))
    return next((bpm for bpm in values if bpm is not None), None)


def _first_text(fields: dict[str, list[str]], keys: tuple[str, ...]) -> str:
    joined = (_clean("; ".join(fields.get(key, ()))) for key in keys)
    return next((text for text in joined if text), "")


def _clean(text: str) -> str:
    """One line of printable text of bounded length."""
    printable = (char if char.isprintable() else " " for char in text[: 4 * MAX_TEXT])
    return " ".join("".join(printable).split())[:MAX_TEXT]


def _reason(error: Exception) -> str:
    """An error as one line that holds no path, so that records do not depend on the machine."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _clean(f"{type(error).__name__}: {reason}")


def read_fields(path: Path) -> tuple[dict[str, list[str]], str | None]:
    """Values of the known fields by lower-case name, and any problem in reading them.

    For the tag process: raises MemoryError.
    """
    try:
        return _read_fields(path)
    except MemoryError:
        raise
    except Exception as error:  # a tag reader meets every kind of broken file
        return {}, _reason(error)


def _read_fields(path: Path) -> tuple[dict[str, list[str]], str | None]:
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")
    with path.open("rb") as stream:
        bounded: Any = _BoundedFile(stream, str(path))
        tags, problem = _mutagen_tags(bounded)
        fields = _texts(tags)
        if problem == UNKNOWN_CONTAINER:
            with suppress(Exception):  # whatever is wrong with it, the first reader reported it
                fields, problem = _container_fields(path), None
        fields = _info_fields(stream) | fields
        if not any(key in fields for key in BPM_FIELDS):  # an APEv2 tag behind other tags
            fields = _texts(_apev2_tags(bounded)) | fields
    return fields, problem


def _mutagen_tags(stream: Any) -> tuple[Any, str | None]:
    """mutagen's tags of a file; the ID3 tag alone of a file whose audio mutagen cannot parse."""
    import mutagen.id3

    try:
        file = mutagen.File(stream)
    except MemoryError:
        raise
    except Exception as error:
        problem = _reason(error)
        try:
            stream.seek(0)
            return mutagen.id3.ID3(stream), problem
        except Exception:
            return None, problem
    return (None, UNKNOWN_CONTAINER) if file is None else (file.tags, None)


def _container_fields(path: Path) -> dict[str, list[str]]:
    """The fields of a container that mutagen does not know (Matroska, CAF, W64), by FFmpeg."""
    import av

    from .ffmpeg import FFMPEG_ONLY

    with (
        path.open("rb") as stream,
        av.open(stream, "r", options=FFMPEG_ONLY, metadata_errors="replace") as container,
    ):
        entries = [*container.metadata.items(), *container.streams.audio[0].metadata.items()]
    return {name.lower(): [text[: 4 * MAX_TEXT]] for name, text in entries}


def _info_fields(stream: IO[bytes]) -> dict[str, list[str]]:
    """The fields of a WAV file's list INFO, by the names that Vorbis comments have."""
    stream.seek(0)
    head = stream.read(12)
    fields: dict[str, list[str]] = {}
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        return fields
    for _ in range(MAX_CHUNKS):
        head = stream.read(12)
        length = int.from_bytes(head[4:8], "little")
        if len(head) < 12:
            break
        if head[:4] != b"LIST" or head[8:] != b"INFO":
            stream.seek(length + length % 2 - 4, 1)
            continue
        data = stream.read(min(length - 4, MAX_INFO))
        at = 0
        while at + 8 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            name = INFO_FIELDS.get(data[at : at + 4])
            text = data[at + 8 : at + 8 + min(size, 4 * MAX_TEXT)].split(b"\0")[0]
            if name and text:
                fields.setdefault(name, [_decoded(text)])
            at += 8 + size + size % 2
        break
    return fields


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def _apev2_tags(stream: Any) -> Any:
    import mutagen.apev2

    try:
        stream.seek(0)
        return mutagen.apev2.APEv2(stream)
    except Exception:  # most files have none
        return None


def _texts(tags: Any) -> dict[str, list[str]]:
    """Texts of the known fields of a mutagen tag object, by lower-case field name."""
    known = {*BPM_FIELDS, *EXACT_BPM_FIELDS, *(k for keys in TEXT_FIELDS.values() for k in keys)}
    known |= {*_own_names(OWN_BPM), *_own_names(OWN_KEY)}
    fields: dict[str, list[str]] = {}
    for key in list(tags.keys()) if tags is not None else ():
        name = str(key).lower()
        if name in known:
            value = tags[key]
            values = getattr(value, "text", value)  # an ID3 frame holds a list of texts
            items = list(values)[:20] if isinstance(values, list) else [values]
            fields.setdefault(name, []).extend(_text(item) for item in items)
    return fields


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value[: 4 * MAX_TEXT].decode("utf-8", "replace")
    return str(value)[: 4 * MAX_TEXT]


class _BoundedFile:
    """A file to read from that gives at most MAX_BYTES in MAX_READS calls.

    Sizes in a hostile file (a comment of 4 GB in a sparse file) would otherwise be believed.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.stream, self.name = stream, name
        self.seek, self.tell = stream.seek, stream.tell
        self.size = Path(name).stat().st_size
        self.bytes_left, self.reads_left = MAX_BYTES, MAX_READS

    def read(self, size: int = -1) -> bytes:
        rest = max(0, self.size - self.stream.tell())
        wanted = rest if size < 0 else min(size, rest)
        self.bytes_left -= wanted
        self.reads_left -= 1
        if self.bytes_left < 0 or self.reads_left < 0:
            raise OSError("its tags are larger than any honest file's")
        return self.stream.read(wanted)
