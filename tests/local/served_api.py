"""The local API server in this process, and a client that sends what no library would."""

from __future__ import annotations

import json
import socket
import threading
from email import message_from_bytes

from infra.local.settings import HOST
from infra.local.stand_ins.api_gateway import Gateway
from infra.local.stand_ins.http_server import Server
from tests.local.fake_app import api
from tools.http_client import Reply


class ServedApi:
    """A server of the fake app."""

    def __init__(self) -> None:
        """Listen on a port of its own."""
        gateway = Gateway(api, function_name="fake", timeout_seconds=29)
        self.server = Server(HOST, 0, gateway)
        self.port = self.server.port
        self._thread = threading.Thread(target=self.server.serve_until_stopped)
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self.server.stop()
        self._thread.join()

    def raw(self, sent: bytes) -> list[Reply]:
        """Send bytes, then nothing more, and give all answers until the server closes."""
        with socket.create_connection((HOST, self.port), timeout=20) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        return replies(received)


def replies(received: bytes) -> list[Reply]:
    """Read the answers that came on one connection; anything else is an error."""
    found: list[Reply] = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        line, _, fields = head.partition(b"\r\n")
        version, status, _phrase = line.decode().split(" ", 2)
        assert version == "HTTP/1.1"
        headers = {name.lower(): value for name, value in message_from_bytes(fields).items()}
        length = int(headers.get("content-length", 0))
        if not rest or rest.startswith(b"HTTP/1.1 "):
            length = 0  # to a HEAD, or before the real answer
        assert len(rest) >= length
        found.append(Reply(int(status), headers, rest[:length], 0.0))
        received = rest[length:]
    return found


def check_problem(reply: Reply, status: int) -> None:
    """It is a problem document with all its members."""
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    document = json.loads(reply.body)
    assert document.keys() == {"type", "title", "status", "detail", "correlation_id"}
    assert document["status"] == status
    assert document["correlation_id"] == reply.headers["x-correlation-id"]
