"""Exports: finished records in the formats of DJ software and of research tools.

A format is a module of this room that says
    NAME, HELP    as people type it, and what it is in a line
    FILE          what the workflow's target makes below exports/: a file, or without a dot in it
                  a folder; a function `file(options)` says it where it depends on the options
    NEEDS         the records that it cannot do without, and "file" where the audio must be found
and has one of
    render(tracks, options) -> (tracks, {suffix: bytes or chunks})    one file, suffix "", or a few
    render_track(track) -> {suffix: bytes}    files for each track, {track id}{suffix}
    render_table(results, waiting) -> (bytes, tracks, failed tracks)    from the library table;
        waiting: gets the ids of tracks without records
or
    write_all(tracks, output, results, options, force, tell) -> (tracks, tracks left out by
        reason), for a folder that is more than its files; it guards what it writes over by itself
or both of
    place(track) -> where a file of its own lies below the output folder, None for none
    write_track(track, file, options) -> why it could not be written; for files too large to hold
It may say
    PLAYER        the program whose sample 0 of an MP3 it is for (dropgrid.audio.mp3)
    KEYS          True, or the name of the option with which it does: it writes keys, and those
                  that are unsure are left out and reported
    UNSURE_KEYS   True: it writes them, too, with their confidence
    OPTIONS       the names of the ExportOptions that it heeds, beside those that all do
    ALONE         True: only made where it is asked for by name, not among all exports
    IN_PIECES     True: its text of each track is made by pieces.piece, and kept from export to
                  export
    MARK          bytes near either end of its files by which a later export recognises them
Nothing else lists the formats: command, targets, configuration and tests find them here. Times
have the records' six decimals, so that every export reads back as the very same numbers.
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
from ..references.cue_sheet import beside
from ..results.layout import Results
from ..results.library_reader import BROKEN, WAITING, read_track, track_ids
from ..results.output_guard import check_folder, check_output, write_output
from .options import ExportOptions
from .pieces import Pieces, with_piece
from .sets import played_in

OF_ALL = ("delay_profile", "min_confidence", "set")  # options that every format heeds but tables
STEP = 1000  # tracks between two words on how far an export has come


@cache
def formats() -> dict[str, Any]:
    """The modules of the formats by name, in the order of the names."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = (importlib.import_module(f".{name}", __package__) for name in names)
    return {m.NAME: m for m in sorted(modules, key=_name) if hasattr(m, "NAME")}


def _name(module: Any) -> str:
    return str(getattr(module, "NAME", ""))


def format_of(name: str) -> Any:
    """The module of a format. Raises ConfigError.

    The one that is called so is looked at first: all of them take .3 s to import."""
    alike = name.replace("-", "_")
    if any(module.name == alike for module in pkgutil.iter_modules(__path__)):
        module = importlib.import_module(f".{alike}", __package__)
        if _name(module) == name:
            return module
    if name not in formats():
        raise ConfigError(f"{name}: not a format; known: {', '.join(formats())}")
    return formats()[name]


def target(name: str, options: ExportOptions) -> tuple[str, str]:
    """(the file, or folder, the workflow makes of a format; the command's arguments for it)."""
    form = format_of(name)
    file = form.file(options) if hasattr(form, "file") else form.FILE
    heeded = () if hasattr(form, "render_table") else (*OF_ALL, *getattr(form, "OPTIONS", ()))
    return file, options.arguments(heeded)


def export(
    name: str,
    results: Path,
    output: Path,
    options: ExportOptions | None = None,
    library: Path | None = None,
    force: bool = False,
    say: Callable[[int], None] | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[int, Counter[str]]:
    """Write the tracks of results in a format; (tracks written, tracks left out by reason).

    output: a file, or a folder for formats of several files; library: where the audio lies now.
    force: over files that are not dropgrid's too (dropgrid.results.output_guard).
    say: called now and then with how many tracks were read; tell: called, track by track, with
    what of it was not written, such as a key that is unsure. Each file is written whole or not
    at all; in memory are no more than one track and the texts kept of the last export. Raises
    ConfigError, RecordError, OSError.
    """
    options = options or ExportOptions()
    form = format_of(name)
    check = partial(_check, results=results, force=force, mark=getattr(form, "MARK", None))
    if hasattr(form, "render_table"):
        return _export_table(form, results, output, options, check)
    left_out: Counter[str] = Counter()
    tracks = _finished(form, results, library, options, left_out, say, tell)
    if hasattr(form, "write_all"):
        written, reasons = form.write_all(tracks, output, results, options, force, tell)
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
        raise ConfigError(f"--delay-profile: the {form.NAME} table holds the records' own times")
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
            left_out["of a format that this export does not know"] += 1
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
    """Refuse to write over what the export reads, and over what dropgrid did not write."""
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
    say: Callable[[int], None] | None,
    tell: Callable[[str], None],
) -> Iterator[Track]:
    """The tracks that can be exported, moved to the player's time; the others are counted."""
    player = options.delay_profile or getattr(form, "PLAYER", None)
    kinds = Results(results).kinds()
    for need in sorted(form.NEEDS - {"file"}):
        if kinds and need not in kinds:
            raise ConfigError(f"{results}: holds no {need} records; this format needs them")
    kept = _pieces(form, results, library, options, player)
    played = played_in(options.set)
    finisher = _Finisher(form, results, kinds, library, options, player, played, left_out)
    ids = track_ids(results)
    for count, name in enumerate(ids, start=1):
        if say and count % STEP == 0:
            say(count)
        yield from _from_pieces(kept, finisher, name, tell) if kept else finisher.track(name, tell)
    if kept:
        kept.save(ids)
    if unknown := finisher.unknown:
        tell(
            f"{unknown} {'track does' if unknown == 1 else 'tracks do'} not tell where the music "
            "begins (AAC, WMA); in another program the times may be 50 ms off, see docs/dj.md"
        )


@dataclass
class _Finisher:
    """Makes tracks ready for a format. unknown: how many do not tell where their music begins;
    unread: how many have a tracklist that could not be read."""

    form: Any
    results: Path
    kinds: Sequence[str]
    library: Path | None
    options: ExportOptions
    player: str | None
    played: Mapping[str, tuple[Moment, ...]]
    left_out: Counter[str]
    unknown: int = 0
    unread: int = 0

    def track(
        self,
        name: str,
        tell: Callable[[str], None],
        on_read: Callable[[Track], object] = bool,
    ) -> Iterator[Track]:
        """The track, or nothing where it is left out. on_read: hears of it before anything but its
        records is read."""
        track = read_track(self.results, name, self.kinds, self.library, True)
        needs = sorted(self.form.NEEDS - {"file"})
        if track is None or any(getattr(track, need) is None for need in needs):
            self.left_out[WAITING] += 1
            return
        if "file" in self.form.NEEDS and track.file is None:
            raise ConfigError(
                f"{self.results}: does not tell where the audio lies; give --library"
            )
        if reason := _why_left_out(track, self.options.min_confidence):
            self.left_out[reason] += 1
            return
        on_read(track)
        track = self._with_tracklist(_with_sure_key(self.form, track, self.options, tell), tell)
        track = replace(track, blends=self.played.get(track.track, ()))
        decoder = track.bpm.decoder if track.bpm else {}
        self.unknown += decoder.get("start_known") is False
        yield shifted(track, lead(decoder, self.player))

    def _with_tracklist(self, track: Track, tell: Callable[[str], None]) -> Track:
        """The track with the tracklist that lies beside its file, if it is a mix."""
        if track.file is None:
            return track
        try:
            return replace(track, tracklist=beside(track.file, track.record.duration))
        except InvalidReference as error:
            self.unread += 1
            tell(f"{error}; the cues are those of the analysis")
            return track


def _from_pieces(
    pieces: Pieces, finisher: _Finisher, name: str, tell: Callable[[str], None]
) -> Iterator[Track]:
    """The track as it was kept, or as it is read, and its text is kept then, unless its
    tracklist could not be read: a disk may fail now and not the next time."""
    look = pieces.look(name)
    if kept := pieces.kept(look):
        finisher.unknown += kept.unknown
        for line in kept.told:
            tell(line)
        yield kept.track
        return
    told: list[str] = []
    files: list[tuple[bytes, bool]] = []
    unknown, unread = finisher.unknown, finisher.unread
    for track in finisher.track(name, told.append, lambda t: files.append(pieces.files_of(t))):
        for line in told:
            tell(line)
        made = with_piece(track)
        yield made
        if finisher.unread == unread:
            pieces.keep(look, made, files[0], told, finisher.unknown > unknown)


def _pieces(
    form: Any, results: Path, library: Path | None, options: ExportOptions, player: str | None
) -> Pieces | None:
    """What is kept of a format's tracks; None for formats that are not made in pieces, and where
    the texts depend on other files."""
    if not getattr(form, "IN_PIECES", False) or options.set or options.merge:
        return None
    return Pieces(results, form.NAME, [library and str(rooted(library)), player, options])


def _with_sure_key(
    form: Any, track: Track, options: ExportOptions, tell: Callable[[str], None]
) -> Track:
    """The track without its key, where that is unsure and the format has no word for it."""
    key = track.key
    if (
        key is None
        or key.key is None
        or key.has_confident_key
        or getattr(form, "UNSURE_KEYS", False)
    ):
        return track
    with_keys = getattr(form, "KEYS", False)
    if getattr(options, with_keys) if isinstance(with_keys, str) else with_keys:
        tell(f"{track.path}: key left out, unsure: {key.camelot}? ({key.confidence or 0:.2f})")
    return replace(track, key=replace(key, key=None, camelot=None, open_key=None, segments=()))


def _why_left_out(track: Track, min_confidence: float) -> str | None:
    """Why a track is not exported; None where it is."""
    if not track.ok:
        failures = [r.error for r in (track.bpm, track.structure, track.key) if r and r.error]
        unread = any(failure.type == BROKEN for failure in failures)
        return "record cannot be read" if unread else "failed in the analysis"
    if track.bpm and (track.bpm.confidence or 0.0) < min_confidence:
        return f"confidence below {min_confidence:g}"
    return None
