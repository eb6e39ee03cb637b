"""A second recording behind the first, wherever it begins."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from dropgrid.audio import headers
from dropgrid.audio.headers import another_behind

START = b"fLaC\0\0\0\x22"


@pytest.mark.parametrize("at", [16, 4090, 4096 - 8, 4096 - 7, 4096 - 1, 4096, 3 * 4096 + 5])
def test_it_is_found_across_the_parts_that_are_read(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "PART", 4096)
    path = tmp_path / "a.flac"
    whole = bytearray(START + bytes(5 * 4096))
    path.write_bytes(whole)
    assert not another_behind(path, "flac")
    whole[16 + at : 16 + at + len(START)] = START
    path.write_bytes(whole)
    assert another_behind(path, "flac")


def test_a_long_file_is_looked_through_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    with path.open("wb") as stream:
        stream.write(START)
        stream.truncate(300 * 2**20)
    high_before = peak_mb()
    tracemalloc.start()
    assert not another_behind(path, "flac")
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()
    assert peak_mb() < high_before + 100  # the file is not mapped as a whole either


def peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
