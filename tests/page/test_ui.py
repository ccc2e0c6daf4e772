"""`qtasks ui`: only its own page reaches the service through it, and only by the page's calls."""

from __future__ import annotations

import contextlib
import dataclasses
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

from infra.local.stand_ins import page as local_page
from quantum_tasks import ui_access, ui_server
from quantum_tasks.signing import NoSigner
from quantum_tasks.transport import HttpTransport
from quantum_tasks.ui_server import PageServer
from tests.client.process import COMMAND, environment
from tests.page.browser import Tab
from tests.page.stub import Service, problem

TASK = "00000000-0000-4000-8000-000000000001"
JSON = {"Content-Type": "application/json"}


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def ui(url: str) -> Iterator[PageServer]:
    """Serve the page for the service of the test."""
    transport = HttpTransport(base_url=url, signer=NoSigner(), timeout_seconds=10)
    with PageServer(transport) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(
    ui: PageServer,
    method: str,
    target: str,
    body: bytes | None = None,
    **headers: str | None,
) -> Reply:
    """Send one request as the page would; `headers` change that, and None leaves one out."""
    own = {"Host": ui.access.host, "Origin": ui.access.origin}
    given = own | {name.replace("_", "-"): value for name, value in headers.items()}
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", ui.server_address[1], timeout=10)
    ) as connection:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        length = {"Content-Length": str(len(body))} if body is not None else {}
        for name, value in (given | length).items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, named, answer.read())


def token_target(ui: PageServer) -> str:
    """Return the target of the printed address."""
    return ui.address_with_token().removeprefix(ui.access.origin)


@pytest.fixture
def cookie(ui: PageServer) -> str:
    """Open the page once, and return the cookie that it has got."""
    reply = send(ui, "GET", token_target(ui), Origin=None)
    assert reply.status == 303
    return reply.headers["set-cookie"].partition(";")[0]


def check_refused(reply: Reply, status: int, service: Service) -> None:
    """It is a problem document with a reason, no cookie and no page; the service saw nothing."""
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert json.loads(reply.body)["detail"]
    assert "set-cookie" not in reply.headers
    assert service.asked == []


def test_the_printed_address_gives_a_cookie_and_leads_to_the_page(ui: PageServer) -> None:
    """The cookie is for this server's requests only, and no script can read it."""
    first = send(ui, "GET", token_target(ui), Origin=None, Sec_Fetch_Site="none")
    assert (first.status, first.headers["location"]) == (303, "/")
    name_and_value, *attributes = first.headers["set-cookie"].split("; ")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
    page = send(ui, "GET", "/", Origin=None, Cookie=name_and_value)
    assert page.status == 200
    assert page.body == local_page.FILE.read_bytes()
    assert page.headers["content-security-policy"] == local_page.content_security_policy(page.body)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "token" not in page.body.decode().partition("<script>")[0]


def test_the_token_works_once(ui: PageServer, service: Service) -> None:
    """A later reader of a history or a list of processes has nothing."""
    target = token_target(ui)
    assert send(ui, "GET", target, Origin=None).status == 303
    check_refused(send(ui, "GET", target, Origin=None), 403, service)


@pytest.mark.parametrize("query", ["token=", "token=wrong", "token=a&token=b", "token=None", ""])
def test_a_wrong_token_or_none_opens_nothing(ui: PageServer, service: Service, query: str) -> None:
    """And does not use up the right one."""
    check_refused(send(ui, "GET", f"/?{query}", Origin=None), 403, service)
    assert send(ui, "GET", token_target(ui), Origin=None).status == 303


@pytest.mark.parametrize(
    "cookie", [None, "", "qtasks_ui=", "qtasks_ui=wrong", "other=x", "qtasks_ui", '=;"\\']
)
@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/"), ("GET", "/tasks"), ("POST", "/tasks")]
)
def test_without_the_cookie_nothing_is_answered(
    ui: PageServer, service: Service, method: str, target: str, cookie: str | None
) -> None:
    """Neither page nor service."""
    body = b"{}" if method == "POST" else None
    check_refused(send(ui, method, target, body, **JSON, Cookie=cookie), 403, service)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil", None],
)
def test_another_host_is_refused(
    ui: PageServer, service: Service, cookie: str, host: str | None
) -> None:
    """A foreign name that leads to this machine is not this server."""
    given = None if host is None else host.format(port=ui.server_address[1])
    for target in ("/", "/tasks", token_target(ui)):
        check_refused(send(ui, "GET", target, Host=given, Cookie=cookie), 403, service)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1", "https://{host}", "http://{host}/", ""],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origin_is_refused(
    ui: PageServer, service: Service, cookie: str, method: str, origin: str
) -> None:
    """Also with the cookie, which a browser would not have sent."""
    body = b"{}" if method == "POST" else None
    given = origin.format(host=ui.access.host)
    check_refused(
        send(ui, method, "/tasks", body, **JSON, Origin=given, Cookie=cookie), 403, service
    )


def test_what_changes_something_needs_an_origin(
    ui: PageServer, service: Service, cookie: str
) -> None:
    """Every browser sends one with a POST."""
    reply = send(ui, "POST", "/tasks", b"{}", **JSON, Origin=None, Cookie=cookie)
    check_refused(reply, 403, service)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_another_site_started_is_refused(
    ui: PageServer, service: Service, cookie: str, site: str
) -> None:
    """The browser says who started it."""
    reply = send(ui, "GET", "/tasks", Origin=None, Sec_Fetch_Site=site, Cookie=cookie)
    check_refused(reply, 403, service)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_refused(
    ui: PageServer, service: Service, cookie: str, method: str
) -> None:
    """The page uses two."""
    reply = send(ui, method, "/tasks", Cookie=cookie)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")
    assert service.asked == []


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/batches"),
        ("POST", "/batches"),
        ("GET", "/tasks/"),
        ("GET", "/tasks/x"),
        ("GET", f"/tasks/{TASK}/"),
        ("GET", f"/tasks/{TASK}/cancel"),
        ("POST", f"/tasks/{TASK}"),
        ("POST", f"/tasks/{TASK}/cancel?x=1"),
        ("GET", f"/tasks/{TASK}?x=1"),
        ("GET", "/health?x=1"),
        ("GET", "/tasks/../health"),
        ("GET", "/tasks/%2e%2e/health"),
        ("GET", f"/tasks/{TASK}%0d%0aX:%20y"),
        ("GET", "//evil.example/tasks"),
        ("GET", "http://evil.example/tasks"),
        ("GET", "/etc/passwd"),
        ("GET", "/page.html"),
        ("POST", "/"),
        ("POST", "/validations?x=1"),
    ],
)
def test_another_path_is_refused(
    ui: PageServer, service: Service, cookie: str, method: str, target: str
) -> None:
    """Only the page's own calls go on, each with its method, and a query only where it has one."""
    body = b"{}" if method == "POST" else None
    check_refused(send(ui, method, target, body, **JSON, Cookie=cookie), 403, service)


def test_each_of_the_pages_calls_goes_on_as_it_is(
    ui: PageServer, service: Service, cookie: str
) -> None:
    """Query, body and the headers of the contract; nothing that belongs to this server."""
    service.add()
    request = b'{"circuit": "OPENQASM 3.0;"}'
    for method, path, with_query in ui_access.OPERATIONS:
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
    above = str(ui_server.BODY_BYTES_MAX + 1)
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
    ui.transport = HttpTransport(
        base_url="http://127.0.0.1:9", signer=NoSigner(), timeout_seconds=5
    )
    reply = send(ui, "GET", "/health", Cookie=cookie)
    assert reply.status == 502
    assert json.loads(reply.body)["detail"].startswith("the service did not answer: ")


def test_credentials_that_cannot_be_used_are_said(cookie: str, ui: PageServer) -> None:
    """They may run out while the page is open."""

    class NoCredentials(NoSigner):
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


def test_the_command_prints_the_address_and_ends_with_ctrl_c(url: str, service: Service) -> None:
    """A real process: data on standard output, the rest on standard error, exit code 0."""
    variables = environment(url, QTASKS_CONFIG=os.devnull)
    with subprocess.Popen(
        [*COMMAND, "ui", "--no-browser"],
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
