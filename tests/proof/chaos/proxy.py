"""Stands between one API process and its queue, and fails as a network does.

The emulator is one process for table and queue, so pausing it makes both fail at once. What a
submission says when only its send has failed needs a queue that fails alone.
"""

from __future__ import annotations

import contextlib
import enum
import selectors
import socket
import threading
from typing import Final

_CHUNK_BYTES: Final = 1 << 16
_LOOK_SECONDS: Final = 0.1


class Outage(enum.Enum):
    """How the queue fails."""

    #: Connections are closed before anything is handed on.
    REFUSED = enum.auto()
    #: Requests are handed on and applied; clients that wait for the reply are cut off.
    REPLIES_LOST = enum.auto()


class Proxy:
    """Hands bytes on between a port of its own and another one, while there is no outage."""

    def __init__(self, upstream_port: int) -> None:
        """Listen at once."""
        self._upstream_port = upstream_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(_LOOK_SECONDS)
        self._stopping = threading.Event()
        self.outage: Outage | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Let everything go."""
        self._stopping.set()

    def _accept(self) -> None:
        with self._listener:
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = self._listener.accept()
                    threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(None)
            with socket.create_connection(("127.0.0.1", self._upstream_port)) as upstream:
                self._hand_on(client, upstream)

    def _hand_on(self, client: socket.socket, upstream: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, (upstream, Outage.REFUSED))
            selector.register(upstream, selectors.EVENT_READ, (client, Outage.REPLIES_LOST))
            while not self._stopping.is_set():
                for key, _ in selector.select(_LOOK_SECONDS):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    sink, cut_off_by = key.data
                    data = source.recv(_CHUNK_BYTES)
                    if not data or self.outage is cut_off_by:
                        return
                    sink.sendall(data)
