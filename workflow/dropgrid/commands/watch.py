"""Watch a library and analyse the files that are added to it, until you press Ctrl-C.

A file that is still being copied is left alone until it has not changed for --settle seconds.
A run that fails, for example because the disk is full, is tried again later. If a disk is removed,
dropgrid waits for it. After a restart, the first scan finds files that were added meanwhile.

All other options are those of `dropgrid run`.

examples:
  dropgrid watch ~/Music --results ~/dropgrid-results
  dropgrid watch ~/Music --settle 30 --cores 2 export_rekordbox
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from ..base.errors import ConfigError
from ..run.watch import EVERY, SETTLE, FolderWatcher, Watch, look
from .run import request_of

HELP = "watch a library and analyse the files that are added to it"
# Options of this command; all other arguments belong to `dropgrid run`.
NUMBERS = {"--settle": SETTLE, "--every": EVERY}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for --help; `run` parses the real ones."""
    parser.usage = "dropgrid watch LIBRARY [...] [options] [options of `dropgrid run`]"
    parser.add_argument(
        "words", nargs="*", metavar="LIBRARY, TARGET", help="as for `dropgrid run`"
    )
    parser.add_argument(
        "--results", metavar="DIR", help="where the results go (default: ./results)"
    )
    parser.add_argument(
        "--settle", metavar="SECONDS",
        help="how long a file must stay unchanged before it is analysed "
        f"(default: {SETTLE:g})",
    )  # fmt: skip
    parser.add_argument(
        "--every", metavar="SECONDS",
        help="time between scans for changes that the system does not report, for example on a "
        "network disk "
        f"(default: {EVERY:g})",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..results.ownership import last_library
    from ..settings.config import complete_config

    words, numbers = read_words(arguments.words)
    request = request_of(words)
    library = list(request.library) or last_library(request.results)
    options = {name: value for name, value in request.config if name == "exclude"}
    exclude = complete_config(options)["exclude"]
    clock = Signals()
    eyes = FolderWatcher(library, str(request.results), clock.changed)

    def wait(seconds: float) -> None:
        problem = eyes.open()
        if problem:
            say(f"changes are looked for every {seconds:g} s only: {problem}")
        clock.wait(seconds)

    watch = Watch(
        look=lambda: look(library, str(request.results), exclude),
        run=lambda: clock.call([sys.executable, "-P", "-m", "dropgrid", "run", *words]),
        wait=wait,
        rest=clock.rest,
        stopped=lambda: clock.received is not None,
        say=say,
        settle=numbers["--settle"],
        every=numbers["--every"],
    )
    say(f"watching {', '.join(library)}; Ctrl-C ends it")
    try:
        eyes.open()  # before the first scan, so that no change is missed
        watch()
    finally:
        eyes.close()
    return 128 + (clock.received or 0)


def read_words(words: Sequence[str]) -> tuple[list[str], dict[str, float]]:
    """(arguments for `dropgrid run`, options of this command in seconds). Raises ConfigError."""
    numbers, others = dict(NUMBERS), []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if name not in NUMBERS:
            others.append(word)
            continue
        text = value if equals else waiting.pop(0) if waiting else ""
        try:
            numbers[name] = float(text)
        except ValueError:
            numbers[name] = -1.0
        if not 0 < numbers[name] <= 86_400:
            raise ConfigError(f"{name}: {text!r} is no number of seconds from 0 to a day")
    return others, numbers


class Signals:
    """Waits until a change or a signal, and passes the signal to a child process."""

    def __init__(self) -> None:
        self.changed, self.ended = threading.Event(), threading.Event()
        self.received: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def wait(self, seconds: float) -> None:
        """Wait until something changes or the watch must end."""
        self.changed.wait(seconds)
        self.changed.clear()

    def rest(self, seconds: float) -> None:
        """Wait for a number of seconds, or until the watch must end."""
        self.ended.wait(seconds)

    def call(self, command: Sequence[str]) -> int:
        """Run a command to its end; return its exit code.

        This process forwards a signal from the terminal, so the command gets it once.
        """
        self._child = subprocess.Popen(command, start_new_session=True)
        if self.received is not None:
            self._child.send_signal(self.received)
        code = self._child.wait()
        self._child = None
        return code

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self.ended.set()
        self.changed.set()
        if self._child is not None:
            self._child.send_signal(number)


def say(text: str) -> None:
    """Print a progress line on stderr."""
    print(f"dropgrid watch: {text}", file=sys.stderr, flush=True)
