"""What every store must do, whatever it is made of: the same as `lifecycle` says, in one write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle
from chalicelib.domain.task import Lease, TaskStatus
from chalicelib.errors import ConditionFailed, TaskAlreadyEnded
from chalicelib.ports import PutOutcome, TaskStore
from tests.contract.stored_tasks import PATHS, a_real_one, bring_to, decide, new_task
from tests.support.in_memory import T0, a_request, without_payloads
from tests.unit.domain.test_lifecycle import DECISIONS, LATER

#: No task is due so late.
NEVER = T0 + timedelta(days=10_000)
MOMENT = timedelta(microseconds=1)


def test_a_task_comes_back_as_it_was_stored(store: TaskStore) -> None:
    """Every attribute survives, text outside ASCII included."""
    request = a_request(
        "OPENQASM 3.0; // ψ → ⟨φ|\n",
        shots=100_000,
        tags={"läb": "值", "b": ""},
        seed=2**53 - 1,
    )
    task = new_task(request=request, owner="AROA123")
    store.create_if_absent(task)
    assert store.get(task.task_id) == task


def test_there_is_no_task_with_an_unknown_id(store: TaskStore) -> None:
    """A read of nothing is None."""
    assert store.get(str(uuid4())) is None


def test_an_id_is_taken_once(store: TaskStore) -> None:
    """The second put changes nothing and says so."""
    task = new_task()
    other = new_task(request=a_request("another"))
    assert store.create_if_absent(task) is PutOutcome.CREATED
    outcome = store.create_if_absent(structs.replace(other, task_id=task.task_id))
    assert outcome is PutOutcome.EXISTED
    assert store.get(task.task_id) == task


@pytest.mark.parametrize("state", PATHS)
@pytest.mark.parametrize("event", DECISIONS)
def test_a_store_applies_just_what_the_lifecycle_allows(
    store: TaskStore, state: str, event: str
) -> None:
    """In every state, each transition is applied as `after` says or refused as `holds_for` says."""
    task = bring_to(state, store)
    assert store.get(task.task_id) == task
    try:
        transition = decide(event, task)
    except TaskAlreadyEnded:
        return
    if transition.condition.holds_for(task):
        expected = lifecycle.after(task, transition)
        applied = store.apply(transition)
        assert store.get(task.task_id) == expected
        shown = expected if event in {"claim", "cancel"} else without_payloads(expected)
        assert applied == structs.replace(shown, result=None)
        assert store.get_without_payloads(task.task_id) == without_payloads(expected)
    else:
        with pytest.raises(ConditionFailed):
            store.apply(transition)
        assert store.get(task.task_id) == task


@pytest.mark.parametrize("changed", ["owner", "attempt", "lease_holder", "sweeps", "statuses"])
def test_each_clause_is_evaluated(store: TaskStore, changed: str) -> None:
    """A transition that would apply is refused when any one clause does not hold."""
    task = bring_to("processing, live lease", store)
    assert task.lease is not None
    release = decide("release", task)
    holds: dict[str, Any] = {"owner": task.owner, "sweeps": 0}
    fails: dict[str, Any] = {
        "owner": "another",
        "attempt": 2,
        "lease_holder": "another",
        "sweeps": 1,
        "statuses": frozenset({TaskStatus.PENDING}),
    }
    condition = structs.replace(release.condition, **{**holds, changed: fails[changed]})
    with pytest.raises(ConditionFailed):
        store.apply(structs.replace(release, condition=condition))
    allowed = structs.replace(release.condition, **holds)
    assert store.apply(structs.replace(release, condition=allowed)).lease is None


@pytest.mark.parametrize("event", DECISIONS)
def test_a_transition_never_makes_a_task(store: TaskStore, event: str) -> None:
    """`UpdateItem` makes an item that does not exist; no transition does."""
    task = new_task()
    with pytest.raises(ConditionFailed):
        store.apply(decide(event, task))
    assert store.get(task.task_id) is None


@pytest.mark.parametrize("state", PATHS)
def test_only_a_pending_task_is_deleted(store: TaskStore, state: str) -> None:
    """Deleting is refused once a worker has had the task."""
    task = bring_to(state, store)
    if task.status is TaskStatus.PENDING:
        store.delete_if_pending(task.task_id)
        assert store.get(task.task_id) is None
    else:
        with pytest.raises(ConditionFailed):
            store.delete_if_pending(task.task_id)
        assert store.get(task.task_id) == task


def test_deleting_what_is_not_there_is_refused(store: TaskStore) -> None:
    """A delete whose first reply was lost finds nothing, and says so."""
    with pytest.raises(ConditionFailed):
        store.delete_if_pending(str(uuid4()))


def test_due_are_open_tasks_from_their_time_on(store: TaskStore) -> None:
    """At that very moment, not a microsecond earlier, and not once they have ended."""
    due, ended = (new_task(now=T0 - timedelta(days=30)) for _ in range(2))
    for task in (due, ended):
        store.create_if_absent(task)
    store.apply(decide("cancel", ended))
    due_at = due.due_at
    assert due_at is not None
    found = store.due(due_at, limit=1000, implausible_after=NEVER)
    assert due.task_id in found
    assert ended.task_id not in found
    assert due.task_id not in store.due(due_at - MOMENT, limit=1000, implausible_after=NEVER)
    store.apply(decide("cancel", due))
    assert due.task_id not in store.due(due_at, limit=1000, implausible_after=NEVER)


def test_a_task_that_is_due_implausibly_late_is_due_now(store: TaskStore) -> None:
    """A corrupt time must not keep a task from the sweeper; at the bound itself it is plausible."""
    task = new_task(now=T0 - timedelta(days=3_650))
    store.create_if_absent(task)
    due_at = task.due_at
    assert due_at is not None
    before = due_at - timedelta(days=1)
    assert task.task_id not in store.due(before, limit=1_000, implausible_after=due_at)
    assert task.task_id in store.due(before, limit=1_000, implausible_after=due_at - MOMENT)


def test_due_is_bounded(store: TaskStore) -> None:
    """No more than the limit are returned, however many are due."""
    tasks = [new_task(now=T0 - timedelta(days=90)) for _ in range(5)]
    for task in tasks:
        store.create_if_absent(task)
    assert len(store.due(T0 - timedelta(days=60), limit=3, implausible_after=NEVER)) == 3
    for task in tasks:
        store.delete_if_pending(task.task_id)


@pytest.mark.parametrize("backend", ["memory", a_real_one], indirect=True)
def test_of_many_claims_at_once_one_wins(store: TaskStore) -> None:
    """Sixteen threads claim the same task: one gets it, the others are refused."""
    task = new_task()
    store.create_if_absent(task)

    def claim(number: int) -> bool:
        lease = Lease(holder=f"worker-{number}", expires_at=LATER + timedelta(days=1))
        try:
            store.apply(
                lifecycle.claim_if_available(task.task_id, lease=lease, now=LATER, attempts_max=5)
            )
        except ConditionFailed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(claim, range(16)))
    assert won.count(True) == 1
    claimed = store.get(task.task_id)
    assert claimed is not None
    assert (claimed.attempt, len(claimed.history)) == (1, 2)


def test_a_store_that_works_answers(store: TaskStore) -> None:
    """The health check's question raises nothing."""
    store.ping()
    assert store.get("missing") is None
