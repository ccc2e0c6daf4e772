"""The local API's HTTP server: uvicorn with h11; docs/decisions.md says why.

What is added to it here: every refusal is a problem document, a request must be whole within a
time, and a client gets to read the last answer of a connection, also if it sends no more or more.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import sys
from http import HTTPStatus
from typing import Any, Final, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from infra.local.listening import BACKLOG, listening_socket
from infra.local.stand_ins.http_front import CLOSE, Answers, Front, wire_headers
from infra.local.stand_ins.http_request import HEAD_BYTES_MAX
from infra.local.stand_ins.logs import part_logger
from infra.local.stand_ins.problems import problem

#: An idle connection is closed after this, and a request must be whole.
IDLE_SECONDS_MAX: Final = 75
#: How long requests in flight may take to finish when the server stops.
DRAIN_SECONDS_MAX: Final = 10
#: How long a client is waited for that is to close a connection which has had its last answer.
LINGER_SECONDS_MAX: Final = 5.0

logger = part_logger("api")


class Server(uvicorn.Server):
    """One API process's server."""

    def __init__(self, host: str, port: int, answers: Answers) -> None:
        """Bind and listen at once, so that a taken port is an error of this call."""
        self._socket = listening_socket(host, port)
        self.port: int = self._socket.getsockname()[1]
        for name in ("uvicorn", "asyncio"):
            logging.getLogger(name).handlers = logger.handlers
        self.front = Front(answers, is_stopping=lambda: self.should_exit)
        config = uvicorn.Config(
            self.front,
            loop="asyncio",
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE_SECONDS_MAX,
            timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
            h11_max_incomplete_event_size=4 * HEAD_BYTES_MAX,
        )
        super().__init__(config)

    def serve_until_stopped(self) -> None:
        """Serve until `stop` is called, then finish what is in flight."""
        self.run(sockets=[self._socket])

    def stop(self) -> None:
        """Begin to stop. Safe in a signal handler and from another thread."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what was cut off be told so, and leave no connection behind."""
        await super().shutdown(sockets)
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        for connection in list(self.server_state.connections):
            cast("Connection", connection).close_now()
        await asyncio.sleep(0)


class Lingering:
    """A transport whose peer gets to read the last answer before it is closed.

    Closing a connection with unread bytes resets it, and takes the answer back.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.is_lingering = False
        self._transport = transport
        self._loop = loop

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  stands in for a transport
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing more is to be written."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Write no more; read and drop until the peer closes, or for so long."""
        if not self.is_closing():
            self.is_lingering = True
            self._transport.resume_reading()
            self._transport.write_eof()
            self._loop.call_later(LINGER_SECONDS_MAX, self._transport.abort)

    def close_idle(self) -> None:
        """Close at once what has nothing to read."""
        self._transport.close()


class Connection(H11Protocol):
    """One connection: what h11 cannot parse is refused with a problem document."""

    _transport: Lingering
    _is_half_closed = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request."""
        self._transport = Lingering(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._transport))
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Hand on what came, unless all is said."""
        if not self._transport.is_lingering:
            super().data_received(data)
            self._set_deadline()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for what is still to be answered to a client that sends no more."""
        self._is_half_closed = not self._is_receiving()
        return self._is_half_closed

    def on_response_complete(self) -> None:
        """Go on with the next request, if it has come already."""
        super().on_response_complete()
        if self._is_half_closed and self._is_receiving():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close what is idle; what is answered is closed afterwards."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.close_now()
        else:
            cycle.keep_alive = False

    def close_now(self) -> None:
        """Close without waiting for the client; what was written is sent."""
        self._transport.close_idle()

    def send_400_response(self, msg: str) -> None:
        """Refuse what h11 cannot parse: the base class calls this, and would answer plain text."""
        error = sys.exception()
        status, detail = HTTPStatus(getattr(error, "error_status_hint", 400)), msg
        if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            detail = f"request line and headers may have {HEAD_BYTES_MAX} bytes"
            if b"\n" not in self.conn.trailing_data[0]:
                status = HTTPStatus.REQUEST_URI_TOO_LONG
        elif error is not None:
            # Behind the colon h11 shows what it was sent, however long.
            detail = f"this is no HTTP/1.1 request: {str(error).partition(':')[0]}"
        self._refuse(status, detail)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                return  # bytes behind the connection's last request, which is being answered
            cycle.disconnected = True
            cycle.message_event.set()
        response = problem(status, detail)
        headers = [*self.server_state.default_headers, *wire_headers(response), CLOSE]
        head = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        try:
            for event in (head, h11.Data(data=response.body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            self.transport.abort()  # an answer has begun, and cannot be taken back
        else:
            logger.info("refused %d: %s", status, detail)
            self.transport.close()

    def _set_deadline(self) -> None:
        """Bound the time in which a request is read; not the one in which it is answered."""
        if self.transport.is_closing() or not self._is_receiving():
            self._cancel_deadline()
        elif self._deadline is None:
            detail = f"the request was not whole after {IDLE_SECONDS_MAX} s"
            late = functools.partial(self._refuse, HTTPStatus.REQUEST_TIMEOUT, detail)
            self._deadline = self.loop.call_later(IDLE_SECONDS_MAX, late)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_receiving(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body
