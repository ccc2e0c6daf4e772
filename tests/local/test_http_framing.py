"""What the local API takes: uvicorn and h11 know where a request ends; the limits are our own.

Over raw sockets, since client libraries do not send most of this.
"""

from __future__ import annotations

import pytest

from tests.local.served_api import SMUGGLED, ServedApi, check_problem

LENGTH = b"Content-Length: %d" % len(SMUGGLED)


def post(*headers: bytes, host: bytes = b"Host: localhost") -> bytes:
    """Write the head of a request."""
    return b"\r\n".join(
        [b"POST /echo HTTP/1.1", host, b"Content-Type: text/plain", *headers, b"\r\n"]
    )


REFUSED = {
    "blank before the colon": (post(b"Content-Length : 5"), 400),
    "signed length": (post(b"Content-Length: +5"), 400),
    "lengths that differ": (post(b"Content-Length: 0", LENGTH), 400),
    "bare CR in a value": (post(b"X: a\rContent-Length: 5"), 400),
    "an unknown transfer coding": (post(b"Transfer-Encoding: xchunked"), 501),
    "chunk with a bad end": (post(b"Transfer-Encoding: chunked") + b"5\r\nabcdeXX0\r\n\r\n", 400),
    "no request": (b"what is this\r\n\r\n", 400),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_understood_is_refused_once_and_closed(
    served: ServedApi, sent: bytes, status: int
) -> None:
    """With one problem document; what follows is never answered, and the app sees none of it."""
    served.targets.clear()
    [reply] = served.raw(sent + SMUGGLED)
    check_problem(reply, status)
    assert reply.headers["connection"] == "close"
    assert served.targets == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET tasks HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (post(b"A: " + b"b" * 10_100), 200),
        (post(b"A: " + b"b" * 10_240), 431),
    ],
)
def test_a_head_has_a_path_and_api_gateways_limit(
    served: ServedApi, sent: bytes, status: int
) -> None:
    """A refusal by this gateway leaves the connection usable."""
    first, second = served.raw(sent + SMUGGLED)
    assert (first.status, second.status) == (status, 200)


def test_a_body_is_a_body(served: ServedApi) -> None:
    """With exactly the bytes that were sent, in chunks too, which count for more than a length."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    for request in (
        post(LENGTH) + SMUGGLED,
        post(b"Transfer-Encoding: chunked") + chunks,
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked") + chunks,
    ):
        served.targets.clear()
        first, second = served.raw(request + SMUGGLED)
        assert (first.status, first.body) == (200, SMUGGLED)
        assert (second.status, served.targets) == (200, ["/echo", "/things/smuggled"])


def test_a_connection_that_is_to_close_closes(served: ServedApi) -> None:
    """What comes behind is not answered."""
    request = b"GET /things/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    [reply] = served.raw(request + SMUGGLED)
    assert (reply.status, reply.headers["connection"]) == (200, "close")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8000"]
)
def test_loopback_names_are_answered(served: ServedApi, host: str) -> None:
    """With or without a port."""
    [reply] = served.raw(f"GET /things/a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert reply.status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"),
        *("127.0.0.2", "0.0.0.0", "[::]", "localhost:x", "", "user@localhost", "2130706433"),
    ],
)
def test_no_other_host_is_answered(served: ServedApi, host: str) -> None:
    """A page of another site whose name was made to resolve to this machine learns nothing."""
    served.targets.clear()
    [reply] = served.raw(
        f"GET /things/a HTTP/1.1\r\nHost: {host}\r\nX-Correlation-ID: mine\r\n\r\n".encode()
    )
    check_problem(reply, 421)
    assert reply.json["correlation_id"] == "mine"
    assert served.targets == []
