"""One owner floods the queue, another posts a few: each message carries its owner's group."""

from __future__ import annotations

import collections
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from msgspec import structs

from chalicelib.adapters.sqs_queue import SqsTaskQueue
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Task
from tests.contract.stored_tasks import new_task
from tests.support.backends import Backend

#: SQS's fair queues tell tenants apart by the group, and take the few before the flood.
FLOOD: Final = 2_000 if os.environ.get("EVIDENCE") == "full" else 100
FEW: Final = 20

pytestmark = pytest.mark.emulator


def of(owner: str, count: int) -> list[Task]:
    """Return tasks of an owner."""
    return [structs.replace(new_task(), owner=owner) for _ in range(count)]


def test_a_flood_and_a_few_are_two_groups_on_the_wire_and_in_the_queue(
    real_backend: Backend,
) -> None:
    """Singly sent and swept alike; what the emulator gives back has the group that was sent."""
    queue = SqsTaskQueue(real_backend.settings())
    sent: collections.Counter[str] = collections.Counter()

    def see(params: dict[str, Any], **_: object) -> None:
        for entry in params.get("Entries", [params]):
            sent[entry["MessageGroupId"]] += 1

    queue.client.meta.events.register("before-parameter-build.sqs.SendMessage", see)
    queue.client.meta.events.register("before-parameter-build.sqs.SendMessageBatch", see)
    few = of("the-few", FEW)
    with ThreadPoolExecutor(8) as pool:
        for task in (*of("flood", FLOOD), *few[: FEW // 2]):
            pool.submit(queue.send, TaskMessage.about(task, enqueued_at=task.submitted_at))
    queue.send_batch(
        [TaskMessage.about(task, enqueued_at=task.submitted_at) for task in few[FEW // 2 :]]
    )
    assert sorted(sent.values()) == [FEW, FLOOD]
    assert all(len(group) == 32 and group.isalnum() for group in sent)
    client, url = real_backend.sqs(), real_backend.queue_url
    received = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"]
    )["Messages"]
    assert {message["Attributes"]["MessageGroupId"] for message in received} <= sent.keys()
    client.purge_queue(QueueUrl=url)
