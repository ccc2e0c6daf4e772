"""`qtasks ui`: only its own page reaches the service through it."""

from __future__ import annotations

from typing import Any

import pytest

from quantum_tasks.ui.page import FILE, content_security_policy
from quantum_tasks.ui.server import PageServer
from tests.page.stub import Service
from tests.page.ui_requests import JSON, TASK, check_refused, send, token_target


def test_the_printed_address_gives_a_cookie_and_leads_to_the_page(ui: PageServer) -> None:
    """The cookie is for this server's requests only, and no script can read it."""
    first = send(ui, "GET", token_target(ui), Origin=None, Sec_Fetch_Site="none")
    assert (first.status, first.headers["location"]) == (303, "/")
    name_and_value, *attributes = first.headers["set-cookie"].split("; ")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
    page = send(ui, "GET", "/", Origin=None, Cookie=name_and_value)
    assert page.status == 200
    assert page.body == FILE.read_bytes()
    assert page.headers["content-security-policy"] == content_security_policy(page.body)
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


HOSTS = [
    *("evil.example", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil", None)
]
ORIGINS = [
    *("http://evil.example", "null", "http://127.0.0.1", "https://{host}", "http://{host}/", "")
]
COOKIES = [None, "", "qtasks_ui=", "qtasks_ui=wrong", "other=x", "qtasks_ui", '=;"\\']
#: A method, and what a request has that the page's own has not; None leaves the header out.
FOREIGN: list[tuple[str, dict[str, Any]]] = [
    *((method, {"Cookie": cookie}) for method in ("GET", "POST") for cookie in COOKIES),
    # A foreign name that leads to this machine is not this server.
    *(("GET", {"Host": host}) for host in HOSTS),
    # Also with the cookie, which a browser would not have sent.
    *((method, {"Origin": origin}) for method in ("GET", "POST") for origin in ORIGINS),
    # Every browser sends one with a POST.
    ("POST", {"Origin": None}),
    # The browser says which site started a request.
    *(("GET", {"Origin": None, "Sec_Fetch_Site": site}) for site in ("cross-site", "same-site")),
]


def test_a_request_that_is_not_the_pages_own_is_refused(
    ui: PageServer, service: Service, cookie: str
) -> None:
    """Neither page nor service answers it."""
    for method, headers in FOREIGN:
        given: dict[str, Any] = {
            name: value and value.format(port=ui.server_address[1], host=ui.access.host)
            for name, value in headers.items()
        }
        for target in ("/tasks",) if method == "POST" else ("/tasks", "/"):
            body = b"{}" if method == "POST" else None
            reply = send(ui, method, target, body, **{**JSON, "Cookie": cookie, **given})
            check_refused(reply, 403, service)
    given = {"Host": "evil.example", "Cookie": cookie}
    check_refused(send(ui, "GET", token_target(ui), **given), 403, service)


def test_another_method_is_refused(ui: PageServer, service: Service, cookie: str) -> None:
    """The page uses two."""
    for method in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"):
        reply = send(ui, method, "/tasks", Cookie=cookie)
        assert (reply.status, reply.headers["allow"]) == (405, "GET, POST")
    assert service.asked == []


PATHS = [
    *(("POST", target) for target in ("/batches", "/", "/validations?x=1", f"/tasks/{TASK}")),
    ("POST", f"/tasks/{TASK}/cancel?x=1"),
    *(
        ("GET", target)
        for target in (
            *("/batches", "/tasks/", "/tasks/x", f"/tasks/{TASK}/", f"/tasks/{TASK}/cancel"),
            *(f"/tasks/{TASK}?x=1", "/health?x=1", "/tasks/../health", "/tasks/%2e%2e/health"),
            *(f"/tasks/{TASK}%0d%0aX:%20y", "//evil.example/tasks", "http://evil.example/tasks"),
            *("/etc/passwd", "/page.html"),
        )
    ),
]


def test_another_path_is_refused(ui: PageServer, service: Service, cookie: str) -> None:
    """Only the page's own calls go on, each with its method, and a query only where it has one."""
    for method, target in PATHS:
        body = b"{}" if method == "POST" else None
        check_refused(send(ui, method, target, body, **JSON, Cookie=cookie), 403, service)
