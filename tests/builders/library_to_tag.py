"""A library to tag: real files, and records with a tempo for each."""

from __future__ import annotations

import json
from pathlib import Path

import mutagen
from audio_containers import write_audio
from dropgrid.commands.main import main
from dropgrid.library import scan
from dropgrid.records.model import BpmRecord, Section, StructureRecord
from dropgrid.records.store import write_record
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import write_tickets
from mutagen.id3 import COMM, ID3, TBPM, TIT2

BPM = 127.96


def library(folder: Path, drops: tuple[float, ...] = ()) -> Path:
    """The results of a run over folder/music, in folder/results, every track at BPM."""
    found = scan(str(folder / "music"))
    results = folder / "results"
    claim(results, [str(folder / "music")])
    write_tickets(found, results)
    for track in found.tracks:
        record = BpmRecord(
            track.track, track.path, "ok", duration=60.0, bpm=BPM, bpm_fitted=BPM,
            confidence=0.99, beats=(1.0, 2.0), time_signature="4/4",
        )  # fmt: skip
        sections = (Section(0.0, 60.0, "drop", 1, 32, 31, 0.9),)
        structure = StructureRecord(
            track.track, track.path, "ok", duration=60.0, sections=sections, drops=drops,
            drop_confidences=tuple(0.9 for _ in drops),
        )  # fmt: skip
        write_record(results / "bpm" / f"{track.track}.json", record)
        write_record(results / "structure" / f"{track.track}.json", structure)
    return results


def tag(results: Path, *arguments: str) -> int:
    action, *rest = arguments
    return main(["tag", action, "--results", str(results), *rest])


def song(folder: Path, name: str) -> Path:
    path = folder / "music" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_audio(path)


def all_tags(path: Path) -> dict[str, str]:
    file = mutagen.File(path)
    keys = [] if file.tags is None else list(file.tags.keys())
    return {str(key).lower(): str(file.tags[key]) for key in keys}


def tag_by_hand(path: Path) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.add(TIT2(encoding=1, text="Title"))
        file.tags.add(TBPM(encoding=3, text="64"))
        file.tags.add(COMM(encoding=3, lang="deu", desc="", text=["Schön", "zwei"]))
    elif path.suffix == ".m4a":
        file.tags.update({"\xa9nam": "Title", "tmpo": [64], "\xa9cmt": "Schön"})
    elif path.suffix == ".wma":
        file.tags.update({"Title": "Title", "WM/BeatsPerMinute": 64, "Description": "Schön"})
    else:
        file.tags.update({"TITLE": "Title", "bpm": ["64"], "COMMENT": ["Schön", "zwei"]})
    file.save()


HEAD = json.dumps({"schema": "dropgrid/tag-backup", "schema_version": 2})
