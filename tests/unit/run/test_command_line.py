"""Command lines: which words are options, values, targets, and what is wrong with them."""

from __future__ import annotations

import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.run.command_line import check, read
from snakemake_logger_plugin_dropgrid.options import options

OPTIONS = {
    "--cores": "1", "-c": "1", "--dry-run": "0", "-n": "0", "-p": "0", "--config": "*",
    "-C": "*", "--forcerun": "*", "-R": "*", "--forceall": "0", "--report": "?", "--two": "2",
}  # fmt: skip


def values(*words: str) -> dict[str, tuple[str, ...]]:
    return {option.name: option.values for option in read(words, OPTIONS)[1]}


def test_words_that_belong_to_no_option_are_free_wherever_they_stand() -> None:
    free, given = read(["a", "--cores", "4", "b", "-n", "c", "--", "--d"], OPTIONS)
    assert free == ["a", "b", "c", "--d"]
    assert [option.words for option in given] == [("--cores", "4"), ("-n",)]


@pytest.mark.parametrize(
    ("words", "name", "expected"),
    [
        (["--cores=4"], "--cores", ("4",)),
        (["--cor", "4"], "--cores", ("4",)),  # as short as it is still one of them
        (["-c4"], "-c", ("4",)),
        (["-nc", "4"], "-c", ("4",)),
        (["--cores", "-1"], "--cores", ("-1",)),  # a number, no option
        (["--forcerun", "bpm", "key", "-n"], "--forcerun", ("bpm", "key")),
        (["--report", "-n"], "--report", ()),
        (["--two", "a", "b", "c"], "--two", ("a", "b")),
    ],
)
def test_an_option_takes_its_values(words: list[str], name: str, expected: tuple[str]) -> None:
    assert values(*words)[name] == expected


def test_a_word_may_end_the_values_of_an_option_that_takes_any_number() -> None:
    free, given = read(["-R", "bpm", "music", "x"], OPTIONS, ends=lambda _, word: word == "music")
    assert (free, given[0].values) == (["music", "x"], ("bpm",))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--forcal"], r"--forcal: there is no such option \(did you mean --forceall\?\)"),
        (["--zzz"], "--zzz: there is no such option$"),
        (["-nx"], "-nx: there is no option -x"),
        (["--config", "library=m", "report"], "report is not; .* snakemake report .*library=m$"),
        (["-C", "export_csv"], "name=value, and export_csv is not"),
    ],
)
def test_what_is_wrong_is_reported_in_one_line(words: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        check(words, OPTIONS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        ["report", "--cores", "all", "--config", "library=m", "bpm={min_bpm: 90}", "-n"],
        ["--snakefile", "S", "--directory", "d", "--set-resources", "bpm:mem_mb=4", "--quiet"],
        ["--logger-dropgrid-events", "e.jsonl", "--executor", "slurm", "-j5", "-npR", "bpm"],
        ["--report", "r.zip", "--resources", "mem_mb=8000", "--retries", "0", "--sdm", "conda"],
    ],
)
def test_what_the_installed_snakemake_takes_is_not_refused(words: list[str]) -> None:
    check(words, options())
