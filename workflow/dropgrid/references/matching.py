"""Matches annotations to tracks, and merges several annotations of one track."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from ..library import AUDIO_SUFFIXES
from .annotation import Annotation, CueOrLoop, ReferenceSection
from .collect import Rank

FIELDS = (
    "bpm", "beats", "downbeats", "structure", "sections", "cues_and_loops", "genre", "tonality",
)  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """The reference values of a track; None for a field without reference.

    structure: (times inside the track where a section begins, end of the annotated part or
    None); sections: the labelled sections; cues_and_loops: those of a player; tonality: the
    musical key. origins: field -> source file.
    """

    track: str
    bpm: float | None = None
    beats: tuple[float, ...] | None = None
    downbeats: tuple[float, ...] | None = None
    structure: tuple[tuple[float, ...], float | None] | None = None
    sections: tuple[ReferenceSection, ...] | None = None
    cues_and_loops: tuple[CueOrLoop, ...] | None = None
    genre: str | None = None
    tonality: int | None = None
    origins: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class LeftOut:
    """An annotation, or a field of one, that was not used, and why."""

    source: str
    key: str
    reason: str


class Tracks:
    """The tracks of the library; finds a track by id, path or unambiguous file name."""

    def __init__(self, paths: Mapping[str, str], root: str | None = None) -> None:
        """paths: track id -> path relative to the library's root; root: that folder, if known."""
        self.root = _posix(os.path.abspath(os.path.expanduser(root))) + "/" if root else None
        self.ids = set(paths)
        self.by_path: dict[str, str] = {}
        self.by_name: defaultdict[str, list[str]] = defaultdict(list)
        self.paths = {track: _posix(path) for track, path in paths.items()}
        for track, path in sorted(self.paths.items()):
            self.by_path[path] = track
            name = PurePosixPath(path)
            self.by_name[name.name].append(track)
            if name.stem != name.name:
                self.by_name[name.stem].append(track)

    def find(self, key: str) -> tuple[str | None, str]:
        """The track for a key and how it was found, or None and the reason.

        How: "id", "path" (also an absolute path below the root), or "name": the only file of
        that name, with or without suffix, or the only such file whose full path is the end
        of the key.
        """
        if key in self.ids:
            return key, "id"
        key = _posix(key)
        for path in (key, key.removeprefix("./"), key.removeprefix(self.root or "\0")):
            if path in self.by_path:
                return self.by_path[path], "path"
        found = self._by_name(PurePosixPath(key).name)
        if len(found) > 1:
            ending = [t for t in found if f"/{key}".endswith("/" + self.paths[t])]
            found = ending if len(ending) == 1 else found
        if len(found) == 1:
            return found[0], "name"
        if found:
            return None, f"ambiguous: {len(found)} tracks have this file name"
        return None, "unknown: no such track"

    def _by_name(self, name: str) -> list[str]:
        found = self.by_name.get(name, [])
        if not found and PurePosixPath(name).suffix.lower() in AUDIO_SUFFIXES:
            found = self.by_name.get(PurePosixPath(name).stem, [])
        return found


def match(
    annotations: Iterable[tuple[Rank, Annotation]],
    tracks: Tracks,
    decoder_of: Callable[[str], Mapping[str, Any]] = lambda track: {},
) -> tuple[dict[str, Reference], list[LeftOut], dict[str, int]]:
    """The references by track id, what was left out, and the number of matches by method.

    decoder_of: returns the decoder in a track's record; it determines the shift from the times of
    other programs to those of the analysis. The result does not depend on the annotation order.
    """
    about: defaultdict[str, list[tuple[Rank, Annotation]]] = defaultdict(list)
    left_out: list[LeftOut] = []
    ways = {"id": 0, "path": 0, "name": 0}
    for rank, annotation in annotations:
        track, way = tracks.find(annotation.key)
        if track is None:
            left_out.append(LeftOut(annotation.source, annotation.key, way))
        else:
            ways[way] += 1
            if annotation.player is not None:
                annotation = annotation.in_time_of(decoder_of(track))
            about[track].append((rank, annotation))
    references = {}
    for track in sorted(about):
        references[track], conflicts = _merge(track, about[track])
        left_out += conflicts
    return references, sorted(left_out), ways


def _merge(
    track: str, annotations: Sequence[tuple[Rank, Annotation]]
) -> tuple[Reference, list[LeftOut]]:
    reference = Reference(track)
    left_out = []
    for name in FIELDS:
        values = [(rank, a, v) for rank, a in annotations if (v := _value(a, name)) is not None]
        if not values:
            continue
        best = min(rank for rank, _, _ in values)
        equal = sorted(((a.source, a.key, v) for rank, a, v in values if rank == best), key=str)
        source, _, value = equal[0]
        if any(other != value for _, _, other in equal):
            left_out += [
                LeftOut(source, key, f"ambiguous: {name} differs between equals for {track}")
                for source, key, _ in equal
            ]
            continue
        origins = reference.origins | {name: source}
        reference = replace(reference, origins=origins, **{name: value})
    return reference, left_out


def _value(annotation: Annotation, name: str) -> Any:
    if name == "structure":
        return _structure(annotation)
    if name == "sections":
        sections = annotation.sections or ()
        return sections if any(section.label for section in sections) else None
    return getattr(annotation, name)


def _structure(annotation: Annotation) -> tuple[tuple[float, ...], float | None] | None:
    sections = annotation.sections
    if annotation.boundaries is not None:
        end = sections[-1].end if sections else annotation.duration
        return annotation.boundaries, end
    if not sections:
        return None
    edges = sorted({edge for section in sections for edge in (section.start, section.end)})
    return tuple(edge for edge in edges[:-1] if edge > 0), edges[-1]


def _posix(path: str) -> str:
    return unicodedata.normalize("NFC", path.replace(os.sep, "/"))
