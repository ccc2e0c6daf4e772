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


def test_a_connection_is_kept_from_request_to_request(served: ServedApi) -> None:
    """One connection carries many requests, also ones that are sent before they are answered."""
    request = b"GET /things/a HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert [answer.status for answer in served.raw(request * 20)] == [200] * 20


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
    assert reply.json["type"] == "/problems/not-authorized"
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


def test_a_client_that_leaves_disturbs_no_other(served: ServedApi, client: Http) -> None:
    """In the middle of a head or a body, or before it has read its answer."""
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
    for part in (b"POST /ec", head + b"100\r\n\r\nabc", head + b"3\r\n\r\nabc"):
        with socket.create_connection((HOST, served.port), timeout=10) as connection:
            connection.sendall(part)
    assert client.get("/things/a").status == 200


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


@pytest.mark.parametrize("target", ["/", "/index.html", "/?anything"])
def test_the_root_is_the_page_under_its_policy(client: Http, target: str) -> None:
    """It is the client's file, read again, with the headers that it needs."""
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
