"""Sections and drops of real songs, by the whole pipeline, against exact truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import structure_accuracy as accuracy
from dropgrid.stages.networks import prepare_network

pytestmark = pytest.mark.slow


def test_songs_get_the_sections_and_drops_their_artists_arranged(
    shared: Path, tmp_path: Path
) -> None:
    network = tmp_path / "network.npz"
    assert prepare_network(network, "madmom") is None
    every = accuracy.read_songs(shared, tmp_path, network, folders=("music",))
    songs = tuple(song for song in every if song.judged)
    found = [accuracy.structure.analyse(s.features, s.estimated, accuracy.PRODUCT) for s in songs]
    for tolerance, least in ((0.5, 0.60), (3.0, 0.70)):
        scores = [
            accuracy.boundary_scores(song, accuracy.starts(structure), tolerance)[2]
            for song, structure in zip(songs, found, strict=True)
        ]
        assert np.mean(scores) >= least
    frames = [accuracy.drop_frames(s, f) for s, f in zip(songs, found, strict=True)]
    precision, recall = np.mean([accuracy.precision_recall(f) for f in frames], axis=0)
    assert precision >= 0.95
    assert recall >= 0.85


def test_synthesised_tracks_get_their_boundaries_and_drop_onsets(tmp_path: Path) -> None:
    network = tmp_path / "network.npz"
    assert prepare_network(network, "madmom") is None
    made = tuple(accuracy.make_tracks(7, tmp_path, network))
    scores, drops = accuracy.synthetic_scores(made, "estimated")
    assert scores[:, 2].mean() >= 0.93
    hit, found, true = drops.sum(axis=0)
    assert hit >= 0.95 * true
    assert found <= 1.1 * true
