"""The audit: clean on what the service writes, and each kind of violation is named."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.domain.task import Task
from infra.audit.__main__ import described, main
from infra.audit.audit import VIOLATIONS_SHOWN_MAX, Tolerance, Verdict, audit
from infra.audit.reading import Located, Reader
from tests.contract.stored_tasks import PATHS, a_large_result, bring_to, decide
from tests.local.violations import VIOLATIONS, Item
from tests.support.in_memory import a_request, a_task
from tools.backends import Backend, moto_backend

TOLERANCE = Tolerance(skew=timedelta(seconds=1), overdue=timedelta(days=100_000))


class Audited:
    """A backend with tasks in every state, and ways to corrupt it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.store = DynamoDbTaskStore(backend.settings())
        self.client = backend.dynamodb()
        self.reader = Reader(
            Located(
                table_name=backend.table_name,
                queue_url=backend.queue_url,
                dead_letter_queue_url=backend.dead_letter_queue_url,
            )
        )

    def audit(self, tolerance: Tolerance = TOLERANCE, **more: Any) -> Verdict:  # noqa: ANN401
        """Audit it."""
        return audit(self.reader, tolerance, **more)

    def make_corrupt(self, task: Task, change: Callable[[Item], object]) -> str:
        """Change a task's item behind the service's back."""
        key = {"task_id": {"S": task.task_id}}
        item = self.client.get_item(TableName=self.backend.table_name, Key=key)["Item"]
        corrupt = copy.deepcopy(item)
        change(corrupt)
        self.client.put_item(TableName=self.backend.table_name, Item=corrupt)
        return task.task_id

    def large_task(self) -> Task:
        """Store a task whose circuit has an item of its own, and claim it."""
        task = a_task(str(uuid4()), request=a_request("".join(map(str, range(9_000)))))
        self.store.create_if_absent(task)
        return self.store.apply(decide("claim", task))


@pytest.fixture(scope="module")
def audited() -> Iterator[Audited]:
    """Return a backend with tasks in every state."""
    with moto_backend() as backend:
        audited = Audited(backend)
        for state in PATHS:
            bring_to(state, audited.store)
        audited.large_task()
        yield audited


def test_what_the_service_writes_is_clean(audited: Audited) -> None:
    """In every state, with circuits and results inside and outside the item."""
    verdict = audited.audit()
    assert verdict.violations == []
    assert verdict.statuses.total() == len(PATHS) + 1
    assert verdict.side_items == 1
    assert list(described(verdict))[-1] == "audit: clean"
    assert a_large_result(1).shots == 1


@pytest.fixture(scope="module")
def planted(audited: Audited) -> tuple[dict[str, str], list[str]]:
    """Plant every violation, each in a task of its own; return whose they are, and what is said."""
    ids: dict[str, str] = {}
    for violation, (state, change, _) in VIOLATIONS.items():
        ids[violation] = audited.make_corrupt(bring_to(state, audited.store), change)
    found = audited.audit().violations
    for task_id in ids.values():
        key = {"task_id": {"S": task_id}}
        audited.client.delete_item(TableName=audited.backend.table_name, Key=key)
    return ids, found


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_each_violation_is_named_with_its_task(
    planted: tuple[dict[str, str], list[str]], violation: str
) -> None:
    """As it is said in the table of violations, and of no task without one."""
    ids, found = planted
    said = VIOLATIONS[violation][2]
    assert any(line.startswith(ids[violation]) and said in line for line in found), found
    assert {line.partition(":")[0] for line in found} == set(ids.values())


def test_an_open_task_that_is_not_swept_is_overdue(audited: Audited) -> None:
    """Beyond its grace there must be a sweep; these tasks were due long ago."""
    tolerance = Tolerance(skew=timedelta(seconds=1), overdue=timedelta(seconds=1))
    found = audited.audit(tolerance).violations
    open_states = [state for state in PATHS if state.startswith(("pending", "processing"))]
    assert len(found) == len(open_states) + 1
    assert all("no sweep for" in line for line in found)


def test_an_accepted_task_that_is_not_there_is_lost(audited: Audited) -> None:
    """What clients were told is compared with what is stored."""
    task = bring_to("completed", audited.store)
    assert audited.audit(accepted=[task.task_id]).is_clean
    lost = str(uuid4())
    (violation,) = audited.audit(accepted=[task.task_id, lost]).violations
    assert violation == f"{lost}: accepted: it was answered 202 and is not in the table"


def test_many_violations_are_counted_and_the_first_are_shown() -> None:
    """The list is bounded, the count is not."""
    verdict = Verdict()
    for number in range(VIOLATIONS_SHOWN_MAX + 7):
        verdict.add(str(number), "x")
    lines = list(described(verdict))
    assert lines[-2:] == ["… and 7 more", f"audit: {VIOLATIONS_SHOWN_MAX + 7} violations"]
    assert len(lines) == VIOLATIONS_SHOWN_MAX + 4


def test_the_command_exits_with_the_verdict(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for clean, 1 for violations, 2 when there is nothing to audit."""
    for name, value in audited.backend.environment.items():
        monkeypatch.setenv(name, value)
    assert main(["--overdue-seconds", "1e9"]) == 0
    assert "audit: clean" in capsys.readouterr().out
    assert main(["--overdue-seconds", "1"]) == 1
    assert "violations" in capsys.readouterr().out
    monkeypatch.delenv("TASKS_QUEUE_URL")
    assert main([]) == 2
    assert "TASKS_QUEUE_URL is not set" in capsys.readouterr().err


def test_messages_are_counted_and_left_alone(audited: Audited) -> None:
    """Those in the queue and those in the dead-letter queue."""
    sqs, url = audited.backend.sqs(), audited.backend.queue_url
    sqs.send_message(QueueUrl=url, MessageBody="a")
    sqs.send_message(QueueUrl=audited.backend.dead_letter_queue_url, MessageBody="b")
    for _ in range(2):
        messages = audited.audit().messages
        assert messages is not None
        assert (messages.waiting, messages.delivered, messages.dead) == (1, 0, 1)
