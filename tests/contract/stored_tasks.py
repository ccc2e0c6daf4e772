"""Tasks for the store's contract: in each state, and with circuits and results of each size."""

from __future__ import annotations

import random
import string
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.task import Lease, Task, TaskResult
from chalicelib.domain.transition import Transition
from chalicelib.ports import PutOutcome, TaskStore
from tests.support.backends import REAL_BACKEND
from tests.support.in_memory import T0, a_result, a_task
from tests.unit.domain.test_lifecycle import ATTEMPTS_MAX, DECISIONS, LATER

#: moto is not safe under threads, and the fakes keep no items.
a_real_one = pytest.param(REAL_BACKEND, marks=pytest.mark.emulator)


#: The transitions that bring a new task into each state.
PATHS: dict[str, list[str]] = {
    "pending": [],
    "processing, live lease": ["claim"],
    "processing, expired lease": ["claim long ago"],
    "processing, released": ["claim", "release"],
    "processing, attempts used up": ["claim long ago"] * ATTEMPTS_MAX,
    "pending, swept": ["sweep"],
    "completed": ["claim", "complete"],
    "failed": ["claim", "fail"],
    "cancelled": ["cancel"],
}


def new_task(**changed: Any) -> Task:  # noqa: ANN401 - whatever `a_task` takes
    """Return a new task with an id of its own."""
    return a_task(str(uuid4()), **changed)


def decide(event: str, task: Task) -> Transition:
    """Decide an event on a task as its current attempt's holder."""
    if event == "claim long ago":
        claim = DECISIONS["claim"](task)
        past = Lease(holder="mine", expires_at=T0 + timedelta(seconds=task.attempt + 1))
        return structs.replace(
            claim,
            lease=past,
            condition=structs.replace(
                claim.condition, no_live_lease_at=past.expires_at, attempt_below=ATTEMPTS_MAX
            ),
        )
    if event == "release" and task.lease is not None:
        return lifecycle.release_if_current_attempt(
            task.task_id, attempt=task.attempt, token=task.lease.holder, notes="why", now=LATER
        )
    return DECISIONS[event](task)


def bring_to(state: str, store: TaskStore) -> Task:
    """Store a new task and bring it into a state."""
    task = new_task()
    assert store.create_if_absent(task) is PutOutcome.CREATED
    for event in PATHS[state]:
        task = store.apply(decide(event, task))
    stored = store.get(task.task_id)
    assert stored is not None
    return stored


def a_large_result(outcomes: int) -> TaskResult:
    """Return a result of so many outcomes that compresses little."""
    generator = random.Random(2)  # noqa: S311 - test data
    counts = {f"{generator.getrandbits(64):064b}": 1 for _ in range(outcomes)}
    return structs.replace(a_result(), counts=counts, shots=outcomes)


def noise(length: int, seed: int = 5) -> str:
    """Return text of which each character is one encoded byte, as near to noise as that allows."""
    alphabet = [c for c in string.printable if c.isprintable() and c not in '"\\\\']
    return "".join(random.Random(seed).choices(alphabet, k=length))  # noqa: S311 - test data
