"""Close idle connections, so that they cannot keep the user's page out.

Every user of this computer can open connections to the workbench. uvicorn keeps connections that
never send a whole request forever, and counts them towards its limit.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_TIMEOUT = 10.0  # s from the start of a connection to the end of a request's headers
MAX_WAITING = 64  # connections without a request; when there are more, the oldest is closed


class BoundedProtocol(H11Protocol):
    """uvicorn's connection with limits on the time and the number of waiting connections."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the timeout of a new connection; close the oldest if too many wait."""
        super().connection_made(transport)
        self._update_timeout()
        waiting = {
            each: each._deadline.when()
            for each in self.connections
            if isinstance(each, BoundedProtocol) and each._deadline is not None
        }
        if len(waiting) > MAX_WAITING:
            min(waiting, key=waiting.__getitem__)._end()

    def data_received(self, data: bytes) -> None:
        """Pass data on, and update the timeout."""
        super().data_received(data)
        self._update_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout of a closed connection."""
        self._cancel_timeout()
        super().connection_lost(exc)

    def _update_timeout(self) -> None:
        """Start the timeout when waiting for a request; cancel it when one has arrived.

        uvicorn itself closes idle connections that were answered before.
        """
        if self.conn.their_state.__name__ != "IDLE":  # h11's name of the state
            self._cancel_timeout()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_TIMEOUT, self._end)

    def _end(self) -> None:
        """Close the connection, and stop counting it."""
        self._cancel_timeout()
        self.connections.discard(self)
        self.transport.abort()

    def _cancel_timeout(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
