"""What stands in the JAMS of an answer, and how a system's process is called and quoted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.estimators import answers, inside, process

ANSWER = {
    "bpm": 120.0, "beats": [-0.1, 0.5, 1.0, 1.5, 2.0, 2.5], "downbeats": [1.0, 2.0],
    "key": "A minor", "sections": [[0.0, 1.0, "a"], [1.0, 1.0, "end"], [1.0, 3.0, "b"]],
}  # fmt: skip


def test_an_answer_is_written_over_the_whole_track_and_its_beats_as_moments(
    tmp_path: Path,
) -> None:
    document = json.loads(answers.render("a", 3.0, ANSWER, "system 1", tmp_path / "a.jams"))
    of = {entry["namespace"]: entry for entry in document["annotations"]}
    rows = {
        name: [(row["time"], row["duration"], row["value"]) for row in entry["data"]]
        for name, entry in of.items()
    }
    assert rows["tempo"] == [(0, 3, 120)] and rows["key_mode"] == [(0, 3, "A:minor")]
    assert of["tempo"]["data"][0]["confidence"] == 1
    assert rows["beat"] == [(0.5, 0, None), (1, 0, 1), (1.5, 0, 2), (2, 0, 1), (2.5, 0, 2)]
    assert rows["segment_open"] == [(0, 1, "a"), (1, 2, "b")]
    assert document["file_metadata"]["duration"] == 3


def test_a_downbeat_is_a_beat_within_a_tenth_of_a_millisecond() -> None:
    from dropgrid.references.checks import Place

    place = Place(Path("a.jams"))
    assert answers._positions([0.0, 0.5], [0.50009], place) == [None, 1]
    assert answers._positions([0.0, 0.5], [], place) == [None, None]
    for apart in (0.50011, 0.49989):
        with pytest.raises(InvalidReference, match="is not a beat"):
            answers._positions([0.0, 0.5], [apart], place)


def test_an_answer_may_lack_anything_but_not_everything(tmp_path: Path) -> None:
    file = tmp_path / "a.jams"
    for answer, namespace in (
        ({"bpm": 120, "key": "", "beats": None}, "tempo"), ({"beats": [0.5, 1.0]}, "beat"),
        ({"key": "C"}, "key_mode"), ({"sections": [[0.0, 1.0, "a"]]}, "segment_open"),
    ):  # fmt: skip
        document = json.loads(answers.render("a", 3.0000004, answer, "system 1", file))
        (annotation,) = document["annotations"]
        assert annotation["namespace"] == namespace and annotation["duration"] == 3.0
        assert document["sandbox"]["dropgrid"]["estimated_by"] == "system 1"
    with pytest.raises(InvalidReference, match="no tempo, beats, key or sections found"):
        answers.render(
            "a", 3.0, {"bpm": None, "unknown": 3, "sections": [[1, 1, "end"]]}, "s", file
        )


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"version": "1.2", "answer": {"bpm": 1}}', ("1.2", {"bpm": 1})),
        (b'{"version": null}', ("unknown", None)), (b"{}", ("unknown", None)),
        (b'{"version": 3, "answer": null}', ("3", None)),
    ],
)  # fmt: skip
def test_the_output_of_a_process_has_a_version_and_perhaps_an_answer(
    data: bytes, found: tuple[str, object], tmp_path: Path
) -> None:
    assert answers.read_answer(data, tmp_path / "answer.json") == found
    with pytest.raises(ValueError, match=r"^no weights$"):
        answers.read_answer(b'{"error": "no weights", "answer": {}}', tmp_path / "answer.json")


def test_a_process_is_quoted_by_its_signal_or_its_last_line(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    errors.write_text("Traceback\nImportError: no module\n  \n")
    assert process._reason_of_end(-9, errors) == "ended by signal 9"
    assert process._reason_of_end(1, errors) == "ImportError: no module"
    assert process._reason_of_end(0, errors) == "ImportError: no module"
    errors.write_text("")
    assert process._reason_of_end(3, errors) == "exit code 3"
    errors.write_text("x" * 9000)
    assert process._reason_of_end(1, errors) == "x" * 200


def test_a_users_cache_of_numba_is_left_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/users/own")
    assert process._variables()["NUMBA_CACHE_DIR"] == "/users/own"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    own = process._variables()["NUMBA_CACHE_DIR"]
    assert Path(own).is_dir() and process._variables()["NUMBA_CACHE_DIR"] == own
    monkeypatch.setenv("DROPGRID_OTHER", "kept")
    assert process._variables()["DROPGRID_OTHER"] == "kept"


SYSTEM = """
PACKAGE = "numpy"
IMPORTS = ("json",)
def prepare(): global ready; ready = True
def estimate(wav, weights=None):
    if wav == "bad": raise ValueError("two\\n lines")
    return {"bpm": 1.0, "beats": (0, 1), "key": [ready, wav, weights]}
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["a.wav"], {"answer": {"bpm": 1.0, "beats": [0, 1], "key": [True, "a.wav", None]}}),
        (["a.wav", "w"], {"answer": {"bpm": 1.0, "beats": [0, 1], "key": [True, "a.wav", "w"]}}),
        (["bad"], {"error": "ValueError: two lines"}),
    ],
)
def test_inside_writes_version_and_answer_or_error(
    words: list[str], expected: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    import numpy

    (tmp_path / "system.py").write_text(SYSTEM)
    monkeypatch.setattr(sys, "path", ["folder of inside.py", *sys.path])
    output = tmp_path / "answer.json"
    assert inside.main([str(tmp_path / "system.py"), str(output), *words]) == 0
    assert "folder of inside.py" not in sys.path
    assert json.loads(output.read_text()) == {"version": numpy.__version__, **expected}
    assert inside.version("no such package") is None
