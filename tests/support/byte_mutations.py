"""Requests as bytes, changed in a few places: what a client library would never send."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

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


MUTATED_BY: tuple[Mutation, ...] = (insert, insert, replace, replace, cut, repeat)


def mutated(choice: random.Random, requests: Sequence[bytes]) -> bytes:
    """Change one of the requests in one to three places, or go on with another from its middle."""
    request = choice.choice(requests)
    for _ in range(choice.randint(1, 3)):
        if choice.randrange(len(MUTATED_BY) + 1) == 0:
            other = choice.choice(requests)
            request = request[: choice.randrange(len(request) + 1)]
            request += other[choice.randrange(len(other)) :]
        else:
            request = choice.choice(MUTATED_BY)(choice, request)
        request = request or b"\r\n"
    return request
