"""A proxy that spoils one exchange in a chosen way at a chosen byte, on real sockets.

Each connection that it takes has the next fault of its plan; when the plan is used up, exchanges
go through as they are. It closes every connection after one exchange, so that one connection is
one try of the client's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import socket
import struct
import threading
from collections.abc import Iterator

from quantum_tasks.protocol.answers import Reply
from quantum_tasks.protocol.requests import Request
from quantum_tasks.transport.http import HttpTransport
from tests.support.evidence import FULL

LOOPBACK = "127.0.0.1"
#: Nothing here waits longer for anything.
SECONDS_MAX = 30.0
#: How long a client waits for an answer that is delayed without end.
DELAYED_SECONDS = 0.05
#: All bytes are tried with all evidence; else those at which something begins or ends, and some.
SAMPLE_STEP = 7 if FULL else 41


class Kind(enum.Enum):
    """What happens to an exchange."""

    #: The connection ends in good order after so many bytes.
    CUT = "cut"
    #: It is reset.
    RESET = "reset"
    #: Nothing more comes until the client has gone away; then the service has the rest.
    DELAY = "delay"
    #: The whole request arrives once more, on a connection of its own.
    DUPLICATE = "duplicate"
    #: The client is answered by the proxy, whatever the service has had.
    THROTTLED = "429"
    UNAVAILABLE = "503"


class Side(enum.Enum):
    """Which way the bytes go that are counted."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to spoil an exchange."""

    kind: Kind
    side: Side
    #: How many bytes get through first.
    after: int


class FaultProxy:
    """Listens on a free port until it is closed."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream = (LOOPBACK, upstream_port)
        self._listener = socket.create_server((LOOPBACK, 0))
        self._plan: list[Fault] = []
        self._threads: list[threading.Thread] = []
        #: What went each way in the last exchange that went through.
        self.messages = {Side.REQUEST: b"", Side.ANSWER: b""}
        self.exchanges = 0
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

    def plan(self, *faults: Fault) -> None:
        """Spoil the next exchanges so, one after the other."""
        self._plan = list(faults)

    def wait(self) -> None:
        """Wait until all that was under way has arrived or is lost."""
        while self._threads:
            self._threads.pop().join(SECONDS_MAX)

    def close(self) -> None:
        """Stop listening, and wait for what is under way."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(SECONDS_MAX)
        self.wait()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            fault = self._plan.pop(0) if self._plan else None
            self.exchanges += 1
            thread = threading.Thread(target=self._exchange, args=(client, fault))
            self._threads.append(thread)
            thread.start()

    def _exchange(self, client: socket.socket, fault: Fault | None) -> None:
        client.settimeout(SECONDS_MAX)
        with contextlib.suppress(OSError), client:
            request = _closing(_read_message(client))
            if not request:
                return
            if fault is None:
                answer = self._ask(request)
                self.messages = {Side.REQUEST: request, Side.ANSWER: answer}
                client.sendall(answer)
            else:
                self._spoil(client, request, fault)

    def _spoil(self, client: socket.socket, request: bytes, fault: Fault) -> None:
        on_request = fault.side is Side.REQUEST
        match fault.kind:
            case Kind.CUT | Kind.RESET:
                answer = self._ask(request[: fault.after] if on_request else request)
                client.sendall(b"" if on_request else answer[: fault.after])
                if fault.kind is Kind.RESET:
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            case Kind.DELAY if on_request:
                with self._connect() as upstream:
                    upstream.sendall(request[: fault.after])
                    _wait_until_gone(client)
                    upstream.sendall(request[fault.after :])
                    _read_message(upstream)
            case Kind.DELAY:
                client.sendall(self._ask(request)[: fault.after])
                _wait_until_gone(client)
            case Kind.DUPLICATE:
                with self._connect() as upstream:
                    upstream.sendall(request[: fault.after] if on_request else request)
                    self._ask(request)
                    upstream.sendall(request[fault.after :] if on_request else b"")
                    client.sendall(_read_message(upstream))
            case Kind.THROTTLED | Kind.UNAVAILABLE:
                if fault.after or not on_request:
                    self._ask(request[: fault.after] if on_request else request)
                client.sendall(_refusal(fault.kind))

    def _ask(self, request: bytes) -> bytes:
        """Send a request, or a part of one, and return the answer, if there is one."""
        with self._connect() as upstream:
            upstream.sendall(request)
            upstream.shutdown(socket.SHUT_WR)
            return _read_message(upstream)

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._upstream, SECONDS_MAX)


@contextlib.contextmanager
def fault_proxy(upstream_port: int) -> Iterator[FaultProxy]:
    """Run a proxy in front of a service."""
    proxy = FaultProxy(upstream_port)
    try:
        yield proxy
    finally:
        proxy.close()


def _read_message(sock: socket.socket) -> bytes:
    """Read one HTTP message, or what there is of it."""
    data = b""
    while not _is_whole(data):
        chunk = sock.recv(65_536)
        if not chunk:
            break
        data += chunk
    return data


def _is_whole(data: bytes) -> bool:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return False
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return len(body) >= (lengths[0] if lengths else 0)


def _closing(request: bytes) -> bytes:
    """Let the service close the connection after its answer."""
    return request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def _wait_until_gone(client: socket.socket) -> None:
    """Return when the client has given up: it closes its end."""
    with contextlib.suppress(OSError):
        client.recv(1)


def _refusal(kind: Kind) -> bytes:
    status = kind.value
    body = b'{"message": "not now"}'
    return (
        b"HTTP/1.1 %s Refused\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)
    )


class Impatient:
    """Gives up the first answer quickly, if it is to be delayed; later ones have their time."""

    def __init__(self, url: str, kind: Kind) -> None:
        self._transport = HttpTransport(base_url=url, timeout_seconds=SECONDS_MAX)
        self._seconds = DELAYED_SECONDS if kind is Kind.DELAY else None

    def send(self, request: Request) -> Reply:
        """Send once."""
        seconds, self._seconds = self._seconds, None
        return self._transport.send(dataclasses.replace(request, timeout_seconds=seconds))

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()


def places(message: bytes) -> list[int]:
    """Return after how many bytes to spoil a message."""
    every = range(len(message) + 1)
    if FULL:
        return list(every)
    ends = [at for at in every if message[at : at + 2] == b"\r\n"]
    edges = {at + past for at in ends for past in (0, 1, 2)} | {0, 1, len(message) - 1}
    return sorted({*edges, len(message), *every[::SAMPLE_STEP]})
