"""The stages of a track's analysis, as functions: the one place that knows their order.

    ticket --compute_features--> features --make_bpm_record--> bpm record
    ticket, features, bpm record --make_structure_record--> structure record
    ticket, features --make_key_record--> key record

Each record is made with what a person stated of the track in place (dropgrid.corrections).

The workflow keeps on disk what each stage made and runs those that are due; `analyse_track` runs
all of them in this process. Both write the same bytes.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .base.errors import DecodeError, ModelError, RecordError, TrackError
from .base.files import write_atomically
from .base.threads import on_one_thread
from .corrections.model import NOTHING, Correction
from .features import Features
from .records.identity import Identity, write_identity
from .records.model import (
    KINDS,
    AnyRecord,
    BpmRecord,
    KeyRecord,
    Loudness,
    Section,
    StructureRecord,
    TrackFailure,
)
from .records.store import as_written, read_bpm, write_record
from .records.ticket import Ticket, read_ticket
from .settings.options import build_options

if TYPE_CHECKING:
    from .features.engines.key_network import Network as KeyNetwork
    from .features.engines.network import Ensemble


@dataclass(frozen=True)
class Stage:
    """A stage: what its command reads after the ticket, in that order, and about how long it
    takes, compared with bpm."""

    inputs: tuple[str, ...]
    weight: float


# In the order in which they run.
STAGES = {
    "features": Stage(("network",), 8.0),
    "bpm": Stage(("features",), 1.0),
    "structure": Stage(("features", "bpm"), 1.0),
    "key": Stage(("features",), 1.0),
}

# A tag outside these is a mistake, whatever the music: it is shown, never used.
PLAUSIBLE_TAG_BPM = (30.0, 300.0)
CONTENTS = 2  # of the features: 2 has what key and loudness are found from
# In place of the networks' file: what finds the beats instead, by method.
NO_NETWORKS = {
    "open": b"none: rises of bands instead\n",
    "librosa": b"none: librosa's onset strength instead\n",
    "profiles": b"none: pitch classes instead\n",
}


def run_stage(
    stage: str, files: Mapping[str, Path], options: Mapping[str, Any], threads: int = 1
) -> None:
    """Read what a stage needs of a track, run it, write what it made, atomically and last.

    files: `ticket`, `output`, the stage's inputs by name; for features, where there are any,
    `key_network`, and in a folder of results `identity` and `cache`; for the others `corrections`,
    the folder of what is stated of the tracks. options: of the stage, see stage_options.
    threads: that may work at a time, in features; what is written is the same. Raises
    TrackError, ModelError, RecordError, ConfigError, InvalidCorrection, OSError.
    """
    from .corrections.slices import with_corrections
    from .features import store

    ticket = read_ticket(files["ticket"])
    if stage == "features":
        return _save_features(ticket, files, options, threads)
    features = store.load(files["features"])

    def write(said: Correction) -> None:
        record: AnyRecord
        if stage == "structure":
            bpm = read_bpm(files["bpm"], ticket.track)
            record = make_structure_record(ticket, features, bpm, options, said)
        elif stage == "bpm":
            record = make_bpm_record(ticket, features, options, said)
        else:
            record = make_key_record(ticket, features, options, said)
        write_record(files["output"], record)

    return with_corrections(files.get("corrections"), ticket.track, features, write)


def _save_features(
    ticket: Ticket, files: Mapping[str, Path], options: Mapping[str, Any], threads: int
) -> None:
    """Compute a track's features, or take those that its audio has already, and save them.

    In a folder of results they are saved with what they come from, and the track's identity
    beside them: last, and the old one is gone first, so that none is ever of other features. A
    file that changes while it is read has none.
    """
    from .features import reuse, store

    network, key_network = files["network"], files.get("key_network")
    compute = partial(compute_features, ticket, network, key_network, options, threads)
    if "identity" not in files:
        return store.save(files["output"], compute())
    files["identity"].unlink(missing_ok=True)
    looked_at = _identify(ticket)
    if looked_at is None:
        return store.save(files["output"], compute())
    origin = reuse.origin(looked_at.audio, network, key_network, options)
    known = reuse.find(files["cache"], origin)
    if known is None:
        found = compute()
    else:
        print("dropgrid: this audio is known; only its tags were read", flush=True)
        found = dataclasses.replace(known, tags=_tags(Path(ticket.file)))
    if _look(ticket.file) != (looked_at.size, looked_at.mtime_ns):
        return store.save(files["output"], found)
    store.save(files["output"], found, origin)
    reuse.keep(files["cache"], origin, files["output"])
    return write_identity(files["identity"], looked_at)


def _identify(ticket: Ticket) -> Identity | None:
    """What the file of a ticket is; None where it cannot be read or changes meanwhile."""
    from .audio.identity import audio_digest, sample_digest, whole_digest

    file = Path(ticket.file)
    before = _look(ticket.file)
    if before is None:
        return None
    try:
        digests = whole_digest(file), sample_digest(file), audio_digest(file)
    except OSError:  # reading it for its features will say why
        return None
    return Identity(ticket.track, ticket.path, *before, *digests)


def _look(file: str) -> tuple[int, int] | None:
    """Size and time of modification; None where it cannot be looked at."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _tags(file: Path) -> dict[str, Any]:
    from .audio.tags import read_tags

    return dataclasses.asdict(read_tags(file))


def write_failure(stage: str, files: Mapping[str, Path], failure: TrackFailure) -> None:
    """Write why a stage of a track failed, in the place of what it would have made.

    files: as for run_stage. Raises RecordError, OSError.
    """
    if stage == "features":
        from .features import store

        if "identity" in files:
            files["identity"].unlink(missing_ok=True)
        return store.save(files["output"], failure)
    ticket = read_ticket(files["ticket"])
    record = KINDS[stage](ticket.track, ticket.path, "error", error=failure)
    return write_record(files["output"], record)


def prepare_network(path: Path, method: str) -> None:
    """Write madmom's networks to path, or NO_NETWORKS. Raises ModelError, OSError."""
    from .features.engines import installed, weights

    if method == "madmom":
        return weights.prepare(path)
    if method == "librosa":
        installed.check_librosa()
    return write_atomically(path, NO_NETWORKS[method])


def prepare_key_network(path: Path, method: str) -> None:
    """Write madmom's key network to path, or NO_NETWORKS. Raises ModelError, OSError."""
    from .features.engines import key_weights

    if method == "profiles":
        write_atomically(path, NO_NETWORKS[method])
    else:
        key_weights.prepare(path)


def check_networks(config: Mapping[str, Any]) -> None:
    """Raise ModelError, saying what to do, where the methods asked for are not installed."""
    from .features.engines import installed, key_weights, weights

    if config["bpm"]["method"] == "madmom":
        installed.check(weights.NAME, weights.MODELS)
    elif config["bpm"]["method"] == "librosa":
        installed.check_librosa()
    if config["key"]["method"] == "madmom":
        installed.check(key_weights.NAME, key_weights.MODEL)


@on_one_thread
def compute_features(
    ticket: Ticket,
    network: Path,
    key_network: Path | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
    threads: int = 1,
) -> Features:
    """Decode a track and compute its features. Raises TrackError, ModelError, OSError.

    network, key_network: as prepare_network and prepare_key_network wrote them. options: see
    feature_options. threads: that may work at a time.
    """
    from .features.extract import extract

    file = Path(ticket.file)
    ensemble, key_net = load_networks(network, key_network)
    try:
        features = extract(file, ensemble, key_net, options.get("true_peak", False), threads)
    except FileNotFoundError as error:
        raise DecodeError("the file is no longer there") from error
    except OSError as error:  # forbidden, a link into itself, a failing disk
        raise DecodeError(f"the file cannot be read ({error.strerror or error})") from error
    except TrackError as error:  # records name the path within the library, not this machine's
        message = str(error).removeprefix(f"{file}: ").replace(str(file), file.name)
        raise type(error)(message) from error
    return dataclasses.replace(features, tags=_tags(file))


@cache
def load_networks(
    network: Path, key_network: Path | None
) -> tuple[Ensemble | str, KeyNetwork | None]:
    """The networks in these files, the method's name where there are none; kept for the tracks
    that follow, and for the processes that are forked from this one. Raises ModelError."""
    from .features.engines import ensemble as networks
    from .features.engines import key_network as key_networks

    ensemble = _instead_of(network) or networks.load(network)
    if key_network is None or _instead_of(key_network):
        return ensemble, None
    return ensemble, key_networks.load(key_network)


def feature_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of the configuration the features depend on, and the version of what they hold: a
    change of either has them computed anew."""
    return {"contents": CONTENTS, "true_peak": config["loudness"]["true_peak"]}


def stage_options(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of each stage, by its name; a change of them has its tracks done anew.

    config: a complete configuration (dropgrid.settings.config).
    """
    return {
        "features": feature_options(config),
        "bpm": {
            **config["bpm"],
            "ignore_metadata": config["ignore_metadata"],
            "metadata": config["metadata"],
            "schema_version": BpmRecord.VERSION,
        },
        "structure": {**config["structure"], "schema_version": StructureRecord.VERSION},
        "key": config["key"],
    }


def _instead_of(network: Path) -> str | None:
    """The method that does without the networks, where their file says so. Raises ModelError."""
    longest = max(map(len, NO_NETWORKS.values()))
    try:
        with network.open("rb") as file:
            head = file.read(longest + 1)
    except OSError as error:
        raise ModelError(f"{network}: cannot be read ({error.strerror})") from error
    return next((method for method, text in NO_NETWORKS.items() if text == head), None)


@on_one_thread
def make_bpm_record(
    ticket: Ticket,
    features: Features | TrackFailure,
    options: Mapping[str, Any],
    correction: Correction = NOTHING,
) -> BpmRecord:
    """The rhythm of a track from its features, and as corrected; its failure, if it has none.

    options: section `bpm` of the configuration, ignore_metadata and metadata. Raises
    ConfigError, InvalidCorrection.
    """
    if isinstance(features, TrackFailure):
        return BpmRecord(ticket.track, ticket.path, "error", error=features)
    computed = _computed_bpm(ticket, features, options)
    if correction == NOTHING:
        return computed
    from .corrections import apply

    return apply.to_bpm(
        computed, correction, lambda bpm: _computed_bpm(ticket, features, options, bpm)
    )


def _computed_bpm(
    ticket: Ticket,
    features: Features,
    options: Mapping[str, Any],
    known_bpm: float | None = None,
) -> BpmRecord:
    """The analysis' own answer. known_bpm: the tempo, where somebody stated it."""
    from . import rhythm
    from .corrections.identity import fingerprint

    values = dict(options)
    ignore_metadata = values.pop("ignore_metadata", False)
    trusted = values.pop("metadata", "witness") == "trust"
    values.pop("method", None)  # the choice of networks, made by prepare_network
    values.pop("schema_version", None)  # there so that records of another version are renewed
    rhythm_options = build_options(rhythm.RhythmOptions, values, "bpm")
    tag = features.tags.get("bpm")
    low, high = PLAUSIBLE_TAG_BPM
    usable = tag is not None and low <= tag <= high and not ignore_metadata
    witness = tag if usable and not trusted else None
    found = rhythm.analyse(features, rhythm_options, witness, known_bpm)
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
        loudness=_loudness(features),
        fingerprint=fingerprint(features),
    )
    return (
        dataclasses.replace(record, bpm=tag, source="metadata") if usable and trusted else record
    )


def _loudness(features: Features) -> Loudness | None:
    """The loudness of a track; None where the features are of a version that had none."""
    from .features import loudness

    if "loudness" not in features.descriptors:
        return None
    tenths, peaks = features.descriptors["loudness"], features.descriptors["peak"]
    value = loudness.integrated(tenths)
    sample_peak, true_peak = (float(peak) if peak > 0 else None for peak in peaks)
    return Loudness(
        integrated=value,
        range=loudness.loudness_range(tenths),
        momentary_max=loudness.loudest(tenths, loudness.BLOCK),
        short_term_max=loudness.loudest(tenths, loudness.SHORT_TERM),
        sample_peak=sample_peak and 2 * loudness.decibels(sample_peak),
        true_peak=true_peak and 2 * loudness.decibels(true_peak),
    )


def _with_loudness(section: Section, features: Features) -> Section:
    """A section with its own loudness, where the features tell it."""
    from .features.loudness import between

    tenths = features.descriptors.get("loudness")
    if tenths is None:
        return section
    return dataclasses.replace(section, loudness=between(tenths, section.start, section.end))


@on_one_thread
def make_key_record(
    ticket: Ticket,
    features: Features | TrackFailure,
    options: Mapping[str, Any],
    correction: Correction = NOTHING,
) -> KeyRecord:
    """The key of a track from its features, and as corrected; its failure, if it has none.

    options: section `key` of the configuration. Raises ConfigError, and RecordError for
    features of a version that held nothing to find a key from.
    """
    if isinstance(features, TrackFailure):
        return KeyRecord(ticket.track, ticket.path, "error", error=features)
    from .key import analysis, notation
    from .key.options import KeyOptions

    if "pitches" not in features.descriptors:
        raise RecordError(
            f"features of {ticket.track}: written by a version without keys; delete them"
        )
    found = analysis.analyse(features, build_options(KeyOptions, options, "key"))
    tag = notation.parse(features.tags.get("key") or "")
    record = KeyRecord(
        ticket.track,
        ticket.path,
        "ok",
        duration=features.duration,
        key=None if found.key is None else notation.name(found.key),
        camelot=None if found.key is None else notation.camelot(found.key),
        open_key=None if found.key is None else notation.open_key(found.key),
        reason=found.reason,
        confidence=found.confidence,
        alternatives=found.alternatives,
        segments=found.segments,
        tuning_cents=found.tuning_cents,
        tag_key=None if tag is None else notation.name(tag),
        method=found.method,
        evidence=found.evidence,
    )
    if correction == NOTHING:
        return record
    from .corrections import apply

    return apply.to_key(record, correction)


@on_one_thread
def make_structure_record(
    ticket: Ticket,
    features: Features | TrackFailure,
    bpm: BpmRecord,
    options: Mapping[str, Any],
    correction: Correction = NOTHING,
) -> StructureRecord:
    """The sections of a track from its features and its beats, and as corrected.

    Its failure, if it has none. options: section `structure` of the configuration. Raises
    ConfigError.
    """
    failure = features if isinstance(features, TrackFailure) else bpm.error
    if isinstance(features, TrackFailure) or failure is not None:
        return StructureRecord(ticket.track, ticket.path, "error", error=failure)
    from . import structure

    values = {name: value for name, value in options.items() if name != "schema_version"}
    structure_options = build_options(structure.StructureOptions, values, "structure")
    found = structure.analyse(features, bpm, structure_options)
    record = StructureRecord(
        ticket.track,
        ticket.path,
        "ok",
        duration=features.duration,
        method=found.method,
        time_base=found.time_base,
        sections=tuple(_with_loudness(section, features) for section in found.sections),
        drops=found.drops,
        drop_confidences=found.drop_confidences,
        drop_impacts=found.drop_impacts,
        mix_in=found.mix_in,
        mix_out=found.mix_out,
    )
    if correction == NOTHING:
        return record
    from .corrections import apply

    said = apply.to_structure(record, correction, bpm)
    if said.source == "computed":
        return said
    sections, impacts, mix_in, mix_out = structure.measured(
        features, bpm, said.sections, said.drops, structure_options
    )
    return dataclasses.replace(
        said,
        sections=tuple(_with_loudness(section, features) for section in sections),
        drop_impacts=impacts,
        mix_in=mix_in,
        mix_out=mix_out,
    )


def analyse_track(
    ticket: Ticket, network: Path, key_network: Path, config: Mapping[str, Any], threads: int = 1
) -> tuple[BpmRecord, StructureRecord, KeyRecord]:
    """All records of a track, in this process and without keeping the features.

    config: a complete configuration (dropgrid.settings.config). threads: that may work at a time.
    What is wrong with the file becomes error records; raises ConfigError, OSError, MemoryError.
    """
    from .jobs.policy import classify

    options = stage_options(config)
    features: Features | TrackFailure
    try:
        features = compute_features(ticket, network, key_network, options["features"], threads)
    except Exception as error:
        fault, failure = classify(error, "features")
        if fault != "track":
            raise
        features = failure
    bpm = as_written(make_bpm_record(ticket, features, options["bpm"]))
    structure = make_structure_record(ticket, features, bpm, options["structure"])
    return bpm, structure, make_key_record(ticket, features, options["key"])
