"""What many messages and one bad one do to each other: both ways to end a batch, and one key."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from infra.local.settings import MAX_RECEIVE_COUNT
from infra.waiting import wait_for
from tests.acceptance.tasks import finished, read, statuses, submit
from tools.http_client import Http, Reply
from tools.local_stage import BELL_STATE, TABLE, Stage

pytestmark = pytest.mark.acceptance

NEIGHBOURS = 4
CONCURRENT_POSTS = 80
#: So patient with the emulator that no call is in doubt on a busy machine.
PATIENT = {"DATABASE_READ_TIMEOUT_SECONDS": "20", "QUEUE_READ_TIMEOUT_SECONDS": "20"}


@pytest.fixture(scope="module")
def idle_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give a running stage without workers, whose queue is empty between tests."""
    stage = Stage(tmp_path_factory.mktemp("deliveries") / "data")
    try:
        yield stage.start(workers=0, **PATIENT)
    finally:
        stage.close()


def consumed(stage: Stage, task_id: str) -> list[dict[str, Any]]:
    """Give the log entries about a task's deliveries."""
    return [
        entry
        for entry in stage.log_entries("worker-1")
        if entry.get("message") == "message consumed" and entry.get("task_id") == task_id
    ]


def receives(stage: Stage, message_id: str) -> int:
    """Count how often the worker was given an unreadable message."""
    return sum(
        entry.get("message") == "message cannot be read" and entry.get("message_id") == message_id
        for entry in stage.log_entries("worker-1")
    )


def has_received(stage: Stage, message_id: str, count: int) -> bool:
    """Tell whether it was given it at least so often."""
    return receives(stage, message_id) >= count


def stop_worker(stage: Stage) -> None:
    """Let the attached worker end in order."""
    stage.signal("worker-1", signal.SIGTERM)
    wait_for(lambda: stage.is_gone("worker-1"), "the worker to stop")


@pytest.mark.parametrize("flag", [False, True], ids=["raising", "partial-batch-response"])
def test_garbage_goes_to_the_dead_letter_queue_alone(idle_stage: Stage, *, flag: bool) -> None:
    """After exactly so many receives; its neighbours are delivered once, executed once, and gone.

    In both ways to end a batch: raising after the successes were deleted, where the mapping has
    no flag, and returning the failures, where it has it.
    """
    stage = idle_stage
    sqs = stage.sqs
    url = sqs.get_queue_url(QueueName=TABLE)["QueueUrl"]
    dead_before = stage.dead_letters()
    neighbours = [submit(stage.http) for _ in range(NEIGHBOURS)]
    garbage = sqs.send_message(QueueUrl=url, MessageBody="this is no task")["MessageId"]
    # One batch for all five: the worker comes when they are there.
    value = str(flag).lower()
    stage.attach_worker(
        BATCH_SIZE="10", REPORT_BATCH_ITEM_FAILURES=value, PARTIAL_BATCH_RESPONSES=value
    )
    for count in range(2, MAX_RECEIVE_COUNT, 2):
        wait_for(partial(has_received, stage, garbage, count), f"{count} receives")
        neighbours.append(submit(stage.http))
    wait_for(lambda: stage.dead_letters() > dead_before, "garbage to be a dead letter")
    for task_id in neighbours:
        task = finished(stage.http, task_id)
        assert statuses(task) == ["pending", "processing", "completed"]
        assert task["attempt"] == 1
    # In flight counts: nothing is hidden that would come back later.
    wait_for(lambda: stage.messages() == 0, "the queue to be empty")
    stop_worker(stage)

    assert receives(stage, garbage) == MAX_RECEIVE_COUNT
    assert stage.dead_letters() == dead_before + 1
    deliveries = {task_id: consumed(stage, task_id) for task_id in neighbours}
    assert {len(entries) for entries in deliveries.values()} == {1}
    assert {entry["receive_count"] for (entry,) in deliveries.values()} == {1}
    failed = [e for e in stage.log_entries("worker-1") if garbage in e.get("message_ids", ())]
    if flag:
        assert failed == []  # returned, and no invocation failed
    else:
        assert len(failed) == MAX_RECEIVE_COUNT
        ids = {entry["message_id"] for (entry,) in deliveries.values()}
        assert len(ids & set(failed[0]["message_ids"])) == NEIGHBOURS


def test_many_concurrent_posts_with_one_key_make_one_task(idle_stage: Stage) -> None:
    """Over two API processes: one answer made it, all others are its replays; one execution."""
    stage = idle_stage
    ports = [stage.port, stage.attach_api(**PATIENT)]
    items_before = stage.items()
    start = threading.Barrier(CONCURRENT_POSTS)

    def post(number: int) -> Reply:
        http = Http(ports[number % len(ports)])
        start.wait()
        try:
            return http.post("/tasks", {"circuit": BELL_STATE}, {"Idempotency-Key": "only-one"})
        finally:
            http.close()

    with ThreadPoolExecutor(CONCURRENT_POSTS) as pool:
        replies = list(pool.map(post, range(CONCURRENT_POSTS)))

    counts = Counter((r.status, r.headers.get("idempotent-replayed")) for r in replies)
    assert counts == {(202, None): 1, (202, "true"): CONCURRENT_POSTS - 1}
    (task_id,) = {reply.json["task_id"] for reply in replies}
    assert stage.items() == items_before + 1
    assert statuses(read(stage.http, task_id)) == ["pending"]

    stage.attach_worker()
    task = finished(stage.http, task_id)
    assert statuses(task) == ["pending", "processing", "completed"]
    wait_for(lambda: stage.messages() == 0, "every duplicate to be acknowledged")
    assert read(stage.http, task_id) == task
    stop_worker(stage)
