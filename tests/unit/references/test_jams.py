"""JAMS files: both layouts, every namespace that is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.key import notation
from dropgrid.references.annotation import Annotation
from dropgrid.references.jams import read


def jams(folder: Path, **namespaces: Any) -> Annotation:
    """The annotation of a file of these namespaces."""
    annotations = [{"namespace": name, "data": data} for name, data in namespaces.items()]
    path = folder / "a.jams"
    path.write_text(json.dumps({"annotations": annotations}))
    (found,) = read(path)
    return found


def seen(*rows: tuple[float, float, Any]) -> list[dict[str, Any]]:
    return [{"time": t, "duration": d, "value": v} for t, d, v in rows]


def test_the_first_annotation_of_a_namespace_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.jams"
    tempos = [{"namespace": "tempo", "data": seen((0, 9, bpm))} for bpm in (120, 90)]
    path.write_text(json.dumps({"annotations": tempos}))
    assert read(path)[0].bpm == 120.0


def test_of_equally_trusted_tempos_the_first_counts(tmp_path: Path) -> None:
    assert jams(tmp_path, tempo=seen((0, 9, 120), (0, 9, 90))).bpm == 120.0
    rows = [{"value": 120, "confidence": 0.0}, {"value": 90, "confidence": 0.1}]
    assert jams(tmp_path, tempo=rows).bpm == 90.0


def test_positions_are_preferred_to_plain_beats(tmp_path: Path) -> None:
    places = seen((0.5, 0, {"position": 1}), (1.0, 0, {"position": 2}), (1.5, 0, {}))
    found = jams(tmp_path, beat=seen((0.1, 0, None)), beat_position=places)
    assert (found.beats, found.downbeats) == ((0.5, 1.0, 1.5), (0.5,))
    found = jams(tmp_path, beat=seen((0.1, 0, None), (0.6, 0, None)))
    assert (found.beats, found.downbeats) == ((0.1, 0.6), None)


def test_the_key_that_lasts_longest_counts(tmp_path: Path) -> None:
    keys = seen((0, 4, "A minor"), (4, 5, "C major"), (9, 3, "A minor"))
    assert jams(tmp_path, key_mode=keys).tonality == notation.parse("A minor")
    keys = seen((0, 4, "C major"), (4, 4, "A minor"))
    assert jams(tmp_path, key_mode=keys).tonality == notation.parse("C major")
    assert jams(tmp_path, key_mode=[{"value": "N"}]).tonality is None


def test_labels_may_be_in_objects_and_empty_segments_mark_an_end(tmp_path: Path) -> None:
    rows = seen((0, 8, {"label": "Drop"}), (8, 4, None), (12, 0, "end"))
    found = jams(tmp_path, segment_tut=rows).sections or ()
    assert [(s.start, s.end, s.label) for s in found] == [(0, 8, "drop"), (8, 12, None)]


def test_a_length_is_read_beside_the_annotations(tmp_path: Path) -> None:
    path = tmp_path / "a.jams"
    document: dict[str, Any] = {"annotations": [{"namespace": "tempo", "data": seen((0, 1, 99))}]}
    for metadata, length in (({"duration": 7}, 7.0), ({}, None), ("x", None)):
        path.write_text(json.dumps(document | {"file_metadata": metadata}))
        assert read(path)[0].duration == length


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"time": [0, 1], "value": [1]}, r"data: columns of different lengths"),
        ("x", "data: not a list of observations"),
        ([{"time": 0, "value": 1}, 3], r"data\[1\]: not an object"),
        ([{"time": 0, "value": {"position": "x"}}], r"data\[0\].value.position: not a number"),
        ([], "no annotation of tempo"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, data: Any, reason: str) -> None:
    with pytest.raises(InvalidReference, match=reason):
        jams(tmp_path, beat=data)


@pytest.mark.parametrize("annotation", [3, {}, {"namespace": 1}])
def test_an_annotation_has_a_namespace(tmp_path: Path, annotation: Any) -> None:
    (tmp_path / "a.jams").write_text(json.dumps({"annotations": [annotation]}))
    with pytest.raises(InvalidReference, match=r"annotations\[0\]: no namespace"):
        read(tmp_path / "a.jams")
