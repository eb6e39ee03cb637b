"""A Reaper project: the song from 0 on, the tempo map, markers at sections and drops.

Tempo markers have a time in seconds and a decimal tempo, so that nothing drifts. Reaper's sample 0
of an MP3 was not measured. Source: project files by Reaper (the text format RPP), the `rpp`
package.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from ..base.colours import SECTION_COLOURS_ON_DARK
from ..base.text import one_line
from ..records.cue_points import cues
from ..records.track import Track, beats_per_bar
from .cues import number, title
from .tempo_map import Signature, TempoMap, tempo_map

NAME = "reaper"
HELP = "Reaper projects: the song, tempo map, markers (a file per track)"
FILE = "reaper"
NEEDS = frozenset({"bpm", "file"})
MARK = b'<REAPER_PROJECT 0.1 "6.0/dropgrid"'
SOURCES = {".mp3": "MP3", ".flac": "FLAC", ".ogg": "VORBIS", ".opus": "OPUS", ".wav": "WAVE",
           ".aif": "WAVE", ".aiff": "WAVE"}  # fmt: skip
SQUARE = 1  # the shape of a tempo marker: the tempo stays until the next
HAS_COLOUR = 0x1000000  # the bit that says that a marker has a colour
SAME_TIME = 1e-6  # seconds within which an anchor and a bar share a marker


def render_track(track: Track) -> dict[str, bytes]:
    """The project of a track; {} without a grid."""
    record = track.bpm
    assert record is not None and track.file is not None  # NEEDS says so
    found = tempo_map(record)
    if found is None:
        return {}
    bpm = found.bpm_after(0)
    lines = [
        f"{MARK.decode()} 0",
        f"  TEMPO {bpm:.9g} {beats_per_bar(record)} 4",
        "  <TEMPOENVEX",
        "    ACT 1 -1",
        *(f"    PT {point}" for point in points(found)),
        "  >",
    ]
    for index, cue in enumerate(cues(track), start=1):
        name, time = quoted(cue.name), number(cue.time, 3)
        lines.append(f"  MARKER {index} {time} {name} 0 {_colour(cue.label)}")
    length = number(record.duration or 0, 3)
    source = SOURCES.get(PurePosixPath(track.path).suffix.lower(), "VIDEO")
    lines += [
        "  <TRACK", f"    NAME {quoted(title(track))}", "    <ITEM", "      POSITION 0",
        f"      LENGTH {length}", "      LOOP 0", f"      NAME {quoted(title(track))}",
        f"      <SOURCE {source}", f"        FILE {quoted(one_line(str(track.file)))}",
        "      >", "    >", "  >", ">",
    ]  # fmt: skip
    return {".RPP": ("\n".join(lines) + "\n").encode()}


def points(found: TempoMap) -> list[str]:
    """The tempo markers: seconds, BPM, shape, and the time signature if a new one begins."""
    changes = {time: (bpm, None) for time, bpm in _tempi(found)}
    marks: dict[float, tuple[float, Signature | None]] = dict(changes)
    for signature in found.signatures:
        time = _seconds(found, signature.beat)
        at = next((known for known in marks if abs(known - time) < SAME_TIME), time)
        marks[at] = (_tempo_at(found, at), signature)
    return [
        f"{time:.9f} {bpm:.9f} {SQUARE}" + (f" {_packed(signature)}" if signature else "")
        for time, (bpm, signature) in sorted(marks.items())
    ]


def _tempi(found: TempoMap) -> list[tuple[float, float]]:
    """(seconds, BPM) of the anchors where the tempo changes."""
    tempi = [(time, found.bpm_after(i)) for i, (time, _) in enumerate(found.anchors)]
    return [
        (time, bpm)
        for i, (time, bpm) in enumerate(tempi)
        if i == 0 or abs(bpm - tempi[i - 1][1]) > 1e-7
    ]


def _tempo_at(found: TempoMap, seconds: float) -> float:
    place = max(i for i, (time, _) in enumerate(found.anchors) if time <= seconds + SAME_TIME)
    return found.bpm_after(place)


def _seconds(found: TempoMap, beat: float) -> float:
    """The time of a beat of the map, in seconds."""
    place = max(i for i, (_, known) in enumerate(found.anchors) if known <= beat + 1e-9)
    time, known = found.anchors[place]
    return time + (beat - known) * 60 / found.bpm_after(place)


def _packed(signature: Signature) -> int:
    return signature.denominator * 65536 + signature.numerator


def _colour(label: str) -> int:
    """A colour as Reaper stores it: blue, green, red, from the highest byte down."""
    red, green, blue = bytes.fromhex(SECTION_COLOURS_ON_DARK[label][1:])
    return HAS_COLOUR | blue << 16 | green << 8 | red


def quoted(text: str) -> str:
    """A text as a word of a project, in quotation marks that it does not contain."""
    for mark in "\"'`":
        if mark not in text:
            return f"{mark}{text}{mark}"
    return "`" + text.replace("`", "'") + "`"
