"""`dropgrid run`: from what a person types to Snakemake's own command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError, LibraryError
from dropgrid.commands.run import TARGETS
from dropgrid.results.ownership import claim
from dropgrid.run.launch import (
    Request,
    command,
    environment,
    needs_options,
    read_request,
    working_folder,
)  # fmt: skip
from dropgrid.settings.paths import PROFILES, SHIPPED

OPTIONS = {"--forcerun": "*", "--quiet": "*", "--forceall": "0", "--resources": "+"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the command is typed in, with two folders of music."""
    for name in ("Music", "more music"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(*words: str) -> Request:
    return read_request(words, [*TARGETS, "export_csv"], OPTIONS)


def value(line: list[str], option: str) -> str:
    return line[line.index(option) + 1]


def config(line: list[str]) -> dict[str, str]:
    pairs = line[line.index("--config") + 1 :]
    return dict(pair.split("=", 1) for pair in pairs)  # type: ignore[misc]


def test_every_rule_that_can_be_asked_for_is_a_target() -> None:
    files = [path.read_text() for path in (SHIPPED / "rules").glob("*.smk")]
    rule = re.compile(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", re.MULTILINE | re.DOTALL)
    texts = {name: text for rules in files for name, text in rule.findall(rules)}
    behind = {"network", "evaluate", "page"}  # what others make on their way
    single = {name for name, text in texts.items() if "{{track}}" in text or "{{batch}}" in text}
    assert set(TARGETS) == {"all", *texts} - single - behind


@pytest.mark.parametrize(
    "words",
    [
        ["Music", "report", "--cores", "2", "--results", "out"],
        ["--cores=2", "--results", "out", "report", "Music"],
        ["report", "-c2", "Music", "--results=out"],
        ["--results", "out", "--config", "key={method: profiles}", "report", "Music", "-c", "2"],
    ],
)
def test_libraries_and_targets_stand_anywhere(here: Path, words: list[str]) -> None:
    request = asked(*words)
    assert request.library == (str(here / "Music"),)
    assert request.targets == ("report",)
    assert (request.results, request.cores) == (here / "out", "2")


def test_results_go_into_the_current_folder_by_default(here: Path) -> None:
    assert asked("Music").results == here / "results"
    assert asked("Music", "--config", "results=other").results == here / "other"


def test_a_home_folder_is_expanded(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    request = asked("~/Music", "--results", "~/x/y")
    assert request.library == (str(here / "Music"),)
    assert request.results == here / "x" / "y"


def test_other_options_are_passed_on_as_they_are(here: Path) -> None:
    request = asked("Music", "--forcerun", "bpm", "report", "--resources", "mem_mb=8000")
    assert request.options == ("--forcerun", "bpm", "report", "--resources", "mem_mb=8000")
    request = asked("--forceall", "--quiet", "Music")  # a folder is no value of --quiet
    assert (request.options, request.library) == (
        ("--forceall", "--quiet"), (str(here / "Music"),)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "error", "reason"),
    [
        (
            ["Musik"],
            LibraryError,
            r"Musik: no such folder \(did you mean Music\?\), and no target",
        ),
        (["Music/song.mp3"], LibraryError, "song.mp3: a file.*dropgrid analyze"),
        (["Music", "reprt"], LibraryError, r"reprt: .*\(did you mean report\?\)"),
        (["Music", "--resluts", "x"], ConfigError, r"--resluts.*did you mean --results\?"),
        (["Music", "--results"], ConfigError, "--results: takes a value"),
        (["Music", "--results", "/"], LibraryError, "root of the file system"),
    ],
)
def test_what_is_wrong_is_named(
    here: Path, words: list[str], error: type[Exception], reason: str
) -> None:
    (here / "Music" / "song.mp3").touch()
    with pytest.raises(error, match=reason):
        asked(*words)


def test_our_own_profile_is_passed_by_its_absolute_path(here: Path) -> None:
    line = command(asked("Music"), here, {})
    assert value(line, "--workflow-profile") == str(PROFILES / "default")
    assert "--profile" not in line
    assert int(value(line, "--cores")) >= 1
    line = command(asked("Music", "--profile", "slurm"), here, {})
    assert value(line, "--profile") == str(PROFILES / "slurm")
    assert "--cores" not in line  # a cluster is not limited by this machine's processors
    line = command(asked("Music", "--profile", "./mine"), here, {})
    assert value(line, "--profile") == "./mine"
    assert "--logger-dropgrid-plain" in line
    line = command(asked("Music", "--workflow-profile", "./own"), here, {})
    assert value(line, "--workflow-profile") == "./own"


def test_several_libraries_and_names_of_any_kind_arrive_as_they_are(here: Path) -> None:
    names = ["12", "a: b, {c} 'd' \"e\" ☾"]
    for name in names:
        (here / name).mkdir()
    line = command(asked(*names), here, {})
    assert json.loads(config(line)["library"]) == [str(here / name) for name in names]


def test_targets_come_before_what_could_swallow_them(here: Path) -> None:
    line = command(asked("Music", "--forcerun", "bpm", "--", "export_csv"), here, {})
    assert line[line.index("-m") + 2] == "export_csv"


def test_without_a_library_that_of_the_last_run_is_used(here: Path) -> None:
    with pytest.raises(LibraryError, match="which library"):
        command(asked(), here, {})
    for names in (["Music"], ["Music", "more music"]):
        claim(here / "results", names)
        line = command(asked(), here, {})
        expected = [str(here / name) for name in names]
        assert json.loads(config(line)["library"]) in (expected, expected[0])


def test_snakemake_works_beside_the_results(here: Path) -> None:
    line = command(asked("Music", "--results", "a/b"), here, {})
    assert value(line, "--directory") == str(here / "a")
    assert json.loads(config(line)["results"]) == "b"


def test_snakemake_works_in_the_results_where_it_may_not_beside(here: Path) -> None:
    library = [str(here / "Music")]
    inside = here / "Music" / "results"
    assert working_folder(inside, library) == inside
    assert working_folder(Path("/results"), library) == Path("/results")


def test_names_of_files_in_options_are_seen_from_where_they_are_typed(here: Path) -> None:
    words = ["Music", "--config", "evaluation={references: [refs, tags]}"]
    line = command(asked(*words, "--results", "a/b"), here, {})
    section = json.loads(config(line)["evaluation"])
    assert section == {"references": [str(here / "refs"), "tags"]}
    words = ["--config", "evaluation={references: [tags, corrections, serato, corrections.json]}"]
    line = command(asked("Music", *words, "--results", "a/b"), here, {})
    section = json.loads(config(line)["evaluation"])
    own = str(here / "corrections.json")
    assert section["references"] == ["tags", "corrections", "serato", own]
    words = ["Music", "--config", "evaluation={references: [refs, tags]}"]
    line = command(asked(*words), here, {})  # from the same folder: as typed
    assert config(line)["evaluation"] == "{references: [refs, tags]}"


def test_a_home_that_can_be_written_is_left_alone(here: Path) -> None:
    given = {"XDG_CACHE_HOME": str(here / "cache"), "A": "b"}
    assert environment(here, given) == given


def test_snakemake_is_asked_for_its_options_only_where_one_is_given() -> None:
    assert not needs_options(["Music", "--results", "x", "-c4", "-n", "--config", "a=b"])
    assert needs_options(["Music", "--forceall"])
