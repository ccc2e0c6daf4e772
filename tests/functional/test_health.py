"""`GET /health` where there is no service to ask."""

from __future__ import annotations

import pytest

from chalicelib import composition
from tests.functional.conftest import Api, Logged


def test_without_a_usable_setting_nothing_is_healthy_and_the_log_names_it(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer has its usual shape and tells a stranger nothing of the configuration."""
    monkeypatch.setenv("ATTEMPTS_MAX", "0")
    composition.override_service(None)
    health = api.request("GET", "/health")
    assert health.status == 503
    assert {**health.body, "timestamp": None} == {
        "status": "unavailable",
        "database_status": "unavailable",
        "queue_status": "unavailable",
        "timestamp": None,
    }
    assert health.headers["Cache-Control"] == "no-store"
    (line,) = [line for line in logged() if line["level"] == "ERROR"]
    assert line["message"] == (
        "a setting is wrong: ATTEMPTS_MAX must be an integer from 1 to 50, not '0'"
    )
