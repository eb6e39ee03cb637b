"""A real workbench: `dropgrid open` as a process, and requests to it, from its page or others."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Workbench:
    """A running workbench. address: as printed, with its token and a slash at the end."""

    process: subprocess.Popen[str]
    address: str

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def token(self) -> str:
        return urlsplit(self.address).path.strip("/")

    def ask(
        self, path: str, body: Any = None, method: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case and body of an answer.

        path: below the token, or where it starts with a slash as it is. body: sent as JSON, or
        as it is where it is bytes. headers: `Content_Type` for Content-Type; "" leaves it out.
        """
        at = path if path.startswith("/") else f"/{self.token}/{path}"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            given.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.putrequest(
                method or ("GET" if data is None else "POST"),
                at,
                skip_host="Host" in given,
                skip_accept_encoding=True,
            )
            for name, value in given.items():
                if value:
                    connection.putheader(name, value)
            if data is not None and "Content-Length" not in given:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    def json(self, path: str, body: Any = None) -> dict[str, Any]:
        """The JSON of a response, which has to be a success."""
        status, _, data = self.ask(path, body)
        assert status == 200, (status, data)
        return dict(json.loads(data))

    def read_all(self) -> None:
        """Wait until it has read every track."""
        while self.json("api/library")["unread"]:
            time.sleep(0.05)

    def edit(self, track: str, *steps: dict[str, Any]) -> dict[str, Any]:
        return self.json(f"api/tracks/{track}/edit", {"edits": list(steps)})

    def settled(self, track: str) -> dict[str, Any]:
        """A track, once none of its jobs is running; waits as a page does."""
        since = 0
        for _ in range(20):
            row = self.json(f"api/tracks/{track}")["row"]
            if row["state"]["job"] != "running":
                return row
            since = self.json(f"api/changes?since={since}")["revision"]
        raise AssertionError(f"{track}: still running")

    def end(self, how: int = signal.SIGINT) -> int:
        """End it with a signal; return its exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, how)
        return self.process.wait(timeout=300)


WITH_LIMITS = """
import sys
from dropgrid.commands.main import main
from dropgrid.report.workbench import connections, state
connections.HEADERS_WITHIN, state.WAIT = {}, {}
sys.exit(main(sys.argv[1:]))
"""


def start(
    results: Path,
    *arguments: str,
    before: Sequence[str] = (),
    limits: tuple[float, float] | None = None,
) -> subprocess.Popen[str]:
    """The process of `dropgrid open` on a folder of results. before: words before the command;
    limits: seconds for the head of a request, and for a page that waits, where not the usual."""
    program = ["-c", WITH_LIMITS.format(*limits)] if limits else ["-m", "dropgrid"]
    command = [*before, sys.executable, *program, "open", "--results", str(results)]
    return subprocess.Popen(
        [*command, "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@contextmanager
def opened(
    results: Path,
    *arguments: str,
    wait: bool = True,
    limits: tuple[float, float] | None = None,
) -> Iterator[Workbench]:
    """A workbench that is open for as long as the block lasts, all tracks read if `wait`.
    limits: see start."""
    process = start(results, *arguments, limits=limits)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    address = process.stdout.readline().strip()
    assert address, process.stderr.read()
    workbench = Workbench(process, address)
    try:
        if wait:
            workbench.read_all()
        yield workbench
    finally:
        workbench.end()
        print(process.stderr.read(), file=sys.stderr)  # pytest shows it if a test fails
