"""The wheels in environments made from nothing: size, bytes, and every Snakemake there may be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import installed
import pytest

MOST_MB = 400
MODULE = """
import dropgrid.settings.paths as place

rule mine:
    output: "mine.txt"
    shell: "touch {output}"

module dropgrid:
    snakefile: str(place.SNAKEFILE)
    config: {"library": "music", "results": "grids", "analyses": ["bpm"]}

use rule * from dropgrid as dg_*
"""


def records(results: Path) -> dict[str, bytes]:
    paths = [path for kind in ("bpm", "structure", "key") for path in results.glob(f"{kind}/*")]
    return {str(path.relative_to(results)): path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    "snakemake",
    [
        ("snakemake<10", "snakemake-interface-logger-plugins<3"),
        ("snakemake==9.20.0", "snakemake-interface-logger-plugins==2.0.0"),
    ],
    ids=["newest", "lowest"],
)
def test_it_works_with_every_snakemake_that_the_bounds_allow(
    snakemake: tuple[str, ...], fresh, demo: Path, tmp_path: Path
) -> None:
    python = fresh(tmp_path / "env", "dropgrid[models]", *snakemake)
    used = subprocess.run(["du", "-sm", tmp_path / "env"], capture_output=True, text=True)
    assert int(used.stdout.split()[0]) <= MOST_MB
    (tmp_path / "work").mkdir()
    ran = installed.run(python, tmp_path / "work", "dropgrid", "run", demo / "music")
    assert ran.returncode == 0, ran.stderr
    assert "13 tracks, 11 analysed, 2 failed" in ran.stderr + ran.stdout
    assert "object has no attribute" not in ran.stderr
    assert "13/13 tracks" in ran.stderr  # the display of the progress
    expected = records(demo / "plain")
    assert len(expected) == 39
    assert records(tmp_path / "work" / "results") == expected
    again = installed.run(python, tmp_path / "work", "dropgrid", "run", "report")
    assert "nothing to do" in again.stderr + again.stdout
    assert "Snakemake" not in ran.stderr + again.stderr


def test_a_module_works_with_the_lowest_snakemake(fresh, demo: Path, tmp_path: Path) -> None:
    python = fresh(tmp_path / "env", "dropgrid[models]", "snakemake==9.20.0")
    (tmp_path / "music").symlink_to(demo / "music" / "house")
    (tmp_path / "Snakefile").write_text(MODULE)
    ran = installed.run(python, tmp_path, "snakemake", "dg_analysis", "--cores", "2")
    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "grids" / "bpm").iterdir())) == 3


def test_a_snakemake_that_is_too_old_is_not_installed(fresh, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        fresh(tmp_path / "env", "dropgrid", "snakemake==9.14.0")
