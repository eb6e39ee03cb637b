"""Requests to the workbench's server without a network, like those of its page."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from dropgrid.library import track_id
from dropgrid.report.workbench.guard import Guard
from library_of_records import PATHS

TOKEN, PORT = "secret", 8123

ONE = track_id(PATHS[0])

MINOR = {"op": "key", "key": "D minor"}


class Mixing:
    """Responses about mixing that only repeat the request."""

    def following(self, track: str, course: str = "") -> dict[str, Any]:
        return {"after": track, "course": course}

    def between(self, track: str, then: str) -> dict[str, Any]:
        return {"pair": [track, then]}

    def arranged(self, tracks: Any, locked: Any, curve: str = "") -> list[str]:
        return [*reversed(tracks), *map(str, locked), curve]

    def written(self, tracks: Any, kind: str) -> bytes:
        return f"{kind}: {' '.join(tracks)}".encode()


def ask(app: Guard, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    """Status and body of the response to a request from the page itself."""
    status, _, data = asked(app, path, body, **headers)
    return status, data


def asked(
    app: Guard, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of the response to a request from the page itself."""
    at, _, query = path.partition("?")
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {
        "host": f"127.0.0.1:{PORT}",
        **(
            {}
            if data is None
            else {"content-type": "application/json", "content-length": str(len(data))}
        ),
        **headers,
    }
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": "GET" if data is None else "POST", "path": f"/{TOKEN}/{at}", "root_path": "",
        "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", PORT),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    whole = [data or b""]

    async def receive() -> dict[str, Any]:
        if not whole:
            await asyncio.Event().wait()  # the page stays connected
        return {"type": "http.request", "body": whole.pop(), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asyncio.run(app(scope, receive, send))
    data = b"".join(part.get("body", b"") for part in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), data
