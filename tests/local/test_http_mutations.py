"""Mutated requests over raw sockets: the server answers each properly, or not at all."""

from __future__ import annotations

import os
import random

from tests.local.served_api import SMUGGLED, ServedApi
from tests.support.byte_mutations import mutated

#: `HTTP_MUTATIONS=100000` for a long run; each is a connection of its own.
MUTATIONS = int(os.environ.get("HTTP_MUTATIONS") or 1500)
SEED = int(os.environ.get("HTTP_SEED") or 7)

HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
REQUESTS = (
    SMUGGLED,
    HEAD + b"Content-Length: 12\r\n\r\nhello, world",
    HEAD + b"Content-Length: 4\r\nConnection: close, TE\r\n\r\nabcd",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nX: y\r\n\r\n",
    HEAD + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd" + SMUGGLED,
    b"GET http://127.0.0.1/things/a?x=%1b&y HTTP/1.0\r\nX-Correlation-ID: mine\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:8000\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
)


def test_no_mutated_request_breaks_the_server(served: ServedApi) -> None:
    """No answer that is none of HTTP, no error of the server's, and it still serves at the end."""
    choice = random.Random(SEED)  # noqa: S311  repeatable
    for number in range(MUTATIONS):
        request = mutated(choice, REQUESTS)
        statuses = [reply.status for reply in served.raw(request)]
        assert all(
            status == 100 or 200 <= status < 500 or status in {501, 505} for status in statuses
        ), f"mutation {number} of seed {SEED}: {statuses} to {request!r}"
    assert served.raw(SMUGGLED)[0].status == 200
