"""Copies of the songs with Serato's grid, cues and loops, for users who keep originals unmodified.

The songs themselves are only read. A copy has the same path below the output folder as the song in
the library. It has the song's audio, packet by packet, and its tags; existing tags of Serato are
replaced. Files of a format in which Serato has no tags are left out. `exports` does not make these
copies, because they are as large as the library; ask for them by name.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..audio import serato
from ..audio.packets import packet_digest
from ..audio.serato_file import FLAC, MP4, STAMP, stamp
from ..audio.serato_track import tags_of
from ..audio.tag_process import TagLimit, open_first
from ..base.errors import DropgridError
from ..base.files import cut_name
from ..records.track import Track

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "serato"
HELP = "copies of the songs, tagged with Serato's grid, cues and loops (a file per track)"
FILE = "serato"
NEEDS = frozenset({"bpm", "file"})
PLAYER = "serato"
OPTIONS = ("cues",)
MARK = STAMP.encode()
ALONE = True  # not among all exports
SUFFIXES = (".mp3", ".aif", ".aiff", ".wav", ".flac", ".m4a", ".mp4")


def place(track: Track) -> Path | None:
    """The path of a track's copy below the output folder; None if its format is not supported."""
    path = Path(track.path)
    fit = path.suffix.lower() in SUFFIXES and not path.is_absolute() and ".." not in path.parts
    return path if fit else None


def write_track(track: Track, target: Path, options: ExportOptions) -> str | None:
    """Write the copy of a track; the reason if it fails, else None. Raises OSError."""
    assert track.file is not None  # NEEDS says so
    if not track.file.is_file():
        return "the song is no longer there"
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.getpid()}.{cut_name(target.stem)}{target.suffix}")
    try:
        shutil.copyfile(track.file, temporary)
        _tag(temporary, tags_of(track, options.template))
        if packet_digest(temporary) != packet_digest(track.file):
            return "its audio would change"
        os.replace(temporary, target)
    except DropgridError as error:
        return str(error)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return None


def _tag(path: Path, tags: dict[str, bytes]) -> None:
    """Write Serato's tags into a file. Raises DropgridError."""
    import mutagen

    try:
        open_first(path)
        file: Any = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        _put(file.tags, tags)
        old = getattr(file.tags, "version", None)  # of ID3 alone
        if old is not None and old < (2, 4):
            file.tags.update_to_v23()
            file.save(v2_version=3)
        else:
            file.save()
    except TagLimit as limit:
        raise DropgridError(f"its tags were not read: {limit}") from None
    except Exception as error:  # mutagen on a broken file
        reason = f"{type(error).__name__}: {error}"
        raise DropgridError(f"its tags cannot be written ({reason})") from error


def _put(file_tags: Any, tags: dict[str, bytes]) -> None:
    """Set Serato's tags and the stamp in mutagen's tags of a file."""
    from mutagen.id3 import GEOB, ID3, TXXX
    from mutagen.mp4 import AtomDataType, MP4FreeForm, MP4Tags

    if isinstance(file_tags, ID3):
        file_tags.delall(f"GEOB:{serato.MARKERS}")
        for name, data in tags.items():
            file_tags.add(GEOB(0, mime=serato.MIME.decode(), desc=name, data=data))
        file_tags.add(TXXX(0, desc=STAMP, text=stamp(tags)))
        return
    keys = MP4 if isinstance(file_tags, MP4Tags) else FLAC
    texts = {keys[name]: serato.wrap(name, data) for name, data in tags.items()}
    if isinstance(file_tags, MP4Tags):
        file_tags.pop(MP4[serato.MARKERS], None)
        texts[f"----:com.apple.iTunes:{STAMP}"] = stamp(tags)
        for key, text in texts.items():
            file_tags[key] = [MP4FreeForm(text.encode(), dataformat=AtomDataType.UTF8)]
    else:
        file_tags.update(texts | {STAMP: stamp(tags)})
