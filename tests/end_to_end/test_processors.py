"""Records do not depend on which of its ways to sum OpenBLAS and NumPy choose for a processor."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="names of x86-64's kernels"),
]
OLDER = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR AVX2 FMA3"
KINDS = (
    {},  # what this processor has
    {"OPENBLAS_CORETYPE": "Haswell"},
    {"OPENBLAS_CORETYPE": "Sandybridge"},
    {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": OLDER},
)


def test_records_are_the_same_bytes_on_four_kinds_of_processor(songs: Path, tmp_path: Path):
    files = sorted(path for path in songs.rglob("*") if path.is_file())
    found = []
    for number, kind in enumerate(KINDS):
        folder = tmp_path / str(number)
        command = [sys.executable, "-m", "dropgrid", "analyze", *files, "--output", folder]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **kind})
        records = [*folder.glob("bpm/*"), *folder.glob("structure/*"), *folder.glob("key/*")]
        found.append({path.relative_to(folder): path.read_bytes() for path in sorted(records)})
    assert len(found[0]) == 3 * len(files)
    assert all(records == found[0] for records in found[1:])
