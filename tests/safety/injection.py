"""System calls that fail, or that a process does not outlive: strace's fault injection.

Calls of one name are counted in each process and thread by itself: the third write is that of the
command, and that of each process it forks. Killed at a rename: what it was to put in its place was
written, and lies there under another name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

CALLS = {
    "write": ("write", "ENOSPC"), "rename": ("rename,renameat,renameat2", "EIO"),
    "fsync": ("fsync", "EIO"), "unlink": ("unlink,unlinkat", "EACCES"),
    "kill at rename": ("rename,renameat,renameat2", "EIO:signal=KILL"),
    "kill at unlink": ("unlink,unlinkat,link,linkat", "EIO:signal=KILL"),
}  # fmt: skip


def needs_strace() -> None:
    """Skip a test where nothing can be made to fail."""
    probe = ["strace", "-qq", "-o", os.devnull, "-e", "inject=fsync:error=EIO:when=1", "true"]
    if not shutil.which("strace") or subprocess.run(probe, check=False).returncode:
        pytest.skip("strace is not there, or may not trace here: apt-get install strace")


def failing(kind: str, number: int, log: Path) -> list[str]:
    """What to put before a command in which the so-many-th call of a kind is to fail. number: 0
    for none, only counted."""
    calls, error = CALLS[kind]
    inject = ["-e", f"inject={calls}:error={error}:when={number}"] if number else []
    return ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", *inject]


def has_failed(kind: str, log: Path) -> bool:
    """Whether a call did fail, or end its process."""
    return ("killed by" if kind.startswith("kill") else "(INJECTED)") in log.read_text(
        errors="replace"
    )


def most_calls(log: Path) -> int:
    """The most calls of one name that one process made."""
    calls = re.findall(r"^(\d+ +\w+)\(", log.read_text(errors="replace"), re.MULTILINE)
    return max(Counter(calls).values(), default=0)


def some_of(count: int, most: int) -> list[int]:
    """At most so many of the numbers from 1 to count, the first and the last among them."""
    if count <= most:
        return [*range(1, count + 1)]
    return sorted({1 + round(i * (count - 1) / (most - 1)) for i in range(most)})


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MPLCONFIGDIR": str(folder / ".mpl")}


def call(folder: Path, arguments: list[str], *before: str) -> subprocess.CompletedProcess[str]:
    """Run a command of dropgrid in a folder, behind other words."""
    return subprocess.run(
        [*before, sys.executable, "-m", "dropgrid", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env=environment(folder),
    )  # fmt: skip


def songs(folder: Path) -> dict[str, bytes]:
    found = {p.name: p.read_bytes() for p in (folder / "music").iterdir()}
    return {name: data for name, data in found.items() if not name.startswith(".")}


def outcome(folder: Path) -> dict[str, bytes]:
    """What a finished command leaves, without places, logs, caches and the log of changes."""
    kept = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.is_file() and not hidden and "backup" not in name and path.suffix != ".cache":
            kept[name] = path.read_bytes().replace(str(folder).encode(), b"FOLDER")
    left_out = ("results/tracks", "results/scan", "results/logs")
    return {name: data for name, data in kept.items() if not name.startswith(left_out)}


def assert_all_can_be_read(results: Path) -> None:
    """No JSON and no table is half written."""
    for path in results.rglob("*.json"):
        if "backup" not in path.name and not path.name.startswith("."):
            json.loads(path.read_bytes())
    for path in results.rglob("*.csv"):
        assert path.read_bytes().endswith(b"\n")
