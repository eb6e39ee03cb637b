"""Apply corrections to records: the entry points of this package."""

from __future__ import annotations

from dataclasses import replace

from ..records.model import BpmRecord, KeyRecord, StructureRecord
from ..records.store import as_computed
from . import edits, grid_corrections, section_corrections
from .grid_corrections import AtTempo
from .model import Correction


def to_bpm(computed: BpmRecord, correction: Correction, at_tempo: AtTempo) -> BpmRecord:
    """The bpm record of a track with its correction; it also contains the computed answer.

    at_tempo: see grid_corrections.apply. Raises InvalidCorrection for an impossible relative
    correction.
    """
    if computed.status != "ok":
        return computed
    return grid_corrections.apply(computed, effective(correction, computed, at_tempo), at_tempo)


def to_structure(
    computed: StructureRecord, correction: Correction, rhythm: BpmRecord
) -> StructureRecord:
    """The structure record of a track with its correction, on the bars of rhythm."""
    if computed.status != "ok":
        return computed
    with_confirmed = section_corrections.with_confirmed_sections(correction, computed, rhythm)
    return section_corrections.apply_sections(computed, with_confirmed, rhythm)


def to_key(computed: KeyRecord, correction: Correction) -> KeyRecord:
    """The key record of a track with its correction."""
    if computed.status != "ok":
        return computed
    confirmed = correction.confirmed
    if confirmed is not None and confirmed.key == computed.key and computed.sure is False:
        computed = replace(computed, sure=True)
    return section_corrections.apply_key(
        computed, section_corrections.with_confirmed_key(correction, computed)
    )


def effective(
    correction: Correction,
    computed: BpmRecord,
    at_tempo: AtTempo,
    structure: StructureRecord | None = None,
    key: KeyRecord | None = None,
) -> Correction:
    """The correction to apply: absolute, and with the confirmed answer where the analysis differs.

    computed: the bpm record of the analysis; structure, key: the current records, whose computed
    answers are used.
    """
    absolute = edits.absolute(correction, computed, at_tempo)
    absolute = section_corrections.with_confirmed_grid(absolute, computed)
    if structure is not None and structure.status == "ok":
        absolute = section_corrections.with_confirmed_sections(
            absolute, as_computed(structure), computed
        )
    if key is not None and key.status == "ok":
        absolute = section_corrections.with_confirmed_key(absolute, as_computed(key))
    return absolute
