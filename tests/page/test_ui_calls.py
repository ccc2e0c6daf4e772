"""`qtasks ui`: the page's calls go on to the service as they are, within limits."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from quantum_tasks.transport.http import HttpTransport
from quantum_tasks.ui import access
from quantum_tasks.ui.server import BODY_BYTES_MAX, CONNECTIONS_MAX, PageServer
from tests.client.process import COMMAND, environment
from tests.page.browser import Tab
from tests.page.stub import Service, problem
from tests.page.ui_requests import JSON, TASK, check_refused, send
from tests.support.processes import started


def test_each_of_the_pages_calls_goes_on_as_it_is(
    ui: PageServer, service: Service, cookie: str
) -> None:
    """Query, body and the headers of the contract; nothing that belongs to this server."""
    service.add()
    request = b'{"circuit": "OPENQASM 3.0;"}'
    for method, path, with_query in access.OPERATIONS:
        target = path.replace("{task_id}", TASK) + (
            "?tag=a%3Ab+c&tag=%C3%A4:" if with_query else ""
        )
        reply = send(
            ui,
            method,
            target,
            request if method == "POST" else None,
            **JSON,
            Cookie=cookie,
            Idempotency_Key="k-1",
            If_None_Match='"x"',
            X_Secret="not for the service",
        )
        assert reply.status in {200, 202}, reply.body
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["content-security-policy"].endswith("sandbox")
        asked = service.asked[-1]
        assert (asked.method, asked.path) == (method, target.partition("?")[0])
        assert asked.query == ({"tag": ["a:b c", "ä:"]} if with_query else {})
        assert asked.body == (json.loads(request) if method == "POST" else None)
        assert asked.headers["idempotency-key"] == "k-1"
        assert asked.headers["if-none-match"] == '"x"'
        assert not {"cookie", "origin", "x-secret"} & asked.headers.keys()


def test_what_comes_back_is_the_contract_and_no_more(
    ui: PageServer, service: Service, cookie: str
) -> None:
    """ETag, Retry-After and 304 pass; a cookie or a type that a browser would run does not."""
    service.add()
    first = send(ui, "GET", f"/tasks/{TASK}", Cookie=cookie)
    assert first.headers["retry-after"] == "1"
    again = send(ui, "GET", f"/tasks/{TASK}", Cookie=cookie, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    refusal = problem(503, "service-unavailable", "not now")
    refusal.headers |= {"Set-Cookie": "a=b", "Content-Type": "text/html", "Retry-After": "2"}
    service.instead["GET", "tasks"] = [refusal]
    third = send(ui, "GET", "/tasks", Cookie=cookie)
    assert (third.status, third.headers["retry-after"]) == (503, "2")
    assert third.headers["content-type"].startswith("text/plain")
    assert third.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in third.headers


def test_a_body_needs_its_type_and_one_length_within_the_limit(
    ui: PageServer, service: Service, cookie: str
) -> None:
    """A form of another site cannot send JSON; and nothing is read without a bound."""
    for type_ in ("text/plain", "application/x-www-form-urlencoded", None):
        reply = send(ui, "POST", "/tasks", b"{}", Content_Type=type_, Cookie=cookie)
        check_refused(reply, 415, service)
    above = str(BODY_BYTES_MAX + 1)
    for name, value, status in (
        ("Content_Length", above, 413),
        ("Content_Length", "-1", 411),
        ("Content_Length", "1" * 5000, 411),
        ("Transfer_Encoding", "chunked", 411),
    ):
        headers = {**JSON, "Cookie": cookie, name: value}
        with contextlib.closing(socket.create_connection(("127.0.0.1", ui.server_address[1]))):
            reply = send(ui, "POST", "/tasks", None, **headers)
        check_refused(reply, status, service)


@pytest.mark.parametrize("name", ["Host", "Origin", "Cookie", "Content-Length"])
def test_a_header_that_decides_is_there_once(
    ui: PageServer, service: Service, cookie: str, name: str
) -> None:
    """Two of them could be read in two ways."""
    values = {"Host": ui.access.host, "Origin": ui.access.origin, "Cookie": cookie}
    values["Content-Length"] = "0"
    lines = [f"{n}: {v}" for n, v in values.items()] + [f"{name}: {values[name]}"]
    request = "\r\n".join(["GET /tasks HTTP/1.1", *lines, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", ui.server_address[1]), timeout=10) as raw:
        raw.sendall(request)
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        assert answer.status == 400
        assert name in json.loads(answer.read())["detail"]
    assert service.asked == []


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_without_markup(ui: PageServer, line: bytes) -> None:
    """The standard library would answer in HTML."""
    with socket.create_connection(("127.0.0.1", ui.server_address[1]), timeout=10) as raw:
        raw.sendall(line)
        answer = raw.makefile("rb").read()
    assert b"<" not in answer
    assert b"application/problem+json" in answer


def test_a_service_that_is_gone_is_a_problem_document(cookie: str, ui: PageServer) -> None:
    """The page shows it and asks again."""
    ui.transport = HttpTransport(base_url="http://127.0.0.1:9", timeout_seconds=5)
    reply = send(ui, "GET", "/health", Cookie=cookie)
    assert reply.status == 502
    assert json.loads(reply.body)["detail"].startswith("the service did not answer: ")


def test_credentials_that_cannot_be_used_are_said(cookie: str, ui: PageServer) -> None:
    """They may run out while the page is open."""

    class NoCredentials:
        def sign(self, *_: object) -> dict[str, str]:
            raise LookupError("the session has expired")

    ui.transport = HttpTransport(
        base_url="http://127.0.0.1:9", signer=NoCredentials(), timeout_seconds=5
    )
    reply = send(ui, "GET", "/health", Cookie=cookie)
    assert reply.status == 502
    assert "the session has expired" in json.loads(reply.body)["detail"]


def test_it_listens_on_loopback_only_at_another_port_each_time(ui: PageServer) -> None:
    """Nothing outside this machine reaches it."""
    assert ui.socket.getsockname()[0] == "127.0.0.1"
    with PageServer(ui.transport) as other:
        assert other.server_address[1] != ui.server_address[1]
        assert other.address_with_token() != ui.address_with_token()


def test_the_page_is_used_through_it(tab: Tab, ui: PageServer, service: Service) -> None:
    """In a real browser: opened by the address, submitted, read, and the token gone from sight."""
    service.add("completed")
    tab.open(ui.address_with_token())
    tab.wait("document.querySelectorAll('tbody tr').length === 1")
    assert tab.run("location.href") == f"{ui.access.origin}/"
    assert tab.run("document.cookie") == ""
    tab.click("nav a", "Submit")
    tab.click("form button", "Submit")
    tab.wait_for_text("pending", "h1 + .badge")
    assert len(service.tasks) == 2
    tab.command("Page.reload")
    tab.wait("document.readyState === 'complete' && !!document.querySelector('h1 + .badge')")


@pytest.mark.parametrize("is_started", [False, True], ids=["before it starts", "when it ended"])
def test_ctrl_c_ends_it_also_while_a_connection_gets_its_thread(
    url: str, monkeypatch: pytest.MonkeyPatch, *, is_started: bool
) -> None:
    """Whatever that thread has done by then."""

    def start(thread: threading.Thread) -> None:
        if is_started:
            start_thread(thread)
            thread.join(10)
        raise KeyboardInterrupt

    start_thread = threading.Thread.start
    with an_asked_server(url) as server:
        monkeypatch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeyboardInterrupt):
            server.handle_request()


def test_connections_that_get_no_thread_take_nothing_from_those_after_them(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine may have no more threads for a while."""

    def refuse(thread: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    with an_asked_server(url) as server:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            for _ in range(CONNECTIONS_MAX):
                server.handle_request()
                socket.create_connection(("127.0.0.1", server.server_address[1])).close()
        served = threading.Event()
        monkeypatch.setattr(server, "finish_request", lambda *_: served.set())
        server.handle_request()
        assert served.wait(10)


@contextlib.contextmanager
def an_asked_server(url: str) -> Iterator[PageServer]:
    """Give a server with a connection to accept, whose other end is closed."""
    transport = HttpTransport(base_url=url, timeout_seconds=10)
    with PageServer(transport) as server:
        server.timeout = 10
        socket.create_connection(("127.0.0.1", server.server_address[1])).close()
        yield server


def test_the_command_prints_the_address_and_ends_with_ctrl_c(url: str, service: Service) -> None:
    """A real process: data on standard output, the rest on standard error, exit code 0."""
    variables = environment(url, QTASKS_CONFIG=os.devnull)
    with started(
        *COMMAND,
        *("ui", "--no-browser"),
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", f"/?{parts.query}")
        assert connection.getresponse().status == 303
        connection.close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert url in err
    assert "Traceback" not in err
    assert service.asked == []
