"""Measures the table "Field by field" of docs/dj.md: `python docs/make_fields.py [--write]`.

A song with a change of tempo, cues, loops and tags is exported for every program and read back by
libraries that are not dropgrid's; each cell is the largest difference that they found. It needs
`pip install pyrekordbox rb2engine`, and `npm install rekordbox-parser` with the variable
DROPGRID_NODE_MODULES naming its folder node_modules. Without them their columns stay empty.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import mutagen
import numpy as np
import soundfile
from defusedxml import ElementTree
from dropgrid.audio.mp3 import lead
from dropgrid.export import engine, export, usb
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.records.cue_points import loops, pads
from dropgrid.records.model import BpmRecord, GridRegion
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.records.track import Track
from mutagen.id3 import COMM, POPM, TALB, TCON, TIT2, TPE1, TPE4, TPUB

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "builders"))
from library_of_records import bpm_record, key_record, structure_record  # noqa: E402

PAGE = Path(__file__).with_name("dj.md")
BEGIN, END = "<!-- fields: made by docs/make_fields.py -->", "<!-- end of fields -->"
PATH = "deep/ä song.aiff"
TAGS = {"title": "Röck & <Roll>", "artist": "Zoë", "album": "First", "genre": "House"}
OWN = {"comment": "peak time", "label": "Ostgut ☾", "remixer": "Ben K."}
STARS, RATE = 4, 44100
DURATION = 60.4  # s: to a moment behind the last beat
ROWS = ("beats", "downbeats", "hot cues", "names", "colours", "memory cues", "loops", "phrases",
        "key", "title, artist, album, genre", "comment, label, remixer", "rating",
        "playlists")  # fmt: skip
Found = dict[str, Any]


def song() -> Track:
    """64 beats at 128 BPM and 64 at 126.37, sections, a key."""
    first = [0.25 + i * 60 / 128 for i in range(64)]
    start = first[-1] + 60 / 128
    second = [start + i * 60 / 126.37 for i in range(64)]
    beats = tuple(round(time, 6) for time in first + second)
    grid = (
        GridRegion(beats[0], 128.0, 64, beats[1]),
        GridRegion(beats[64], 126.37, 64, beats[65]),
    )
    record = replace(
        bpm_record(PATH),
        beats=beats,
        downbeats=beats[1::4],
        grid=grid,
        duration=DURATION,
        tags=TAGS,
    )
    structure = structure_record(PATH)
    last = replace(structure.sections[-1], end=DURATION)
    structure = replace(structure, sections=(*structure.sections[:-1], last), duration=DURATION)
    return Track(None, record, structure, key_record(PATH))


def write_library(folder: Path, track: Track) -> Path:
    """The song, silent but with its tags, and its records below a folder; the results."""
    file = folder / "music" / PATH
    file.parent.mkdir(parents=True)
    soundfile.write(file, np.zeros(RATE), RATE, format="AIFF")
    tags = mutagen.File(file)
    tags.add_tags()
    for frame in (
        TIT2(3, TAGS["title"]), TPE1(3, TAGS["artist"]), TALB(3, TAGS["album"]),
        TCON(3, TAGS["genre"]), COMM(3, lang="eng", desc="", text=OWN["comment"]),
        TPUB(3, OWN["label"]), TPE4(3, OWN["remixer"]), POPM("no@email", rating=196),
    ):  # fmt: skip
        tags.tags.add(frame)
    tags.save()
    results, name = folder / "results", track_id(PATH)
    for kind, record in (("bpm", track.bpm), ("structure", track.structure), ("key", track.key)):
        write_record(results / kind / f"{name}.json", record)
    ticket = results / "tracks" / f"{name}.json"
    ticket.parent.mkdir()
    ticket.write_bytes(ticket_json(Ticket(name, PATH, str(file), 1, 1)))
    scan = {"schema": "dropgrid/scan", "root": str(folder / "music"), "problems": []}
    (results / "scan.json").write_text(json.dumps(scan | {"tracks": [name]}))
    return results


def expected(track: Track) -> Found:
    """What every reader should find. Times in seconds, colours as #RRGGBB."""
    record = track.bpm
    assert isinstance(record, BpmRecord) and track.structure is not None
    marks = pads(track)
    saved = loops(track)
    return {
        "beats": record.beats,
        "downbeats": record.downbeats,
        "hot cues": [cue.time for _, cue in marks],
        "names": [cue.name for _, cue in marks],
        "colours": [cue.colour.upper() for _, cue in marks],
        "memory cues": [cue.time for _, cue in marks],
        "loops": [time for loop in saved for time in (loop.start, loop.end)],
        "phrases": [section.start for section in track.structure.sections[1:]],
        "key": ["Am"],
        "title, artist, album, genre": list(TAGS.values()),
        "comment, label, remixer": list(OWN.values()),
        "rating": [STARS],
        "playlists": ["deep"],
    }


def rekordbox(results: Path, out: Path) -> Found:
    """rekordbox XML, read by pyrekordbox."""
    from pyrekordbox import RekordboxXml

    export("rekordbox", results, out / "c.xml")
    collection = RekordboxXml(out / "c.xml")
    (track,) = collection.get_tracks()
    tempos = [(t.Inizio, t.Bpm, t.Battito) for t in track.tempos]
    beats, places = [], []
    ends = [start for start, _, _ in tempos[1:]] + [DURATION]
    for (start, bpm, place), end in zip(tempos, ends, strict=True):
        count = int(np.ceil((end - start) * bpm / 60 - 0.1))
        beats += [start + i * 60 / bpm for i in range(count)]
        places += [(place - 1 + i) % 4 for i in range(count)]
    marks = list(track.marks)
    hot = sorted((m for m in marks if m.Num >= 0), key=lambda m: m.Num)
    saved = [time for m in marks if m.Type == "loop" for time in (m.Start, m.End)]
    return {
        "beats": beats,
        "downbeats": [t for t, place in zip(beats, places, strict=True) if place == 0],
        "hot cues": [m.Start for m in hot],
        "names": [m.Name for m in hot],
        "memory cues": [m.Start for m in marks if m.Num < 0 and m.Type == "cue"],
        "loops": saved,
        "key": [track.Tonality],
        "title, artist, album, genre": [track.Name, track.Artist, track.Album, track.Genre],
        "comment, label, remixer": [track.Comments, track.Label, track.Remixer],
        "rating": [track.Rating],
        "playlists": [n.name for n in collection.get_playlist("Folders").get_playlists()],
    }


def stick(results: Path, out: Path) -> Found:
    """The files of a stick, read by rbox."""
    import rbox

    export("usb", results, out)
    (file,) = out.rglob("ANLZ0000.DAT")
    dat, ext = (rbox.Anlz.load(str(file.with_suffix(s))) for s in (".DAT", ".EXT"))
    entries = dat.get_beat_grid().beats
    parts = ext.get_extended_beat_grid().beats
    beats = [e.time / 1000 + p.microseconds / 1e6 for e, p in zip(entries, parts, strict=True)]
    hot = ext.get_extended_hot_cues().cues
    memory = ext.get_extended_memory_cues().cues
    held = [c for c in memory if c.loop_time != 0xFFFFFFFF]
    return {
        "beats": beats,
        "downbeats": [t for t, e in zip(beats, entries, strict=True) if e.beat_number == 1],
        "hot cues": [c.time / 1000 for c in hot],
        "names": [c.comment for c in hot],
        "colours": [
            f"#{c.hot_cue_color_red:02X}{c.hot_cue_color_green:02X}{c.hot_cue_color_blue:02X}"
            for c in hot
        ],
        "memory cues": [c.time / 1000 for c in memory if c.loop_time == 0xFFFFFFFF],
        "loops": [time / 1000 for c in held for time in (c.time, c.loop_time)],
        "phrases": [beats[p.beat - 1] for p in ext.get_song_structure().phrases][1:],
    }


DEVICE = """
const fs = require("fs"), {parsePdb, RekordboxPdb, tableRows} = require("rekordbox-parser");
const {PageType} = RekordboxPdb, db = parsePdb(fs.readFileSync(process.argv[1]));
const rows = kind => [...tableRows(db.tables.find(table => table.type === kind))];
const text = value => value.body.text, named = kind => Object.fromEntries(
  rows(kind).map(row => [row.id, text(row.name)]));
const [track] = rows(PageType.TRACKS), artists = named(PageType.ARTISTS);
console.log(JSON.stringify({
  "key": [named(PageType.KEYS)[track.keyId]],
  "title, artist, album, genre": [text(track.title), artists[track.artistId],
    named(PageType.ALBUMS)[track.albumId], named(PageType.GENRES)[track.genreId]],
  "comment, label, remixer": [text(track.comment), named(PageType.LABELS)[track.labelId],
    artists[track.remixerId]],
  "rating": [track.rating],
  "playlists": rows(PageType.PLAYLIST_TREE).map(row => text(row.name)).filter(n => n === "deep"),
}));
"""


def device(results: Path, out: Path) -> Found:
    """The database of a stick, read by rekordbox-parser."""
    export("usb", results, out)
    modules = os.environ.get("DROPGRID_NODE_MODULES")
    if not modules:
        raise ImportError("rekordbox-parser")
    answer = subprocess.run(
        ["node", "-e", DEVICE, out / usb.DATABASE], capture_output=True, text=True, check=True,
        env=os.environ | {"NODE_PATH": modules},
    )  # fmt: skip
    found: Found = json.loads(answer.stdout)
    return found


def engine_dj(results: Path, out: Path) -> Found:
    """Engine's database: its blobs by rb2engine, its columns by SQL."""
    from rb2engine.writer import blobs

    export("engine", results, out)
    with closing(sqlite3.connect(out / engine.DATABASE)) as database:
        beat, cue, loop = database.execute(
            "SELECT beatData, quickCues, loops FROM PerformanceData"
        ).fetchone()
        columns = database.execute(
            "SELECT title, artist, album, genre, comment, label, remixer, rating, key FROM Track"
        ).fetchone()
        lists = [name for (name,) in database.execute("SELECT title FROM Playlist")]
    marks = blobs.decode_beat_data(beat).adjusted_beat_grid.markers
    beats, numbers = [], []
    for one, following in pairwise(marks):
        count = following.beat_number - one.beat_number
        step = (following.sample_offset - one.sample_offset) / count
        beats += [(one.sample_offset + i * step) / RATE for i in range(count)]
        numbers += range(one.beat_number, following.beat_number)
    inside = [(t, n) for t, n in zip(beats, numbers, strict=True) if 0 <= t <= DURATION]
    hot = [c for c in blobs.decode_quick_cues(cue).cues if c.sample_offset >= 0]
    held = [x for x in blobs.decode_loops(loop).loops if x.is_start_set]
    return {
        "beats": [t for t, _ in inside],
        "downbeats": [t for t, n in inside if n % 4 == 0],
        "hot cues": [c.sample_offset / RATE for c in hot],
        "names": [c.label for c in hot],
        "colours": [f"#{c.color.r:02X}{c.color.g:02X}{c.color.b:02X}" for c in hot],
        "loops": [s / RATE for x in held for s in (x.start_sample_offset, x.end_sample_offset)],
        "key": ["Am" if columns[8] == 1 else columns[8]],
        "title, artist, album, genre": list(columns[:4]),
        "comment, label, remixer": list(columns[4:7]),
        "rating": [columns[7] / 20],
        "playlists": [name for name in lists if name == "deep"],
    }


def traktor(results: Path, out: Path) -> Found:
    """Traktor's collection of version 20, read by traktor-nml-utils."""
    from traktor_nml_utils import TraktorCollection

    export("traktor", results, out / "c.nml", ExportOptions(nml_version=20))
    nml = TraktorCollection(out / "c.nml").nml
    (entry,) = nml.collection.entry
    marks = [(m.start / 1000, m.grid.bpm) for m in entry.cue_v2 if m.type == 4]
    downbeats = bars(marks)
    hot = [c for c in entry.cue_v2 if c.type == 0 and c.hotcue >= 0]
    held = [c for c in entry.cue_v2 if c.type == 5]
    return {
        "downbeats": downbeats,
        "hot cues": [c.start / 1000 for c in hot],
        "names": [c.name for c in hot],
        "colours": [c.color for c in hot],
        "loops": [t / 1000 for c in held for t in (c.start, c.start + c.len)],
        "key": [entry.info.key],
        "title, artist, album, genre": [
            entry.title, entry.artist, entry.album.title, entry.info.genre
        ],
        "comment, label, remixer": [entry.info.comment, entry.info.label, entry.info.remixer],
        "rating": [entry.info.ranking / 51],
        "playlists": [name for name in names(nml.playlists.node) if name == "deep"],
    }  # fmt: skip


def bars(marks: list[tuple[float, float]]) -> list[float]:
    """The downbeats of markers (time, BPM) that each stand on one."""
    found: list[float] = []
    for (start, bpm), end in zip(marks, [*(t for t, _ in marks[1:]), DURATION], strict=True):
        found += [start + i * 240 / bpm for i in range(round((end - start) * bpm / 240 + 0.4))]
    return found


def names(nodes: Any) -> list[str]:
    """The names of all nodes of a tree of Traktor's playlists."""
    found = []
    for node in nodes if isinstance(nodes, list) else [nodes]:
        below = node.subnodes.node if getattr(node, "subnodes", None) else []
        found += [node.name, *names(below)]
    return found


def serato(results: Path, out: Path) -> Found:
    """Serato's tags in a copy of the song, and its crates, read by serato-tools."""
    from serato_tools.crate import Crate
    from serato_tools.track_beatgrid import TrackBeatgrid
    from serato_tools.track_cues_v2 import TrackCuesV2

    export("serato", results, out / "copies")
    export("serato-crates", results, out / "crates")
    (copy,) = (out / "copies").rglob("*.aiff")
    *marks, last, _ = TrackBeatgrid(str(copy)).entries
    places = [(m.position, m.beats_till_next_marker) for m in marks]
    ends = [*(t for t, _ in places[1:]), last.position]
    beats: list[float] = []
    for (start, count), end in zip(places, ends, strict=True):
        beats += [start + i * (end - start) / count for i in range(count)]
    entries = TrackCuesV2(str(copy)).entries
    hot = [e for e in entries if e.NAME == "CUE"]
    held = [e for e in entries if e.NAME == "LOOP"]
    crates = [p for p in (out / "crates").rglob("*.crate") if len(Crate(str(p)).tracks()) == 1]
    return {
        "beats": [*beats, last.position],
        "hot cues": [e.position / 1000 for e in hot],
        "names": [e.name for e in hot],
        "colours": [f"#{e.color.hex().upper()}" for e in hot],
        "loops": [t / 1000 for e in held for t in (e.startposition, e.endposition)],
        "playlists": [p.stem.rpartition("%%")[2] for p in crates if p.stem.endswith("deep")],
    }


def virtualdj(results: Path, out: Path) -> Found:
    """VirtualDJ's database, by an XML parser: there is no library for it."""
    export("virtualdj", results, out / "v.xml")
    node = ElementTree.parse(out / "v.xml").getroot().find("Song")
    points = {kind: [p for p in node.iter("Poi") if p.get("Type") == kind]
              for kind in ("beatgrid", "cue", "loop")}  # fmt: skip
    anchors = [(float(p.get("Pos")), float(p.get("Bpm"))) for p in points["beatgrid"]]
    downbeats = bars(anchors)
    tags = node.find("Tags")
    return {
        "downbeats": downbeats,
        "hot cues": [float(p.get("Pos")) for p in points["cue"]],
        "names": [p.get("Name") for p in points["cue"]],
        "colours": [f"#{int(p.get('Color')) & 0xFFFFFF:06X}" for p in points["cue"]],
        "key": [node.find("Scan").get("Key")],
        "title, artist, album, genre": [
            tags.get("Title"), tags.get("Author"), tags.get("Album"), tags.get("Genre")
        ],
        "comment, label, remixer": [
            node.find("Comment").text, tags.get("Label"), tags.get("Remix")
        ],
        "rating": [float(tags.get("Stars"))],
    }  # fmt: skip


READERS: dict[str, tuple[tuple[str, Callable[[Path, Path], Found]], ...]] = {
    "rekordbox XML": (("pyrekordbox", rekordbox),),
    "stick (CDJ)": (("rbox", stick), ("rekordbox-parser", device)),
    "Engine": (("rb2engine", engine_dj),),
    "Traktor": (("traktor-nml-utils", traktor),),
    "Serato": (("serato-tools", serato),),
    "VirtualDJ": (("XML", virtualdj),),
}


def cell(found: Any, true: Any) -> str:
    """The largest difference of times; of texts and numbers how many differ."""
    if found is None:
        return "—"
    if len(found) != len(true):
        return f"{len(found)} of {len(true)}"
    if isinstance(true[0], float):
        return in_words(float(np.abs(np.array(found) - np.array(true)).max()))
    wrong = sum(one != other for one, other in zip(found, true, strict=True))
    return f"{wrong} differ" if wrong else "same"


def in_words(seconds: float) -> str:
    """A difference, rounded up to one digit: "0", "2 µs", ".4 ms"."""
    micro = 1e6 * seconds
    if micro < 0.01:
        return "0"
    if micro < 100:
        return f"{micro:.1g} µs".removeprefix("0")
    return f"{micro / 1000:.1g} ms".removeprefix("0")


def measured() -> dict[str, dict[str, str]]:
    """Cells by program and row; a program whose reader is not installed is left out."""
    track = song()
    true = expected(track)
    assert lead(track.bpm.decoder, "rekordbox") == 0  # AIFF: all programs begin at one sample
    table: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as name:
        results = write_library(Path(name), track)
        for program, readers in READERS.items():
            for number, (reader, read) in enumerate(readers):
                out = Path(name) / f"{program}-{number}"
                out.mkdir()
                with suppress(ImportError):
                    found = read(results, out)
                    for row in ROWS:
                        if row in found:
                            difference = cell(found[row], true[row])
                            table.setdefault(program, {})[row] = f"{reader}: {difference}"
    return table


def page(table: dict[str, dict[str, str]]) -> str:
    """The table as Markdown."""
    lines = ["| | " + " | ".join(READERS) + " |", "|---" * (len(READERS) + 1) + "|"]
    for row in ROWS:
        cells = (table.get(program, {}).get(row, "—") for program in READERS)
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into docs/dj.md")
    text = page(measured())
    if not parser.parse_args().write:
        print(text, end="")
        return
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN + "\n")
    PAGE.write_text(before + BEGIN + "\n" + text + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
