"""What a user said of a song arrives in every program: comment, rating, label, remixer, number."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import device_database
import mutagen
import numpy as np
import pytest
import soundfile
from defusedxml import ElementTree
from dropgrid.audio.dj_tags import DjTags, read_dj_tags
from dropgrid.export import engine, export, usb
from dropgrid.export.comments import comment
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.player_formats.database import ARTISTS, LABELS, TRACKS
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.records.track import Track
from library_of_records import bpm_record, key_record, structure_record
from mutagen.id3 import COMM, POPM, TCOM, TPE4, TPUB, TRCK, TXXX
from serato_tools.crate import Crate
from traktor_nml_utils import TraktorCollection

TAGS = DjTags("peak time", "Ostgut ☾", "Ben K.", "A. Smith", 7, 4)
PATH = "deep/a.flac"


def tag(path: Path) -> None:
    """Write TAGS into a file, as the tags of its format hold it."""
    file = mutagen.File(path)
    if path.suffix == ".m4a":
        file["©cmt"], file["©wrt"], file["trkn"] = TAGS.comment, TAGS.composer, [(7, 9)]
        file["----:com.apple.iTunes:LABEL"] = TAGS.label.encode()
        file["----:com.apple.iTunes:REMIXER"] = TAGS.remixer.encode()
        file["rate"] = "80"
    elif path.suffix == ".flac":
        file["comment"], file["composer"], file["tracknumber"] = TAGS.comment, TAGS.composer, "7/9"
        file["organization"], file["remixer"], file["rating"] = TAGS.label, TAGS.remixer, "80"
    else:
        file.add_tags()
        file.tags.add(COMM(3, lang="eng", desc="iTunNORM", text="000 111"))
        file.tags.add(COMM(3, lang="eng", desc="", text=TAGS.comment))
        file.tags.add(POPM("no@email", rating=196))
        file.tags.add(TPUB(3, TAGS.label))
        file.tags.add(TPE4(3, TAGS.remixer))
        file.tags.add(TCOM(3, TAGS.composer))
        file.tags.add(TRCK(3, "7/9"))
    file.save()


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(44100), 44100)
    return path


@pytest.mark.parametrize("name", ["a.flac", "a.wav", "a.aiff", "a.mp3"])
def test_tags_of_every_format_are_read(tmp_path, name):
    path = sound(tmp_path / name)
    tag(path)
    found = read_dj_tags(path)
    assert replace(found, bitrate=0) == TAGS and found.bitrate > 0


def test_a_comment_in_a_field_of_its_own_is_read(tmp_path):
    path = sound(tmp_path / "a.wav")
    file = mutagen.File(path)
    file.add_tags()
    file.tags.add(TXXX(3, desc="COMMENT", text="kept"))
    file.save()
    assert read_dj_tags(path).comment == "kept"


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"fLaC" + b"\xff" * 99]
)
def test_a_broken_file_says_nothing(tmp_path, data):
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    assert read_dj_tags(path) == DjTags() == read_dj_tags(tmp_path / "gone.flac")


@pytest.mark.parametrize(
    ("field", "value", "stars"),
    [("rating", "3", 3), ("rating", "100", 5), ("rating", "nan", 0), ("rating", "x", 0),
     ("fmps_rating", "0.6", 3), ("rating", "-5", 0)],
)  # fmt: skip
def test_ratings_of_all_scales_are_stars(tmp_path, field, value, stars):
    path = sound(tmp_path / "a.flac")
    file = mutagen.File(path)
    file[field] = value
    file.save()
    assert read_dj_tags(path).rating == stars


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Results of one song that lies in a folder and says TAGS."""
    folder = tmp_path_factory.mktemp("own")
    song = sound(folder / "music" / PATH)
    tag(song)
    results, track = folder / "results", track_id(PATH)
    for kind, record in (("bpm", bpm_record(PATH)), ("structure", structure_record(PATH)),
                         ("key", key_record(PATH))):  # fmt: skip
        write_record(results / kind / f"{track}.json", record)
    ticket = results / "tracks" / f"{track}.json"
    ticket.parent.mkdir()
    ticket.write_bytes(ticket_json(Ticket(track, PATH, str(song), 1, 1)))
    scan = {"schema": "dropgrid/scan", "root": str(folder / "music"), "problems": []}
    (results / "scan.json").write_text(json.dumps(scan | {"tracks": [track]}))
    return results


def test_rekordbox_gets_the_tags_of_the_file(results, tmp_path):
    export("rekordbox", results, tmp_path / "c.xml", ExportOptions(key_notation="full"))
    track = ElementTree.parse(tmp_path / "c.xml").getroot().find("COLLECTION/TRACK")
    song = results.parent / "music" / PATH
    assert {name: track.get(name) for name in (
        "Comments", "Rating", "Label", "Remixer", "Composer", "TrackNumber", "Size", "Tonality",
        "DateAdded", "SampleRate",
    )} == {
        "Comments": "peak time", "Rating": "204", "Label": "Ostgut ☾", "Remixer": "Ben K.",
        "Composer": "A. Smith", "TrackNumber": "7", "Size": str(song.stat().st_size),
        "Tonality": "A minor", "DateAdded": date.fromtimestamp(song.stat().st_mtime).isoformat(),
        "SampleRate": "44100",
    }  # fmt: skip
    assert int(track.get("BitRate")) > 0


def test_traktor_gets_the_tags_of_the_file(results, tmp_path):
    export("traktor", results, tmp_path / "c.nml", ExportOptions(nml_version=20))
    (entry,) = TraktorCollection(tmp_path / "c.nml").nml.collection.entry
    info = entry.info
    assert (info.comment, info.ranking, info.label) == ("peak time", 204, "Ostgut ☾")
    assert info.remixer == "Ben K." and info.import_date and info.filesize == 2  # KB
    colours = [cue.color for cue in entry.cue_v2 if cue.type == 0]
    assert colours and all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in colours)
    export("traktor", results, tmp_path / "c.nml")
    (entry,) = TraktorCollection(tmp_path / "c.nml").nml.collection.entry
    assert not any(cue.color for cue in entry.cue_v2)


def test_virtualdj_gets_the_tags_of_the_file(results, tmp_path):
    export("virtualdj", results, tmp_path / "v.xml", ExportOptions(key_notation="camelot"))
    song = ElementTree.parse(tmp_path / "v.xml").getroot().find("Song")
    tags = song.find("Tags")
    assert (tags.get("Label"), tags.get("Stars"), tags.get("Remix")) == ("Ostgut ☾", "4", "Ben K.")
    assert song.find("Comment").text == "peak time" and song.find("Scan").get("Key") == "8A"


def test_sticks_get_the_tags_of_the_file(results, tmp_path):
    export("usb", results, tmp_path)
    data = (tmp_path / usb.DATABASE).read_bytes()
    (row,) = device_database.rows(data, TRACKS)
    names = [device_database.text(artist, 10) for artist in device_database.rows(data, ARTISTS)]
    assert names == ["Zoë", "Ben K.", "A. Smith"]
    numbers = [int.from_bytes(row[at : at + 4], "little") for at in (12, 40, 44, 52)]
    assert numbers == [3, 1, 2, 7]  # composer, label, remixer, track number
    (label,) = device_database.rows(data, LABELS)
    assert device_database.text(label, 4) == "Ostgut ☾" and row[89] == 4
    places = [int.from_bytes(row[94 + 2 * i : 96 + 2 * i], "little") for i in range(21)]
    assert device_database.text(row, places[16]) == "peak time"


def test_engine_gets_the_tags_of_the_file(results, tmp_path):
    export("engine", results, tmp_path, ExportOptions(comment="{comment} {camelot}"))
    with closing(sqlite3.connect(tmp_path / engine.DATABASE)) as database:
        row = database.execute(
            "SELECT comment, rating, label, remixer, composer, playOrder FROM Track"
        ).fetchone()
    assert row == ("peak time 8A", 80, "Ostgut ☾", "Ben K.", "A. Smith", 7)


def test_seratos_crates_name_the_songs_from_their_drive(results, tmp_path):
    options = ExportOptions(bpm_ranges=(120, 130), by_key=True)
    written, _ = export("serato-crates", results, tmp_path, options)
    folder = tmp_path / "_Serato_" / "Subcrates"
    assert written == 1 and {path.name for path in folder.iterdir()} == {
        "dropgrid.crate", "dropgrid%%Folders.crate", "dropgrid%%Folders%%deep.crate",
        "dropgrid%%BPM.crate", "dropgrid%%BPM%%120-130 BPM.crate", "dropgrid%%Key.crate",
        "dropgrid%%Key%%8A.crate",
    }  # fmt: skip
    song = str(results.parent / "music" / PATH)[1:]
    for path in folder.iterdir():
        assert Crate(str(path)).tracks() == [song]
    export("serato-crates", results, tmp_path, options)  # over its own


def test_a_template_says_energy_key_and_where_to_mix():
    structure = structure_record(PATH)
    sections = tuple(replace(s, energy=0.73) for s in structure.sections)
    structure = replace(structure, sections=sections, mix_in=4.5, mix_out=65.2)
    track = Track(None, bpm_record(PATH), structure, key_record(PATH))
    found = comment(
        track, TAGS, "{camelot} E{energy} in {mix_in} out {mix_out} | {drops} | {comment}"
    )
    assert found == "8A E7 in 0:04 out 1:05 | 0:08 0:19 | peak time"
    assert comment(Track(None, bpm_record(PATH), None), TAGS, " {energy}  {bpm} ") == "128.00"
    assert comment(track, TAGS, "{comment}" * 50) == ("peak time" * 50)[:200]


@pytest.mark.parametrize(
    ("template", "message"),
    [("{camelott}", "did you mean camelot"), ("{", "single"), ("{bpm:.1f}", "takes no format"),
     ("{0}", "there is no {0}"), ("{bpm.real}", "there is no")],
)  # fmt: skip
def test_a_wrong_template_is_named(template, message):
    with pytest.raises(ValueError, match=r"(?i)comment: .*" + message.replace("{", "[{]")):
        ExportOptions(comment=template)
