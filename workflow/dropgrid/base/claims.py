"""Who is at work on something, where the file system has no locks that the system releases.

Some network file systems refuse `flock` (ENOLCK). There a file that only one process can create
says who is at work; one that a crash left is known by its process, which is no more.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


class Claimed(Exception):
    """Another process is at work; the message names it, and says what to do if that is wrong."""


def claim(path: Path) -> None:
    """Be the only one at work until `release`, or this process ends. Raises Claimed, OSError."""
    mine = json.dumps(_me()).encode()
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            _remove_stale(path)
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(mine)
        return


def release(path: Path) -> None:
    """End a claim, if it is this process's, not that of one which it was forked from."""
    with suppress(OSError):
        if path.read_bytes() == json.dumps(_me()).encode():
            path.unlink()


def _remove_stale(path: Path) -> None:
    """Remove the claim of a process that is no more. Raises Claimed where it may live."""
    with suppress(FileNotFoundError):
        data = path.read_bytes()
        if (who := _living(data)) is not None:
            raise Claimed(f"{who}; if that is not so, delete {path}")
        # If several processes find it stale, one renames it and checks the renamed file.
        aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        os.rename(path, aside)
        if aside.read_bytes() != data:
            with suppress(FileExistsError):
                os.link(aside, path)
            aside.unlink()
            raise Claimed("another process began at the same moment")
        aside.unlink()


def _me() -> dict[str, Any]:
    return {"pid": os.getpid(), "began": _began(os.getpid()), "host": socket.gethostname()}


def _living(data: bytes) -> str | None:
    """Who made a claim, if that may be at work still; None if it is no more."""
    try:
        holder = json.loads(data)
        pid, began, host = int(holder["pid"]), holder["began"], str(holder["host"])
    except (ValueError, KeyError, TypeError):
        return "unknown"  # a file that is being written, or none of dropgrid's
    if host != socket.gethostname():
        return f"process {pid} on {host}"
    if began is not None and _began(pid) != began:
        return None
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        pass
    return f"process {pid} on {host}"


def _began(pid: int) -> str | None:
    """When a process began, to distinguish it from a later one with its id; None if unknown."""
    if sys.platform != "linux":
        return None
    with suppress(OSError, IndexError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{boot} {words[19]}"
    return None
