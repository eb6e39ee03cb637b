"""Evaluates a folder of results against references: reads, matches, samples, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import ConfigError, MissingRecord, RecordError
from ..base.optional_packages import has, lacking
from ..key import notation
from ..records.model import ANALYSES, BpmRecord, KeyRecord, StructureRecord
from ..records.store import as_computed
from ..records.ticket import TRACK_ID, read_ticket
from ..references.annotation import Annotation
from ..references.collect import CORRECTIONS, TAGS, Rank, read_sources
from ..references.matching import LeftOut, Reference, Tracks, match
from ..references.serato import SERATO, read_file
from ..results.layout import Results
from ..results.library_reader import path_of, record_or_failure
from ..results.scan_store import read_scan
from . import rows as tasks
from . import systems
from .from_corrections import corrected_annotations

CHUNK = 8  # tracks that a process gets at once


@dataclass(frozen=True)
class EvaluationOptions:
    """The `evaluation` section of the configuration."""

    references: tuple[str, ...] = (TAGS,)  # files, folders, TAGS or SERATO
    sample_size: int | None = None  # evaluate only this many tracks
    sample_seed: int = 0  # for the sample and the bootstrap

    def __post_init__(self) -> None:
        if "" in self.references:
            raise ValueError("references: an empty path")
        if self.sample_size is not None and self.sample_size < 1:
            raise ValueError(f"sample_size must be at least 1, not {self.sample_size}")
        if self.sample_seed < 0:
            raise ValueError(f"sample_seed must be at least 0, not {self.sample_seed}")


@dataclass(frozen=True)
class Gathered:
    """The scored rows, and how the references matched the library."""

    rows: tasks.Rows
    tracks: int  # in the library
    referenced: int  # of them, with a reference
    evaluated: int  # of them, in the sample
    ways: dict[str, int]  # references found by id, path, name
    left_out: tuple[LeftOut, ...]
    without_reference: tuple[str, ...]


def gather(
    results: Path, options: EvaluationOptions, library: str | None = None, threads: int = 1
) -> Gathered:
    """Score every track that has a reference, in the order of the track ids.

    library: the library's root, for absolute paths in references; by default the root of the
    scan. threads: the number of processes, which does not change any result. A forged or damaged
    record counts as not analysed. For a corrected track, the result of the analysis is scored.
    Raises InvalidReference, InvalidCorrection; ConfigError if scores of beats or sections are
    needed and mir_eval is missing.
    """
    paths, root = _library(results)
    unreadable: list[LeftOut] = []
    references, left_out, ways = _references(results, options, paths, library or root, unreadable)
    chosen = _sample(sorted(references), options)
    rows = tasks.Rows()
    for scored in _scored([references[track] for track in chosen], results, threads):
        rows.extend(scored)
    rows.drop_redundant()
    return Gathered(
        rows=rows,
        tracks=len(paths),
        referenced=len(references),
        evaluated=len(chosen),
        ways=ways,
        left_out=tuple(sorted({*left_out, *rows.left_out, *unreadable})),
        without_reference=tuple(sorted(set(paths) - set(references))),
    )


def gather_systems(
    results: Path,
    options: EvaluationOptions,
    estimates: Mapping[str, str],
    library: str | None = None,
) -> tuple[list[systems.Case], list[LeftOut]]:
    """The cases of every track that has a reference, and the answers that match no track.

    estimates: a file or folder of answers for each system, by name.
    Raises InvalidReference, InvalidCorrection, ConfigError.
    """
    _need_mir_eval("a comparison of systems")
    paths, root = _library(results)
    references, _, _ = _references(results, options, paths, library or root, [])
    tracks, decoder_of = Tracks(paths, library or root), partial(_decoder, results)
    estimated, left_out = {}, []
    for name, source in estimates.items():
        estimated[name], unmatched, _ = match(read_sources([source]), tracks, decoder_of)
        left_out += unmatched
    found: list[systems.Case] = []
    for track in _sample(sorted(references), options):
        rhythm, sections, tonality = (_read(results, kind, track) for kind in ANALYSES)
        answers = {systems.PRODUCT: systems.answer_of_records(rhythm, sections, tonality)}
        for name, by_track in estimated.items():
            annotation = by_track.get(track)
            answers[name] = (
                systems.Answer()
                if annotation is None
                else systems.answer_of_annotation(annotation)
            )
        durations = [r.duration for r in (rhythm, sections, tonality) if r and r.duration]
        duration = durations[0] if durations else None
        found += systems.cases(references[track], paths[track], duration, answers)
    return found, left_out


def _references(
    results: Path,
    options: EvaluationOptions,
    paths: dict[str, str],
    root: str | None,
    unreadable: list[LeftOut],
) -> tuple[dict[str, Reference], list[LeftOut], dict[str, int]]:
    """The references of the library's tracks; see `match`."""
    annotations = read_sources(options.references)
    if TAGS in options.references:
        annotations += _tags(results, paths, options.references.index(TAGS))
    if CORRECTIONS in options.references:
        annotations += corrected_annotations(results, paths, options.references.index(CORRECTIONS))
    if SERATO in options.references:
        annotations += _serato(results, paths, options.references.index(SERATO), unreadable)
    found = match(annotations, Tracks(paths, root), partial(_decoder, results))
    for reference in found[0].values():
        times = (reference.beats, reference.downbeats, reference.structure, reference.sections)
        if times != (None,) * 4:
            _need_mir_eval("a score of beats or sections")
    return found


def _need_mir_eval(what: str) -> None:
    """Raise ConfigError, with what to install, if mir_eval and scipy are missing."""
    if not has("mir_eval"):
        raise ConfigError(lacking(what, "mir_eval"))


def _library(results: Path) -> tuple[dict[str, str], str | None]:
    """Paths by track id, and the library's root, from the scan; without a scan, the paths of the
    records and None."""
    if Results(results).scan.exists():
        scan = read_scan(results)
        return {track: path_of(results, track) for track in scan["tracks"]}, scan["root"]
    paths = {}
    for folder in ("structure", "bpm", "key"):
        for file in sorted((results / folder).glob("*.json")):
            if TRACK_ID.fullmatch(file.stem):
                paths[file.stem] = record_or_failure(results, folder, file.stem).path
    return paths, None


def _tags(results: Path, paths: dict[str, str], source: int) -> list[tuple[Rank, Annotation]]:
    found = []
    for track in sorted(paths):
        record = _read_bpm(results, track)
        key = _read_key(results, track)
        bpm = record.tag_bpm if record is not None else None
        tonality = notation.parse(key.tag_key or "") if key is not None else None
        if bpm or tonality is not None:
            tag = Annotation(
                key=track, source=TAGS, format=TAGS, bpm=bpm or None, tonality=tonality
            )
            found.append((Rank.of(source, tag), tag))
    return found


def _serato(
    results: Path, paths: dict[str, str], source: int, unreadable: list[LeftOut]
) -> list[tuple[Rank, Annotation]]:
    """The annotations that Serato wrote into the files of the last run.

    Tags that cannot be used are added to `unreadable`.
    """
    found = []
    for track in sorted(paths):
        record = _read_bpm(results, track)

        def report(reason: str, track: str = track) -> None:
            unreadable.append(LeftOut(SERATO, track, f"not readable: {reason}"))

        with suppress(RecordError):
            file = Path(read_ticket(Results(results).ticket(track)).file)
            tags = read_file(file, track, record.duration if record else None, report)
            if tags is not None:
                found.append((Rank.of(source, tags), tags))
    return found


def _decoder(results: Path, track: str) -> dict[str, Any]:
    record = _read_bpm(results, track)
    return {} if record is None else record.decoder


def _sample(tracks: Sequence[str], options: EvaluationOptions) -> list[str]:
    """The tracks to evaluate: all, or a sample of sample_size without replacement."""
    if options.sample_size is None or options.sample_size >= len(tracks):
        return list(tracks)
    generator = np.random.default_rng(options.sample_seed)
    chosen = generator.choice(len(tracks), size=options.sample_size, replace=False)
    return [tracks[i] for i in sorted(chosen)]


def _scored(references: Sequence[Reference], results: Path, threads: int) -> Iterator[tasks.Rows]:
    """The rows of each track, in the order given."""
    score = partial(_score, results=results)
    if threads <= 1 or len(references) < 2 * CHUNK:
        yield from map(score, references)
        return
    with ProcessPoolExecutor(threads) as pool:
        yield from pool.map(score, references, chunksize=CHUNK)


def _score(reference: Reference, results: Path) -> tasks.Rows:
    rows = tasks.Rows()
    rhythm = _read_bpm(results, reference.track)
    if rhythm is not None:
        tasks.add_rhythm(rows, reference, rhythm)
    sections = _read_structure(results, reference.track)
    if sections is not None and (reference.structure or reference.sections):
        tasks.add_structure(rows, reference, sections, rhythm)
    key = _read_key(results, reference.track)
    if key is not None:
        tasks.add_key(rows, reference, key, rhythm)
    if rhythm is None and sections is None and key is None:
        source = min(reference.origins.values())
        rows.left_out.append(LeftOut(source, reference.track, "not analysed: no record"))
    return rows


def _read_bpm(results: Path, track: str) -> BpmRecord | None:
    return _read(results, "bpm", track)


def _read_structure(results: Path, track: str) -> StructureRecord | None:
    return _read(results, "structure", track)


def _read_key(results: Path, track: str) -> KeyRecord | None:
    return _read(results, "key", track)


def _read(results: Path, analysis: str, track: str) -> Any:
    """The record as computed by the analysis; an error record if it is broken, None if missing."""
    with suppress(MissingRecord):
        return as_computed(record_or_failure(results, analysis, track))
    return None
