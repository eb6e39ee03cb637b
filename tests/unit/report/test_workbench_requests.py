"""What the workbench's server answers, without a network and a browser: statuses and reasons."""

from __future__ import annotations

import json

import pytest
from dropgrid import __version__
from dropgrid.apply_corrections import document
from dropgrid.base.errors import RecordError
from dropgrid.correcting.session import NothingToUndo
from dropgrid.library import track_id
from dropgrid.records.model import LABELS
from dropgrid.report import encode
from dropgrid.report.workbench.audio import (
    NoSound,
)
from dropgrid.report.workbench.guard import MAX_BODY, Guard
from dropgrid.report.workbench.state import Workbench
from library_of_records import PATHS
from workbench_requests import MINOR, ONE, PORT, ask


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("static/none.js", None, 404, "there is no such file"),
        ("api/tracks/none-00000000", None, 404, "there is no such track"),
        (f"api/tracks/{ONE}/edit", {"edits": []}, 400, "edits: not a list of 1 to 100"),
        (f"api/tracks/{ONE}/edit", {"edits": [{}] * 101}, 400, "edits: not a list of 1 to 100"),
        (f"api/tracks/{ONE}/edit", {"edits": [1]}, 400, "edits: not a list of objects"),
        (f"api/tracks/{ONE}/edit", {"edits": [{"op": "half"}], "revision": True}, 400,
         "revision: not a whole number"),
        (f"api/tracks/{ONE}/edit", {"edits": [{"op": "no"}]}, 400, "no"),
        (f"api/tracks/{ONE}/edit", {"edits": [{"op": "half"}], "revision": -1}, 409,
         "the track was changed meanwhile"),
        (f"api/tracks/{ONE}/edit", b"{", 400, "the body is not JSON"),
        (f"api/tracks/{ONE}/edit", b"[]", 400, "the body is not a JSON object"),
        (f"api/tracks/{ONE}/undo", {}, 409, ""),
        (f"api/tracks/{ONE}/audio", None, 415, "the file is no longer there"),
        (f"api/tracks/{ONE}/waveform?columns=0", None, 400,
         "columns: not a whole number from 1 to 40000"),
        (f"api/tracks/{ONE}/waveform?columns=40001", None, 400, "columns: not a whole number"),
        (f"api/tracks/{ONE}/waveform?columns=1.5", None, 400, "columns: not a whole number"),
        (f"api/tracks/{ONE}/waveform?columns=40000", None, 404, "the features of this track"),
        (f"api/tracks/{ONE}/waveform?columns=1", None, 404, "the features of this track"),
        (f"api/tracks/{ONE}/peaks?start=x&end=1&columns=1", None, 400, "start: not a number"),
        (f"api/tracks/{ONE}/peaks?start=nan&end=1&columns=1", None, 400, "start: out of range"),
        (f"api/tracks/{ONE}/peaks?start=-1&end=1&columns=1", None, 400, "start: out of range"),
        ("api/set", {"tracks": [1]}, 400, "tracks: not a list of texts"),
        ("api/set", {"tracks": [], "locked": {"x": "a"}}, 400, "locked: not an object of places"),
        ("api/set", {"tracks": [], "locked": []}, 400, "locked: not an object of places"),
        ("api/lists/keep", {"name": "a", "tracks": [ONE], "instead_of": 1}, 400,
         "instead_of: not a text"),
        ("api/lists/delete", {"name": 1}, 400, "name: not a text"),
        ("api/changes?since=0.5", None, 400, "since: not a whole number from 0 to 1000000000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported_with_its_status(app, path, body, status, reason) -> None:
    found, data = ask(app, path, body)
    assert found == status
    assert reason in json.loads(data)["error"]


def test_questions_about_mixing_are_passed_on(app: Guard) -> None:
    two = track_id(PATHS[1])
    assert json.loads(ask(app, f"api/tracks/{ONE}/next?energy=up")[1]) == {
        "after": ONE, "course": "up"}  # fmt: skip
    assert json.loads(ask(app, f"api/tracks/{ONE}/next")[1])["course"] == "steady"
    assert json.loads(ask(app, f"api/tracks/{ONE}/into/{two}")[1]) == {"pair": [ONE, two]}
    assert ask(app, f"api/tracks/{ONE}/into/none-00000000")[0] == 404
    asked = {"tracks": ["a", "b"], "locked": {"3": "c"}}
    assert json.loads(ask(app, "api/set", asked)[1]) == {"tracks": ["b", "a", "3", "free"]}
    status, data = ask(app, "api/set/file", {"tracks": ["a"], "kind": "m3u8"})
    assert (status, data) == (200, b"m3u8: a")


def test_lists_are_kept_and_deleted(app: Guard) -> None:
    kept = {"lists": [{"name": "warm up", "tracks": [ONE]}]}
    status, data = ask(app, "api/lists/keep", {"name": "warm up", "tracks": [ONE]})
    assert (status, json.loads(data)) == (200, kept)
    assert json.loads(ask(app, "api/lists")[1]) == kept
    assert json.loads(ask(app, "api/lists/delete", {"name": "warm up"})[1]) == {"lists": []}


def test_the_page_and_the_library_are_there(app: Guard, workbench: Workbench) -> None:
    assert ask(app, "")[0] == ask(app, "static/workbench.js")[0] == 200
    library = json.loads(ask(app, "api/library")[1])
    assert [row["id"] for row in library["tracks"]] == workbench.tracks
    assert (library["unread"], library["revision"]) == (0, 1)
    assert ask(app, "api/corrections") == (200, document.to_bytes(document.Document()))
    about = {"version": __version__, "labels": list(LABELS), "keys": encode.keys()}
    assert library | about == library
    assert set(library["colours"]) == {"light", "dark"}
    assert library["corrections"] == str(workbench.session.file)
    assert library["results"] == str(workbench.session.results.folder)


def test_the_cost_and_the_evaluation_of_the_run_are_shown(
    app: Guard, workbench: Workbench
) -> None:
    results = workbench.session.results
    log = results.folder / "logs" / "tracks" / f"{ONE}.log"
    log.parent.mkdir(parents=True)
    log.write_text("dropgrid: bpm took 1.50 s, cpu 0.25 s, peak 91 MB\n")
    assert json.loads(ask(app, "api/costs")[1])["bpm"]["seconds"] == 1.5
    assert json.loads(ask(app, "api/evaluation")[1]) == {"documents": []}
    results.evaluation.mkdir()
    (results.evaluation / "key.json").write_text('{"n": 1}')
    (results.evaluation / "systems.json").write_text('{"n": 2}')
    reported = json.loads(ask(app, "api/evaluation")[1])
    assert (reported["documents"][0]["values"], reported["systems"]) == ({"n": 1}, {"n": 2})
    (results.evaluation / "key.json").write_text("[")
    assert ask(app, "api/evaluation")[0] == 400


def test_a_full_disk_is_reported_and_a_song_without_sound_too(app, workbench, monkeypatch) -> None:
    def fail(error: Exception):
        def raising(*_: object) -> None:
            raise error

        monkeypatch.setattr(workbench, "track", raising)
        status, data = ask(app, f"api/tracks/{ONE}")
        return status, json.loads(data)["error"]

    assert fail(OSError(28, "No space left on device", "x")) == (
        507, "could not be saved or read: x: No space left on device")  # fmt: skip
    assert fail(NoSound("too long")) == (415, "too long")
    assert fail(RecordError("gone")) == (400, "gone")
    assert fail(NothingToUndo("nothing")) == (409, "nothing")


def test_an_edit_over_the_air_is_undone_and_made_again(app: Guard, workbench: Workbench) -> None:
    status, data = ask(app, f"api/tracks/{ONE}/edit", {"edits": [MINOR], "revision": 1})
    seen = json.loads(data)
    assert (status, seen["key"]["key"]) == (200, "D minor")
    assert json.loads(ask(app, f"api/tracks/{ONE}")[1]) == seen
    changed = json.loads(ask(app, "api/changes?since=1")[1])
    assert [row["id"] for row in changed["tracks"]] == [ONE] and changed["unread"] == 0
    assert json.loads(ask(app, f"api/tracks/{ONE}/undo", {})[1])["key"]["key"] == "A minor"
    assert json.loads(ask(app, f"api/tracks/{ONE}/redo", {})[1])["key"]["key"] == "D minor"
    assert workbench._queue.qsize() == 3
    assert ask(app, f"api/tracks/{ONE}/edit", {"edits": [MINOR] * 100})[0] == 200


def test_a_list_may_take_the_place_of_another(app: Guard) -> None:
    for name, instead, names in (
        ("a", None, ["a"]),
        ("b", None, ["a", "b"]),
        ("c", "a", ["c", "b"]),
    ):
        body = {"name": name, "tracks": [ONE], "instead_of": instead}
        lists = json.loads(ask(app, "api/lists/keep", body)[1])["lists"]
        assert [item["name"] for item in lists] == names


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403), ({"host": f"localhost:{PORT}"}, 200),
        ({"origin": "http://evil.example"}, 403), ({"origin": f"http://127.0.0.1:{PORT}"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403), ({"sec-fetch-site": "same-origin"}, 200),
        ({"content-type": "text/plain"}, 415), ({"content-length": str(MAX_BODY + 1)}, 413),
        ({"content-length": str(MAX_BODY)}, 200), ({"content-length": "x"}, 413),
    ],
)  # fmt: skip
def test_only_its_own_page_may_ask(app: Guard, headers: dict[str, str], status: int) -> None:
    assert ask(app, "api/lists/delete", {"name": "none"}, **headers)[0] == status
