"""What the workbench answers, without a server and a browser: statuses, reasons and rows."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import struct
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropgrid import __version__
from dropgrid.base.errors import RecordError
from dropgrid.correcting.session import CorrectionSession, NothingToUndo
from dropgrid.corrections import document
from dropgrid.corrections.section_edits import Answer
from dropgrid.library import track_id
from dropgrid.records.model import LABELS, Alternative
from dropgrid.report import encode
from dropgrid.report.workbench import server, state
from dropgrid.report.workbench.audio import (
    DESCRIPTOR,
    LONGEST_PEAKS,
    LOWS,
    MOST_COLUMNS,
    MOST_PEAKS,
    NoSound,
    Sounds,
    peaks,
    playable,
    waveform,
)
from dropgrid.report.workbench.guard import MAX_BODY, Guard
from dropgrid.report.workbench.server import application
from dropgrid.report.workbench.state import Changed, NoSuchTrack, Workbench
from dropgrid.report.workbench.track_answers import alternatives
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from library_of_records import PATHS, bpm_record, write_results

TOKEN, PORT = "secret", 8123
ONE = track_id(PATHS[0])
MINOR = {"op": "key", "key": "D minor"}


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    """A workbench whose rows have been read, and whose threads do not run."""
    results = tmp_path / "results"
    claim(results, [str(tmp_path / "music")])
    write_results(results, tmp_path / "music")
    workbench = Workbench(CorrectionSession(Results(results), results / "corrections.json"))
    workbench._record_times = workbench._read_record_times()
    for track in workbench.tracks:
        workbench._rows[track] = (0, {})
    workbench._read()
    return workbench


class Mixing:
    """Answers about mixing that only name what was asked."""

    def following(self, track: str, course: str = "") -> dict[str, Any]:
        return {"after": track, "course": course}

    def between(self, track: str, then: str) -> dict[str, Any]:
        return {"pair": [track, then]}

    def arranged(self, tracks: Any, locked: Any, curve: str = "") -> list[str]:
        return [*reversed(tracks), *map(str, locked), curve]

    def written(self, tracks: Any, kind: str) -> bytes:
        return f"{kind}: {' '.join(tracks)}".encode()


def ask(app: Guard, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    """Status and body of the answer to a request of the page itself."""
    status, _, data = asked(app, path, body, **headers)
    return status, data


def asked(
    app: Guard, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of the answer to a request of the page itself."""
    at, _, query = path.partition("?")
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {
        "host": f"127.0.0.1:{PORT}",
        **(
            {}
            if data is None
            else {"content-type": "application/json", "content-length": str(len(data))}
        ),
        **headers,
    }
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": "GET" if data is None else "POST", "path": f"/{TOKEN}/{at}", "root_path": "",
        "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", PORT),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    whole = [data or b""]

    async def receive() -> dict[str, Any]:
        if not whole:
            await asyncio.Event().wait()  # the page stays there
        return {"type": "http.request", "body": whole.pop(), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asyncio.run(app(scope, receive, send))
    data = b"".join(part.get("body", b"") for part in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), data


@pytest.fixture
def app(workbench: Workbench) -> Guard:
    return application(workbench, Mixing(), TOKEN, PORT)


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
def test_what_is_wrong_is_said_with_its_status(app, path, body, status, reason) -> None:
    found, data = ask(app, path, body)
    assert found == status
    assert reason in json.loads(data)["error"]


def test_questions_about_mixing_are_handed_on(app: Guard) -> None:
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


def test_what_the_run_took_and_how_right_it_was_are_told(app: Guard, workbench: Workbench) -> None:
    results = workbench.session.results
    log = results.folder / "logs" / "tracks" / f"{ONE}.log"
    log.parent.mkdir(parents=True)
    log.write_text("dropgrid: bpm took 1.50 s, cpu 0.25 s, peak 91 MB\n")
    assert json.loads(ask(app, "api/costs")[1])["bpm"]["seconds"] == 1.5
    assert json.loads(ask(app, "api/evaluation")[1]) == {"documents": []}
    results.evaluation.mkdir()
    (results.evaluation / "key.json").write_text('{"n": 1}')
    (results.evaluation / "systems.json").write_text('{"n": 2}')
    told = json.loads(ask(app, "api/evaluation")[1])
    assert (told["documents"][0]["values"], told["systems"]) == ({"n": 1}, {"n": 2})
    (results.evaluation / "key.json").write_text("[")
    assert ask(app, "api/evaluation")[0] == 400


@pytest.fixture
def heard(workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The song of the first track, a second at 8 kHz; it need not be decoded."""
    path = tmp_path / "music" / PATHS[0].replace(".flac", ".wav")
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 8000, "NONE", ""))
        file.writeframes(np.full(8000, 256 * 9, "<i2").tobytes())
    monkeypatch.setattr(workbench, "audio", lambda track: str(path))
    monkeypatch.setattr(Sounds, "decoded", lambda sounds, track, song: song)
    return path


def test_a_song_is_sent_as_what_it_is(app: Guard, heard: Path) -> None:
    for at in ("audio", "audio.wav"):
        status, headers, data = asked(app, f"api/tracks/{ONE}/{at}")
        assert (status, data) == (200, heard.read_bytes())
        assert headers[b"content-type"] in (b"audio/wav", b"audio/x-wav")
    status, _, data = asked(app, f"api/tracks/{ONE}/audio", range="bytes=0-3")
    assert (status, data) == (206, b"RIFF")


def test_a_song_of_a_kind_that_browsers_do_not_know_is_bytes(app, heard, monkeypatch) -> None:
    for guessed, kind in (("text/html", b"application/octet-stream"), ("video/mp4", b"video/mp4"),
                          (None, b"application/octet-stream")):  # fmt: skip
        monkeypatch.setattr(mimetypes, "guess_type", lambda name, guessed=guessed: (guessed, None))
        assert asked(app, f"api/tracks/{ONE}/audio")[1][b"content-type"] == kind


def test_peaks_are_drawn_of_what_is_heard(app: Guard, heard: Path) -> None:
    status, picture = ask(app, f"api/tracks/{ONE}/peaks?start=0.5&end=1&columns=2")
    assert (status, struct.unpack("<II4b", picture)) == (200, (2, 2, 9, 9, 9, 9))
    for query in ("start=1&end=1&columns=2", "start=0&end=1&columns=8001", "start=0&columns=1"):
        assert ask(app, f"api/tracks/{ONE}/peaks?{query}")[0] == 400
    assert ask(app, f"api/tracks/{ONE}/peaks?start=0&end=1&columns=8000")[0] == 200


def test_a_cover_is_its_largest_picture(app, heard, monkeypatch) -> None:
    monkeypatch.setattr(server, "small_covers", lambda song: (b"small", b"large"))
    status, headers, data = asked(app, f"api/tracks/{ONE}/cover")
    assert (status, headers[b"content-type"], data) == (200, b"image/jpeg", b"large")
    monkeypatch.setattr(server, "small_covers", lambda song: ())
    assert ask(app, f"api/tracks/{ONE}/cover")[0] == 404


def test_a_full_disk_is_told_and_a_song_without_sound_too(app, workbench, monkeypatch) -> None:
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


def test_an_edit_is_seen_undone_and_seen_again(workbench: Workbench) -> None:
    before = workbench.revision
    seen = workbench.edit(ONE, [MINOR], before)
    assert seen["row"]["state"] | {"undo": 1, "redo": 0, "job": "running"} == seen["row"]["state"]
    assert seen["correction"]["key"] == seen["key"]["key"] == "D minor"
    assert workbench.rows(before) == (before + 1, [workbench._rows[ONE][1]])
    assert workbench.changes(before)[1][0]["id"] == ONE
    with pytest.raises(Changed):
        workbench.edit(ONE, [MINOR], before)
    seen = workbench.undo(ONE)
    assert (seen["correction"], seen["key"]["key"]) == (None, "A minor")
    assert workbench.undo(ONE, again=True)["correction"]["key"] == "D minor"
    with pytest.raises(NoSuchTrack):
        workbench.edit("none-00000000", [MINOR])


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (None, None),
        (OSError(28, "No space left on device", "x"), "x: No space left on device"),
        (RecordError("the features are gone"), "the features are gone"),
        (KeyError("odd"), "KeyError: 'odd'"),
    ],
)
def test_the_jobs_of_edits_are_done_and_their_faults_are_shown(
    workbench, monkeypatch, fault, shown
) -> None:
    done = []

    def update(session: CorrectionSession, track: str) -> None:
        done.append(track)
        if fault is not None:
            raise fault

    monkeypatch.setattr(CorrectionSession, "update_records", update)
    workbench.edit(ONE, [MINOR])
    workbench._queue.put(None)
    workbench._work()
    state = workbench._rows[ONE][1]["state"]
    assert done == [ONE]
    assert (state["job"], state.get("message")) == ("failed" if fault else "idle", shown)


def test_what_another_program_changes_is_seen_and_nothing_else(workbench: Workbench) -> None:
    workbench._check_files()
    assert workbench.revision == 1
    other = CorrectionSession(workbench.session.results, workbench.session.file)
    other.edit(ONE, [MINOR])
    workbench._check_files()
    assert [row["id"] for row in workbench.rows(1)[1]] == [ONE]
    assert workbench._rows[ONE][1]["key"] == "D minor" and workbench._jobs == {ONE: None}
    now = workbench.revision
    workbench._check_files()
    assert workbench.revision == now


def test_who_waits_is_let_go_when_the_bench_is_dismissed(workbench: Workbench) -> None:
    workbench.dismiss()
    assert workbench.changes(workbench.revision) == (workbench.revision, [])
    workbench._follow()  # ends at once


def test_every_other_reading_has_its_edit() -> None:
    record = replace(
        bpm_record("a.flac"), grid=bpm_record("a.flac").grid[:1],
        alternatives=(
            Alternative(64.0, 0.2, "octave", None), Alternative(256.0, 0.1, "octave", None),
            Alternative(85.33, 0.1, "octave", None), Alternative(128.0, 0.1, "phase", 0.5),
            Alternative(128.0, 0.1, "downbeat", 1.0), Alternative(128.0, 0.1, "downbeat", -2.0),
        ),
    )  # fmt: skip
    found = [(other["edit"], other["label"]) for other in alternatives(Answer(record))]
    assert found == [
        ({"op": "half"}, "half tempo, 64.00"),
        ({"op": "double"}, "double tempo, 256.00"),
        ({"op": "bpm", "bpm": 85.33}, "85.33 BPM"),
        ({"op": "shift", "beats": 0.5}, "half a beat later"),
        ({"op": "one", "beats": 1.0}, "downbeat a beat later"),
        ({"op": "one", "beats": -2.0}, "downbeat 2 beats earlier"),
    ]
    assert alternatives(Answer(replace(record, source="corrected"))) == []
    assert alternatives(Answer(None)) == []


def test_peaks_are_the_extremes_of_each_column(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    samples = np.array([0, 10_000, -30_000, 500, 1000, 2000, 3000, 4000], "<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 4, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    picture = peaks(path, 0.0, 3.0, 3)
    assert struct.unpack("<II", picture[:8]) == (3, 2)
    found = np.frombuffer(picture[8:], np.int8).reshape(3, 2).tolist()
    assert found == [[-117, 39], [4, 16], [0, 0]]  # in steps of 256; nothing after the end
    assert len(peaks(path, 0.0, 2.0, MOST_PEAKS)) == 8 + 2 * MOST_PEAKS
    for start, end, columns in [(0, 1, 0), (0, 1, MOST_PEAKS + 1), (1, 1, 1), (-1, 1, 1),
                                (0, LONGEST_PEAKS + 1, 1)]:  # fmt: skip
        with pytest.raises(ValueError, match="columns: 1 to"):
            peaks(path, start, end, columns)


def test_only_music_that_is_there_can_be_played(tmp_path: Path) -> None:
    song, secret = tmp_path / "a.flac", tmp_path / "secret.txt"
    song.touch()
    secret.touch()
    (tmp_path / "b.flac").symlink_to(secret)
    (tmp_path / "c.flac").symlink_to(song)
    assert playable(str(song)) == playable(str(tmp_path / "c.flac")) == song.resolve()
    for name, why in [("b.flac", "not a file of music"), ("secret.txt", "not a file of music"),
                      ("none.flac", "no longer there")]:  # fmt: skip
        with pytest.raises(NoSound, match=why):
            playable(str(tmp_path / name))


def test_the_picture_of_a_track_holds_its_loudest_frames_by_band(tmp_path: Path) -> None:
    bands = np.full((8, 9), -np.inf, np.float16)
    bands[1, 0], bands[5, LOWS], bands[6, 8], bands[7, 8] = 0.0, -20.0, np.nan, -6.0
    about = np.frombuffer(json.dumps({"duration": 0.07}).encode(), np.uint8)
    np.savez(tmp_path / "f.npz", **{"about": about, DESCRIPTOR + "bands": bands})
    picture = waveform(tmp_path / "f.npz", 2)
    assert struct.unpack("<II", picture[:8]) == (2, 3)
    found = np.frombuffer(picture[8:], np.uint8).reshape(2, 3)
    assert found.tolist() == [[255, 0, 0], [0, 26, 0]]  # the eighth frame is after the end
    for columns in (0, MOST_COLUMNS + 1):
        with pytest.raises(ValueError, match="columns: 1 to"):
            waveform(tmp_path / "f.npz", columns)


def test_a_row_tells_of_its_track_what_records_do_not(
    workbench: Workbench, tmp_path: Path
) -> None:
    song = Path(workbench.audio(ONE))
    song.parent.mkdir()
    song.write_bytes(b"fLaC")
    row = workbench._row(ONE)
    assert (row["audio"], row["file"]) == (f"api/tracks/{ONE}/audio", str(song))
    assert row["state"] == {
        "corrected": [], "confirmed": False, "job": "idle", "undo": 0, "redo": 0,
    }  # fmt: skip
    workbench.edit(ONE, [{"op": "note", "note": "loud"}])
    assert workbench._row(ONE)["state"]["note"] == "loud"
    song.unlink()
    assert "audio" not in workbench._row(ONE) and "file" not in workbench._row(ONE)
    assert workbench._row(track_id(PATHS[2]))["failure"] == ["decode", "DecodeError", "cut short"]


def test_a_library_that_moved_is_played_where_it_is(workbench: Workbench, tmp_path: Path) -> None:
    assert workbench.audio(ONE) == str(tmp_path / "music" / PATHS[0])
    assert Workbench(workbench.session, Path("/elsewhere")).audio(ONE) == f"/elsewhere/{PATHS[0]}"


def test_a_track_that_cannot_be_shown_says_why(workbench: Workbench, monkeypatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise RecordError("damaged")

    monkeypatch.setattr(CorrectionSession, "read_state", damaged)
    row = workbench._row_or_fault(ONE)
    assert row["failure"] == ["scan", "RecordError", "damaged"]
    assert row["state"] == {"job": "idle"}
    with pytest.raises(NoSuchTrack, match="damaged"):
        workbench.track(ONE)
    monkeypatch.setattr(workbench, "_row", lambda track: {"bpm": float("nan")})
    assert workbench._row_or_fault(ONE)["failure"][1] == "ValueError"
    assert state.row_of_fault("t", OSError(5, "Input/output error", "x"))["failure"][2] == (
        "x: Input/output error"
    )


def test_duplicates_and_known_tempos_are_read_again_when_they_change(workbench: Workbench) -> None:
    results = workbench.session.results
    assert "refBpm" not in workbench._row(ONE)
    results.evaluation.mkdir()
    (results.evaluation / "bpm.csv").write_text(f"track,reference_bpm\n{ONE},64.0\n")
    assert workbench._row(ONE)["refBpm"] == 64.0
    (results.evaluation / "bpm.csv").unlink()
    assert "refBpm" not in workbench._row(ONE)


def test_rows_that_are_read_later_do_not_take_the_place_of_edits(workbench: Workbench) -> None:
    workbench.edit(ONE, [MINOR])
    two, now = track_id(PATHS[1]), workbench.revision
    workbench._rows[two], workbench._unread = (0, {}), 2
    workbench._publish({ONE: {"id": "old"}, two: {"id": "new"}})
    assert workbench.rows(now) == (now + 1, [{"id": "new"}]) and workbench.unread == 0
    assert workbench._rows[ONE][1]["key"] == "D minor"


def test_rows_are_told_of_while_others_are_read(workbench: Workbench, monkeypatch) -> None:
    monkeypatch.setattr(state, "PUBLISH_INTERVAL", -1.0)
    before = workbench.revision
    workbench._read()
    assert workbench.revision == before + len(workbench.tracks) + 1  # the last time of none


def test_a_look_takes_a_twentieth_of_the_time_at_most(workbench: Workbench, monkeypatch) -> None:
    pauses: list[float] = []
    clock = iter([0.0, 0.001, 10.0, 11.0])
    monkeypatch.setattr(state.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(workbench, "_check_files", lambda: None)

    def wait(pause: float) -> bool:
        pauses.append(pause)
        return len(pauses) == 3

    monkeypatch.setattr(workbench._closed, "wait", wait)
    workbench._watch()
    assert pauses == [state.POLL, state.POLL, 20.0]


def test_records_behind_what_is_stated_are_made_anew_once(workbench: Workbench) -> None:
    CorrectionSession(workbench.session.results, workbench.session.file).edit(ONE, [MINOR])
    workbench._read()
    assert workbench._jobs == {ONE: None} and workbench._queue.qsize() == 1
    workbench._update_if_outdated(ONE)
    workbench._update_if_outdated(track_id(PATHS[2]))
    assert workbench._queue.qsize() == 1
