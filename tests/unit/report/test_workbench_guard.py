"""Who may ask the workbench what, and how long a connection may wait to ask."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import uvicorn
from dropgrid.report.workbench.connections import (
    HEADERS_TIMEOUT,
    MAX_WAITING,
    BoundedProtocol,
)
from dropgrid.report.workbench.guard import HEADERS, MAX_BODY, Guard
from uvicorn.server import ServerState

PORT = 8123
OWN = ("host", f"127.0.0.1:{PORT}")


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """Answers all that it is asked, with headers of its own."""
    if scope["type"] == "lifespan":
        return await send({"type": "lifespan.startup.complete"})
    headers = [(b"Cache-Control", b"public"), (b"x-more", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"inner"})


def sent(scope: dict[str, Any], port: int = PORT) -> list[Any]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    asyncio.run(Guard(inner, "secret", port)(scope, None, send))
    return messages


def asked(*headers: tuple[str, str], method: str = "GET", path: str = "/secret/x") -> dict:
    return {
        "type": "http", "method": method, "path": path,
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }  # fmt: skip


def test_an_answer_forbids_what_it_can_and_keeps_its_other_headers() -> None:
    for scope, status in ((asked(OWN), 200), (asked(("host", "x")), 403)):
        start, body = sent(scope)
        assert start["status"] == status
        headers = dict(start["headers"])
        assert len(headers) == len(start["headers"])
        for name, value in HEADERS.items():
            assert headers[name.encode()] == value.encode()
        if status == 200:
            assert headers[b"x-more"] == b"1" and body["body"] == b"inner"
        else:
            assert headers[b"content-type"] == b"application/json"
            assert headers[b"content-length"] == str(len(body["body"])).encode()
            assert json.loads(body["body"]) == {"error": "this address is not the workbench's own"}


def test_a_websocket_is_closed_and_the_server_may_start() -> None:
    assert sent({"type": "websocket"}) == [{"type": "websocket.close", "code": 1008}]
    assert sent({"type": "lifespan"}) == [{"type": "lifespan.startup.complete"}]


@pytest.mark.parametrize(
    ("scope", "status", "reason"),
    [
        (asked(OWN, OWN), 400, "duplicate"),
        (asked(OWN, ("origin", "a"), ("Origin", "b")), 400, "duplicate"),
        (asked(OWN, ("x", "1"), ("x", "2")), None, ""),
        (asked(), 403, "not the workbench's own"),
        (asked(("host", "127.0.0.1")), 403, "not the workbench's own"),
        (asked(("Host", f"LOCALHOST:{PORT}")), None, ""),
        (asked(OWN, ("origin", f"HTTP://localhost:{PORT}")), None, ""),
        (asked(OWN, ("origin", f"https://localhost:{PORT}")), 403, "another origin"),
        (asked(OWN, ("origin", "null")), 403, "another origin"),
        (asked(OWN, ("sec-fetch-site", "none")), None, ""),
        (asked(OWN, ("sec-fetch-site", "same-site")), 403, "another site"),
        (asked(OWN, path="/secre/x"), 404, "dropgrid open"),
        (asked(OWN, path="secret"), 404, "dropgrid open"),
        (asked(OWN, path="/"), 404, "dropgrid open"),
        (asked(OWN, path="/secret"), None, ""),
        (asked(OWN, method="HEAD"), None, ""),
        (asked(OWN, method="PUT"), 405, "only GET, HEAD, POST"),
        (asked(OWN, method="OPTIONS"), 405, "only"),
        (asked(OWN, method="POST"), 415, "not application/json"),
        (asked(OWN, ("content-type", "Application/JSON; charset=utf-8"), method="POST"), None, ""),
        (asked(OWN, ("content-type", "application/json"), ("content-length", str(MAX_BODY + 1)),
               method="POST"), 413, "more than 1024 KB"),
        (asked(OWN, ("content-type", "application/json"), ("content-length", "-1"),
               method="POST"), 413, "more than"),
    ],
)  # fmt: skip
def test_a_request_is_refused_with_its_reason(scope, status, reason) -> None:
    found = Guard(inner, "secret", PORT).refusal(scope)
    assert (found is None) == (status is None)
    if found:
        assert found[0] == status and reason in found[1]


FROM_A_FILE = [
    OWN, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
]  # fmt: skip


def test_from_another_site_a_tab_may_go_to_the_page_itself_and_nowhere_else() -> None:
    guard = Guard(inner, "secret", PORT)
    assert guard.refusal(asked(*FROM_A_FILE, path="/secret/")) is None
    for scope in (
        asked(*FROM_A_FILE, path="/secret/api/library"),
        asked(*FROM_A_FILE, path="/secret/", method="HEAD"),
        asked(*FROM_A_FILE[:3], path="/secret/"),
        asked(*FROM_A_FILE[:3], ("sec-fetch-dest", "iframe"), path="/secret/"),
        asked(*FROM_A_FILE, ("sec-fetch-mode", "cors"), path="/secret/"),
    ):
        found = guard.refusal(scope)
        assert found and found[0] == 403


def test_the_usual_port_need_not_be_named() -> None:
    for port, status in ((80, 200), (81, 403)):
        assert sent(asked(("host", "localhost")), port)[0]["status"] == status
        assert sent(asked(("host", f"localhost:{port}")), port)[0]["status"] == 200


class Clock:
    """A loop whose clock stands still."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, call: Any) -> Timer:
        self.timers.append(Timer(self.now + seconds, call))
        return self.timers[-1]

    def create_task(self, coroutine: Any) -> Any:
        coroutine.close()
        return Task()


class Task:
    def add_done_callback(self, call: Any) -> None:
        pass


class Timer:
    def __init__(self, at: float, call: Any) -> None:
        self.at, self.call, self.cancelled = at, call, False

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.cancelled = True


class Wire:
    """A transport that notes whether it was cut."""

    def __init__(self) -> None:
        self.cut = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def abort(self) -> None:
        self.cut = True

    close = pause_reading = resume_reading = set_protocol = lambda self, *_: None

    def is_closing(self) -> bool:
        return self.cut


class Door:
    """A server's connections."""

    def __init__(self) -> None:
        self.clock, self.state = Clock(), ServerState()
        self.config = uvicorn.Config(inner, http=BoundedProtocol, ws="none", log_config=None)

    def connect(self) -> tuple[BoundedProtocol, Wire]:
        made = BoundedProtocol(self.config, self.state, {}, _loop=self.clock)  # type: ignore[arg-type]
        wire = Wire()
        made.connection_made(wire)
        return made, wire


def test_a_connection_that_sends_no_whole_head_ends() -> None:
    door = Door()
    made, wire = door.connect()
    (timer,) = door.clock.timers
    assert timer.at == HEADERS_TIMEOUT
    door.clock.now = 5.0
    made.data_received(b"GET / HTTP/1.1\r\n")
    assert door.clock.timers == [timer] and not timer.cancelled and not wire.cut
    timer.call()
    assert wire.cut and made not in door.state.connections


def test_a_request_stops_the_clock_and_so_does_the_end_of_a_connection() -> None:
    door = Door()
    made, wire = door.connect()
    made.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert door.clock.timers[0].cancelled and made._deadline is None and not wire.cut
    made, _ = door.connect()
    made.connection_lost(None)
    assert door.clock.timers[1].cancelled and made not in door.state.connections


def test_of_too_many_that_wait_the_oldest_ends() -> None:
    door = Door()
    made = []
    for second in range(MAX_WAITING):
        door.clock.now = float(MAX_WAITING - second if second < 2 else second + MAX_WAITING)
        made.append(door.connect())
    busy, _ = made[1]
    busy.data_received(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")  # waits no longer
    door.connect()
    assert not any(wire.cut for _, wire in made)
    door.connect()
    assert [i for i, (_, wire) in enumerate(made) if wire.cut] == [0]
