"""A stick as people have them: the export goes onto a FAT32 image and comes back whole.

The image is filled and read by mtools, which know FAT as players do, because mounting asks for
rights that a test has not.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from dropgrid.export import engine, export, format_of, usb
from library_of_records import PATHS, write_results

TOOLS = ("mkfs.fat", "mcopy")
MEGABYTES = 64


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An empty FAT32 image."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: apt install mtools dosfstools")
    path = tmp_path / "stick.img"
    with path.open("wb") as stream:
        stream.truncate(MEGABYTES * 2**20)
    subprocess.run(["mkfs.fat", "-F", "32", path], check=True, capture_output=True)
    return path


@pytest.mark.parametrize("kind", ["usb", "engine"])
def test_names_and_bytes_survive_fat(tmp_path: Path, image: Path, kind: str) -> None:
    for path in PATHS:
        song = tmp_path / "music" / path
        song.parent.mkdir(parents=True, exist_ok=True)
        song.write_bytes(path.encode() * 999)
    results = write_results(tmp_path / "results", tmp_path / "music")
    stick, back = tmp_path / "stick", tmp_path / "back"
    export(kind, results, stick)
    back.mkdir()
    environment = {"MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    for folder in sorted(stick.iterdir()):
        for words in (["-s", folder, "::"], ["-s", f"::{folder.name}", back]):
            subprocess.run(
                ["mcopy", "-i", image, "-Q", *words], check=True, env=environment,
                capture_output=True,
            )  # fmt: skip
    files = {p.relative_to(stick): p.read_bytes() for p in stick.rglob("*") if p.is_file()}
    assert {p.relative_to(back): p.read_bytes() for p in back.rglob("*") if p.is_file()} == files
    assert format_of(kind).verify(back) == []
    assert (back / (usb.DATABASE if kind == "usb" else engine.DATABASE)).is_file()
