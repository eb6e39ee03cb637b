"""An Engine DJ library: a stick or drive for players of Denon DJ, Numark and Rane.

`Engine Library/Database2/m.db` contains tracks, grids, cues, loops, overviews and playlists. Songs
below the output folder stay where they are; others are copied to `Contents/`, which `export usb`
also uses. The export changes a copy of the database and replaces the database at the end. It keeps
what players and Engine DJ wrote into it, including grids and cues that a user set there.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from ..base.errors import ConfigError
from ..features.waveform import read_waveform
from ..key import notation
from ..player_formats import engine_blobs as blobs
from ..player_formats import engine_grid
from ..player_formats import engine_library as library
from ..player_formats.engine_library import EngineList, EngineTrack
from ..player_formats.waveform import CURVE, pooled
from ..records.cue_points import loops, pads
from ..records.track import Track
from ..results.layout import Results
from ..results.output_guard import check_folder
from .playlists import Playlist, Playlists
from .stick_facts import MISSING, NOT_PLAYED, add_all, song_facts
from .stick_songs import Songs, check_links, copies, read_mark, rgb, size_of

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "engine"
HELP = "Engine DJ library for players of Denon DJ, Numark, Rane (beta; copies the songs)"
FILE = "engine"
KEYS = True
NEEDS = frozenset({"bpm", "file"})
OPTIONS = ("bpm_ranges", "by_key", "comment", "cues", "engine_schema", "playlists")
ALONE = True  # as large as the library, so only made if the user asks for it by name

FOLDERS = ("Contents", "Engine Library", "Engine Library/Database2")
DATABASE = "Engine Library/Database2/m.db"
PLAYED = frozenset({".mp3", ".m4a", ".mp4", ".aac", ".flac", ".wav", ".aif", ".aiff", ".ogg"})
NAME_OF_LISTS = "dropgrid"
LOOP_COLOUR = (255, 140, 0)


def write_all(
    tracks: Iterator[Track],
    output: Path,
    results: Path,
    options: ExportOptions,
    force: bool,
    report: Callable[[str], None],
) -> tuple[int, Counter[str]]:
    """Write the library; (tracks in it, tracks left out by reason).

    Raises ConfigError, OSError.
    """
    mark = check_library(output, force)
    drive = Drive(output, results, options, mark)
    left_out = add_all(tracks, drive.add)
    drive.finish()
    for path in drive.set_on_players:
        report(f"{path}: kept grid, cues or loops set on a player; --replace overwrites them")
    return len(drive.entries), left_out


def check_library(output: Path, force: bool) -> dict[str, Any] | None:
    """The mark of an earlier export. force: also replace a library of another program; its
    database is renamed and kept. Raises ConfigError."""
    check_folder(output)
    check_links(output, FOLDERS)
    database = output / DATABASE
    for suffix in ("-journal", "-wal"):
        if size_of(database.with_name(database.name + suffix)):
            raise ConfigError(
                f"--output: {database}: open in Engine DJ, or not closed properly: open the "
                "library there and close it"
            )
    mark = read_mark(output, NAME, force)
    if database.exists() and (mark is None or force):
        if not force:
            raise ConfigError(
                f"--output: {output}: contains an Engine library that dropgrid did not make; "
                "--replace replaces it and keeps its database under another name"
            )
        _set_aside(database)
    return None if force and mark is None else mark


def _set_aside(database: Path) -> None:
    """Keep a database under another name."""
    count = 1
    while (backup := database.with_name(f"m.db.replaced-{count}")).exists():
        count += 1
    os.replace(database, backup)


class Drive:
    """Writes a library to a drive: first the songs, last the database."""

    def __init__(
        self, root: Path, results: Path, options: ExportOptions, mark: dict[str, Any] | None
    ) -> None:
        self.root, self.results, self.options = root, results, options
        self.songs = Songs(root, NAME, copies(mark))
        self.mark = mark or {}
        self.entries: list[EngineTrack] = []
        self.playlists = Playlists(options)
        self.sources: dict[str, str] = {}  # paths in the library
        self.set_on_players: list[str] = []  # tracks with a grid, cues or loops set on a player

    def add(self, track: Track) -> str | None:
        """Copy a song and make its entry; why it is left out, None if it is not."""
        assert track.bpm is not None and track.file is not None  # NEEDS says so
        if track.file.suffix.lower() not in PLAYED:
            return NOT_PLAYED
        if not track.file.is_file():
            return MISSING
        path, size = self._placed(track, track.file)
        facts = columns(track, path, size, self.options.comment)
        self.entries.append(EngineTrack(path, facts, self._blobs(track)))
        self.playlists.add(track)
        self.sources[path] = track.path
        return None

    def _placed(self, track: Track, file: Path) -> tuple[str, int]:
        """(a song's path relative to `Engine Library`, its size in bytes)."""
        root, real = self.root.resolve(), file.resolve()
        if real.is_relative_to(root) and not real.is_relative_to(root / "Contents"):
            return f"../{real.relative_to(root).as_posix()}", real.stat().st_size
        path = self.songs.place(track)
        return f"..{path}", self.songs.copy(file, path, track.path)

    def _blobs(self, track: Track) -> dict[str, bytes]:
        record = track.bpm
        assert record is not None
        rate = float(record.decoder.get("sample_rate") or 44100)
        samples = round((record.duration or 0.0) * rate)
        key = notation.parse(track.key.key) if track.key and track.key.key else None
        marks = engine_grid.markers(record.beats, record.downbeats, record.duration or 0.0, rate)
        cues = [
            blobs.EngineCue(pad, cue.time * rate, cue.name, rgb(cue.colour))
            for pad, cue in pads(track, self.options.template)
        ]
        saved_loops = [
            blobs.EngineLoop(loop.start * rate, loop.end * rate, loop.name, LOOP_COLOUR)
            for loop in loops(track)
        ]
        first = record.downbeats[0] * rate if record.downbeats else 0.0
        number = None if key is None else blobs.key_number(key)
        return {
            "trackData": blobs.pack_track(rate, samples, number),
            "overviewWaveFormData": blobs.pack_overview(self._bands(track), samples, rate),
            "beatData": blobs.pack_grid(rate, samples, marks),
            "quickCues": blobs.pack_cues(cues, max(0.0, first)),
            "loops": blobs.pack_loops(saved_loops),
        }

    def _bands(self, track: Track) -> np.ndarray:
        """(POINTS, 3) bytes of low, middle and high."""
        features = Results(self.results).features(track.track)
        found = read_waveform(features, blobs.POINTS)
        bands = np.zeros((1, 4), np.float32) if found is None or not len(found) else found
        shares = np.nan_to_num(bands / np.maximum(bands.max(axis=0), 1e-9)) ** CURVE
        return np.round(255 * pooled(shares, blobs.POINTS)[:, 1:]).astype(np.uint8)

    def finish(self) -> None:
        """Replace the database by a changed copy, write the mark, then remove old songs."""
        database = self.root / DATABASE
        database.parent.mkdir(parents=True, exist_ok=True)
        copy = database.with_name(f".{os.getpid()}.m.db")
        try:
            more = self._written(database, copy)
            self.songs.sync()
            if not database.exists() or copy.read_bytes() != database.read_bytes():
                with copy.open("rb") as stream:
                    os.fsync(stream.fileno())
                os.replace(copy, database)
                self.songs.changed_folders.add(database.parent)
        finally:
            copy.unlink(missing_ok=True)
        self.songs.write_mark(more)
        self.songs.remove_old()

    def _written(self, database: Path, copy: Path) -> dict[str, Any]:
        """Update a copy of the database; what the next export must know about it, for the mark."""
        try:
            if database.exists():
                shutil.copyfile(database, copy)
            else:
                copy.unlink(missing_ok=True)
                library.create(copy, self.options.engine_schema, uuid4())
            with library.opened(copy) as connection:
                return self._put(connection)
        except sqlite3.Error as error:
            raise ConfigError(
                f"--output: {database}: cannot be read or written ({error}); --replace replaces it"
            ) from error

    def _put(self, connection: sqlite3.Connection) -> dict[str, Any]:
        existing = library.tracks_in(connection)
        exported = self.mark.get("tracks", {})
        numbers, digests = {}, {}
        for entry in self.entries:
            number = existing.get(entry.path)
            earlier = exported.get(entry.path)
            keep = self._set_elsewhere(connection, number, earlier)
            self.set_on_players += [entry.path] if keep else []
            numbers[entry.path] = library.put_track(connection, entry, number, keep)
            written = {name: library.digest(entry.blobs[name]) for name in library.SET_ON_PLAYERS}
            digests[entry.path] = (
                {"source": self.sources[entry.path]}
                | written
                | {name: (earlier or {}).get(name) for name in keep}
            )
        for path in exported.keys() - numbers.keys():
            if path in existing:
                library.remove_track(connection, existing[path])
        lists = self._lists()
        made = self.mark.get("lists", [])
        same = self.mark.get("outline") == outline(lists) and self._all_there(connection, made)
        if not same or exported.keys() != numbers.keys():
            library.remove_lists(connection, made)
            moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            made = library.put_lists(connection, lists, numbers, moment)
        return {"tracks": digests, "lists": made, "outline": outline(lists)}

    @staticmethod
    def _set_elsewhere(
        connection: sqlite3.Connection, number: int | None, earlier: dict[str, str] | None
    ) -> list[str]:
        """The blobs of a track that differ from what an earlier export wrote."""
        if number is None or earlier is None:
            return []
        found = library.set_digests(connection, number)
        return [name for name, digest in found.items() if digest != earlier.get(name)]

    @staticmethod
    def _all_there(connection: sqlite3.Connection, lists: list[int]) -> bool:
        found = {number for (number,) in connection.execute("SELECT id FROM Playlist")}
        return bool(lists) and set(lists) <= found

    def _lists(self) -> list[EngineList]:
        """The folder of playlists: all tracks, and the playlists that all formats have."""
        paths = [entry.path for entry in self.entries]

        def made(lists: Sequence[Playlist]) -> tuple[EngineList, ...]:
            return tuple(
                EngineList(e.name, tuple(paths[i - 1] for i in e.tracks), made(e.inside))
                for e in lists
            )

        everything = EngineList("All tracks", tuple(paths))
        return [EngineList(NAME_OF_LISTS, inside=(everything, *made(self.playlists.lists())))]


def outline(lists: list[EngineList] | tuple[EngineList, ...]) -> list[Any]:
    """Playlists as values that JSON can store."""
    return [[entry.name, list(entry.tracks), outline(entry.inside)] for entry in lists]


def columns(track: Track, path: str, size: int, template: str) -> dict[str, Any]:
    """The columns of Track that dropgrid fills, except the path; template: for the comment."""
    record = track.bpm
    assert record is not None and track.file is not None
    facts = song_facts(track, size, template)
    changed = int(track.file.stat().st_mtime)
    return {
        "playOrder": facts.tags.number or None,
        "length": round(facts.duration),
        "bpm": round(record.bpm) if record.bpm else None,
        "year": facts.year or None,
        "filename": PurePosixPath(path).name,
        "bitrate": facts.bitrate or None,
        "bpmAnalyzed": record.bpm,
        "fileBytes": size,
        "title": facts.title,
        "artist": facts.artist,
        "album": facts.album,
        "genre": facts.genre,
        "comment": facts.comment,
        "label": facts.tags.label,
        "composer": facts.tags.composer,
        "remixer": facts.tags.remixer,
        "key": None if facts.key is None else blobs.key_number(facts.key),
        "rating": 20 * facts.tags.rating,
        "fileType": PurePosixPath(path).suffix[1:].lower(),
        "isAnalyzed": 1,
        "dateCreated": changed,
        "isAvailable": 1,
        "isMetadataImported": 1,
        "isBeatGridLocked": 0,
        "explicitLyrics": 0,
        "streamingFlags": 0,
    }


def verify(output: Path) -> list[str]:
    """A line for each problem of an exported library. Raises ConfigError."""
    check_folder(output)
    mark = read_mark(output, NAME, force=False)
    if mark is None:
        raise ConfigError(f"{output}: contains no Engine library of dropgrid")
    songs = Songs(output, NAME, copies(mark))
    problems = songs.problems()
    listed = {f"..{path}" for path in songs.known}
    for path in mark.get("tracks", {}):  # with the user's files, which are not copies
        if path not in listed and not (output / "Engine Library" / path).is_file():
            problems.append(f"{path}: missing")
    database = output / DATABASE
    try:
        if size_of(database) is None:
            raise ValueError("missing")
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
            problems += _problems_of_tracks(db, mark.get("tracks", {}))
    except (sqlite3.Error, ValueError) as error:
        problems.append(f"{DATABASE}: {error}")
    return problems


def _problems_of_tracks(connection: sqlite3.Connection, tracks: dict[str, Any]) -> list[str]:
    """A line for each track that the database lacks or whose fields cannot be read."""
    (state,) = connection.execute("PRAGMA quick_check").fetchone()
    if state != "ok":
        return [f"{DATABASE}: {state}"]
    existing = library.tracks_in(connection)
    problems = [f"{DATABASE}: lacks {path}" for path in tracks if path not in existing]
    for path, number in existing.items():
        row = connection.execute(
            "SELECT beatData, quickCues, loops FROM PerformanceData WHERE trackId = ?", (number,)
        ).fetchone()
        try:
            blobs.unpack_grid(row[0])
            blobs.unpack_cues(row[1])
            blobs.unpack_loops(row[2])
        except (ValueError, TypeError) as error:
            problems.append(f"{DATABASE}: {path}: {error}")
    return problems
