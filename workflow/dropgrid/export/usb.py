"""A USB stick that Pioneer DJ players read, without rekordbox.

The export writes `Contents/` (copies of the songs), then `PIONEER/USBANLZ/` (grid, cues, waveforms
and phrases of each song) and last `PIONEER/rekordbox/export.pdb`. So a stick that is pulled out
too early still shows its previous contents. Unchanged files are not written again. A stick that
another program has written is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..audio.mp3 import info_frame
from ..audio.mp3_frames import samples_of, spans
from ..base.errors import ConfigError, DecodeError
from ..features.waveform import read_waveform
from ..key import notation
from ..player_formats import analysis_file as anlz
from ..player_formats.database import Contents, Playlist, database
from ..player_formats.device_sql import FILE_TYPES, TrackRow
from ..player_formats.waveform import columns, waveforms
from ..records.cue_points import cues, loops, most_useful, pads
from ..records.model import Label, StructureRecord
from ..records.passages import labelled_phrases, passages
from ..records.track import Track
from ..results.layout import Results
from ..results.output_guard import check_folder
from .cues import bar_positions
from .playlists import Playlist as List
from .playlists import Playlists
from .stick_artwork import FOLDER as ARTWORK
from .stick_artwork import Artwork, numbers_of
from .stick_facts import MISSING, NOT_PLAYED, add_all, song_facts
from .stick_songs import MARKS, Songs, check_links, copies, read_mark, rgb, size_of

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "usb"
HELP = "USB stick for Pioneer DJ players, without rekordbox (beta; copies the songs)"
FILE = "usb"
KEYS = True
NEEDS = frozenset({"bpm", "file"})
PLAYER = "rekordbox"
OPTIONS = ("bpm_ranges", "by_key", "comment", "cues", "key_notation", "playlists", "transcode")
ALONE = True  # as large as the library, so only made if the user asks for it by name

MARK = MARKS[NAME]
DATABASE = "PIONEER/rekordbox/export.pdb"
ANALYSIS = "PIONEER/USBANLZ"
ANALYSED = re.compile(ANALYSIS + "/P[0-9A-F]{3}/[0-9A-F]{8}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FOLDERS = ("Contents", "PIONEER", "PIONEER/rekordbox", ANALYSIS, ARTWORK)
LAST_OF_BAR = 4  # the players count to 4: the last beats of a bar of five are 4, 4
PLAYED_BY_ALL = frozenset({".mp3", ".m4a", ".wav", ".aif", ".aiff"})
NOT_CONVERTED = "cannot be converted"


@dataclass
class NumberedNames:
    """Numbers for names, from 1, in the order of their first use."""

    numbers: dict[Any, int] = field(default_factory=dict)

    def number(self, name: Any) -> int:
        """The number of a name; the next free number for a new name; 0 for an empty name."""
        return self.numbers.setdefault(name, len(self.numbers) + 1) if name else 0


def write_all(
    tracks: Iterator[Track],
    output: Path,
    results: Path,
    options: ExportOptions,
    force: bool,
    report: Callable[[str], None],
) -> tuple[int, Counter[str]]:
    """Write the stick; (tracks on it, tracks left out by reason). Raises ConfigError, OSError."""
    known = check_stick(output, force)
    stick = Stick(output, results, options, known)
    left_out = add_all(tracks, stick.add)
    stick.finish()
    stick.remove_old()
    return len(stick.rows), left_out


def check_stick(output: Path, force: bool) -> dict[str, Any]:
    """The copies that an earlier export wrote, by path. Raises ConfigError."""
    check_folder(output)
    check_links(output, FOLDERS)
    mark = read_mark(output, NAME, force)
    if mark is None and (output / "PIONEER").exists() and not force:
        raise ConfigError(
            f"--output: {output}: contains an export that dropgrid did not make; "
            "--replace replaces its database"
        )
    return copies(mark)


class Stick:
    """Writes a stick: first songs and their analysis files, last the database."""

    def __init__(
        self, root: Path, results: Path, options: ExportOptions, known: dict[str, Any]
    ) -> None:
        self.root, self.results, self.options = root, results, options
        self.songs = Songs(root, NAME, known)
        self.artwork = Artwork(self.songs, numbers_of(read_mark(root, NAME, force=True) or {}))
        self.rows: list[TrackRow] = []
        self.artists, self.albums, self.genres, self.keys = (
            NumberedNames(),
            NumberedNames(),
            NumberedNames(),
            NumberedNames(),
        )
        self.labels = NumberedNames()
        self.playlists = Playlists(options)
        self.analysis_folders: set[str] = set()
        self.date = date.today().isoformat()

    def add(self, track: Track) -> str | None:
        """Copy a song and write its analysis files; why it is left out, None if it is not."""
        assert track.bpm is not None and track.file is not None  # NEEDS says so
        suffix = self._converted(track)
        kind = FILE_TYPES.get(suffix or track.file.suffix.lower())
        if kind is None:
            return NOT_PLAYED
        if not track.file.is_file():
            return MISSING
        path = self.songs.place(track, suffix)
        if suffix is None:
            size = self.songs.copy(track.file, path, track.path)
        else:
            try:
                size = self.songs.convert(track.file, path, track.path, aiff_bytes(track))
            except DecodeError:
                return NOT_CONVERTED
        number = self.playlists.add(track)
        folder = self._folder(path)
        earlier = self.songs.known.get(path, {}).get("added")
        added = earlier if isinstance(earlier, str) and DATE.fullmatch(earlier) else self.date
        self.songs.files[path] |= {"analysis": folder, "added": added}
        for suffix, data in self._analysis(track, path).items():
            self.songs.write(f"{folder}/ANLZ0000.{suffix}", data)
        self.rows.append(self._row(track, number, path, kind, size))
        return None

    def _converted(self, track: Track) -> str | None:
        """The suffix of a copy that must be converted; None for a plain copy."""
        assert track.bpm is not None and track.file is not None
        plain = track.file.suffix.lower() in PLAYED_BY_ALL
        coding = str(track.bpm.decoder.get("format", "")).lower()
        return ".aiff" if self.options.transcode and (not plain or "alac" in coding) else None

    def _folder(self, path: str) -> str:
        """The folder of a copy's grid, cues and waveforms. It depends on the path of the copy, so
        that a stick that is pulled out never shows a track with the files of another."""
        code = int.from_bytes(hashlib.sha1(path.encode(), usedforsecurity=False).digest()[:4])
        while (folder := f"{ANALYSIS}/P{code % 0x1000:03X}/{code:08X}") in self.analysis_folders:
            code = (code + 1) % 2**32
        self.analysis_folders.add(folder)
        return folder

    def finish(self) -> None:
        """Write the database, and the mark for later exports."""
        contents = Contents(
            self.date, self.rows, list(self.artists.numbers), list(self.albums.numbers),
            list(self.genres.numbers), list(self.labels.numbers), list(self.keys.numbers),
            self._playlists(), self.artwork.rows(),
        )  # fmt: skip
        self.songs.sync()
        self.songs.write(DATABASE, database(contents))
        self.songs.sync()
        self.songs.write_mark({"artwork": self.artwork.numbers})

    def _analysis(self, track: Track, path: str) -> dict[str, bytes]:
        """The three analysis files of a track, by suffix."""
        assert track.bpm is not None
        duration = track.bpm.duration or 0.0
        bands = read_waveform(Results(self.results).features(track.track), columns(duration))
        waves = waveforms(bands, duration)
        marks = player_cues(track, self.options)
        grid = player_grid(track)
        return {
            "DAT": anlz.dat_file(path, grid, marks, waves, seek_index(track)),
            "EXT": anlz.ext_file(path, grid, marks, waves, phrase_starts(track)),
            "2EX": anlz.two_ex_file(path, waves),
        }

    def remove_old(self) -> None:
        """Remove songs that no database lists now, with their grids, cues and waveforms."""
        self.songs.remove_old()
        self.artwork.remove_old()
        for facts in self.songs.known.values():
            folder = str(facts.get("analysis"))
            if ANALYSED.fullmatch(folder) and folder not in self.analysis_folders:
                for suffix in ("DAT", "EXT", "2EX"):
                    (self.root / folder / f"ANLZ0000.{suffix}").unlink(missing_ok=True)

    def _row(self, track: Track, number: int, path: str, kind: int, size: int) -> TrackRow:
        record = track.bpm
        assert record is not None
        assert track.file is not None
        converted = not path.endswith(track.file.suffix.lower())
        facts = song_facts(track, size, self.options.comment, converted)
        artist = self.artists.number(facts.artist)
        key_name = (
            notation.written(facts.key, self.options.key_notation) if facts.key is not None else ""
        )
        written = self.songs.files[path]
        return TrackRow(
            id=number,
            title=facts.title,
            file_name=path.rpartition("/")[2],
            file_path=path,
            analyze_path=f"/{written['analysis']}/ANLZ0000.DAT",
            file_size=size,
            file_type=kind,
            tempo=record.bpm or 0.0,
            duration=min(round(facts.duration), 0xFFFF),
            rate=int(record.decoder.get("sample_rate") or 44100),
            bitrate=facts.bitrate,
            comment=facts.comment,
            label=self.labels.number(facts.tags.label),
            rating=facts.tags.rating,
            remixer=self.artists.number(facts.tags.remixer),
            composer=self.artists.number(facts.tags.composer),
            number=facts.tags.number,
            artwork=self.artwork.add(track.file),
            artist=artist,
            album=self.albums.number((facts.album, artist) if facts.album else None),
            genre=self.genres.number(facts.genre),
            key=self.keys.number(key_name),
            year=facts.year,
            added=written["added"],
            analyzed=written["added"],
        )

    def _playlists(self) -> tuple[Playlist, ...]:
        """All tracks, and the playlists that all formats have; a folder precedes its contents."""
        everything = List("All tracks", tuple(row.id for row in self.rows))
        found: list[Playlist] = []

        def add(lists: Sequence[List], parent: int) -> None:
            for entry in lists:
                if entry.tracks or not entry.inside:
                    found.append(Playlist(len(found) + 1, entry.name, parent, False, entry.tracks))
                if entry.inside:
                    found.append(Playlist(len(found) + 1, entry.name, parent, is_folder=True))
                    add(entry.inside, len(found))

        add((everything, *self.playlists.lists()), 0)
        return tuple(found)


def aiff_bytes(track: Track) -> int:
    """The size in bytes of a track as AIFF with two channels of 24 bits, with a reserve."""
    assert track.bpm is not None
    rate = int(track.bpm.decoder.get("sample_rate") or 48000)
    return round(6 * rate * ((track.bpm.duration or 0.0) + 1))


def seek_index(track: Track) -> anlz.SeekIndex:
    """The index that players use to seek in an MP3; empty for other and unreadable files."""
    assert track.file is not None
    if track.file.suffix.lower() == ".mp3":
        with suppress(OSError):
            info = info_frame(track.file)
            found = spans(track.file, info.music, track.file.stat().st_size)
            if found:
                each = _samples_of_a_frame(track.file, found[0][0])
                count = info.declared or len(found)
                return anlz.SeekIndex(count * each, _seek_places(found, info.begin))
    return anlz.SeekIndex()


def _samples_of_a_frame(file: Path, place: int) -> int:
    with file.open("rb") as stream:
        stream.seek(place)
        return samples_of(stream.read(4))


def _seek_places(frames: Sequence[tuple[int, int]], begin: int) -> tuple[int, ...]:
    """Where each of SEEK_POINTS equal parts begins, in bytes after `begin`; () at a constant bit
    rate, where frames differ by at most a byte of padding."""
    lengths = {length for _, length in frames}
    if max(lengths) - min(lengths) <= 1:
        return ()
    return tuple(
        frames[part * len(frames) // anlz.SEEK_POINTS][0] - begin
        for part in range(anlz.SEEK_POINTS)
    )


def player_grid(track: Track) -> list[anlz.Beat]:
    """Every beat, with the tempo of its region of the grid."""
    record = track.bpm
    assert record is not None
    positions = bar_positions(record) or [(0, 1)] * len(record.beats)
    starts = [region.start for region in record.grid]
    beats = []
    at = 0
    for time, (_, number) in zip(record.beats, positions, strict=True):
        while at + 1 < len(starts) and starts[at + 1] <= time + 1e-6:
            at += 1
        tempo = record.grid[at].bpm if record.grid else record.bpm or 0.0
        beats.append(anlz.Beat(min(number, LAST_OF_BAR), tempo, time))
    return beats


def player_cues(track: Track, options: ExportOptions) -> list[anlz.PlayerCue]:
    """Hot cues, memory cues and loops of a track."""
    saved_loops = loops(track)
    memory = most_useful(cues(track), anlz.MAX_MEMORY - len(saved_loops))
    found = [anlz.PlayerCue(c.time, c.name, rgb(c.colour)) for c in memory]
    found += [
        anlz.PlayerCue(loop.start, loop.name, (255, 140, 0), end=loop.end) for loop in saved_loops
    ]
    found += [
        anlz.PlayerCue(cue.time, cue.name, rgb(cue.colour), pad)
        for pad, cue in pads(track, options.template)
    ]
    return found


def phrase_starts(track: Track) -> list[anlz.PhraseStart]:
    """The beats on which phrases begin, with the labels of their sections.

    [] without beats. Records without phrases (structure version 3 and before) give passages.
    """
    if track.structure is None or track.bpm is None or not track.bpm.beats:
        return []
    beats = track.bpm.beats
    found: list[anlz.PhraseStart] = []
    for start, label in _labelled_phrases(track.structure):
        beat = min(range(len(beats)), key=lambda i: abs(beats[i] - start)) + 1
        if not found or beat > found[-1].beat:
            found.append(anlz.PhraseStart(beat, label))
    return found


def _labelled_phrases(structure: StructureRecord) -> list[tuple[float, Label]]:
    """The start of each phrase, in seconds, and the label of its section."""
    if not structure.phrases:
        return [(passage.start, passage.label) for passage in passages(structure.sections)]
    return [(phrase.start, label) for phrase, label in labelled_phrases(structure)]


def verify(output: Path) -> list[str]:
    """A line for each missing or damaged file on an exported stick. Raises ConfigError."""
    files = check_stick(output, force=False)
    if not files and not (output / MARK).exists():
        raise ConfigError(f"{output}: contains no export of dropgrid")
    problems = Songs(output, NAME, files).problems()
    if size_of(output / DATABASE) is None:
        problems.append(f"{DATABASE}: missing")
    return problems
