"""What is sent to SQS besides the body."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from chalicelib.adapters.sqs_queue import SqsTaskQueue
from chalicelib.domain.message import TaskMessage
from tests.support.in_memory import T0
from tools.backends import moto_backend


@pytest.mark.parametrize("group", [None, "owner-1"])
def test_a_message_carries_its_owners_group_if_it_has_one(
    group: str | None,
) -> None:
    """SQS takes turns between groups; a message without one has no such parameter."""
    message = TaskMessage(task_id="t", correlation_id="c", enqueued_at=T0, group=group)
    sent: list[dict[str, Any]] = []
    with moto_backend() as backend:
        queue = SqsTaskQueue(backend.settings())
        queue.client.meta.events.register(
            "provide-client-params.sqs.*",
            lambda params, **_: sent.extend(params.get("Entries", [params])),
        )
        assert queue.send(message)
        assert None not in queue.send_batch([message])
    for parameters in sent:
        assert parameters.get("MessageGroupId") == group
        assert ("MessageGroupId" in parameters) == (group is not None)
        body = TaskMessage.from_json(parameters["MessageBody"])
        assert body == structs.replace(message, group=None)
    assert len(sent) == 2
