"""What a user who only knows `dropgrid run FOLDER` gets to read: whole lines, no jargon."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# All that may be printed by runs without an error of Snakemake's.
LINES = re.compile(
    r"""dropgrid:\ tracks\ to\ analyse:\ \d+
    |dropgrid:\ +\d+%\ +\d/\d\ tracks(,\ \d\ failed)?,\ [\d.]+\ tracks/min(,\ .*left)?
    |dropgrid:\ \d\ tracks?,\ \d\ analysed,\ \d\ failed
    |\ \ [\w./]+:\ decode:\ .*
    |this\ run:\ [\d.]+\ s\ of\ CPU\ time,\ at\ most\ \d+\ MB\ of\ memory\ a\ track
    |A\ failed\ track\ is\ analysed\ again\ when\ its\ file\ changes\..*dropgrid\ retry\ .*
    |\d\ tracks?\ to\ check;\ for\ the\ reasons:\ dropgrid\ list
    |open\ .*/report/index\.html\ in\ a\ browser,\ or\ type:\ dropgrid\ open.*
    |dropgrid:\ nothing\ to\ do:\ everything\ is\ up\ to\ date
    |\d\ tracks?\ failed\ in\ an\ earlier\ run,\ see\ .*failures\.csv
    |dropgrid:\ dry\ run:\ nothing\ was\ changed;\ a\ real\ run\ would\ do\ this:
    |\ \ (analyse|make).*
    |\(--verbose:\ every\ job,\ and\ why\)""",
    re.VERBOSE,
)


def run(folder: Path, *words: str) -> tuple[int, list[str]]:
    """Exit code of `dropgrid run WORDS`, typed in a folder, and the lines it printed."""
    command = [sys.executable, "-m", "dropgrid", "run", *words]
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def home(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `Music`: a track, and one that was cut to nothing."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "Music").mkdir()
    shutil.copy(songs / "other.ogg", folder / "Music")
    (folder / "Music" / "broken.mp3").write_text("hello")
    return folder


@pytest.fixture(scope="module")
def first(home: Path) -> list[str]:
    code, lines = run(home, "Music", "--results", "my place/results")
    assert code == 0, lines
    return lines


def test_the_first_run_prints_only_what_a_person_needs(first: list[str]) -> None:
    assert [line for line in first if not LINES.fullmatch(line)] == []
    assert "dropgrid: 2 tracks, 1 analysed, 1 failed" in first
    assert [line for line in first if line.startswith("  broken.mp3: decode: ")]


def test_what_is_to_be_typed_next_works_where_it_was_typed(first, home: Path) -> None:
    [retry] = [line for line in first if "dropgrid retry" in line]
    assert "dropgrid retry --results 'my place/results', then start the run again" in retry
    page = "open my place/results/report/index.html in a browser, or type: "
    assert f"{page}dropgrid open --results 'my place/results'" in first
    assert (home / "my place" / "results" / "report" / "index.html").exists()


def test_a_second_run_says_that_there_is_nothing_to_do_and_what_failed(first, home) -> None:
    code, lines = run(home, "Music", "--results", "my place/results", "--cores", "2")
    assert code == 0 and [line for line in lines if not LINES.fullmatch(line)] == []
    assert lines[:2] == [
        "dropgrid: nothing to do: everything is up to date",
        "1 track failed in an earlier run, see my place/results/failures.csv",
    ]


def test_a_dry_run_says_in_a_few_lines_what_a_real_one_would_do(first, home: Path) -> None:
    code, lines = run(home, "--results", "my place/results", "-n", "--forcerun", "bpm")
    assert code == 0 and [line for line in lines if not LINES.fullmatch(line)] == []
    assert lines[1] == "  analyse 2 tracks: bpm, structure"
    code, lines = run(
        home, "--results", "my place/results", "-n", "--forcerun", "bpm", "--verbose"
    )
    assert code == 0 and [line for line in lines if "reason: Forced execution" in line]


def test_an_error_of_snakemake_arrives_in_its_words_and_the_log_is_named(first, home) -> None:
    record = "my place/results/bpm/nothing-00000000.json"
    code, lines = run(home, record, "--results", "my place/results")
    assert code == 1
    assert lines[0] == "dropgrid: the workflow reports an error; Snakemake's words:"
    assert lines[1].startswith("Missing") and "nothing-00000000" in lines[2]
    log = lines[-1].removeprefix("dropgrid: the complete log of this run: ")
    assert lines[1] in Path(log).read_text()


def test_a_job_that_fails_is_shown_with_its_command_and_its_log(home: Path) -> None:
    words = ("Music", "--results", "strict", "--config", "failures_are_fatal=true")
    code, lines = run(home, *words)
    said = "\n".join(lines)
    assert code == 1
    assert "Error in rule check:" in said and "strict/logs/check.log" in said
    assert "dropgrid: 2 tracks, 1 analysed, 1 failed" in lines
    assert Path(lines[-1].removeprefix("dropgrid: the complete log of this run: ")).is_file()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["Musik"], r"dropgrid run: Musik: no such folder \(did you mean Music\?\), .*"),
        (["Music", "--cores", "many"], r"dropgrid run: Error parsing number of cores .*"),
        (["Music", "--retries", "x"], r"dropgrid run: error: argument --retries.*"),
        (["Music", "--results", "Music"], r"dropgrid: results: Music: is the library itself; .*"),
        (["Music", "--config", "bpm=90"], r"dropgrid: bpm: 90 is not a set of options .*"),
    ],
)
def test_a_wrong_command_is_answered_in_one_line(home: Path, words: list[str], line: str) -> None:
    code, lines = run(home, *words)
    assert code in (1, 2)
    assert len(lines) == 1 and re.fullmatch(line, lines[0]), lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "dropgrid run ~/Music"),
        (["lsit"], "there is no command lsit (did you mean list?); dropgrid --help lists"),
        (["Music"], "(did you mean dropgrid run Music?)"),
    ],
)
def test_without_a_command_help_is_given(home: Path, words: list[str], said: str) -> None:
    command = [sys.executable, "-m", "dropgrid", *words]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True)
    assert done.returncode == 2 and said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
