"""Mutated requests to a running service, each answer judged, and its memory watched."""

from __future__ import annotations

import collections
import dataclasses
import http.client
import json
import random
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from infra.local.stand_ins.http_front import THREADS_MAX
from tests.local.served_api import replies
from tests.proof.fuzz import mutations
from tools.http_client import Http, Reply

#: Of HTTP itself: a transfer coding or a version that is not offered.
_PROTOCOL_STATUSES: Final = frozenset({501, 505})
_SERVER_ERROR: Final = 500
#: Requests between two readings of the memory.
_LOOK_EVERY: Final = 500
_WARM_UP_REQUESTS: Final = 600
#: How much more memory in the second half of the requests than in the first is still flat.
GROWTH_MAX: Final = 1.1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    #: How many answers there were by status.
    statuses: dict[int, int]
    #: Every answer that should not have been given, with its request.
    faults: list[str]
    #: Resident bytes of the service, from the first request to the last.
    memory_bytes: list[int]


def growth(memory_bytes: Sequence[int]) -> float:
    """Return the highest memory in the second half, as a multiple of the highest in the first.

    In the first half caches and the heap fill, in steps. A leak goes on in the second: one of 30%
    over the run is 1.13 here.
    """
    half = max(1, len(memory_bytes) // 2)
    return max(memory_bytes[half:], default=memory_bytes[0]) / max(memory_bytes[:half])


def tenths(memory_bytes: Sequence[int]) -> list[int]:
    """Return the highest memory in each tenth of the run, to show its course."""
    step = max(1, len(memory_bytes) // 10)
    return [max(memory_bytes[at : at + step]) for at in range(0, len(memory_bytes), step)]


def fault_of(reply: Reply) -> str | None:
    """Say what is wrong with an answer: a server's error, or an error that is no problem."""
    if reply.status >= _SERVER_ERROR and reply.status not in _PROTOCOL_STATUSES:
        return f"status {reply.status}: {reply.body[:300]!r}"
    if reply.status >= http.client.BAD_REQUEST and reply.body:
        kind = reply.headers.get("content-type")
        if kind != "application/problem+json":
            return f"status {reply.status} with {kind}"
        if json.loads(reply.body)["status"] != reply.status:
            return f"status {reply.status} with another in its body"
    return None


def run(port: int, *, count: int, seed: int, resident_bytes: Callable[[], int]) -> Outcome:
    """Send as many requests, half of them as bytes on connections of their own."""
    choice = random.Random(seed)  # noqa: S311 - repeatable
    statuses: collections.Counter[int] = collections.Counter()
    faults: list[str] = []
    memory = [resident_bytes()]
    client = Http(port)
    for number in range(count):
        sent: bytes | mutations.Sent = choice.choice((mutations.raw, mutations.structured))(choice)
        answers = exchange(port, sent) if isinstance(sent, bytes) else [_ask(client, sent)]
        for reply in answers:
            statuses[reply.status] += 1
            fault = fault_of(reply)
            if fault is not None:
                faults.append(f"request {number} of seed {seed}: {fault}; to {str(sent)[:2_000]}")
        if number % _LOOK_EVERY == 0:
            memory.append(resident_bytes())
    client.close()
    return Outcome(statuses=dict(sorted(statuses.items())), faults=faults, memory_bytes=memory)


def warm_up(port: int, *, seed: int) -> None:
    """Send some requests on many connections at once.

    A server makes its threads as they are needed, each with a stack and a heap of its own: one
    client alone would have it make them one by one, for hours.
    """

    def send(number: int) -> None:
        choice = random.Random(f"{seed} {number}")  # noqa: S311 - repeatable
        client = Http(port)
        for _ in range(_WARM_UP_REQUESTS):
            _ask(client, mutations.structured(choice))
        client.close()

    with ThreadPoolExecutor(THREADS_MAX) as pool:
        list(pool.map(send, range(THREADS_MAX)))


def exchange(port: int, sent: bytes) -> list[Reply]:
    """Send bytes, then nothing more, and give all answers until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    return replies(received)


def _ask(client: Http, sent: mutations.Sent) -> Reply:
    try:
        return client.send(sent.method, sent.target, sent.body, sent.headers)
    except (http.client.RemoteDisconnected, ConnectionError):
        # The server may close a connection that was kept; a second refusal is a fault.
        return client.send(sent.method, sent.target, sent.body, sent.headers)
