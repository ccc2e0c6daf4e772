"""The log lines of calls to database and queue: what each did and cost, and how one failed."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectionClosedError

from chalicelib import composition
from infra.local.supervisor.supervisor import free_port
from tests.functional.conftest import Api, Logged
from tests.support.backends import silent_port
from tests.support.circuits import LARGE


def test_every_database_call_says_what_it_did_and_cost(api: Api, logged: Logged) -> None:
    """Operation, duration and capacity units, for every call of a task's life."""
    api.get(api.submit())
    api.deliver()
    calls = [line for line in logged() if line["message"].startswith("dynamodb call")]
    assert [call["operation"] for call in calls] == [
        "PutItem",
        "GetItem",
        "UpdateItem",
        "UpdateItem",
    ]
    for call in calls:
        assert call["duration_ms"] > 0
        assert call["capacity_units"] > 0


def test_calls_for_large_circuits_and_lists_say_what_they_cost_too(
    api: Api, logged: Logged
) -> None:
    """Pieces, queries of an index and reads of many items."""
    api.get(api.submit(LARGE))
    api.request("GET", "/tasks")
    calls = [line for line in logged() if line["message"].startswith("dynamodb call")]
    operations = {call["operation"] for call in calls}
    assert operations == {"PutItem", "GetItem", "Query", "BatchGetItem"}
    assert len(calls) > 6
    assert [call for call in calls if "capacity_units" not in call] == []


def test_a_slow_database_call_is_a_warning(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes longer than the threshold stands out; the threshold is a setting."""
    monkeypatch.setenv("SLOW_CALL_MS", "0")
    api.submit()
    (put,) = [line for line in logged() if line.get("operation") == "PutItem"]
    assert (put["level"], put["message"]) == ("WARNING", "dynamodb call was slow")
    assert put["resource"] == api.backend.table_name


def test_a_failed_call_says_what_was_asked_with_the_circuit_shortened(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Operation, parameters, message and stack trace; a circuit does not fill the log."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{free_port()}")
    api.post({"circuit": "".join(f"rz({n}) q[0];" for n in range(200))}, X_Correlation_ID="c-1")
    (failed,) = [line for line in logged() if line["message"].startswith("dynamodb call failed")]
    assert (failed["level"], failed["operation"]) == ("ERROR", "PutItem")
    assert failed["parameters"]["TableName"] == api.backend.table_name
    circuit = failed["parameters"]["Item"]["circuit"]["B"]
    assert circuit.endswith("in all)")
    assert len(circuit) < 1_000
    assert failed["exception_name"] == "EndpointConnectionError"
    assert "Traceback" in failed["exception"]
    assert "Could not connect to the endpoint URL" in failed["message"]
    assert (failed["attempts"], failed["correlation_id"]) == (2, "c-1")
    assert failed["may_be_applied"] is False, "both attempts were refused"


def test_retries_and_reconnections_are_logged(
    api: Api, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failed attempt says whether it may have been applied; recovery is said once."""
    monkeypatch.setenv("DATABASE_READ_TIMEOUT_SECONDS", "0.05")
    with silent_port() as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
        api.post({"circuit": "x"})
    failed = [line for line in logged() if "failed_attempt" in line]
    assert [line["failed_attempt"] for line in failed] == [1, 2]
    assert all(line["may_be_applied"] for line in failed)
    assert all(line["level"] == "WARNING" for line in failed)
    (given_up,) = [line for line in logged() if line["message"].startswith("dynamodb call failed")]
    assert given_up["duration_ms"] >= 100, "two attempts of 50 ms, in milliseconds"
    assert (given_up["attempts"], given_up["may_be_applied"]) == (2, True)


def test_a_reconnection_is_logged_once(api: Api, logged: Logged) -> None:
    """The first call that works after calls that did not says so."""
    client = composition.get_service().ports.store.client  # type: ignore[attr-defined]
    failures = iter([ConnectionClosedError(endpoint_url="http://127.0.0.1")])

    def fail_once(**_: object) -> None:
        for failure in failures:
            raise failure

    client.meta.events.register_first("before-send.dynamodb.*", fail_once)
    api.get(api.submit())
    again = [line for line in logged() if "can be reached again" in line["message"]]
    assert len(again) == 1
