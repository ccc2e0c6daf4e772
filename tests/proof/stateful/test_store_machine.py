"""The store on DynamoDB against the store in memory, under whatever transitions come.

Time jumps back and forth, decisions are made from old reads, tokens and attempts are stale, writes
are repeated. Both stores must answer the same, and hold the same.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.domain import lifecycle
from chalicelib.domain.task import Lease, Task, TaskRequest
from chalicelib.domain.transition import Transition
from chalicelib.errors import ConditionFailed
from tests.support.in_memory import T0, InMemoryTaskStore, a_result, a_task
from tools.backends import Backend, moto_backend

ATTEMPTS_MAX = 3
TOKENS = st.sampled_from(["token-a", "token-b", "token-c"])
SECONDS = st.integers(-60, 60)
REQUESTS = st.builds(
    TaskRequest,
    circuit=st.one_of(
        st.text(min_size=1, max_size=30),
        st.text(alphabet=string.ascii_letters, min_size=1, max_size=9).map(lambda s: s * 900),
    ),
    shots=st.integers(1, 100_000),
    tags=st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=3),
)


@functools.cache
def _store() -> DynamoDbTaskStore:
    """Return the one store of this process: clients cost, and every run has ids of its own."""
    return DynamoDbTaskStore(_backend().settings())


@functools.cache
def _backend() -> Backend:
    return _moto.enter_context(moto_backend())


_moto = ExitStack()


@pytest.fixture(scope="module", autouse=True)
def _close_moto() -> Iterator[None]:
    yield
    _moto.close()
    _store.cache_clear()
    _backend.cache_clear()


class StoresAgree(RuleBasedStateMachine):
    """Applies the same to both stores."""

    #: Tasks as they were once read.
    reads: Bundle[Task] = Bundle("reads")
    #: Transitions that were once decided, and may be tried again.
    decided: Bundle[Transition] = Bundle("decided")

    def __init__(self) -> None:
        super().__init__()
        self.memory = InMemoryTaskStore()
        self.dynamodb = _store()
        self.now = T0
        self.ids: list[str] = []

    @initialize(target=reads, request=REQUESTS)
    def submit_one(self, request: TaskRequest) -> Task:
        """Begin with one task."""
        return self._submit(request)

    @rule(target=reads, request=REQUESTS)
    def submit(self, request: TaskRequest) -> Task:
        """Store another task."""
        return self._submit(request)

    def _submit(self, request: TaskRequest) -> Task:
        task = a_task(str(uuid4()), request=request, now=self.now)
        self.ids.append(task.task_id)
        self._both("create_if_absent", task)
        return task

    @rule(task=reads)
    def submit_again(self, task: Task) -> None:
        """Repeat a put; the first one stands."""
        fresh = structs.replace(a_task(task.task_id), submitted_at=self.now)
        self._both("create_if_absent", fresh)

    @rule(seconds=SECONDS)
    def time_jumps(self, seconds: int) -> None:
        """Move the clock, also backwards: workers' clocks differ."""
        self.now += timedelta(seconds=seconds)

    @rule(target=reads, task=reads)
    def read(self, task: Task) -> Task:
        """Read a task; a later step will decide from it."""
        found = self._both("get", task.task_id)
        return found if isinstance(found, Task) else task

    @rule(target=decided, task=reads, token=TOKENS, seconds=SECONDS)
    def claim(self, task: Task, token: str, seconds: int) -> Transition:
        """Claim, with a lease that may have ended before it began."""
        lease = Lease(holder=token, expires_at=self.now + timedelta(seconds=seconds))
        return self._apply(
            lifecycle.claim_if_available(
                task.task_id, lease=lease, now=self.now, attempts_max=ATTEMPTS_MAX
            )
        )

    @rule(target=decided, task=reads, attempt=st.integers(0, ATTEMPTS_MAX + 1))
    def complete(self, task: Task, attempt: int) -> Transition:
        """Complete as some attempt."""
        return self._apply(
            lifecycle.complete_if_current_attempt(
                task.task_id, attempt=attempt, result=a_result(attempt + 1), now=self.now
            )
        )

    @rule(target=decided, task=reads, attempt=st.integers(0, ATTEMPTS_MAX + 1))
    def fail(self, task: Task, attempt: int) -> Transition:
        """Fail as some attempt."""
        return self._apply(
            lifecycle.fail_if_current_attempt(
                task.task_id, attempt=attempt, error_message="no", now=self.now
            )
        )

    @rule(target=decided, task=reads, attempt=st.integers(0, ATTEMPTS_MAX), token=TOKENS)
    def release(self, task: Task, attempt: int, token: str) -> Transition:
        """Release as some attempt with some token."""
        return self._apply(
            lifecycle.release_if_current_attempt(
                task.task_id, attempt=attempt, token=token, notes="why", now=self.now
            )
        )

    @rule(target=decided, task=reads, owner=st.sampled_from(["local", "another owner"]))
    def cancel(self, task: Task, owner: str) -> Transition:
        """Cancel as its owner, or as another."""
        return self._apply(lifecycle.cancel_if_open(task.task_id, owner=owner, now=self.now))

    @rule(
        target=decided,
        task=reads,
        what=st.sampled_from(["abandon", "note", "postpone"]),
        seconds=SECONDS,
    )
    def sweep(self, task: Task, what: str, seconds: int) -> Any:  # noqa: ANN401 - one or none
        """Do what a sweeper would from what it read, however long ago."""
        if task.status.is_terminal:
            return multiple()
        due_at = self.now + timedelta(seconds=seconds)
        if what == "abandon":
            transition = lifecycle.abandon_if_unchanged(task, error_message="old", now=self.now)
        elif what == "note":
            transition = lifecycle.note_sweep_if_unchanged(
                task, notes="why", due_at=due_at, now=self.now
            )
        else:
            transition = lifecycle.postpone_if_unchanged(task, due_at=due_at, now=self.now)
        return self._apply(transition)

    @rule(transition=decided)
    def repeat(self, transition: Transition) -> None:
        """Apply a transition again, as the SDK does after a lost reply, or late."""
        self._apply(transition)

    @rule(task=reads)
    def delete(self, task: Task) -> None:
        """Take a submission back."""
        self._both("delete_if_pending", task.task_id)

    @rule(seconds=st.integers(-1_000, 1_000))
    def due(self, seconds: int) -> None:
        """Ask both what is due; only these tasks count, for other runs share the table."""
        before = self.now + timedelta(seconds=seconds)
        never = self.now + timedelta(days=10_000)
        due = [
            set(store.due(before, limit=10**6, implausible_after=never))
            for store in (self.memory, self.dynamodb)
        ]
        assert due[0] == due[1] & set(self.ids)

    @invariant()
    def hold_the_same(self) -> None:
        """After every step, both hold the same tasks."""
        for task_id in self.ids[-1:]:
            assert self.dynamodb.get(task_id) == self.memory.get(task_id)

    def teardown(self) -> None:
        """At the end, all of them. None is left: what is due is looked for among all items."""
        for task_id in self.ids:
            assert self.dynamodb.get(task_id) == self.memory.get(task_id)
        _backend().empty_table()

    def _apply(self, transition: Transition) -> Transition:
        self._both("apply", transition)
        return transition

    def _both(self, method: str, argument: Any) -> object:  # noqa: ANN401 - the method's own
        answers = [_answer(store, method, argument) for store in (self.memory, self.dynamodb)]
        in_memory, in_dynamodb = answers
        assert in_dynamodb == in_memory
        return answers[0]


def _answer(store: object, method: str, argument: Any) -> object:  # noqa: ANN401
    try:
        return getattr(store, method)(argument)
    except ConditionFailed:
        return ConditionFailed


def test_the_store_on_dynamodb_does_as_the_one_in_memory() -> None:
    """No sequence of steps tells the two apart."""
    run_state_machine_as_test(StoresAgree)
    assert _store().get("missing") is None
