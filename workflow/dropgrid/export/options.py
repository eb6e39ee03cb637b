"""The options of the exports, and how the workflow passes them to the command."""

from __future__ import annotations

import dataclasses
import json
import shlex
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from ..audio.mp3 import LAGS
from ..key import notation
from ..player_formats.engine_schema import NEWEST, SCHEMAS
from ..records.cue_template import STANDARD, Template, template
from ..settings.options import check_ranges, range_name
from .comments import FILE_COMMENT, check_template

NML_VERSIONS = (19, 20)


@dataclass(frozen=True)
class ExportOptions:
    """Options of the exports.

    delay_profile: the player whose sample 0 of an MP3 the times refer to (export.delay). None
    stands for the program that a format is for, or the analysis if it is for no program.
    bpm_ranges: edges of ranges [low, high) for playlists. key_notation: how keys are written, if
    the format allows several notations. by_key: playlists by key, not by BPM range.
    min_confidence: tracks whose tempo has a lower confidence are left out. nml_version: the
    version of Traktor's collection: 19 (Traktor 2 and 3) has one grid marker, 20 (Traktor 4) has
    markers for each tempo. engine_schema: the version of a new database of Engine DJ. cues: the
    cues on the pads, a preset or a list of entries (dropgrid.records.cue_template). comment: a
    template (comments.py). playlists: the user's playlist files. set: a set.json by
    `dropgrid set`, whose transitions become cues. collection: XML that rekordbox exported, to list
    the tracks that must be removed there first. merge: VirtualDJ's database; the output is a copy
    of it with the songs added. transcode: convert songs that old players do not support to AIFF.
    relative: paths in M3U8 lists are relative to the library's root. Raises ValueError.
    """

    delay_profile: str | None = None
    min_confidence: float = 0.0
    bpm_ranges: tuple[float, ...] = ()
    key_notation: notation.Notation = "musical"
    by_key: bool = False
    nml_version: int = 19
    engine_schema: str = NEWEST
    cues: str | tuple[Any, ...] = STANDARD
    comment: str = FILE_COMMENT
    playlists: tuple[str, ...] = ()
    set: str | None = None
    collection: str | None = None
    merge: str | None = None
    transcode: bool = False
    relative: bool = False

    def __post_init__(self) -> None:
        check_ranges(self.bpm_ranges)
        if self.delay_profile not in (None, *LAGS):
            raise ValueError(f"delay_profile: {self.delay_profile!r} is none of {', '.join(LAGS)}")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence: {self.min_confidence:g} is not from 0 to 1")
        if self.key_notation not in notation.NOTATIONS:
            raise ValueError(
                f"key_notation: {self.key_notation!r} is none of {', '.join(notation.NOTATIONS)}"
            )
        if self.nml_version not in NML_VERSIONS:
            raise ValueError(f"nml_version: {self.nml_version} is neither 19 nor 20")
        if self.engine_schema not in SCHEMAS:
            raise ValueError(
                f"engine_schema: {self.engine_schema!r}: none of {', '.join(SCHEMAS)}"
            )
        check_template(self.comment)
        template(self.cues)

    @cached_property
    def template(self) -> Template | None:
        """The template of the cues on the pads; None for the most useful cues."""
        return template(self.cues)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """The ranges [low, high) between neighbouring edges, by name: "120-126"."""
        return {range_name(low, high): (low, high) for low, high in pairwise(self.bpm_ranges)}

    def arguments(self, names: tuple[str, ...]) -> str:
        """The command's arguments for those of the named options that differ from the defaults."""
        parts = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name not in names or value == field.default:
                continue
            parts.append(f"--{field.name.replace('_', '-')}")
            if field.name == "cues":
                parts.append(shlex.quote(value if isinstance(value, str) else json.dumps(value)))
            elif isinstance(value, tuple):
                parts += [shlex.quote(v) if isinstance(v, str) else f"{v:g}" for v in value]
            elif value is not True:
                parts.append(shlex.quote(str(value)))
        return " ".join(parts)
