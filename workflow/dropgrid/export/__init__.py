"""Exports: finished records in the formats of DJ software and of research tools.

A format is a module with either
    render(tracks, options) -> (tracks, {suffix: bytes})    one file, suffix "", or a few; or
    render_track(track) -> {suffix: bytes}    files for each track, {track id}{suffix}
and NEEDS, the records it cannot do without. Times have the records' six decimals, so that every
export reads back as the very same numbers.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..base.errors import ConfigError
from ..base.files import write_atomically
from ..key import notation
from ..records.check import check_id
from ..records.track import Track
from ..results.layout import Results
from ..results.outputs import check_folder, check_output
from ..results.reading import BROKEN, iterate_library
from ..settings.options import check_ranges, range_name

# Format -> what it is, one line each for `dropgrid export --help`.
FORMATS = {
    "rekordbox": "rekordbox XML collection: beat grids, cues, playlists (one file)",
    "jams": "JAMS: tempo, beats, sections (a file per track)",
    "beats": ".beats: time and position in the bar (a file per track)",
    "lab": ".lab: start, end and label of the sections (a file per track)",
    "audacity": "Audacity label track: sections and drops (a file per track)",
    "sonic-visualiser": "Sonic Visualiser layers: beats, sections as CSV (two files per track)",
    "m3u8": "playlist of the library (one file; one per range with --bpm-ranges)",
    "csv": "the library table (one file)",
    "parquet": "the library table (one file)",
}

TABLES = ("csv", "parquet")  # made from the library table, not from records


@dataclass(frozen=True)
class ExportOptions:
    """Options of the exports.

    delay_profile: the player whose sample 0 of an MP3 the times refer to (export.delay), None
    for the decoder's of the analysis; bpm_ranges: edges of ranges [low, high) for playlists;
    key_notation: how keys are written, where a format leaves the choice; by_key: playlists by
    key, not by BPM range.
    Raises ValueError.
    """

    delay_profile: str | None = None
    bpm_ranges: tuple[float, ...] = ()
    key_notation: notation.Notation = "musical"
    by_key: bool = False

    def __post_init__(self) -> None:
        check_ranges(self.bpm_ranges)
        if self.key_notation not in notation.NOTATIONS:
            raise ValueError(
                f"key_notation: {self.key_notation!r} is none of {', '.join(notation.NOTATIONS)}"
            )

    def target(self, name: str) -> tuple[str, str]:
        """(the file, or folder, the workflow makes of a format; the command's options for it)."""
        profile = self.delay_profile if name not in TABLES else None
        by_key = self.by_key and name == "m3u8"
        edges = self.bpm_ranges if name in ("rekordbox", "m3u8") and not by_key else ()
        files = {"rekordbox": "rekordbox.xml", "m3u8": "library.m3u8"}
        files |= {table: f"library.{table}" for table in TABLES}
        several = name == "m3u8" and (edges or by_key)
        file = "playlists" if several else files.get(name, name)
        arguments = [f"--delay-profile {profile}"] if profile else []
        arguments += ["--by-key"] if by_key else []
        if name == "rekordbox" and self.key_notation != "musical":
            arguments.append(f"--key-notation {self.key_notation}")
        arguments += [f"--bpm-ranges {' '.join(f'{edge:g}' for edge in edges)}"] if edges else []
        return file, " ".join(arguments)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """The ranges [low, high) between neighbouring edges, by name: "120-126"."""
        return {range_name(low, high): (low, high) for low, high in pairwise(self.bpm_ranges)}


def export(
    name: str,
    results: Path,
    output: Path,
    options: ExportOptions | None = None,
    library: Path | None = None,
    force: bool = False,
) -> tuple[int, Counter[str]]:
    """Write the tracks of results in a format; (tracks written, tracks left out by reason).

    output: a file, or a folder for formats of several files; library: where the audio lies now.
    force: over files that are not ours too (dropgrid.results.outputs). Each file is written whole
    or not at all. Raises ConfigError, RecordError, OSError.
    """
    options = options or ExportOptions()
    module = _module(name)
    check = partial(_check, results=results, force=force)
    if name in TABLES:
        check(output)
        if options.delay_profile:
            raise ConfigError(f"--delay-profile: the {name} table holds the records' own times")
        data, written, failed = module.render(results, name)
        write_atomically(output, data)
        return written, Counter({"failed in the analysis": failed} if failed else {})
    left_out: Counter[str] = Counter()
    tracks = _finished(results, library, module.NEEDS, options, left_out)
    written = 0
    if hasattr(module, "render_track"):
        check_folder(output)
        output.mkdir(parents=True, exist_ok=True)
        for track in tracks:
            for suffix, data in module.render_track(track).items():
                file = output / f"{check_id(track.track)}{suffix}"
                check(file)
                write_atomically(file, data)
            written += 1
    else:
        if not options.bpm_ranges or name != "m3u8":
            check(output)
        written, files = module.render(tracks, options)
        targets = {output / suffix if suffix else output: data for suffix, data in files.items()}
        for file in targets:
            check(file)
        for file, data in targets.items():
            write_atomically(file, data)
    return written, left_out


def _check(file: Path, results: Path, force: bool) -> None:
    """Refuse to write over what the export reads, and over what is not ours."""
    names = ("scan.json", *(f"library.{table}" for table in TABLES))
    read = [results / name for name in names]
    check_output(file, read, force=force, trusted=Results(results).exports)


def _module(name: str) -> Any:
    if name not in FORMATS:
        raise ConfigError(f"{name}: not a format; known: {', '.join(FORMATS)}")
    modules = {"sonic-visualiser": "sonic_visualiser", "csv": "table", "parquet": "table"}
    return importlib.import_module(f".{modules.get(name, name)}", __package__)


def _finished(
    results: Path,
    library: Path | None,
    needs: frozenset[str],
    options: ExportOptions,
    left_out: Counter[str],
) -> Iterator[Track]:
    """The tracks that can be exported, moved to the profile's time; the others are counted."""
    from .delay import delay_shift, shifted

    for track in iterate_library(results, library):
        for need in sorted(needs - {"file"}):
            if getattr(track, need) is None:
                raise ConfigError(f"{results}: holds no {need} records; this format needs them")
        if "file" in needs and track.file is None:
            raise ConfigError(f"{results}: does not tell where the audio lies; give --library")
        if not track.ok:
            failures = [r.error for r in (track.bpm, track.structure) if r and r.error]
            unread = any(failure.type == BROKEN for failure in failures)
            left_out["record cannot be read" if unread else "failed in the analysis"] += 1
            continue
        yield shifted(track, delay_shift(track, options.delay_profile))
