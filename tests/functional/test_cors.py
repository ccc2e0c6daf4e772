"""Calls from a web page of another origin: off by default, one origin if it is set."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from chalice.test import Client

import app as lambda_functions
from chalicelib.entrypoints.http.cors import cors_config
from chalicelib.settings import InvalidSetting
from infra.local.stand_ins.api_gateway import Gateway
from infra.local.stand_ins.http_request import Request
from tests.functional.conftest import JSON, Api
from tests.support.new_process import as_in_a_new_process
from tools.backends import Backend

ORIGIN = "https://example.org"


@pytest.fixture
def open_api(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """Return a client of the app as it is packaged with an origin."""
    monkeypatch.setenv("CORS_ORIGIN", ORIGIN)
    with as_in_a_new_process():
        opened = importlib.reload(lambda_functions)
        with Client(opened.app, project_dir=str(tmp_path_factory.mktemp("project"))) as client:
            yield client
        monkeypatch.delenv("CORS_ORIGIN")
        importlib.reload(lambda_functions)


def test_without_an_origin_no_header_says_that_pages_may_call(api: Api) -> None:
    """The default."""
    answer = api.request("GET", "/tasks", headers={"Origin": ORIGIN})
    assert answer.status == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert all(
        entry.cors in (None, False)
        for methods in lambda_functions.app.routes.values()
        for entry in methods.values()
    )


def test_with_an_origin_every_answer_and_every_problem_says_so(open_api: Client) -> None:
    """And what a page may read of it."""
    for method, path, status in (
        ("POST", "/tasks", 202),
        ("GET", "/tasks", 200),
        ("GET", "/tasks/nonsense", 400),
        ("POST", "/batches", 400),
        ("POST", "/validations", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/health", 200),
    ):
        body = b'{"circuit": "x"}' if method == "POST" else b""
        answer = open_api.http.request(method, path, headers={**JSON, "Origin": ORIGIN}, body=body)
        assert answer.status_code == status, answer.body
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        exposed = answer.headers["Access-Control-Expose-Headers"].split(",")
        assert set(exposed) == {
            *("ETag", "Idempotent-Replayed", "Location", "Preference-Applied", "Retry-After"),
            "X-Correlation-ID",
        }


def test_a_preflight_allows_what_clients_send(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The methods of the path, the service's headers, and SigV4's; asked of the local gateway."""
    monkeypatch.setenv("CORS_ORIGIN", ORIGIN)
    opened = importlib.reload(lambda_functions)
    try:
        gateway = Gateway(opened.app, function_name="api", timeout_seconds=5)
        answer = gateway.handle(Request("OPTIONS", "/tasks", (("origin", ORIGIN),)))
    finally:
        monkeypatch.delenv("CORS_ORIGIN")
        importlib.reload(lambda_functions)
    headers = dict(answer.headers)
    assert answer.status == 200
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = {name.lower() for name in headers["Access-Control-Allow-Headers"].split(",")}
    assert {
        *("content-type", "idempotency-key", "if-none-match", "x-correlation-id", "authorization"),
        *("x-amz-date", "x-amz-security-token", "x-amz-content-sha256"),
    } <= allowed
    assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(
        headers["Access-Control-Allow-Methods"].split(",")
    )


@pytest.mark.parametrize(
    ("origin", "stage", "said"),
    [
        ("*", "local", "must name one origin on the local stage"),
        ("example.org", "dev", "must be an origin such as https://example.org"),
        ("https://example.org/path", "dev", "must be an origin"),
        ("https://a.org, https://b.org", "dev", "must be an origin"),
        ("null", "dev", "must be an origin"),
    ],
)
def test_what_is_no_origin_is_refused(
    monkeypatch: pytest.MonkeyPatch, origin: str, stage: str, said: str
) -> None:
    """With the variable's name."""
    monkeypatch.setenv("CORS_ORIGIN", origin)
    monkeypatch.setenv("STAGE", stage)
    with pytest.raises(InvalidSetting, match=f"CORS_ORIGIN {said}"):
        cors_config()
