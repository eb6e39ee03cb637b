"""Reads `usb` references: a stick for Pioneer DJ players, by `PIONEER/rekordbox/export.pdb`.

For each track: BPM, beats and downbeats of its grid, and cues named after a section, as
rekordbox, dropgrid or a player wrote them. Times count from rekordbox's sample 0.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ..base.errors import InvalidReference
from ..player_formats import analysis_reader
from ..player_formats.analysis_file import Beat, PlayerCue
from ..player_formats.device_reader import DeviceTrack, tracks
from . import checks, cues, stick_sources
from .annotation import Annotation, CueOrLoop
from .checks import Place

LONGER = 1.0  # seconds; a track may be longer than in its database, which stores whole seconds


def read(path: Path) -> list[Annotation]:
    """The annotations of a stick, in the order of the paths. Raises InvalidReference."""
    root = path.absolute().parent.parent.parent
    data = checks.read_bytes(path)
    try:
        listed = tracks(data)
    except ValueError as error:
        raise InvalidReference(f"{path}: cannot be read: {error}") from error
    sources = stick_sources.read(root / "PIONEER/dropgrid.json")
    found = (_annotation(path, root, track, sources) for track in listed)
    return sorted(checks.within_bounds(found, path), key=lambda annotation: annotation.key)


def _annotation(file: Path, root: Path, track: DeviceTrack, sources: dict[str, str]) -> Annotation:
    place = Place(file).at(track.path)
    beats, found_cues = _analysis(root, track, place)
    duration = checks.time(track.duration, place.at("duration")) if track.duration else None
    times = checks.times((beat.time, place) for beat in beats)
    if duration is not None and times:
        duration = max(duration, min(times[-1], duration + LONGER))
    named = [(cue.time, cue.name, place) for cue in found_cues]
    kept = [(t, b.number) for t, b in zip(times, beats, strict=True) if t <= (duration or 0.0)]
    return Annotation(
        key=sources.get(track.path) or track.path,
        source=str(file),
        format="usb",
        bpm=checks.bpm(track.bpm, place.at("bpm")) if track.bpm else None,
        beats=tuple(t for t, _ in kept) or None,
        downbeats=tuple(t for t, number in kept if number == 1) or None,
        sections=cues.sections(named, duration) or None,
        cues_and_loops=tuple(CueOrLoop(c.time, c.name, c.pad, c.end) for c in found_cues) or None,
        duration=duration,
        player="rekordbox",
    )


def _analysis(root: Path, track: DeviceTrack, place: Place) -> tuple[list[Beat], list[PlayerCue]]:
    """The grid and the cues of a track; nothing if its files are not on the stick."""
    where = PurePosixPath(track.analysis)
    if not track.analysis or ".." in where.parts or where.parts[1:2] != ("PIONEER",):
        return [], []
    dat = root.joinpath(*where.parts[1:])
    try:
        ext = dat.with_suffix(".EXT")
        extended = checks.read_bytes(ext) if ext.is_file() else None
        beats = analysis_reader.grid(checks.read_bytes(dat), extended) if dat.is_file() else []
        found_cues = analysis_reader.cues(extended) if extended else []
    except ValueError as error:
        place.refuse(f"{where}: cannot be read: {error}")
    return beats, found_cues
