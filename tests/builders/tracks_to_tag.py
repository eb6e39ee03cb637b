"""Tracks for tests that write tags."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import mutagen
from dropgrid.records.track import Track
from dropgrid.tagging.plan import TagOptions
from library_of_records import bpm_record, key_record, structure_record
from mutagen.id3 import COMM, ID3, TBPM, TIT2, TPE1, TXXX
from mutagen.mp4 import AtomDataType, MP4FreeForm

BPM = 127.96
COMMENT = TagOptions(comment=True)


def track_of(path: Path, **changes: Any) -> Track:
    record = dataclasses.replace(bpm_record(path.name), bpm=BPM, **changes)
    return Track(path, record, structure_record(path.name), key_record(path.name))


def all_tags(path: Path) -> dict[str, str]:
    """Every tag of a file, by mutagen, as text that shows types and encodings."""
    file = mutagen.File(path)
    keys = [] if file.tags is None else list(file.tags.keys())
    return {str(key): repr(file.tags[key]) for key in keys}


def tag_by_hand(path: Path) -> None:
    """Typical tags of a user: an old tempo, a comment, a title, and a cover or similar."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.add(TIT2(encoding=1, text="Title ☃"))
        file.tags.add(TPE1(encoding=1, text=["A", "B"]))
        file.tags.add(TBPM(encoding=0, text="64"))
        file.tags.add(TXXX(encoding=0, desc="Energy", text="7"))
        file.tags.add(COMM(encoding=1, lang="deu", desc="", text="Schön"))
    elif path.suffix == ".m4a":
        file.tags.update({"\xa9nam": "Title ☃", "tmpo": [64], "\xa9cmt": "Schön"})
        freeform = MP4FreeForm(b"64.0", dataformat=AtomDataType.IMPLICIT)
        file.tags["----:com.apple.iTunes:BPM"] = [freeform]
    elif path.suffix == ".wma":
        file.tags.update({"Title": "Title ☃", "WM/BeatsPerMinute": 64, "Description": "Schön"})
    else:
        file.tags.update({"TITLE": "Title ☃", "bpm": ["64"], "COMMENT": ["Schön", "zwei"]})
    file.save()


def tag(folder: Path, action: str, *arguments: str) -> list[str]:
    command = ["tag", action, "--results", str(folder / "results"), *arguments]
    return command + (["--library", str(folder / "music")] if action == "write" else [])
