"""The corrections file that a page without a server downloads after a track is confirmed."""

from __future__ import annotations

import json
from typing import Any

from dropgrid.library import track_id
from world import Song, World


def confirm(world: World, song: Song) -> None:
    """Open the present file, confirm, download: the edits, and the results shown on the page."""
    _download(world, song, {"edits": {"answer": _shown(world, song), "steps": [[CONFIRM]]}})


def confirm_as_before(world: World, song: Song) -> None:
    """The same with the first version of the page, which left out the drops."""
    answer = _shown(world, song)
    del answer["drops"]
    _download(world, song, {"confirmed": answer})


CONFIRM = {"op": "confirm"}


def _download(world: World, song: Song, correction: dict[str, Any]) -> None:
    values = json.loads(world.kept.read_bytes())
    fingerprint = world.session().read_state(track_id(song.path)).fingerprint
    tracks = values["tracks"]
    tracks[song.path] = {**tracks.get(song.path, {}), "fingerprint": fingerprint, **correction}
    world.kept.write_text(json.dumps(values))


def _shown(world: World, song: Song) -> dict[str, Any]:
    state = world.session().read_state(track_id(song.path))
    assert state.bpm and state.structure and state.key
    return {
        "grid": [
            {"start": g.start, "bpm": g.bpm, "one": g.first_downbeat} for g in state.bpm.grid
        ],
        "sections": [
            {"start": round(s.start, 3), "label": s.label} for s in state.structure.sections
        ],
        "drops": [round(time, 3) for time in state.structure.drops],
        "key": state.key.key,
    }
