"""Where a request ends: nothing that is sent lets a body be answered as a second request.

Over raw sockets, since client libraries do not send most of this (RFC 9112, sections 2 to 7).
"""

from __future__ import annotations

import http.client
import socket

import pytest

from infra.local.settings import HOST
from tests.local.served_api import SMUGGLED, ServedApi, check_problem, replies

LENGTH = len(SMUGGLED)


def post(*headers: bytes, host: bytes = b"Host: localhost") -> bytes:
    """Write the head of a request."""
    return b"\r\n".join(
        [b"POST /echo HTTP/1.1", host, b"Content-Type: text/plain", *headers, b"\r\n"]
    )


def get(target: bytes) -> bytes:
    """Write a request."""
    return b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target


CHUNKED = b"Transfer-Encoding: chunked"
CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (LENGTH, SMUGGLED)

REFUSED = {
    "blank before the colon": (post(b"Content-Length : %d" % LENGTH), 400),
    "blank in a name": (post(b"Content Length: %d" % LENGTH), 400),
    "no colon": (post(b"Content-Length %d" % LENGTH), 400),
    "header without a colon before the length": (post(b"Nothing", b"Content-Length: 0"), 400),
    "no name": (post(b": %d" % LENGTH), 400),
    "length of 5,000 digits": (post(b"Content-Length: " + b"1" * 5000), 400),
    "length of 5,000 zeros": (post(b"Content-Length: " + b"0" * 5000), 400),
    "length of words": (post(b"Content-Length: many"), 400),
    "negative length": (post(b"Content-Length: -1"), 400),
    "signed length": (post(b"Content-Length: +%d" % LENGTH), 400),
    "hexadecimal length": (post(b"Content-Length: 0x%x" % LENGTH), 400),
    "length with an underscore": (post(b"Content-Length: 1_0"), 400),
    "empty length": (post(b"Content-Length:"), 400),
    "length in other digits": (post(b"Content-Length: \xd9\xa1"), 400),
    "lengths that differ": (post(b"Content-Length: 0", b"Content-Length: %d" % LENGTH), 400),
    "lengths that differ in one line": (post(b"Content-Length: 0, %d" % LENGTH), 400),
    "lengths that differ in case": (post(b"content-length: 0", b"CONTENT-LENGTH: 5"), 400),
    "bare CR in a value": (post(b"X: a\rContent-Length: %d" % LENGTH), 400),
    "bare CR before the length": (post(b"Content-Length:\r%d" % LENGTH), 400),
    "NUL in a value": (post(b"X: a\0b", b"Content-Length: 0"), 400),
    "vertical tab behind the length": (post(b"Content-Length: 0\x0b"), 400),
    "both length and chunks": (post(b"Content-Length: 5", CHUNKED) + CHUNK, 400),
    "both, the other way": (post(CHUNKED, b"Content-Length: 5") + CHUNK, 400),
    "chunks": (post(CHUNKED) + CHUNK, 411),
    "chunked and identity": (post(b"Transfer-Encoding: chunked, identity") + CHUNK, 501),
    "chunked twice": (post(CHUNKED, CHUNKED) + CHUNK, 501),
    "chunked with a vertical tab": (post(b"Transfer-Encoding: \x0bchunked") + CHUNK, 400),
    "blank before chunked's colon": (post(b"Transfer-Encoding : chunked") + CHUNK, 400),
    "a name of chunked's kind": (post(b"Transfer-Encoding: xchunked") + CHUNK, 501),
    "chunk of a huge size": (post(CHUNKED) + b"f" * 30 + b"\r\n", 400),
    "chunk with a sign": (post(CHUNKED) + b"+5\r\nabcde\r\n0\r\n\r\n", 400),
    "chunk with a bad end": (post(CHUNKED) + b"5\r\nabcdeXX0\r\n\r\n", 400),
    "first header is folded": (post(b"x: y", host=b" Host: localhost"), 400),
    "two hosts": (post(b"Host: localhost", b"Content-Length: 0"), 400),
    "no host": (b"POST /echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
    "no request": (b"what is this\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "ESC in the path": (get(b"/\x1b[2J"), 400),
    "C1 control in the path": (get(b"/\x9b2J"), 400),
    "line break in the path": (get(b"/a\rb"), 400),
    "two blanks in the line": (b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "long target": (get(b"/" + b"a" * 70_000), 414),
    "target over the limit": (get(b"/" + b"a" * 11_000), 414),
    "many headers": (post(*[b"A: b"] * 200), 431),
    "long header": (post(b"A: " + b"b" * 70_000), 431),
    "header over the limit": (post(b"A: " + b"b" * 11_000), 431),
    "target that is no path": (get(b"tasks"), 400),
    "target of another kind": (get(b"ftp://localhost/"), 400),
    "target that no URL is": (get(b"http://[::1"), 400),
    "tunnel": (b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "body over the limit": (post(b"Content-Length: 99999999999999999999"), 413),
}  # fmt: skip


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


ACCEPTED = {
    "trailing blanks": post(b"Content-Length: %d  \t" % LENGTH),
    "no blank": post(b"Content-Length:%d" % LENGTH),
    "a tab": post(b"Content-Length:\t%d" % LENGTH),
    "leading zeros": post(b"Content-Length: 000%d" % LENGTH),
    "the same length twice": post(*[b"Content-Length: %d" % LENGTH] * 2),
    "the same length in one line": post(b"Content-Length: %d, %d" % (LENGTH, LENGTH)),
    "bytes above ASCII in a value": post(b"X: caf\xe9", b"Content-Length: %d" % LENGTH),
    "line feeds only": post(b"Content-Length: %d" % LENGTH).replace(b"\r\n", b"\n"),
    "an upgrade that is not offered": post(
        b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: %d" % LENGTH
    ),
}


@pytest.mark.parametrize("head", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_body_is_a_body(served: ServedApi, head: bytes) -> None:
    """What the RFC allows works, with exactly the bytes that were sent."""
    served.targets.clear()
    first, second = served.raw(head + SMUGGLED + b"GET /things/b HTTP/1.1\r\nHost: [::1]\r\n\r\n")
    assert (first.status, first.body) == (200, SMUGGLED)
    assert (second.status, second.json["thing"]) == (200, "b")
    assert served.targets == ["/echo", "/things/b"]


@pytest.mark.parametrize("value", [b"close", b"close, TE", b"TE,close", b"Close", b"x, CLOSE ,y"])
def test_a_connection_that_is_to_close_closes(served: ServedApi, value: bytes) -> None:
    """Whatever else the header names; what comes behind is not answered."""
    served.targets.clear()
    request = b"GET /things/a HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n" % value
    [reply] = served.raw(request + SMUGGLED)
    assert (reply.status, reply.headers["connection"]) == (200, "close")
    assert served.targets == ["/things/a"]


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
        *("127.0.0.2", "0.0.0.0", "[::]", "::1", "[::ffff:127.0.0.1]", "localhost:x", "", "%20"),
        *("user@localhost", "localhost@evil.example", "localhost, evil.example", "2130706433"),
    ],
)
def test_no_other_host_is_answered(served: ServedApi, host: str) -> None:
    """A page of another site whose name was made to resolve to this machine learns nothing."""
    served.targets.clear()
    for request in (
        f"GET /things/a HTTP/1.1\r\nHost: {host}\r\nX-Correlation-ID: mine\r\n\r\n",
        f"GET http://{host}/things/a HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: mine\r\n\r\n",
    ):
        if "http://" in request and host in {"", "%20", "localhost, evil.example"}:
            continue  # no target
        [reply] = served.raw(request.encode())
        check_problem(reply, 421)
        assert reply.json["correlation_id"] == "mine"
    assert served.targets == []


def test_an_absolute_target_is_as_good_as_a_path(served: ServedApi) -> None:
    """The target's host counts (RFC 9112, section 3.2.2); the query comes along."""
    served.targets.clear()
    [reply] = served.raw(
        b"GET http://127.0.0.1:8000/things/a?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert (reply.status, served.targets) == (200, ["/things/a?x=1"])


def test_a_refused_client_gets_to_read_the_refusal(served: ServedApi) -> None:
    """Though it sends much more, which is not read: a reset would take the answer back."""
    for head in (post(b"Content-Length : 1"), post(b"Content-Length: 30000000"), post(CHUNKED)):
        [reply] = served.raw(head + b"x" * 3_000_000)
        check_problem(reply, reply.status)


def test_a_client_may_ask_before_it_sends(served: ServedApi) -> None:
    """`Expect: 100-continue` is answered, and a body that is too large is refused at once."""
    with socket.create_connection((HOST, served.port), timeout=20) as connection:
        connection.sendall(post(b"Expect: 100-continue", b"Content-Length: %d" % LENGTH))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
        connection.sendall(SMUGGLED)
        with http.client.HTTPResponse(connection) as answer:
            answer.begin()
            assert (answer.status, answer.read()) == (200, SMUGGLED)
        connection.sendall(post(b"Expect: 100-continue", b"Content-Length: 11000000"))
        [refused] = replies(b"".join(iter(lambda: connection.recv(1 << 16), b"")))
        check_problem(refused, 413)
