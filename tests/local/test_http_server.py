"""The local API server: the deployed API's limits and refusals, and an orderly end."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.settings import HOST, ROOT
from infra.local.stand_ins import page
from infra.local.stand_ins.api_gateway import BODY_BYTES_MAX, LAMBDA_PAYLOAD_BYTES_MAX, Gateway
from infra.local.stand_ins.api_server import PORT_TAKEN_EXIT_CODE, load_app
from infra.local.stand_ins.http_server import Server
from infra.local.supervisor.watch import accepts_connections, free_port
from infra.waiting import wait_for
from tests.acceptance.http_client import Http, Reply
from tests.local.conftest import FAKE_APP


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve the fake app from this process."""
    gateway = Gateway(load_app(f"{FAKE_APP}.api"), function_name="fake", timeout_seconds=29)
    server = Server(HOST, 0, gateway)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(port: int) -> Iterator[Http]:
    """Give a client whose connection is kept."""
    client = Http(port)
    yield client
    client.close()


def check_problem(reply: Reply, status: int) -> None:
    """It is a problem document with all its members."""
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    document = reply.json
    assert document.keys() == {"type", "title", "status", "detail", "correlation_id"}
    assert document["status"] == status
    assert document["correlation_id"] == reply.headers["x-correlation-id"]


def raw(port: int, request: bytes) -> tuple[int, bytes]:
    """Send bytes that no client library would send; the server must close in the end."""
    with socket.create_connection((HOST, port), timeout=10) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
        assert connection.recv(1) == b""
        return response.status, body


def test_the_app_answers(client: Http) -> None:
    """With the path's part, and the stage in the event, as behind API Gateway."""
    reply = client.get("/things/a")
    assert (reply.status, reply.json) == (200, {"thing": "a", "stage": "local"})
    assert client.get("/things/b").headers["connection"] == "keep-alive"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing/here"),
        ("PUT", "/"),
        ("DELETE", "/things/a"),
        ("OPTIONS", "/things/a"),
        ("BREW", "/things/a"),
    ],
)
def test_what_has_no_route_is_refused_as_api_gateway_does(
    client: Http, method: str, path: str
) -> None:
    """Unknown path and unknown method alike, with a problem document instead of its own words."""
    reply = client.send(method, path, headers={"X-Correlation-ID": "mine"})
    check_problem(reply, 403)
    assert reply.json["detail"] == "Missing Authentication Token"
    assert reply.json["correlation_id"] == "mine"


def test_a_head_request_is_answered_without_a_body(client: Http) -> None:
    """The connection stays usable: nothing is left on it."""
    reply = client.send("HEAD", "/things/a")
    assert (reply.status, reply.body) == (403, b"")
    assert client.get("/things/a").status == 200


def test_text_passes_unchanged(client: Http) -> None:
    """Both ways, whatever its characters."""
    text = 'zero \x00, quote ", é, 𝄞'.encode()
    assert client.send("POST", "/echo", text, {"Content-Type": "text/plain"}).body == text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"x" * (LAMBDA_PAYLOAD_BYTES_MAX - 10_000), 200, id="fits"),
        pytest.param(b"x" * LAMBDA_PAYLOAD_BYTES_MAX, 413, id="one way too large"),
        pytest.param(b'"' * (LAMBDA_PAYLOAD_BYTES_MAX // 2), 413, id="too large once escaped"),
        pytest.param(b"\0" * (LAMBDA_PAYLOAD_BYTES_MAX // 6), 413, id="six bytes for one"),
        pytest.param(b"x" * BODY_BYTES_MAX, 413, id="API Gateway's own limit"),
        pytest.param(b"x" * (BODY_BYTES_MAX + 1), 413, id="past it"),
    ],
)
def test_a_request_that_lambda_would_not_carry_is_refused(
    client: Http, body: bytes, status: int
) -> None:
    """What counts is the size of the JSON that the event becomes."""
    reply = client.send("POST", "/echo", body, {"Content-Type": "text/plain"})
    if status == 200:
        assert (reply.status, reply.body) == (200, body)
    else:
        check_problem(reply, status)


def test_an_answer_that_lambda_would_not_carry_is_a_bad_gateway(client: Http) -> None:
    """The other way there is the same limit."""
    fits = client.get(f"/big/{LAMBDA_PAYLOAD_BYTES_MAX - 10_000}")
    assert (fits.status, len(fits.body)) == (200, LAMBDA_PAYLOAD_BYTES_MAX - 10_000)
    check_problem(client.get(f"/big/{LAMBDA_PAYLOAD_BYTES_MAX}"), 502)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"what is this\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /things/a HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_what_cannot_be_understood_is_refused_and_closed(
    port: int, request_bytes: bytes, status: int
) -> None:
    """With a problem document, never with HTML, a trace, or a thread that is gone."""
    answered, body = raw(port, request_bytes)
    assert answered == status
    assert json.loads(body)["status"] == status


def test_a_client_that_leaves_disturbs_nobody(port: int, client: Http) -> None:
    """In the middle of a head or a body."""
    for part in (b"POST /ec", b"POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"):
        with socket.create_connection((HOST, port), timeout=10) as connection:
            connection.sendall(part)
    assert client.get("/things/a").status == 200


@pytest.fixture
def api_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """Run the server as its own process, as the supervisor does."""
    port, mark = free_port(), tmp_path / "mark"
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.stand_ins.api_server", "api", "/nowhere"],
        cwd=ROOT,
        env=os.environ | {"PORT": str(port), "API_APP": f"{FAKE_APP}.api", "FAKE_MARK": str(mark)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    wait_for(lambda: accepts_connections(port), "the API to listen")
    yield process, port, mark
    process.kill()
    process.wait(30)


def test_a_stop_lets_requests_in_flight_finish(
    api_process: tuple[subprocess.Popen[bytes], int, Path],
) -> None:
    """And waits for no idle connection."""
    process, port, mark = api_process
    idle = Http(port)
    assert idle.get("/things/a").status == 200
    replies: list[Reply] = []
    slow = Http(port)
    thread = threading.Thread(target=lambda: replies.append(slow.get("/slow/1")))
    thread.start()
    wait_for(mark.exists, "the request to be in flight")
    process.send_signal(signal.SIGTERM)
    thread.join(30)
    assert [(reply.status, reply.headers["connection"]) for reply in replies] == [(200, "close")]
    assert process.wait(5) == 0  # the idle connection would have lasted for 75 s
    idle.close()
    slow.close()


def test_a_taken_port_is_one_clear_line() -> None:
    """It names the port and the variable, and shows no trace."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "infra.local.stand_ins.api_server", "api", "/nowhere"],
            cwd=ROOT,
            env=os.environ | {"PORT": str(port), "API_APP": f"{FAKE_APP}.api"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == PORT_TAKEN_EXIT_CODE
    assert re.search(rf"port {port} is taken.*PORT", ended.stdout)
    assert ended.stderr == ""


@pytest.mark.parametrize("target", ["/", "/index.html", "/?anything"])
def test_the_root_is_the_page_under_its_policy(client: Http, target: str) -> None:
    """It is the client's file, read anew, with the headers that it needs."""
    reply = client.get(target)
    assert reply.status == 200
    assert reply.body == page.FILE.read_bytes()
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert policy == page.content_security_policy(reply.body)
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    ("method", "target"), [("POST", "/"), ("GET", "/page.html"), ("DELETE", "/")]
)
def test_nothing_else_is_the_page(client: Http, method: str, target: str) -> None:
    """One path, read only; all others are the app's."""
    check_problem(client.send(method, target), 403)
