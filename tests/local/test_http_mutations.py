"""Mutated requests over raw sockets: the server answers each properly, or not at all."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from tests.local.served_api import SMUGGLED, ServedApi

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
#: What is put in: bytes and words that mean something to a parser.
WORDS = (
    *(b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"\x1b", b"\x80"),
    *(b"\xff", b"%", b"%00", b"0", b"-1", b"9" * 30, b"Content-Length: 5\r\n", b"/", b"//", b"?"),
    *(b"Transfer-Encoding: chunked\r\n", b"Host: a\r\n", b"HTTP/1.1", b"CONNECT ", b"HEAD ", b"#"),
)

Mutation = Callable[[random.Random, bytes], bytes]


def insert(choice: random.Random, request: bytes) -> bytes:
    """Put a word in somewhere."""
    place = choice.randrange(len(request) + 1)
    return request[:place] + choice.choice(WORDS) + request[place:]


def replace(choice: random.Random, request: bytes) -> bytes:
    """Replace one byte by any other."""
    place = choice.randrange(len(request))
    return request[:place] + bytes([choice.randrange(256)]) + request[place + 1 :]


def cut(choice: random.Random, request: bytes) -> bytes:
    """Take a stretch out."""
    first, last = sorted(choice.choices(range(len(request) + 1), k=2))
    return request[:first] + request[last:] or b"\r\n"


def repeat(choice: random.Random, request: bytes) -> bytes:
    """Say a line twice, the second time elsewhere."""
    lines = request.split(b"\r\n")
    lines.insert(choice.randrange(len(lines) + 1), choice.choice(lines))
    return b"\r\n".join(lines)


def splice(choice: random.Random, request: bytes) -> bytes:
    """Go on with another request from its middle."""
    other = choice.choice(REQUESTS)
    return request[: choice.randrange(len(request) + 1)] + other[choice.randrange(len(other)) :]


MUTATED_BY: tuple[Mutation, ...] = (insert, insert, replace, replace, cut, repeat, splice)


def mutated(choice: random.Random) -> bytes:
    """Change a request in one to three places."""
    request = choice.choice(REQUESTS)
    for _ in range(choice.randint(1, 3)):
        request = choice.choice(MUTATED_BY)(choice, request) or b"\r\n"
    return request


def test_no_mutated_request_breaks_the_server(served: ServedApi) -> None:
    """No answer that is none of HTTP, no error of the server's, and it still serves at the end."""
    choice = random.Random(SEED)  # noqa: S311  repeatable
    for number in range(MUTATIONS):
        request = mutated(choice)
        statuses = [reply.status for reply in served.raw(request)]
        assert all(
            status == 100 or 200 <= status < 500 or status in {501, 505} for status in statuses
        ), f"mutation {number} of seed {SEED}: {statuses} to {request!r}"
    assert served.raw(SMUGGLED)[0].status == 200
