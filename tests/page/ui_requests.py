"""Requests to `qtasks ui`, as its page and as others make them."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json

from quantum_tasks.ui.server import PageServer
from tests.page.stub import Service

TASK = "00000000-0000-4000-8000-000000000001"
JSON = {"Content-Type": "application/json"}


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


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


def check_refused(reply: Reply, status: int, service: Service) -> None:
    """It is a problem document with a reason, no cookie and no page; the service saw nothing."""
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert json.loads(reply.body)["detail"]
    assert "set-cookie" not in reply.headers
    assert service.asked == []
