"""dropgrid as a module of another workflow, run by a stock Snakemake without profiles."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import installed
import pytest

pytestmark = pytest.mark.slow
Run = Callable[..., subprocess.CompletedProcess[str]]
HEAD = """
import dropgrid.settings.paths as place

rule mine:
    output: "mine.txt"
    resources: mem_mb=10**9
    shell: "echo $PATH > {output}"
"""
MODULE = """
module dropgrid:
    snakefile: str(place.SNAKEFILE)
    config: {config}
    {more}

use rule * from dropgrid {name}
"""


@pytest.fixture
def parent(python: Path, songs: Path, tmp_path: Path) -> Run:
    """parent(text, *words): runs the Snakefile with that text in a folder with two libraries."""
    for library, song in (("house", "house.flac"), ("trance", "other.ogg")):
        (tmp_path / library).mkdir()
        shutil.copy(songs / song, tmp_path / library)
    (tmp_path / "config").mkdir()  # the parent's own, whose options are not dropgrid's
    (tmp_path / "config" / "config.yaml").write_text("samples: 3\nlibrary: nowhere\n")

    def run(text: str, *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "Snakefile").write_text(HEAD + text)
        return installed.run(python, tmp_path, "snakemake", *words, "--cores", "2")

    return run


def one(config: str = "{'library': 'house'}", name: str = "", more: str = "") -> str:
    return MODULE.format(config=config, name=name, more=more)


def test_it_is_made_as_by_itself_and_the_parent_keeps_what_is_its(
    parent: Run, dropgrid, tmp_path: Path
) -> None:
    text = 'config["dropgrid"] = {"library": "house", "results": "out/grids"}\n'
    text += one('config["dropgrid"]', "as dg_*")
    done = parent(text)  # the parent's first rule is the default, and no limit of dropgrid applies
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine.txt").read_text().strip() == os.environ["PATH"]
    assert not (tmp_path / "out" / "grids" / "bpm").exists()
    done = parent(text, "dg_all")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "grids" / "report" / "index.html").exists()
    song = tmp_path / "house" / "house.flac"
    assert dropgrid("analyze", song, "--output", tmp_path / "plain").returncode == 0
    for kind in ("bpm", "structure", "key"):
        [made] = (tmp_path / "out" / "grids" / kind).iterdir()
        assert made.read_bytes() == (tmp_path / "plain" / kind / made.name).read_bytes()
    done = parent(text, "dg_all")
    assert "Nothing to be done" in done.stderr + done.stdout


def test_two_modules_for_two_libraries(parent: Run, tmp_path: Path) -> None:
    text = one("{'library': 'house', 'results': 'a', 'analyses': ['bpm']}", "as a_*")
    text += one(
        "{'library': 'trance', 'results': 'b', 'analyses': ['bpm'], 'tracks_per_job': 8}", "as b_*"
    ).replace("dropgrid:", "second:").replace("from dropgrid", "from second")  # fmt: skip
    done = parent(text, "a_analysis", "b_analysis")
    assert done.returncode == 0, done.stderr
    assert [path.name[:5] for path in (tmp_path / "a" / "bpm").iterdir()] == ["house"]
    assert [path.name[:5] for path in (tmp_path / "b" / "bpm").iterdir()] == ["other"]


def test_rules_keep_their_names_where_the_parent_wants_them(parent: Run) -> None:
    done = parent(one(), "table", "-n")
    assert done.returncode == 0, done.stderr
    assert "rule network:" in done.stdout + done.stderr
    done = parent(one(), "-n")  # the default target is still the parent's
    assert "rule mine:" in done.stdout + done.stderr
    assert "rule network:" not in done.stdout + done.stderr


@pytest.mark.parametrize("more", ['prefix: "sub"', 'replace_prefix: {"results/": "sub/results/"}'])
def test_a_prefix_is_refused_with_what_to_do_instead(
    parent: Run, tmp_path: Path, more: str
) -> None:
    done = parent(one(more=more), "-n")
    assert done.returncode != 0
    assert (
        "a module takes no prefix; name the folder in its configuration"
        in done.stdout + done.stderr
    )
    assert not (tmp_path / "results").exists()


def test_what_is_wrong_is_reported_in_the_parents_terms(parent: Run) -> None:
    done = parent(one("{'library': 'house', 'anlyses': ['bpm']}"), "-n")
    assert done.returncode != 0
    assert "no option anlyses (did you mean analyses?)" in done.stdout + done.stderr


def test_lint_finds_nothing_in_the_modules_rules(parent: Run) -> None:
    done = parent(one(name="as dg_*"), "--lint")
    said = done.stdout + done.stderr
    assert "Lints for rule mine" in said  # the parent's has no environment
    assert "dg_" not in said and "shipped" not in said
