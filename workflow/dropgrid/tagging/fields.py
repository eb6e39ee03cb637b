"""The fields for tempo, key, gain and comment of each tag format, as JSON values.

fields_of(file) returns an object with
    wanted(answers) -> {key: value}    the values to write; None: remove the field
    get(key) -> value                  the current value; None if the field is absent
    put(key, value)                    None removes the field
A value is a list, exact enough to restore the field. Integer-only fields (ID3 TBPM, MP4
tmpo) get the rounded tempo, and a second field the exact one (TXXX:BPM, iTunes' freeform BPM), as
DJ software writes them. Gain is ReplayGain 2.0's; Opus has R128_TRACK_GAIN instead and may not
have the other (RFC 7845, 5.2.1). MP4's are in lower case, as most players look for them there.

Tempo and key are also written to dropgrid's own fields, so that dropgrid.audio.tags recognises its
own values and does not use them as evidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..audio.tags import OWN_BPM, OWN_KEY
from ..base.text import clock
from ..records.model import Loudness

Value = list[Any]
UTF16 = 1  # the ID3 encoding for any text that every version of ID3v2 has
OWN_FIELDS = re.compile(
    r"TBPM|TXXX:BPM|COMM::[^:]*|tmpo|----:com\.apple\.iTunes:BPM|\xa9cmt|BPM|COMMENT"
    r"|WM/BeatsPerMinute|Description|TKEY|(----:com\.apple\.iTunes:|WM/)?initialkey"
    r"|(TXXX:|----:com\.apple\.iTunes:)?replaygain_track_(gain|peak)|R128_TRACK_GAIN"
    r"|----:com\.apple\.iTunes:iTunNORM|GEOB:Serato (BeatGrid|Markers_|Markers2|Autotags)"
    r"|SERATO_(BEATGRID|MARKERS_V2|AUTOGAIN)|(TXXX:|----:com\.apple\.iTunes:)?DROPGRID_(BPM|KEY|SERATO)"
    r"|----:com\.serato\.dj:(beatgrid|markers|markersv2|autgain)",
    re.IGNORECASE,
)
OWN_FIELD_NAME = re.compile(f"(?:.*:)?({OWN_BPM}|{OWN_KEY})", re.IGNORECASE)
MARKED_BY = {  # dropgrid's own field: the fields that it marks as dropgrid's
    OWN_BPM: re.compile(r"TBPM|tmpo|(.*:)?BPM|WM/BeatsPerMinute", re.IGNORECASE),
    OWN_KEY: re.compile(r"TKEY|(.*:|WM/)?initialkey", re.IGNORECASE),
}
OWN_NOTE = re.compile(r"\s*\[drops [^\]]*\]")


@dataclass(frozen=True)
class Answers:
    """The values to write into a file's tags; None: leave the fields unchanged.

    decimals: in ID3's TBPM too, although its standard allows only integers. key: as text to write.
    sound_check: also write iTunes' own field (MP4 only).
    """

    bpm: float | None = None
    decimals: bool = False
    drops: Sequence[float] | None = None
    key: str | None = None
    loudness: Loudness | None = None
    sound_check: bool = False


class Fields(Protocol):
    """The fields of a tag format: which values to write, and how to read and write them."""

    tags: Any

    def wanted(self, answers: Answers) -> dict[str, Value | None]:
        """The values to write for the answers, by field."""
        ...

    def get(self, key: str) -> Value | None:
        """The value of a field; None if it has none."""
        ...

    def put(self, key: str, value: Value | None) -> None:
        """Give a field a value; None removes it."""
        ...


def fields_of(file: Any) -> Fields | None:
    """The fields of an open mutagen file with tags; None for a format without such fields."""
    from mutagen._vorbis import VComment
    from mutagen.asf import ASFTags
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags
    from mutagen.oggopus import OggOpus

    if isinstance(file.tags, ID3):
        return _Id3(file.tags)
    if isinstance(file.tags, MP4Tags):
        return _Mp4(file.tags)
    if isinstance(file.tags, ASFTags):
        return _Asf(file.tags)
    if isinstance(file.tags, VComment):
        return _Vorbis(file.tags, isinstance(file, OggOpus))
    return None


def exact(bpm: float) -> str:
    """The tempo for a text field: up to three decimals."""
    return f"{bpm:.3f}".rstrip("0").rstrip(".")


def rounded(bpm: float) -> int:
    """The tempo for an integer field: halves up, as players show it."""
    return int(bpm + 0.5)


def replay_gain(loudness: Loudness | None) -> dict[str, str]:
    """The fields of ReplayGain 2.0 by name; none without gain and peak."""
    if loudness is None or loudness.replaygain_gain is None or loudness.replaygain_peak is None:
        return {}
    return {
        "REPLAYGAIN_TRACK_GAIN": f"{loudness.replaygain_gain:.2f} dB",
        "REPLAYGAIN_TRACK_PEAK": f"{loudness.replaygain_peak:.6f}",
    }


def sound_check(loudness: Loudness) -> str | None:
    """iTunes' iTunNORM: the gain as ten hexadecimal words, of which it reads the first pairs."""
    gain, peak = loudness.replaygain_gain, loudness.replaygain_peak
    if gain is None or peak is None:
        return None
    words = [min(65534, round(base * 10 ** (-gain / 10))) for base in (1000, 1000, 2500, 2500)]
    words += [0, 0, *[min(32768, round(32768 * peak))] * 2, 0, 0]
    return "".join(f" {word:08X}" for word in words)


def own_fields(answers: Answers) -> dict[str, str]:
    """dropgrid's own fields by name, with the tempo and key that it writes."""
    fields = {OWN_BPM: answers.bpm and exact(answers.bpm), OWN_KEY: answers.key}
    return {name: text for name, text in fields.items() if text}


def with_drops(comment: str, drops: Sequence[float]) -> str:
    """A comment followed by the times of the drops: "Nice [drops 1:02 3:04]"."""
    kept = OWN_NOTE.sub("", comment)
    times = " ".join(map(clock, drops))
    return f"{kept} [drops {times}]".strip() if drops else kept


def plain_text(value: Value | None) -> tuple[str, ...]:
    """The texts of a field's value, without encodings, types and empty texts.

    Two values with the same texts are equal to a reader: no format keeps an empty text, and the
    encoding depends on the format.
    """
    if value is None:
        return ()
    if len(value) == 2 and isinstance(value[1], list) and not isinstance(value[0], list):
        items: list[Any] = value[1]
    else:
        items = [item[-1] if isinstance(item, list) and item else item for item in value]
    return tuple(str(item) for item in items if item not in ("", []))


def without_needless(changed: dict[str, Value | None]) -> dict[str, Value | None]:
    """Changed fields without dropgrid's own fields that would mark unchanged values: those were in
    the file before, so they stay evidence."""

    def is_needed(key: str) -> bool:
        own = OWN_FIELD_NAME.fullmatch(key)
        return own is None or any(map(MARKED_BY[own[1].upper()].fullmatch, changed))

    return {key: value for key, value in changed.items() if is_needed(key)}


def is_own_value(key: str) -> bool:
    """Whether dropgrid writes this field in some format."""
    return OWN_FIELDS.fullmatch(key) is not None


class _Id3:
    """Values are [encoding, [texts]], of an object [[encoding, type, name, hex]]; keys are
    mutagen's, which hold description and language."""

    def __init__(self, tags: Any) -> None:
        self.tags = tags

    def wanted(self, answers: Answers) -> dict[str, Value | None]:
        fields: dict[str, Value | None] = {}
        if answers.bpm is not None:
            whole = exact(answers.bpm) if answers.decimals else str(rounded(answers.bpm))
            fields["TBPM"] = [0, [whole]]
            fields[self._key("TXXX:BPM")] = [0, [exact(answers.bpm)]]
        if answers.key is not None:
            fields["TKEY"] = [0, [answers.key]]
        for name, text in (replay_gain(answers.loudness) | own_fields(answers)).items():
            fields[self._key(f"TXXX:{name}")] = [0, [text]]
        if (drops := answers.drops) is not None:
            key = next((k for k in sorted(self.tags) if k.startswith("COMM::")), "COMM::eng")
            _, texts = self.get(key) or [UTF16, [""]]
            fields[key] = [UTF16, [with_drops(texts[0], drops), *texts[1:]]]
        return fields

    def _key(self, name: str) -> str:
        return next((k for k in sorted(self.tags) if k.upper() == name), name)

    def get(self, key: str) -> Value | None:
        frame = self.tags.get(key)
        if frame is None:
            return None
        if key.startswith("GEOB:"):
            return [[int(frame.encoding), frame.mime, frame.filename, frame.data.hex()]]
        return [int(frame.encoding), [str(text) for text in frame.text]]

    def put(self, key: str, value: Value | None) -> None:
        from mutagen.id3 import COMM, GEOB, TBPM, TKEY, TXXX

        self.tags.pop(key, None)
        if value is None:
            return
        name, _, rest = key.partition(":")
        if name == "GEOB":
            ((encoding, mime, filename, data),) = value
            data = bytes.fromhex(data)
            self.tags.add(GEOB(encoding, mime=mime, filename=filename, desc=rest, data=data))
            return
        encoding, texts = value
        if name == "TBPM":
            self.tags.add(TBPM(encoding=encoding, text=texts))
        elif name == "TKEY":
            self.tags.add(TKEY(encoding=encoding, text=texts))
        elif name == "TXXX":
            self.tags.add(TXXX(encoding=encoding, desc=rest, text=texts))
        else:
            description, _, language = rest.rpartition(":")
            self.tags.add(COMM(encoding=encoding, lang=language, desc=description, text=texts))


class _Mp4:
    """Values are lists of numbers or texts; of [type, text] for freeform fields."""

    FREE = "----:com.apple.iTunes:"
    TEXT = 1  # UTF-8

    def __init__(self, tags: Any) -> None:
        self.tags = tags

    def wanted(self, answers: Answers) -> dict[str, Value | None]:
        fields: dict[str, Value | None] = {}
        free: dict[str, str] = {}
        if answers.bpm is not None:
            fields["tmpo"] = [rounded(answers.bpm)]
            free["BPM"] = exact(answers.bpm)
        if answers.key is not None:
            free["initialkey"] = answers.key
        for name, text in replay_gain(answers.loudness).items():
            free[name.lower()] = text
        norm = sound_check(answers.loudness) if answers.loudness and answers.sound_check else None
        if norm is not None:
            free["iTunNORM"] = norm
        free |= own_fields(answers)
        for name, text in free.items():
            fields[self._key(self.FREE + name)] = [[self.TEXT, text]]
        if (drops := answers.drops) is not None:
            texts = self.get("\xa9cmt") or [""]
            fields["\xa9cmt"] = [with_drops(texts[0], drops), *texts[1:]]
        return fields

    def _key(self, name: str) -> str:
        return next((k for k in sorted(self.tags) if k.lower() == name.lower()), name)

    def get(self, key: str) -> Value | None:
        values = self.tags.get(key)
        if values is None:
            return None
        if key.startswith("----"):
            return [
                [int(v.dataformat), bytes(v).decode("utf-8", "surrogateescape")] for v in values
            ]
        return list(values)

    def put(self, key: str, value: Value | None) -> None:
        from mutagen.mp4 import AtomDataType, MP4FreeForm

        self.tags.pop(key, None)
        if value is not None and key.startswith("----"):
            kinds: Any = AtomDataType
            value = [
                MP4FreeForm(text.encode("utf-8", "surrogateescape"), dataformat=kinds(kind))
                for kind, text in value
            ]
        if value is not None:
            self.tags[key] = value


class _Vorbis:
    """Values are lists of texts."""

    def __init__(self, tags: Any, is_opus: bool) -> None:
        self.tags, self.is_opus = tags, is_opus

    def wanted(self, answers: Answers) -> dict[str, Value | None]:
        fields: dict[str, Value | None] = {}
        if answers.bpm is not None:
            fields["BPM"] = [exact(answers.bpm)]
        if answers.key is not None:
            fields["INITIALKEY"] = [answers.key]
        fields |= {name: [text] for name, text in own_fields(answers).items()}
        gain = replay_gain(answers.loudness)
        if answers.loudness and self.is_opus and gain:
            fields["R128_TRACK_GAIN"] = [str(answers.loudness.r128_gain)]
            fields |= {name: None for name in gain if name in self.tags}
        else:
            fields |= {name: [text] for name, text in gain.items()}
        if (drops := answers.drops) is not None:
            texts = self.get("COMMENT") or [""]
            fields["COMMENT"] = [with_drops(texts[0], drops), *texts[1:]]
        return fields

    def get(self, key: str) -> Value | None:
        return list(self.tags[key]) if key in self.tags else None

    def put(self, key: str, value: Value | None) -> None:
        if key in self.tags:
            del self.tags[key]
        if value is not None:
            self.tags[key] = value


class _Asf:
    """Values are lists of [type, number or text]; bytes as hex."""

    BYTES = 1  # ASF's type of a byte array

    def __init__(self, tags: Any) -> None:
        self.tags = tags

    def wanted(self, answers: Answers) -> dict[str, Value | None]:
        fields: dict[str, Value | None] = {}
        if answers.bpm is not None:
            fields["WM/BeatsPerMinute"] = [[0, exact(answers.bpm)]]
        if answers.key is not None:
            fields["WM/InitialKey"] = [[0, answers.key]]
        for name, text in (replay_gain(answers.loudness) | own_fields(answers)).items():
            fields[name] = [[0, text]]
        if (drops := answers.drops) is not None:
            (kind, text), *rest = self.get("Description") or [[0, ""]]
            fields["Description"] = [[kind, with_drops(str(text), drops)], *rest]
        return fields

    def get(self, key: str) -> Value | None:
        if key not in self.tags:
            return None
        return [
            [v.TYPE, v.value.hex() if v.TYPE == self.BYTES else v.value] for v in self.tags[key]
        ]

    def put(self, key: str, value: Value | None) -> None:
        from mutagen.asf import ASFValue

        if key in self.tags:
            del self.tags[key]
        if value is not None:
            self.tags[key] = [
                ASFValue(bytes.fromhex(data) if kind == self.BYTES else data, kind)
                for kind, data in value
            ]
