"""What the page asks about mixing, and a set around locked tracks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.mixing.order import CURVES, Wishes, arrange, arrange_around
from dropgrid.mixing.requests import Mixer
from dropgrid.mixing.score import ranked, scores
from synthetic_library import write_library


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mixing")
    write_library(folder / "results", 24, folder / "music", failing=0)
    return folder / "results"


def test_the_tracks_that_follow_are_those_of_next(results: Path) -> None:
    mixer = Mixer(results)
    library = mixer._library()
    track = library.ids[0]
    found = mixer.following(track)["transitions"]
    best = ranked(library, 0, scores(library, 0))
    assert [step["to"] for step in found] == [library.ids[j] for j in best[: len(found)]]
    into = mixer.between(track, found[0]["to"])
    assert {name: into[name] for name in found[0]} == found[0]
    aligned = into["aligned"]
    assert len(aligned["first"]) == len(aligned["second"]) > aligned["end"] > aligned["swap"]
    assert aligned["first"][0] == pytest.approx(found[0]["leave"]["seconds"], abs=1e-3)
    assert aligned["second"][0] == pytest.approx(found[0]["enter"]["seconds"], abs=1e-3)
    with pytest.raises(ConfigError, match="energy: sideways"):
        mixer.following(track, "sideways")
    with pytest.raises(ConfigError, match="nobody: has no tempo"):
        mixer.following("nobody")


def test_the_table_is_read_again_when_it_has_changed(results: Path) -> None:
    mixer = Mixer(results)
    before = mixer._library()
    assert mixer._library() is before
    table = results / "library.csv"
    table.write_bytes(table.read_bytes() if table.exists() else b"")
    if not table.stat().st_size:
        table.unlink()
        (results / "scan.json").touch()
    assert mixer._library() is not before


def test_locked_tracks_keep_their_places(results: Path) -> None:
    mixer = Mixer(results)
    tracks = list(mixer._library().ids[:12])
    locked = {0: tracks[7], 5: tracks[2]}
    for curve in CURVES:
        order = mixer.arranged(tracks, locked, curve)
        assert sorted(order) == sorted(tracks)
        assert order[0] == tracks[7] and order[5] == tracks[2]
        assert mixer.arranged(tracks, locked, curve) == order
    for wrong, why in (
        ((tracks, {12: tracks[0]}), "not a place"), ((tracks * 2, {}), "twice"),
        ((tracks, {}, "sideways"), "energy"), (([str(i) for i in range(501)], {}), "at most 500"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=why):
            mixer.arranged(*wrong)


def test_a_locked_order_is_as_good_as_swaps_can_make_it() -> None:
    """No change of two free places is better; with nothing locked it is what `arrange` finds."""
    random = np.random.default_rng(3)
    table = random.uniform(0, 1, (14, 14))
    energy = random.uniform(0, 1, 14)
    names = [""] * 14

    def total(order: list[int]) -> float:
        return float(sum(table[a, b] for a, b in pairwise(order)))

    order = arrange_around(table, energy, names, {3: 9, 13: 0})
    assert order[3] == 9 and order[13] == 0
    free = [place for place in range(14) if place not in (3, 13)]
    for i in free:
        for j in free:
            other = order.copy()
            other[i], other[j] = other[j], other[i]
            if abs(i - j) > 1:  # neighbours are not looked at
                assert total(other) <= total(order) + 1e-9
    assert arrange_around(table, energy, names, {}) == arrange(table, energy, names, Wishes())
