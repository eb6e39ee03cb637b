"""Which track a reference is about, and which of several references counts."""

from __future__ import annotations

import pytest
from dropgrid.references.annotation import Annotation, ReferenceSection
from dropgrid.references.collect import Rank
from dropgrid.references.matching import LeftOut, Tracks, match

PATHS = {
    "song-1": "house/song.flac",
    "song-2": "trance/song.mp3",
    "alone-3": "house/alone.v2.flac",
    "cafe-4": "house/cafe\u0301.flac",  # decomposed, as macOS writes it
}


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("song-1", ("song-1", "id")),
        ("trance/song.mp3", ("song-2", "path")),
        ("./trance/song.mp3", ("song-2", "path")),
        ("/music/house/song.flac", ("song-1", "path")),
        ("/elsewhere/alone.v2.flac", ("alone-3", "name")),
        ("alone.v2", ("alone-3", "name")),
        ("alone.v2.wav", ("alone-3", "name")),
        ("house/caf\u00e9.flac", ("cafe-4", "path")),
        ("song.flac", ("song-1", "name")),
        ("song", (None, "ambiguous: 2 tracks have this file name")),
        ("song.wav", (None, "ambiguous: 2 tracks have this file name")),
        ("alone", (None, "unknown: no such track")),
        ("House/Song.flac", (None, "unknown: no such track")),
    ],
)
def test_a_track_is_found_by_id_path_or_unambiguous_name(
    key: str, found: tuple[str | None, str]
) -> None:
    assert Tracks(PATHS, "/music").find(key) == found


def test_of_several_files_of_a_name_the_one_whose_path_ends_the_key_is_meant() -> None:
    tracks = Tracks({"a": "x/song.flac", "b": "y/song.flac"})
    assert tracks.find("/mnt/disk/y/song.flac") == ("b", "name")
    assert tracks.find("/mnt/disk/z/song.flac")[0] is None


def annotation(key: str = "song-1", source: str = "a.json", **fields: object) -> Annotation:
    return Annotation(key=key, source=source, format="json", **fields)  # type: ignore[arg-type]


def test_fields_are_merged_one_by_one_with_the_most_trusted_first() -> None:
    references, left_out, ways = match(
        [
            (Rank(1, 0), annotation(source="b", bpm=64.0, genre="house", beats=(0.5, 1.0))),
            (Rank(0, 4), annotation(key="house/song.flac", source="a", bpm=128.0)),
        ],
        Tracks(PATHS),
    )
    found = references["song-1"]
    assert (found.bpm, found.genre, found.beats) == (128.0, "house", (0.5, 1.0))
    assert found.origins == {"bpm": "a", "beats": "b", "genre": "b"}
    assert left_out == [] and ways == {"id": 1, "path": 1, "name": 0}


def test_equals_that_differ_make_a_field_ambiguous_and_equals_that_agree_do_not() -> None:
    both = [
        (Rank(0, 0), annotation(source="b", bpm=64.0, genre="house")),
        (Rank(0, 0), annotation(source="a", bpm=128.0, genre="house")),
    ]
    for order in (both, both[::-1]):
        references, left_out, _ = match(order, Tracks(PATHS))
        assert (references["song-1"].bpm, references["song-1"].genre) == (None, "house")
        assert left_out == [
            LeftOut("a", "song-1", "ambiguous: bpm differs between equals for song-1"),
            LeftOut("b", "song-1", "ambiguous: bpm differs between equals for song-1"),
        ]


def test_a_reference_for_an_unknown_track_is_reported_not_guessed() -> None:
    references, left_out, _ = match(
        [(Rank(0, 0), annotation("song", bpm=1.0)), (Rank(0, 0), annotation("other", bpm=1.0))],
        Tracks(PATHS),
    )
    assert references == {}
    assert left_out == [
        LeftOut("a.json", "other", "unknown: no such track"),
        LeftOut("a.json", "song", "ambiguous: 2 tracks have this file name"),
    ]


def test_boundaries_are_those_stated_or_else_the_edges_of_the_sections() -> None:
    sections = (ReferenceSection(0.0, 8.0, None), ReferenceSection(9.0, 20.0, "drop"))
    edges = annotation(sections=sections)
    corrections = annotation("song-2", sections=sections, boundaries=(9.0,))
    bare = annotation("alone-3", boundaries=(5.0,), duration=30.0)
    references, _, _ = match([(Rank(0, 0), a) for a in (edges, corrections, bare)], Tracks(PATHS))
    assert references["song-1"].structure == ((8.0, 9.0), 20.0)
    assert references["song-2"].structure == ((9.0,), 20.0)
    assert references["alone-3"].structure == ((5.0,), 30.0)
    assert references["song-1"].sections == sections and references["alone-3"].sections is None


def test_sections_without_any_label_say_where_but_not_what() -> None:
    sections = (ReferenceSection(0.0, 8.0, None), ReferenceSection(8.0, 20.0, None))
    references, _, _ = match([(Rank(0, 0), annotation(sections=sections))], Tracks(PATHS))
    assert references["song-1"].structure == ((8.0,), 20.0)
    assert references["song-1"].sections is None
