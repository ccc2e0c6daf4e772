"""The local API server: the deployed API's limits and refusals, and an orderly end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from infra.local.settings import HOST, ROOT
from infra.local.stand_ins.api_gateway import LAMBDA_PAYLOAD_BYTES_MAX
from infra.local.stand_ins.api_server import PORT_TAKEN_EXIT_CODE
from infra.local.stand_ins.http_request import BODY_BYTES_MAX
from infra.local.stand_ins.problems import problem
from infra.local.supervisor.supervisor import accepts_connections, free_port
from infra.package.gateway_responses import RESPONSES
from infra.waiting import wait_for
from quantum_tasks.ui import page
from tests.local.conftest import FAKE_APP
from tests.local.served_api import ServedApi, check_problem
from tests.support.processes import started
from tools.http_client import Http, Reply


@pytest.fixture
def client(served: ServedApi) -> Iterator[Http]:
    """Give a client whose connection is kept."""
    client = Http(served.port)
    yield client
    client.close()


def test_the_app_answers(client: Http) -> None:
    """With the path's part, and the stage in the event, as behind API Gateway."""
    reply = client.get("/things/a")
    assert (reply.status, reply.json) == (200, {"thing": "a", "stage": "local"})


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing/here"), ("BREW", "/things/a"), ("POST", "/")]
)
def test_what_has_no_route_is_refused_as_api_gateway_does(
    client: Http, method: str, path: str
) -> None:
    """Unknown path and unknown method alike; also a `HEAD`, whose connection stays usable."""
    reply = client.send(method, path, headers={"X-Correlation-ID": "mine"})
    check_problem(reply, 403)
    assert reply.json["type"] == "/problems/not-authorized"
    assert reply.json["correlation_id"] == "mine"
    head = client.send("HEAD", "/things/a")
    assert (head.status, head.body) == (403, b"")
    assert client.get("/things/a").status == 200


@pytest.mark.parametrize("target", ["/", "/?anything"])
def test_the_root_is_the_page_under_its_policy(client: Http, target: str) -> None:
    """It is the client's file, with the headers that it needs."""
    reply = client.get(target)
    assert (reply.status, reply.body) == (200, page.FILE.read_bytes())
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert policy == page.content_security_policy(reply.body)


def post(*headers: bytes) -> bytes:
    """Write the head of a request."""
    typed = b"Content-Type: text/plain"
    return b"\r\n".join([b"POST /echo HTTP/1.1", b"Host: localhost", typed, *headers, b"\r\n"])


CHUNKED = post(b"Transfer-Encoding: chunked")
NEXT = b"GET /things/next HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"what is this\r\n\r\n", 400),
        (post(b"Transfer-Encoding: xchunked"), 501),
        (CHUNKED + b"5\r\nabcdeXX0\r\n\r\n", 400),
    ],
)
def test_what_cannot_be_understood_is_refused_once_and_closed(
    served: ServedApi, sent: bytes, status: int
) -> None:
    """With one problem document; what follows is never answered."""
    [reply] = served.raw(sent + NEXT)
    check_problem(reply, status)
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET tasks HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (post(b"A: " + b"b" * 10_212), 200),
        (post(b"A: " + b"b" * 10_213), 431),
        (CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n", 200),
    ],
)
def test_a_head_has_a_path_and_api_gateways_limit(
    served: ServedApi, sent: bytes, status: int
) -> None:
    """A refusal by this gateway leaves the connection usable."""
    first, second = served.raw(sent + NEXT)
    assert (first.status, second.status) == (status, 200)


@pytest.mark.parametrize(
    ("host", "is_answered"),
    [
        *((host, True) for host in ("LOCALHOST:8000", "127.0.0.1", "[::1]:8000")),
        *((host, False) for host in ("evil.example:8000", "localhost.evil.example", "localhost:x")),
    ],
)
def test_no_host_but_loopback_is_answered(
    served: ServedApi, host: str, *, is_answered: bool
) -> None:
    """A page of another site whose name was made to resolve to this machine learns nothing."""
    head = f"GET /things/a HTTP/1.1\r\nHost: {host}\r\nX-Correlation-ID: mine\r\n\r\n"
    [reply] = served.raw(head.encode())
    if is_answered:
        assert reply.status == 200
    else:
        check_problem(reply, 421)
        assert reply.json["correlation_id"] == "mine"


def test_text_passes_unchanged(client: Http) -> None:
    """Both ways, whatever its characters."""
    text = 'zero \x00, quote ", é, 𝄞'.encode()
    assert client.send("POST", "/echo", text, {"Content-Type": "text/plain"}).body == text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"x" * (LAMBDA_PAYLOAD_BYTES_MAX - 10_000), 200, id="fits"),
        pytest.param(b"\0" * (LAMBDA_PAYLOAD_BYTES_MAX // 6), 413, id="six bytes for one"),
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


@pytest.fixture
def api_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """Run the server as its own process, as the supervisor does."""
    port, mark = free_port(), tmp_path / "mark"
    with started(
        *(sys.executable, "-m", "infra.local.stand_ins.api_server", "api", "/nowhere"),
        cwd=ROOT,
        env=os.environ | {"PORT": str(port), "API_APP": f"{FAKE_APP}.api", "FAKE_MARK": str(mark)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        wait_for(lambda: accepts_connections(port), "the API to listen")
        yield process, port, mark


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


def test_no_answer_of_the_app_breaks_the_server(client: Http) -> None:
    """A status or a header's name that HTTP does not have is a bad gateway, as on AWS."""
    for kind in ("status", "name"):
        check_problem(client.get(f"/odd/{kind}"), 502)
    assert client.get("/things/a").status == 200


@pytest.mark.parametrize(
    ("status", "response_type"),
    [
        (400, "BAD_REQUEST_BODY"),
        (403, "MISSING_AUTHENTICATION_TOKEN"),
        (413, "REQUEST_TOO_LARGE"),
        (502, "DEFAULT_5XX"),
        (504, "INTEGRATION_TIMEOUT"),
    ],
)
def test_refusals_are_those_of_the_deployed_gateway(status: int, response_type: str) -> None:
    """One kind of error on every stage: type, title and headers agree."""
    local = problem(HTTPStatus(status), "why", "mine")
    [deployed] = [entry for entry in RESPONSES if entry.response_type == response_type]
    document = json.loads(local.body)
    assert document["type"] == f"/problems/{deployed.slug}"
    assert document["title"] == deployed.title
    names = {name.lower() for name, _ in local.headers}
    assert names == {name.rpartition(".")[2].lower() for name in deployed.parameters}


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
