"""What a command does outside of itself: its sockets, and what it writes, creates or deletes.

With strace, of every system call of the command and of all it starts. Where strace is not
available, by an audit hook in every Python that the command starts, which native code passes by.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CALLS = ("socket,connect,sendto,sendmsg,openat,open,creat,rename,renameat,renameat2,mkdir,"
         "mkdirat,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,truncate,chdir")  # fmt: skip
WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")

HOOK = """
import json, os, sys
def _note(kind, text):
    line = json.dumps([kind, text]) + "\\n"
    os.write(_log, line.encode())
def _hook(event, args):
    if event == "socket.__new__" and args[1] in (2, 10):
        _note("socket", " ".join(sys.orig_argv))
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        _note("talk", repr(args[1]))
    elif event == "open" and isinstance(args[0], (str, bytes)) and args[2] & 0o3103:
        _note("write", os.path.abspath(os.fsdecode(args[0])))
    elif event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink"):
        for name in args[:2]:
            if isinstance(name, (str, bytes)) and event != "os.symlink":
                _note("write", os.path.abspath(os.fsdecode(name)))
_log = os.open(os.environ["TRACE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.addaudithook(_hook)
"""


@dataclass
class Trace:
    """sockets: internet sockets, as what made them; talks: who was connected or sent to there;
    written: absolute paths that were opened for writing, made, renamed or deleted."""

    code: int = 0
    sockets: list[str] = field(default_factory=list)
    talks: list[str] = field(default_factory=list)
    written: set[Path] = field(default_factory=set)

    def outside(self, *folders: Path) -> list[Path]:
        """What was written that lies in none of the folders, nor is a device."""
        inside = [Path("/dev"), *(folder.resolve() for folder in folders)]
        return sorted(p for p in self.written if not any(p.is_relative_to(f) for f in inside))


def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True)
    return tried.returncode == 0  # tracing may be forbidden


def trace(
    command: Sequence[str | Path], log: Path, folder: Path, environment: dict[str, str], by: str
) -> Trace:
    """Run a command in a folder, traced by "strace" or "audit"; log: a file to use."""
    follow = by_strace if by == "strace" else by_audit
    return follow([str(part) for part in command], log, folder, environment)


def by_strace(command: list[str], log: Path, folder: Path, environment: dict[str, str]) -> Trace:
    options = ["-f", "-qq", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(log)]
    done = subprocess.run(
        ["strace", *options, *command],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    found = Trace(done.returncode)
    places: dict[str, Path] = {}  # of each process that changed its folder
    for line in log.read_text(errors="surrogateescape").splitlines():
        process, _, call = line.partition(" ")
        call = call.strip()
        if re.search(r" = -1 E|= \?$|resumed>|^---|^\+\+\+", call):
            continue
        name = call.partition("(")[0]
        if name == "chdir":
            places[process] = places.get(process, folder) / _texts(call)[0]
        elif "AF_INET" in call and name == "socket":
            found.sockets.append(call)
        elif "AF_INET" in call:
            found.talks.append(call)
        elif name in ("open", "openat") and not any(flag in call for flag in WRITING):
            continue
        elif name not in ("socket", "connect", "sendto", "sendmsg"):
            where = re.search(r"\((?:AT_FDCWD|\d+)<([^>]*)>", call)
            base = Path(where[1]) if where else places.get(process, folder)
            found.written |= {Path(os.path.normpath(base / text)) for text in _texts(call)}
    return found


def _texts(call: str) -> list[str]:
    """The quoted paths of a system call as strace prints it."""
    return [
        text.encode().decode("unicode_escape", "surrogateescape")
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', call)
    ]


def by_audit(command: list[str], log: Path, folder: Path, environment: dict[str, str]) -> Trace:
    hooks = log.with_suffix(".hook")
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOOK)
    environment = {**environment, "PYTHONPATH": str(hooks), "TRACE_LOG": str(log)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    found = Trace(done.returncode)
    for line in log.read_text().splitlines():
        kind, text = json.loads(line)
        if kind == "write":
            found.written.add(Path(text))
        else:
            (found.sockets if kind == "socket" else found.talks).append(text)
    found.written -= {log, *(p for p in found.written if p.is_relative_to(hooks))}
    return found
