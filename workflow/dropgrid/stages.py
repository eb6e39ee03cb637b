"""The stages of a track's analysis, as functions: the one place that knows their order.

    ticket --compute_features--> features --make_bpm_record--> bpm record
    ticket, features, bpm record --make_structure_record--> structure record

The workflow runs each stage as a job of its own and keeps what it made on disk; `analyse_track`
runs them one after another in this process. Both write the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .base.errors import DecodeError, ModelError, TrackError
from .base.files import write_atomically
from .features import Features
from .records.model import BpmRecord, StructureRecord, TrackFailure
from .records.store import as_written
from .records.ticket import Ticket
from .settings.options import build_options

# A tag outside these is a mistake, whatever the music: it is shown, never used.
PLAUSIBLE_TAG_BPM = (30.0, 300.0)
NO_NETWORKS = b"none: librosa's onset strength instead\n"  # in place of the networks' file


def prepare_network(path: Path, method: str) -> str | None:
    """Write madmom's networks to path, or NO_NETWORKS; a warning, if there is one."""
    if method == "librosa":
        write_atomically(path, NO_NETWORKS)
        return None
    from .features.engines.prepare import prepare

    try:
        prepare(path)
    except ModelError as error:
        write_atomically(path, NO_NETWORKS)
        return f"using librosa instead of madmom's networks, with less exact beats: {error}"
    return None


def compute_features(ticket: Ticket, network: Path) -> Features:
    """Decode a track and compute its features. Raises TrackError, ModelError, OSError.

    network: as prepare_network wrote it.
    """
    from .audio.tags import read_tags
    from .features.engines import network as networks
    from .features.extract import extract

    file = Path(ticket.file)
    try:
        without = network.stat().st_size == len(NO_NETWORKS)
        ensemble = None if without else networks.load(network)
    except OSError as error:
        raise ModelError(f"{network}: cannot be read ({error.strerror})") from error
    try:
        features = extract(file, ensemble)
    except FileNotFoundError as error:
        raise DecodeError("the file is no longer there") from error
    except OSError as error:  # forbidden, a link into itself, a failing disk
        raise DecodeError(f"the file cannot be read ({error.strerror or error})") from error
    except TrackError as error:  # records name the path within the library, not this machine's
        message = str(error).removeprefix(f"{file}: ").replace(str(file), file.name)
        raise type(error)(message) from error
    return dataclasses.replace(features, tags=dataclasses.asdict(read_tags(file)))


def make_bpm_record(
    ticket: Ticket, features: Features | TrackFailure, options: Mapping[str, Any]
) -> BpmRecord:
    """The rhythm of a track from its features; its failure, if it has none.

    options: section `bpm` of the configuration, and ignore_metadata. Raises ConfigError.
    """
    if isinstance(features, TrackFailure):
        return BpmRecord(ticket.track, ticket.path, "error", error=features)
    from . import rhythm

    values = dict(options)
    ignore_metadata = values.pop("ignore_metadata", False)
    values.pop("method", None)  # the choice of networks, made by prepare_network
    values.pop("schema_version", None)  # there so that records of another version are renewed
    found = rhythm.analyse(features, build_options(rhythm.RhythmOptions, values, "bpm"))
    tag = features.tags.get("bpm")
    record = BpmRecord(
        ticket.track,
        ticket.path,
        "ok",
        duration=features.duration,
        bpm=found.bpm,
        bpm_fitted=found.bpm_fitted,
        bpm_interval=found.bpm_interval,
        confidence=found.confidence,
        confidences=found.confidences,
        method=features.method,
        alternatives=found.alternatives,
        tag_bpm=tag,
        bpm_computed=found.bpm,
        time_signature=found.time_signature,
        beats=tuple(found.beats),
        downbeats=tuple(found.downbeats),
        grid=found.grid,
        evidence=found.evidence,
        decoder=features.decoder,
        tags=features.tags,
    )
    low, high = PLAUSIBLE_TAG_BPM
    if ignore_metadata or tag is None or not low <= tag <= high:
        return record
    return dataclasses.replace(record, bpm=tag, source="metadata")


def make_structure_record(
    ticket: Ticket,
    features: Features | TrackFailure,
    bpm: BpmRecord,
    options: Mapping[str, Any],
) -> StructureRecord:
    """The sections of a track from its features and its beats; its failure, if it has none.

    options: section `structure` of the configuration. Raises ConfigError.
    """
    failure = features if isinstance(features, TrackFailure) else bpm.error
    if isinstance(features, TrackFailure) or failure is not None:
        return StructureRecord(ticket.track, ticket.path, "error", error=failure)
    from . import structure

    found = structure.analyse(
        features, bpm, build_options(structure.StructureOptions, options, "structure")
    )
    return StructureRecord(
        ticket.track,
        ticket.path,
        "ok",
        duration=features.duration,
        method=found.method,
        time_base=found.time_base,
        sections=found.sections,
        drops=found.drops,
        drop_confidences=found.drop_confidences,
    )


def analyse_track(
    ticket: Ticket, network: Path, config: Mapping[str, Any]
) -> tuple[BpmRecord, StructureRecord]:
    """Both records of a track, in this process and without keeping the features.

    config: a complete configuration (dropgrid.settings.config). What is wrong with the file
    becomes error records; raises ConfigError, OSError, MemoryError.
    """
    from .jobs.policy import classify

    features: Features | TrackFailure
    try:
        features = compute_features(ticket, network)
    except Exception as error:
        fault, failure = classify(error, "features")
        if fault != "track":
            raise
        features = failure
    bpm_options = {**config["bpm"], "ignore_metadata": config["ignore_metadata"]}
    bpm = as_written(make_bpm_record(ticket, features, bpm_options))
    return bpm, make_structure_record(ticket, features, bpm, config["structure"])
