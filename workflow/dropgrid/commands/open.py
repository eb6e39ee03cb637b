"""Open the workbench: a page on this machine where grids, sections and keys are corrected.

It listens only on the loopback interface, at an address that contains a secret. Corrections
made there are saved in the same file as those of `dropgrid correct`, and the records are updated
at once. Press Ctrl-C to end it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..base import claims
from ..base.errors import ConfigError
from ..base.text import counted
from .arguments import add_corrections, add_results

if TYPE_CHECKING:
    from ..results.layout import Results

LEADS_ON = '<!doctype html><meta http-equiv="refresh" content="0; url='
HELP = "open the workbench, to correct grids by eye and ear"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)
    add_corrections(parser)
    parser.add_argument(
        "--library", type=Path, metavar="DIR",
        help="the folder of the audio, if it has moved since the analysis",
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=0, metavar="N",
                        help="the port to listen on (default: any that is free)")  # fmt: skip
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..apply_corrections import document
    from ..correcting.page_edits import apply_page_edits
    from ..correcting.publish import corrections_file
    from ..correcting.session import CorrectionSession
    from ..mixing.requests import Mixer
    from ..report.workbench.server import new_token, serve
    from ..report.workbench.state import Workbench
    from ..results.layout import Results
    from ..results.ownership import check_claim

    results = Results(arguments.results)
    check_claim(results.folder, [])
    session = CorrectionSession(results, corrections_file(results.folder, arguments.corrections))
    document.read(session.file)  # report an unreadable file now, not at the first edit
    workbench = Workbench(session, arguments.library)
    listening = _listen(arguments.port)
    token = new_token()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/{token}/"
    lock = _only_one(results, address)
    page: Path | None = None
    try:
        for line in apply_page_edits(session):
            print(f"dropgrid open: {line}", file=sys.stderr)
        workbench.start()
        tracks = counted(len(workbench.tracks), "track")
        print(f"dropgrid: {tracks}; Ctrl-C ends the workbench\n{address}", flush=True)
        if not arguments.no_browser and _has_screen():
            page = _show(address, results.corrections)
        serve(workbench, Mixer(results.folder), listening, token)
    finally:
        workbench.close()
        listening.close()
        if page is not None:
            page.unlink(missing_ok=True)
        claims.release(results.corrections / "workbench.claim")
        os.ftruncate(lock, 0)
        os.close(lock)
    return 0


def _listen(port: int) -> socket.socket:
    """A socket on the loopback interface. Raises ConfigError."""
    if not 0 <= port <= 65_535:
        raise ConfigError(f"--port {port}: not from 0 to 65535")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(128)  # connections wait until the server is ready
    except OSError as error:
        listening.close()
        raise ConfigError(f"--port {port}: {error.strerror}") from error
    return listening


def _only_one(results: Results, address: str) -> int:
    """Lock the results for this workbench; return the descriptor of the lock.

    Raises ConfigError with the address of the other workbench if there is one.
    """
    results.corrections.mkdir(parents=True, exist_ok=True)
    path = results.corrections / "workbench.lock"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)  # the address is a secret
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise ConfigError(
            f"--results {results.folder}: a workbench is open on them: {other}"
        ) from None
    except OSError:  # the file system has no locks
        try:
            claims.claim(path.with_suffix(".claim"))
        except claims.Claimed as error:
            os.close(descriptor)
            raise ConfigError(
                f"--results {results.folder}: a workbench is open on them: {error}"
            ) from None
    os.ftruncate(descriptor, 0)
    if _is_private(descriptor):
        os.pwrite(descriptor, address.encode(), 0)
    return descriptor


def _is_private(descriptor: int) -> bool:
    """Make a file readable for this user only; return whether the file system supports it."""
    with suppress(OSError):
        os.fchmod(descriptor, 0o600)
    return not os.fstat(descriptor).st_mode & 0o077


def _show(address: str, folder: Path) -> Path:
    """Open a secret address in the browser; return the file that redirects to it.

    Every user can read a command line, so it contains the path of a file that redirects to the
    address and that only this user can read. The file is in the folder, because some browsers
    cannot read system folders; it is elsewhere if the disk has no file permissions.
    """
    for old in folder.glob("workbench-*.html"):  # left by a killed workbench
        with suppress(OSError):
            if old.read_bytes()[:200].startswith(LEADS_ON.encode()):
                old.unlink()
    descriptor, name = tempfile.mkstemp(".html", "workbench-", folder)
    if not _is_private(descriptor):
        os.close(descriptor)
        os.unlink(name)
        descriptor, name = tempfile.mkstemp(".html", "dropgrid-")
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(f'{LEADS_ON}{address}">\n')
    # Some browsers return only when their window is closed.
    threading.Thread(target=_browse, args=(Path(name).absolute().as_uri(),), daemon=True).start()
    return Path(name)


def _browse(address: str) -> None:
    import webbrowser

    with suppress(webbrowser.Error, OSError):
        webbrowser.open(address)


def _has_screen() -> bool:
    """Whether a browser would open a window, not take over this terminal."""
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
