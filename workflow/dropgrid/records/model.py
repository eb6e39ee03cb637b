"""The records: the results of dropgrid for a track.

A record is a small frozen dataclass. Times are seconds from the first decoded sample, tempo
is in BPM, bars count from 1 at the first downbeat. Records contain no time stamps and no timings:
the same input gives the same bytes. JSON Schemas of the files: workflow/schemas/*.schema.json.
`version` of a record is the version of dropgrid that made it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .. import __version__

ANALYSES = ("bpm", "structure", "key")  # the records of a track: results/{analysis}/{track}.json
Label = Literal["intro", "buildup", "main", "drop", "breakdown", "outro"]
LABELS: tuple[Label, ...] = ("intro", "buildup", "main", "drop", "breakdown", "outro")


@dataclass(frozen=True)
class TrackFailure:
    """Why a track could not be analysed."""

    stage: str
    type: str
    message: str


AlternativeKind = Literal["tempo", "octave", "phase", "downbeat"]


@dataclass(frozen=True)
class Alternative:
    """Another grid that the evidence allows, and its probability (0..1).

    kind: the part of the result that differs: the tempo itself, its octave, the beat phase or the
    downbeat. shift_beats: for phase and downbeat, the number of beats by which the whole grid,
    with its downbeats, lies later (below 0: earlier).
    """

    bpm: float
    confidence: float
    kind: AlternativeKind = "tempo"
    shift_beats: float | None = None


@dataclass(frozen=True)
class Confidences:
    """The parts of a confidence (0..1), each the probability that it is right if those before are.

    tempo: apart from its octave; octave; phase: the beats do not lie on half beats; downbeat: the
    starts of bars and their number of beats. The confidence is the product of the first three.
    """

    tempo: float
    octave: float
    phase: float
    downbeat: float


@dataclass(frozen=True)
class GridRegion:
    """A stretch of steady tempo, phase and bars. A change of one of them begins another region.

    start: time of its first beat; bpm: its fitted tempo; beats: the number of its beats;
    first_downbeat: time of its first downbeat, None without one.
    """

    start: float
    bpm: float
    beats: int
    first_downbeat: float | None


REPLAYGAIN = -18.0  # LUFS, the target of ReplayGain 2.0
R128 = -23.0  # LUFS, the target of EBU R 128


@dataclass(frozen=True)
class Loudness:
    """Loudness of a whole track by ITU-R BS.1770-4: LUFS, range in LU, peaks in dB of full scale.

    None: nothing was loud enough. true_peak: None if not measured (option loudness.true_peak).
    """

    integrated: float | None
    range: float | None
    momentary_max: float | None
    short_term_max: float | None
    sample_peak: float | None
    true_peak: float | None

    @property
    def replaygain_gain(self) -> float | None:
        """The gain of ReplayGain 2.0, dB."""
        return None if self.integrated is None else REPLAYGAIN - self.integrated

    @property
    def replaygain_peak(self) -> float | None:
        """The peak of ReplayGain, full scale 1: the true peak if known, else the sample peak."""
        peak = self.sample_peak if self.true_peak is None else self.true_peak
        return None if peak is None else float(10 ** (peak / 20))

    @property
    def r128_gain(self) -> int | None:
        """The gain to -23 LUFS in Opus' R128_TRACK_GAIN, in 256ths of a dB."""
        if self.integrated is None:
            return None
        return max(-32768, min(32767, round(256 * (R128 - self.integrated))))


@dataclass(frozen=True)
class ComputedRhythm:
    """The result of the analysis before corrections, with the fields of a BpmRecord."""

    bpm: float | None
    bpm_fitted: float | None
    bpm_interval: tuple[float, float] | None
    confidence: float | None
    confidences: Confidences | None
    source: Literal["computed", "metadata"]
    time_signature: str | None
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    grid: tuple[GridRegion, ...]


@dataclass(frozen=True)
class BpmRecord:
    """Tempo, beats, downbeats and grid of a track: results/bpm/{track}.json.

    fingerprint: of the recording (apply_corrections/fingerprints.py); None if the features have no
    loudness. computed: if source is "corrected", the result of the analysis. bpm_computed: the
    tempo from the audio alone. untagged: if a BPM tag decided the octave, the complete result from
    the audio alone.
    """

    track: str
    path: str
    status: Literal["ok", "error"]
    duration: float | None = None
    bpm: float | None = None
    bpm_fitted: float | None = None
    bpm_interval: tuple[float, float] | None = None
    confidence: float | None = None
    confidences: Confidences | None = None
    source: Literal["computed", "metadata", "corrected"] = "computed"
    method: str = ""
    alternatives: tuple[Alternative, ...] = ()
    tag_bpm: float | None = None
    bpm_computed: float | None = None
    time_signature: str | None = None
    beats: tuple[float, ...] = ()
    downbeats: tuple[float, ...] = ()
    grid: tuple[GridRegion, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    decoder: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    loudness: Loudness | None = None
    fingerprint: str | None = None
    version: str = __version__
    computed: ComputedRhythm | None = None
    untagged: ComputedRhythm | None = None
    error: TrackFailure | None = None

    SCHEMA = "dropgrid/bpm"
    VERSION = 2  # 1: confidence was that of tempo and octave alone, alternatives had no kind


@dataclass(frozen=True)
class Section:
    """One section. Bars count from 1, end_bar is exclusive; null without a usable grid.

    loudness: of the section alone, LUFS; None if it is silent or was not measured.
    energy: 0..1, from power and kick, comparable across tracks (structure.levels).
    """

    start: float
    end: float
    label: Label
    start_bar: int | None
    end_bar: int | None
    bars: int | None
    confidence: float
    loudness: float | None = None
    energy: float | None = None


@dataclass(frozen=True)
class Phrase:
    """A stretch inside a section, often 4, 8 or 16 bars, after which something changes.

    Bars as in Section. confidence: the probability that something begins at its start.
    """

    start: float
    end: float
    start_bar: int | None
    end_bar: int | None
    bars: int | None
    confidence: float


@dataclass(frozen=True)
class ComputedStructure:
    """The result of the analysis before corrections, with the fields of a StructureRecord."""

    sections: tuple[Section, ...]
    drops: tuple[float, ...]
    drop_confidences: tuple[float, ...]
    drop_impacts: tuple[float, ...]
    mix_in: float | None
    mix_out: float | None
    phrases: tuple[Phrase, ...] = ()


@dataclass(frozen=True)
class StructureRecord:
    """Sections and drops of a track: results/structure/{track}.json.

    drops: seconds at which the kick of a drop enters or a drop grows louder inside its passage.
    drop_confidences: the probability of each. drop_impacts: dB by which the first eight bars are
    louder than the eight bars before. mix_in: seconds at which an intro of beat alone ends.
    mix_out: seconds at which an outro of beat alone begins. Both are None without such a section.
    phrases: they cover 0..duration, each lies inside one section. source: "corrected" if sections
    or drops were corrected. computed: the result of the analysis before that, on the same bars.
    """

    track: str
    path: str
    status: Literal["ok", "error"]
    duration: float | None = None
    method: str = ""
    time_base: Literal["bars", "seconds"] = "bars"
    sections: tuple[Section, ...] = ()
    drops: tuple[float, ...] = ()
    drop_confidences: tuple[float, ...] = ()
    drop_impacts: tuple[float, ...] = ()
    mix_in: float | None = None
    mix_out: float | None = None
    phrases: tuple[Phrase, ...] = ()
    source: Literal["computed", "corrected"] = "computed"
    version: str = __version__
    computed: ComputedStructure | None = None
    error: TrackFailure | None = None

    SCHEMA = "dropgrid/structure"
    # 1: no label main, energy, drop_impacts, mix points; 2: one drop in a passage; 3: no phrases
    VERSION = 4


MIN_KEY_CONFIDENCE = 0.5  # the default of key.min_confidence: a key below it is uncertain


@dataclass(frozen=True)
class KeyAlternative:
    """Another key the evidence allows, with its share of the confidence (0..1)."""

    key: str
    camelot: str
    confidence: float


@dataclass(frozen=True)
class KeySegment:
    """A stretch in one key, in seconds. The first starts at 0, the last ends with the track."""

    start: float
    end: float
    key: str
    camelot: str
    confidence: float


@dataclass(frozen=True)
class ComputedKey:
    """The result of the analysis before corrections, with the fields of a KeyRecord."""

    key: str | None
    camelot: str | None
    open_key: str | None
    reason: str | None
    confidence: float | None


@dataclass(frozen=True)
class KeyRecord:
    """The key of a track: results/key/{track}.json.

    key: "A minor"; camelot: "8A"; open_key: "1m". All are None if the music has no key; `reason`
    then explains why. tuning_cents: how far the music is above A = 440 Hz. tag_key: the key in the
    file's tags, in the same notation. segments: between lasting changes of the key. source:
    "corrected" if the key was corrected. computed: the result of the analysis before that. sure:
    whether the confidence of the computed key reaches the option key.min_confidence, or a person
    confirmed the key; None without a key and in older records.
    """

    track: str
    path: str
    status: Literal["ok", "error"]
    duration: float | None = None
    key: str | None = None
    camelot: str | None = None
    open_key: str | None = None
    reason: str | None = None
    confidence: float | None = None
    alternatives: tuple[KeyAlternative, ...] = ()
    segments: tuple[KeySegment, ...] = ()
    tuning_cents: float | None = None
    tag_key: str | None = None
    method: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    sure: bool | None = None
    source: Literal["computed", "corrected"] = "computed"
    version: str = __version__
    computed: ComputedKey | None = None
    error: TrackFailure | None = None

    SCHEMA = "dropgrid/key"
    VERSION = 1

    @property
    def has_confident_key(self) -> bool:
        """Whether the key is shown without a question mark and is exported.

        Page, tables, exports and tags all use this rule.
        """
        if self.key is None or self.source == "corrected":
            return self.key is not None
        return (self.confidence or 0.0) >= MIN_KEY_CONFIDENCE if self.sure is None else self.sure


AnyRecord = BpmRecord | StructureRecord | KeyRecord
KINDS: dict[str, Any] = {"bpm": BpmRecord, "structure": StructureRecord, "key": KeyRecord}


def problem_of(record: BpmRecord) -> str | None:
    """A possible problem in the file of an analysed track: in its audio, or else in its tags."""
    audio, tags = record.decoder.get("problem"), record.tags.get("problem")
    return f"audio: {audio}" if audio else f"tags: {tags}" if tags else None
