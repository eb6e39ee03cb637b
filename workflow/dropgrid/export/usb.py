"""A USB stick that Pioneer DJ players read, without rekordbox.

The stick's folder gets `Contents/` (copies of the songs), `PIONEER/USBANLZ/` (grid, cues,
waveforms and phrases of each) and, last of all, `PIONEER/rekordbox/export.pdb`. So a stick that is
pulled out before the end still shows what it held before. What is there already is kept where it
is the same. A stick that something else has written is refused.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..base.errors import ConfigError
from ..features.waveform import read_waveform
from ..key import notation
from ..players import analysis_file as anlz
from ..players.database import Contents, Playlist, database
from ..players.device_sql import FILE_TYPES, TrackRow
from ..players.waveform import columns, waveforms
from ..records.cue_points import cues, loops, most_useful, pads
from ..records.model import Label, StructureRecord
from ..records.passages import passages
from ..records.track import Track
from ..results.layout import Results
from ..results.output_guard import check_folder
from .cues import bar_positions, text_tag, title
from .stick_songs import MARKS, Songs, check_links, copies, read_mark, rgb, size_of, write_changed

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "usb"
HELP = "USB stick for Pioneer DJ players, without rekordbox (beta; copies the songs)"
FILE = "usb"
KEYS = True
NEEDS = frozenset({"bpm", "file"})
PLAYER = "rekordbox"
OPTIONS = ("cues", "key_notation", "bpm_ranges")
ALONE = True  # as large as the library: only where it is asked for by name

MARK = MARKS[NAME]
DATABASE = "PIONEER/rekordbox/export.pdb"
FOLDERS = ("Contents", "PIONEER", "PIONEER/rekordbox", "PIONEER/USBANLZ")
LAST_OF_BAR = 4  # the players count no further: a bar of five ends in 4, 4
NOT_PLAYED = "of a format that the players do not play"


@dataclass
class Names:
    """Names numbered from 1 in the order in which they come."""

    numbers: dict[Any, int] = field(default_factory=dict)

    def number(self, name: Any) -> int:
        """The number of a name, a new one for a new name; 0 for none."""
        return self.numbers.setdefault(name, len(self.numbers) + 1) if name else 0


def write_all(
    tracks: Iterator[Track],
    output: Path,
    results: Path,
    options: ExportOptions,
    force: bool,
    tell: Callable[[str], None],
) -> tuple[int, Counter[str]]:
    """Write the stick; (tracks on it, tracks left out by reason). Raises ConfigError, OSError."""
    known = check_stick(output, force)
    left_out: Counter[str] = Counter()
    stick = Stick(output, results, options, known)
    for track in tracks:
        reason = stick.add(track)
        if reason:
            left_out[reason] += 1
    stick.finish()
    stick.songs.remove_old()
    return len(stick.rows), left_out


def check_stick(output: Path, force: bool) -> dict[str, Any]:
    """What an earlier export of ours wrote, by the path of the copy. Raises ConfigError."""
    check_folder(output)
    check_links(output, FOLDERS)
    mark = read_mark(output, NAME, force)
    if mark is None and (output / "PIONEER").exists() and not force:
        raise ConfigError(
            f"--output: {output}: holds an export that dropgrid did not make; "
            "--replace replaces its database"
        )
    return copies(mark)


class Stick:
    """A stick while it is written: songs and their files first, the database last."""

    def __init__(
        self, root: Path, results: Path, options: ExportOptions, known: dict[str, Any]
    ) -> None:
        self.root, self.results, self.options = root, results, options
        self.songs = Songs(root, NAME, known)
        self.rows: list[TrackRow] = []
        self.artists, self.albums, self.genres, self.keys = Names(), Names(), Names(), Names()
        self.folders: dict[str, list[int]] = {}
        self.tempos: list[float | None] = []
        self.date = date.today().isoformat()

    def add(self, track: Track) -> str | None:
        """Copy a song and write its files; why it is left out, if it is."""
        assert track.bpm is not None and track.file is not None  # NEEDS says so
        kind = FILE_TYPES.get(track.file.suffix.lower())
        if kind is None:
            return NOT_PLAYED
        if not track.file.is_file():
            return "the song is no longer there"
        path = self.songs.place(track)
        size = self.songs.copy(track.file, path)
        number = len(self.rows) + 1
        folder = f"PIONEER/USBANLZ/P{number // 256:03X}/{number:08X}"
        for suffix, data in self._analysis(track, path).items():
            write_changed(self.root / folder / f"ANLZ0000.{suffix}", data)
        self.rows.append(self._row(track, number, path, folder, kind, size))
        self.folders.setdefault(str(PurePosixPath(track.path).parent), []).append(number)
        self.tempos.append(track.bpm.bpm)
        return None

    def finish(self) -> None:
        """Write the database, and what an export after this one has to know."""
        contents = Contents(
            self.date, self.rows, list(self.artists.numbers), list(self.albums.numbers),
            list(self.genres.numbers), (), list(self.keys.numbers), self._playlists(),
        )  # fmt: skip
        write_changed(self.root / DATABASE, database(contents))
        self.songs.write_mark()

    def _analysis(self, track: Track, path: str) -> dict[str, bytes]:
        """The two files of a track."""
        assert track.bpm is not None
        duration = track.bpm.duration or 0.0
        bands = read_waveform(Results(self.results).features(track.track), columns(duration))
        waves = waveforms(bands, duration)
        marks = player_cues(track, self.options)
        grid = player_grid(track)
        return {
            "DAT": anlz.dat_file(path, grid, marks, waves),
            "EXT": anlz.ext_file(path, marks, waves, phrase_starts(track), len(grid)),
        }

    def _row(
        self, track: Track, number: int, path: str, folder: str, kind: int, size: int
    ) -> TrackRow:
        record = track.bpm
        assert record is not None
        artist = self.artists.number(text_tag(track, "artist"))
        album = text_tag(track, "album")
        key = notation.parse(track.key.key) if track.key and track.key.key else None
        named = "" if key is None else notation.written(key, self.options.key_notation)
        duration = record.duration or 0.0
        year = text_tag(track, "year")[:4]
        return TrackRow(
            id=number,
            title=title(track),
            file_name=path.rpartition("/")[2],
            file_path=path,
            analyze_path=f"/{folder}/ANLZ0000.DAT",
            file_size=size,
            file_type=kind,
            tempo=record.bpm or 0.0,
            duration=min(round(duration), 0xFFFF),
            rate=int(record.decoder.get("sample_rate") or 44100),
            bitrate=round(8 * size / duration / 1000) if duration else 0,
            artist=artist,
            album=self.albums.number((album, artist) if album else None),
            genre=self.genres.number(text_tag(track, "genre")),
            key=self.keys.number(named),
            year=int(year) if year.isdigit() and len(year) == 4 else 0,
            added=self.date,
            analyzed=self.date,
        )

    def _playlists(self) -> tuple[Playlist, ...]:
        """All tracks, a folder of playlists by the library's folders, one by ranges of BPM."""
        found = [Playlist(1, "All tracks", tracks=tuple(row.id for row in self.rows))]
        inner = {name: ids for name, ids in sorted(self.folders.items()) if name != "."}
        if inner:
            parent = len(found) + 1
            found.append(Playlist(parent, "Folders", is_folder=True))
            for name, ids in inner.items():
                found.append(Playlist(len(found) + 1, name, parent, tracks=tuple(ids)))
        ranges = self.options.ranges()
        if ranges:
            parent = len(found) + 1
            found.append(Playlist(parent, "BPM", is_folder=True))
            for name, (low, high) in ranges.items():
                ids = [i for i, bpm in enumerate(self.tempos, 1) if bpm and low <= bpm < high]
                found.append(Playlist(len(found) + 1, name, parent, tracks=tuple(ids)))
        return tuple(found)


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
    held = loops(track)
    memory = most_useful(cues(track), anlz.MOST_MEMORY - len(held))
    found = [anlz.PlayerCue(c.time, c.name, rgb(c.colour)) for c in memory]
    found += [anlz.PlayerCue(loop.start, loop.name, (255, 140, 0), end=loop.end) for loop in held]
    found += [
        anlz.PlayerCue(cue.time, cue.name, rgb(cue.colour), pad)
        for pad, cue in pads(track, options.template)
    ]
    return found


def phrase_starts(track: Track) -> list[anlz.PhraseStart]:
    """The phrases by the beats on which they begin, with the labels of their sections.

    [] without beats. Of a record without phrases (structure version 3 and before): the passages.
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
    """Where each phrase begins, in seconds, and the label of the section that it lies in."""
    if not structure.phrases:
        return [(passage.start, passage.label) for passage in passages(structure.sections)]
    starts = [section.start for section in structure.sections]
    return [
        (phrase.start, structure.sections[max(0, bisect_right(starts, phrase.start) - 1)].label)
        for phrase in structure.phrases
    ]


def verify(output: Path) -> list[str]:
    """What is missing or damaged on a stick of ours: a line each. Raises ConfigError."""
    files = check_stick(output, force=False)
    if not files and not (output / MARK).exists():
        raise ConfigError(f"{output}: holds no export of dropgrid")
    wrong = Songs(output, NAME, files).wrong()
    if size_of(output / DATABASE) is None:
        wrong.append(f"{DATABASE}: missing")
    return wrong
