"""A library of records to export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from defusedxml import ElementTree
from dropgrid.export import export
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from library_of_records import bpm_record, structure_record

HOUSE = track_id("a house.flac")
BEATS = np.array(bpm_record("a house.flac").beats)
SECTIONS = structure_record("a house.flac").sections


def tree_of(results: Path, output: Path, **options: object) -> ElementTree:
    export("rekordbox", results, output, ExportOptions(**options))  # type: ignore[arg-type]
    return ElementTree.parse(output).getroot()
