"""What the service asks of AWS. botocore does not check it at run time: this does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.validate import ParamValidator

from chalicelib import composition
from chalicelib.entrypoints.worker import BatchFailed
from tests.functional.conftest import Api
from tests.support.circuits import LARGE


class Calls:
    """Every call that was made, checked against the service's model as it was made."""

    def __init__(self) -> None:
        self.operations: set[str] = set()
        self.faults: list[str] = []

    def see(self, params: Mapping[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        """Check one call, as botocore would if it were told to."""
        self.operations.add(model.name)
        report = ParamValidator().validate(params, model.input_shape)
        if report.has_errors():
            self.faults.append(f"{model.name}: {report.generate_report()}")


@pytest.fixture
def calls(api: Api) -> Calls:
    """Watch both clients of the service."""
    seen = Calls()
    watch(seen)
    return seen


def watch(seen: Calls) -> None:
    """Watch both clients of the service that is in use now."""
    ports: Any = composition.get_service().ports
    for adapter in (ports.store, ports.queue):
        service = adapter.client.meta.service_model.service_name
        adapter.client.meta.events.register(f"before-parameter-build.{service}", seen.see)


def test_every_call_has_the_shape_that_its_model_asks_for(
    api: Api, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Submitting, executing, reading, cancelling, retrying, withdrawing and sweeping."""
    api.get(api.submit())
    api.submit(LARGE)
    api.post({"circuit": "x", "tags": {"a": "b"}}, Idempotency_Key="k")
    api.deliver()
    api.cancel(api.submit())
    api.health()
    service = composition.get_service()
    service.ports.store.delete_if_pending(api.submit(LARGE))
    monkeypatch.setenv("MOCK_TRANSIENT_FAILURE_RATE", "1")
    monkeypatch.setenv("SWEEP_GRACE_SECONDS", "0.01")
    composition.override_service(None)
    watch(calls)
    api.submit()
    api.submit()
    with pytest.raises(BatchFailed):
        api.deliver()
    composition.get_service().sweep(seconds_left=lambda: 60)
    assert calls.faults == []
    assert calls.operations == {
        *("PutItem", "GetItem", "Query", "UpdateItem", "DeleteItem", "GetQueueAttributes"),
        *("SendMessage", "SendMessageBatch", "ChangeMessageVisibility", "DeleteMessageBatch"),
    }


def test_a_wrong_call_would_be_seen(calls: Calls) -> None:
    """The check above can fail."""
    queue: Any = composition.get_service().ports.queue
    queue.client.meta.events.register_first(
        "before-call.sqs", lambda **_: (_Answer(), {"MessageId": "m"})
    )
    queue.client.send_message(QueueUrl="q", MessageBody=7)
    assert "MessageBody" in calls.faults[0]


class _Answer:
    status_code = 200
