"""Make the records of a track from its features: rhythm, sections, key."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..apply_corrections.model import NOTHING, Correction
from ..base.errors import RecordError
from ..base.threads import on_one_thread
from ..features import Features
from ..records.model import (
    BpmRecord,
    ComputedRhythm,
    KeyRecord,
    Loudness,
    Section,
    StructureRecord,
    TrackFailure,
)
from ..records.ticket import Ticket
from ..settings.options import build_options

if TYPE_CHECKING:
    from ..rhythm import Rhythm

# A tag outside these is a mistake, whatever the music: it is shown, never used.
PLAUSIBLE_TAG_BPM = (30.0, 300.0)


@on_one_thread
def make_bpm_record(
    ticket: Ticket,
    features: Features | TrackFailure,
    options: Mapping[str, Any],
    correction: Correction = NOTHING,
) -> BpmRecord:
    """The rhythm of a track from its features, with corrections; an error record on failure.

    options: section `bpm` of the configuration, ignore_metadata and metadata. Raises
    ConfigError, InvalidCorrection.
    """
    if isinstance(features, TrackFailure):
        return BpmRecord(ticket.track, ticket.path, "error", error=features)
    computed = _computed_bpm(ticket, features, options)
    if correction == NOTHING:
        return computed
    from ..apply_corrections import apply

    return apply.to_bpm(
        computed, correction, lambda bpm: _computed_bpm(ticket, features, options, bpm)
    )


def _computed_bpm(
    ticket: Ticket,
    features: Features,
    options: Mapping[str, Any],
    known_bpm: float | None = None,
) -> BpmRecord:
    """The result of the analysis. known_bpm: the tempo, if it was corrected."""
    from .. import rhythm
    from ..apply_corrections.fingerprints import fingerprint

    values = dict(options)
    ignore_metadata = values.pop("ignore_metadata", False)
    trusted = values.pop("metadata", None) == "trust"
    values.pop("method", None)  # the choice of networks, made by prepare_network
    values.pop("schema_version", None)  # there so that records of another version are renewed
    rhythm_options = build_options(rhythm.RhythmOptions, values, "bpm")
    tag = features.tags.get("bpm")
    low, high = PLAUSIBLE_TAG_BPM
    usable = tag is not None and low <= tag <= high and not ignore_metadata
    evidence = tag if usable and not trusted else None
    found = rhythm.analyse(features, rhythm_options, evidence, known_bpm)
    alone = found
    if found.evidence.get("tag_octave") == rhythm.DECIDED:
        alone = rhythm.analyse(features, rhythm_options, None, known_bpm)
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
        bpm_computed=alone.bpm,
        time_signature=found.time_signature,
        beats=tuple(found.beats),
        downbeats=tuple(found.downbeats),
        grid=found.grid,
        evidence=found.evidence,
        decoder=features.decoder,
        tags=features.tags,
        loudness=_loudness(features),
        fingerprint=fingerprint(features),
        untagged=None if alone is found else _rhythm_alone(alone),
    )
    return (
        dataclasses.replace(record, bpm=tag, source="metadata") if usable and trusted else record
    )


def _rhythm_alone(found: Rhythm) -> ComputedRhythm:
    """The result from the audio alone, stored with a result that a tag decided."""
    return ComputedRhythm(
        bpm=found.bpm,
        bpm_fitted=found.bpm_fitted,
        bpm_interval=found.bpm_interval,
        confidence=found.confidence,
        confidences=found.confidences,
        source="computed",
        time_signature=found.time_signature,
        beats=found.beats,
        downbeats=found.downbeats,
        grid=found.grid,
    )


def _loudness(features: Features) -> Loudness | None:
    """The loudness of a track; None if the features are of a version without loudness."""
    from ..features import loudness

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


@on_one_thread
def make_key_record(
    ticket: Ticket,
    features: Features | TrackFailure,
    options: Mapping[str, Any],
    correction: Correction = NOTHING,
) -> KeyRecord:
    """The key of a track from its features, with corrections; an error record on failure.

    options: section `key` of the configuration. Raises ConfigError, and RecordError for features
    of a version without the data for a key.
    """
    if isinstance(features, TrackFailure):
        return KeyRecord(ticket.track, ticket.path, "error", error=features)
    from ..key import analysis, notation
    from ..key.options import KeyOptions

    if "pitches" not in features.descriptors:
        raise RecordError(
            f"features of {ticket.track}: written by a version without keys; delete them"
        )
    key_options = build_options(KeyOptions, options, "key")
    found = analysis.analyse(features, key_options)
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
        sure=None if found.key is None else found.confidence >= key_options.min_confidence,
    )
    if correction == NOTHING:
        return record
    from ..apply_corrections import apply

    return apply.to_key(record, correction)


@on_one_thread
def make_structure_record(
    ticket: Ticket,
    features: Features | TrackFailure,
    bpm: BpmRecord,
    options: Mapping[str, Any],
    correction: Correction = NOTHING,
) -> StructureRecord:
    """The sections of a track from its features and beats, with corrections.

    An error record on failure. options: section `structure` of the configuration. Raises
    ConfigError.
    """
    failure = features if isinstance(features, TrackFailure) else bpm.error
    if isinstance(features, TrackFailure) or failure is not None:
        return StructureRecord(ticket.track, ticket.path, "error", error=failure)
    from .. import structure

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
        phrases=found.phrases,
    )
    if correction == NOTHING:
        return record
    from ..apply_corrections import apply

    corrected = apply.to_structure(record, correction, bpm)
    if corrected.source == "computed":
        return corrected
    again = structure.measure_sections(
        features, bpm, corrected.sections, corrected.drops, structure_options
    )
    return dataclasses.replace(
        corrected,
        sections=tuple(_with_loudness(section, features) for section in again.sections),
        drop_impacts=again.drop_impacts,
        mix_in=again.mix_in,
        mix_out=again.mix_out,
        phrases=again.phrases,
    )


def _with_loudness(section: Section, features: Features) -> Section:
    """A section with its loudness, if the features contain loudness."""
    from ..features.loudness import between

    tenths = features.descriptors.get("loudness")
    if tenths is None:
        return section
    return dataclasses.replace(section, loudness=between(tenths, section.start, section.end))
