"""A short run of the fuzzing in tests/fuzz: mutated real files of every container."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from audio_containers import CONTAINERS

RUN = runpy.run_path(str(Path(__file__).parents[2] / "fuzz" / "run.py"))
fuzz, judge, read, warm_up = (RUN[name] for name in ("fuzz", "judge", "read", "warm_up"))


@pytest.mark.slow
@pytest.mark.smoke
def test_mutated_files_are_decoded_or_refused_and_nothing_else_happens(tmp_path: Path) -> None:
    warm_up(tmp_path)
    counts, amiss = fuzz(tmp_path, inputs=8 * len(CONTAINERS), seed=1)
    assert amiss == []
    assert sum(counts.values()) == 8 * len(CONTAINERS)
    assert {container for container, _ in counts} == set(CONTAINERS)
    assert {"decoded", "refused"} <= {ending for _, ending in counts}


@pytest.mark.parametrize("error", [ZeroDivisionError("unforeseen"), AssertionError("NaN")])
def test_an_error_no_one_foresaw_would_be_noticed(error: Exception) -> None:
    from dropgrid.jobs.process import supervised

    def work() -> None:
        raise error

    assert judge(supervised(work)) == "unforeseen error"


def test_whole_files_of_every_container_are_read(tmp_path: Path) -> None:
    warm_up(tmp_path)
    with pytest.raises(Exception, match="no audio"):
        (tmp_path / "x.wav").write_bytes(b"no audio at all")
        read(tmp_path / "x.wav")
