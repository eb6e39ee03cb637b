"""Check every request to the workbench, and add security headers to every response.

The server listens on the loopback interface only, but every page in the browser can send requests
there. So the address contains a token that only the terminal shows. Host must be the server's own,
against DNS rebinding. Origin and Sec-Fetch-Site, if sent, must be those of the server's own page.
Only a POST of JSON can change anything; a page of another origin needs a preflight request
(OPTIONS) for it, which is never answered.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

MAX_BODY = 2**20  # bytes
METHODS = ("GET", "HEAD", "POST")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """An ASGI application around another one, which refuses forbidden requests."""

    def __init__(self, app: Any, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        if port == 80:
            self.hosts |= {"127.0.0.1", "localhost"}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # the workbench has no websockets
            return await send({"type": "websocket.close", "code": 1008})

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                names = {name for name, _ in own}
                kept = [pair for pair in message["headers"] if pair[0].lower() not in names]
                message = {**message, "headers": kept + own}
            await send(message)

        refusal = self.refusal(scope)
        if refusal is not None:
            return await _answer(send_with_headers, *refusal)
        return await self.app(scope, receive, send_with_headers)

    def refusal(self, scope: Any) -> tuple[int, str] | None:
        """The status and the reason if a request is forbidden; None if it is allowed."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if any(len(headers.get(name, ())) > 1 for name in ("host", "origin", "content-type")):
            return 400, "duplicate header"
        host = headers.get("host", [""])[0].lower()
        if host not in self.hosts:
            return 403, "this address is not the workbench's own"
        origin = headers.get("origin", [None])[0]
        if origin is not None and origin.lower() not in {f"http://{own}" for own in self.hosts}:
            return 403, "requested by a page of another origin"
        if headers.get("sec-fetch-site", ["none"])[0] not in ("same-origin", "none") and not (
            self._shows_the_page(scope, headers)
        ):
            return 403, "requested by a page of another site"
        given = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return 404, "there is nothing here; open the address that `dropgrid open` printed"
        if scope["method"] not in METHODS:
            return 405, f"only {', '.join(METHODS)}"
        if scope["method"] == "POST":
            return _refused_body(headers)
        return None

    def _shows_the_page(self, scope: Any, headers: dict[str, list[str]]) -> bool:
        """Whether a browser tab navigates to the page, for example from the file that
        `dropgrid open` opens, which cannot read the response."""
        fetch = [headers.get(f"sec-fetch-{name}") for name in ("mode", "dest")]
        is_page = scope["method"] == "GET" and scope["path"] == f"/{self.token}/"
        return is_page and fetch == [["navigate"], ["document"]]


def _refused_body(headers: dict[str, list[str]]) -> tuple[int, str] | None:
    kind = headers.get("content-type", [""])[0].partition(";")[0].strip().lower()
    if kind != "application/json":
        return 415, "not application/json"
    length = headers.get("content-length", ["0"])[0]
    if not length.isdigit() or int(length) > MAX_BODY:
        return 413, f"more than {MAX_BODY >> 10} KB"
    return None


async def _answer(send: Any, status: int, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)),
               (b"connection", b"close")]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
