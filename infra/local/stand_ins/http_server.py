"""The local API's HTTP server: uvicorn with h11; docs/decisions.md says why.

Two things are added here: what cannot be parsed is refused with a problem document, and a client
that says it sends no more still gets its answers.
"""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus
from typing import Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from infra.local.listening import BACKLOG, listening_socket
from infra.local.stand_ins.http_front import Front, Handler, wire_headers
from infra.local.stand_ins.http_request import HEAD_BYTES_MAX
from infra.local.stand_ins.logs import part_logger
from infra.local.stand_ins.problems import problem

#: An idle connection is closed after this.
IDLE_SECONDS_MAX: Final = 75
#: How long requests in flight may take to finish when the server stops.
DRAIN_SECONDS_MAX: Final = 10

logger = part_logger("api")


class Server(uvicorn.Server):
    """One API process's server."""

    def __init__(self, host: str, port: int, answers: Handler) -> None:
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


class Connection(H11Protocol):
    """One connection."""

    _is_half_closed = False

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for what is still to be answered."""
        cycle: RequestResponseCycle | None = self.cycle
        self._is_half_closed = not (cycle is None or cycle.response_complete or cycle.more_body)
        return self._is_half_closed

    def on_response_complete(self) -> None:
        """Go on with the next request, if it has come already."""
        super().on_response_complete()
        if self._is_half_closed and self.cycle.response_complete:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what h11 cannot parse: the base class calls this, and would answer plain text."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                return  # bytes behind the connection's last request, which is being answered
            cycle.disconnected = True
            cycle.message_event.set()
        error = sys.exception()
        status = HTTPStatus(getattr(error, "error_status_hint", HTTPStatus.BAD_REQUEST))
        # Behind the colon h11 shows what it was sent, however long.
        response = problem(status, f"{msg.rstrip('.')}: {str(error).partition(':')[0]}")
        headers = [*wire_headers(response), (b"Connection", b"close")]
        head = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        for event in (head, h11.Data(data=response.body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        logger.info("refused %d: %s", status, msg)
        self.transport.close()
