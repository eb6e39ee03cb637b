"""Exports: finished records in the formats of DJ software and of research tools.

A format is a module of this room. It defines
    NAME, HELP    the name that users type, and a description in one line
    FILE          the output of the workflow's target below exports/: a file, or a folder if it
                  contains no dot; `file(options)` replaces it if it depends on the options
    NEEDS         the records that it requires, and "file" if the audio must be found
and one of
    render(tracks, options) -> (tracks, {suffix: bytes or chunks})    one file, suffix "", or a few
    render_track(track) -> {suffix: bytes}    files for each track, {track id}{suffix}
    render_table(results, waiting) -> (bytes, tracks, failed tracks)    from the library table;
        it adds the ids of tracks without records to waiting
or
    write_all(tracks, output, results, options, force, report) -> (tracks, tracks left out by
        reason), for a folder that is more than its files; it checks itself what it overwrites
or both of
    place(track) -> the path of a track's file below the output folder, or None
    write_track(track, file, options) -> why it could not be written, or None; for files that are
        too large for memory
It may define
    PLAYER        the program whose sample 0 of an MP3 the times refer to (dropgrid.audio.mp3)
    KEYS          True: it writes keys; or the name of the option with which it does. Keys of low
                  confidence are left out and reported
    UNSURE_KEYS   True: it also writes keys of low confidence, with their confidence
    OPTIONS       the names of the ExportOptions that it uses, besides those that all formats use
    ALONE         True: made only if the user asks for it by name, not with all exports
    IN_PIECES     True: pieces.piece makes its text of each track and caches it for later exports
    MARK          bytes near the start or end of its files, by which later exports recognise them
There is no other list of the formats: command, targets, configuration and tests find them here.
Times have six decimals as in the records, so every export reads back as exactly the same numbers.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..audio.mp3 import lead
from ..base.errors import ConfigError, InvalidReference
from ..base.files import rooted
from ..records.time_shift import shifted
from ..records.track import Moment, Track
from ..records.validate import check_id
from ..references.cue_sheet import tracklist_of
from ..results.layout import Results
from ..results.library_reader import BROKEN, WAITING, read_track, track_ids
from ..results.output_guard import check_folder, check_output, write_output
from .options import ExportOptions
from .pieces import Pieces, with_piece
from .sets import played_in

COMMON_OPTIONS = ("delay_profile", "min_confidence", "set")  # used by all formats except tables
PROGRESS_STEP = 1000  # tracks between two reports of progress


@cache
def formats() -> dict[str, Any]:
    """The modules of the formats by name, sorted by name."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = (importlib.import_module(f".{name}", __package__) for name in names)
    return {m.NAME: m for m in sorted(modules, key=_name) if hasattr(m, "NAME")}


def _name(module: Any) -> str:
    return str(getattr(module, "NAME", ""))


def format_of(name: str) -> Any:
    """The module of a format. Raises ConfigError.

    It tries the module of that name first, because importing all of them takes 0.3 s."""
    module_name = name.replace("-", "_")
    if any(module.name == module_name for module in pkgutil.iter_modules(__path__)):
        module = importlib.import_module(f".{module_name}", __package__)
        if _name(module) == name:
            return module
    if name not in formats():
        raise ConfigError(f"{name}: not a format; known: {', '.join(formats())}")
    return formats()[name]


def target(name: str, options: ExportOptions) -> tuple[str, str]:
    """(the file or folder that the workflow makes in a format, the command's arguments for it)."""
    form = format_of(name)
    file = form.file(options) if hasattr(form, "file") else form.FILE
    is_table = hasattr(form, "render_table")
    used = () if is_table else (*COMMON_OPTIONS, *getattr(form, "OPTIONS", ()))
    return file, options.arguments(used)


def export(
    name: str,
    results: Path,
    output: Path,
    options: ExportOptions | None = None,
    library: Path | None = None,
    force: bool = False,
    on_progress: Callable[[int], None] | None = None,
    report: Callable[[str], None] = lambda text: None,
) -> tuple[int, Counter[str]]:
    """Write the tracks of results in a format; (tracks written, tracks left out by reason).

    output: a file, or a folder for formats of several files. library: the folder of the audio, if
    it has moved. force: also overwrite files that dropgrid did not write
    (dropgrid.results.output_guard). on_progress: called every PROGRESS_STEP tracks with the number
    of tracks read. report: called with a line about each thing that was not written, such as a key
    of low confidence. Each file is written completely or not at all. Memory holds one track and
    the cached texts of the last export. Raises ConfigError, RecordError, OSError.
    """
    options = options or ExportOptions()
    form = format_of(name)
    check = partial(_check, results=results, force=force, mark=getattr(form, "MARK", None))
    if hasattr(form, "render_table"):
        return _export_table(form, results, output, options, check)
    left_out: Counter[str] = Counter()
    tracks = _finished(form, results, library, options, left_out, on_progress, report)
    if hasattr(form, "write_all"):
        written, reasons = form.write_all(tracks, output, results, options, force, report)
        return written, left_out + reasons
    if hasattr(form, "write_track"):
        return _export_files(form, tracks, output, check, left_out, options), left_out
    if hasattr(form, "render_track"):
        return _export_each(form, tracks, output, check), left_out
    several = hasattr(form, "file") and "." not in form.file(options)
    check_folder(output) if several else check(output)
    written, files = form.render(tracks, options)
    targets = {output / suffix if suffix else output: data for suffix, data in files.items()}
    for file in targets:
        check(file)
    for file, data in targets.items():
        write_output(file, data)
    return written, left_out


def _export_table(
    form: Any, results: Path, output: Path, options: ExportOptions, check: Callable[[Path], None]
) -> tuple[int, Counter[str]]:
    check(output)
    if options.delay_profile:
        raise ConfigError(f"--delay-profile: the {form.NAME} table has the times of the records")
    waiting: list[str] = []
    data, written, failed = form.render_table(results, waiting)
    write_output(output, data)
    left_out = Counter({"failed in the analysis": failed, WAITING: len(waiting)})
    return written, +left_out


def _export_each(
    form: Any, tracks: Iterator[Track], output: Path, check: Callable[[Path], None]
) -> int:
    check_folder(output)
    output.mkdir(parents=True, exist_ok=True)
    written = 0
    for track in tracks:
        for suffix, data in form.render_track(track).items():
            file = output / f"{check_id(track.track)}{suffix}"
            check(file)
            write_output(file, data)
        written += 1
    return written


def _export_files(
    form: Any,
    tracks: Iterator[Track],
    output: Path,
    check: Callable[..., None],
    left_out: Counter[str],
    options: ExportOptions,
) -> int:
    check_folder(output)
    output.mkdir(parents=True, exist_ok=True)
    written = 0
    for track in tracks:
        where = form.place(track)
        if where is None:
            left_out["this export does not support the file format"] += 1
            continue
        check(output / where, source=track.file, audio=True)
        reason = form.write_track(track, output / where, options)
        written += reason is None
        if reason is not None:
            left_out[reason] += 1
    return written


def _check(
    file: Path,
    results: Path,
    force: bool,
    mark: bytes | None,
    source: Path | None = None,
    audio: bool = False,
) -> None:
    """Refuse to overwrite the inputs of the export, and files that dropgrid did not write."""
    files = Results(results)
    read = [files.scan, files.table, files.parquet]
    read += [] if source is None else [source]
    check_output(file, read, force=force, audio=audio, trusted=files.exports, mark=mark)


def _finished(
    form: Any,
    results: Path,
    library: Path | None,
    options: ExportOptions,
    left_out: Counter[str],
    on_progress: Callable[[int], None] | None,
    report: Callable[[str], None],
) -> Iterator[Track]:
    """The tracks that can be exported, shifted to the player's time; counts those left out."""
    player = options.delay_profile or getattr(form, "PLAYER", None)
    kinds = Results(results).kinds()
    for need in sorted(form.NEEDS - {"file"}):
        if kinds and need not in kinds:
            raise ConfigError(f"{results}: contains no {need} records; this format needs them")
    pieces = _pieces(form, results, library, options, player)
    played = played_in(options.set)
    finisher = _Finisher(form, results, kinds, library, options, player, played, left_out)
    ids = track_ids(results)
    for count, name in enumerate(ids, start=1):
        if on_progress and count % PROGRESS_STEP == 0:
            on_progress(count)
        if pieces:
            yield from _from_pieces(pieces, finisher, name, report)
        else:
            yield from finisher.track(name, report)
    if pieces:
        pieces.save(ids)
    if unknown := finisher.unknown_starts:
        report(
            f"{unknown} {'track does' if unknown == 1 else 'tracks do'} not declare where the "
            "music begins (AAC, WMA); other programs may show times 50 ms off, see docs/dj.md"
        )


@dataclass
class _Finisher:
    """Prepares tracks for a format.

    unknown_starts: the number of tracks that do not declare where their music begins.
    unreadable_tracklists: the number of tracks whose tracklist could not be read."""

    form: Any
    results: Path
    kinds: Sequence[str]
    library: Path | None
    options: ExportOptions
    player: str | None
    played: Mapping[str, tuple[Moment, ...]]
    left_out: Counter[str]
    unknown_starts: int = 0
    unreadable_tracklists: int = 0

    def track(
        self,
        name: str,
        report: Callable[[str], None],
        on_read: Callable[[Track], object] = bool,
    ) -> Iterator[Track]:
        """The track, or nothing if it is left out. on_read: called with it when only its records
        have been read."""
        track = read_track(self.results, name, self.kinds, self.library, True)
        needs = sorted(self.form.NEEDS - {"file"})
        if track is None or any(getattr(track, need) is None for need in needs):
            self.left_out[WAITING] += 1
            return
        if "file" in self.form.NEEDS and track.file is None:
            raise ConfigError(
                f"{self.results}: does not contain the path of the audio; give --library"
            )
        if reason := _why_left_out(track, self.options.min_confidence):
            self.left_out[reason] += 1
            return
        on_read(track)
        track = _without_unsure_key(self.form, track, self.options, report)
        track = self._with_tracklist(track, report)
        track = replace(track, blends=self.played.get(track.track, ()))
        decoder = track.bpm.decoder if track.bpm else {}
        self.unknown_starts += decoder.get("start_known") is False
        yield shifted(track, lead(decoder, self.player))

    def _with_tracklist(self, track: Track, report: Callable[[str], None]) -> Track:
        """The track with the tracklist next to its file, if it is a mix."""
        if track.file is None:
            return track
        try:
            return replace(track, tracklist=tracklist_of(track.file, track.record.duration))
        except InvalidReference as error:
            self.unreadable_tracklists += 1
            report(f"{error}; using the cues of the analysis instead")
            return track


def _from_pieces(
    pieces: Pieces, finisher: _Finisher, name: str, report: Callable[[str], None]
) -> Iterator[Track]:
    """The cached track; if there is none, the track from its files, whose text is then cached.

    A text is not cached if the tracklist could not be read: a disk may fail only once."""
    look = pieces.look(name)
    if cached := pieces.cached(look):
        finisher.unknown_starts += cached.unknown_start
        for line in cached.notes:
            report(line)
        yield cached.track
        return
    notes: list[str] = []
    files: list[tuple[bytes, bool]] = []
    unknown, unreadable = finisher.unknown_starts, finisher.unreadable_tracklists
    for track in finisher.track(name, notes.append, lambda t: files.append(pieces.files_of(t))):
        for line in notes:
            report(line)
        made = with_piece(track)
        yield made
        if finisher.unreadable_tracklists == unreadable:
            pieces.store(look, made, files[0], notes, finisher.unknown_starts > unknown)


def _pieces(
    form: Any, results: Path, library: Path | None, options: ExportOptions, player: str | None
) -> Pieces | None:
    """The cache of a format's texts; None for formats that are not made in pieces, and if the
    texts depend on other files."""
    if not getattr(form, "IN_PIECES", False) or options.set or options.merge:
        return None
    return Pieces(results, form.NAME, [library and str(rooted(library)), player, options])


def _without_unsure_key(
    form: Any, track: Track, options: ExportOptions, report: Callable[[str], None]
) -> Track:
    """The track without its key, if that has low confidence and the format cannot say so."""
    key = track.key
    if (
        key is None
        or key.key is None
        or key.has_confident_key
        or getattr(form, "UNSURE_KEYS", False)
    ):
        return track
    writes_keys = getattr(form, "KEYS", False)
    if getattr(options, writes_keys) if isinstance(writes_keys, str) else writes_keys:
        report(f"{track.path}: key left out, unsure: {key.camelot}? ({key.confidence or 0:.2f})")
    return replace(track, key=replace(key, key=None, camelot=None, open_key=None, segments=()))


def _why_left_out(track: Track, min_confidence: float) -> str | None:
    """Why a track is not exported; None if it is."""
    if not track.ok:
        failures = [r.error for r in (track.bpm, track.structure, track.key) if r and r.error]
        broken = any(failure.type == BROKEN for failure in failures)
        return "record cannot be read" if broken else "failed in the analysis"
    if track.bpm and (track.bpm.confidence or 0.0) < min_confidence:
        return f"confidence below {min_confidence:g}"
    return None
