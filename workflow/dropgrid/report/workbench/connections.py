"""Connections that ask for nothing end, so that they never keep out the page that does.

Any user of this machine can open connections to the workbench. uvicorn lets one that never sends a
whole request stay for ever and counts it among those that it may have at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN = 10.0  # s in which the head of a request has to be there, from its first moment
MOST_WAITING = 64  # connections without a request; with another the oldest of them ends


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol of a connection, with a bound on how long and how many wait."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Bound the wait of a new connection; of too many that wait, end the oldest."""
        super().connection_made(transport)
        self._bound()
        waiting = {
            each: each._deadline.when()
            for each in self.connections
            if isinstance(each, BoundedProtocol) and each._deadline is not None
        }
        if len(waiting) > MOST_WAITING:
            min(waiting, key=waiting.__getitem__)._end()

    def data_received(self, data: bytes) -> None:
        """Hand on what came, and bound the wait anew."""
        super().data_received(data)
        self._bound()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._forget()
        super().connection_lost(exc)

    def _bound(self) -> None:
        """Start the clock where a request is waited for, once; stop it where one has come.

        One that was answered and says nothing more is ended by uvicorn's own clock.
        """
        if self.conn.their_state.__name__ != "IDLE":  # h11's word for it
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_WITHIN, self._end)

    def _end(self) -> None:
        """End the connection; it counts no longer from now on."""
        self._forget()
        self.connections.discard(self)
        self.transport.abort()

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
