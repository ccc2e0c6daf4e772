"""The socket that a server of the local stage listens on."""

from __future__ import annotations

import socket
from typing import Final

#: Connections that wait to be accepted. One that finds the queue full waits for TCP's retry of 1 s.
BACKLOG: Final = 1024


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind and listen at once, so that a taken port is an error of this call.

    Raises:
        OSError: the port is taken, or barred.
    """
    listening = socket.create_server((host, port), backlog=BACKLOG)
    # asyncio does so only where the protocol is named; else a body waits for the head's ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
