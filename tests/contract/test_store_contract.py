"""What every store must do, whatever it is made of: the same as `lifecycle` says, in one write."""

from __future__ import annotations

import dataclasses
import random
import string
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chalicelib.domain import lifecycle, payloads
from chalicelib.domain.task import Lease, Task, TaskResult, TaskStatus
from chalicelib.domain.transition import Transition
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import ConditionFailed, TaskAlreadyEnded
from chalicelib.ports import PutOutcome, TaskStore
from tests.support.backends import REAL_BACKEND, Backend
from tests.support.in_memory import T0, a_request, a_result, a_task
from tests.unit.domain.test_lifecycle import ATTEMPTS_MAX, DECISIONS, LATER

#: moto is not safe under threads, and the fakes keep no items.
a_real_one = pytest.param(REAL_BACKEND, marks=pytest.mark.emulator)

#: No task is due so late.
NEVER = T0 + timedelta(days=10_000)

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
        return dataclasses.replace(
            claim,
            lease=past,
            condition=dataclasses.replace(
                claim.condition, no_live_lease_at=past.expires_at, attempt_below=ATTEMPTS_MAX
            ),
        )
    if event == "release" and task.lease is not None:
        return lifecycle.release_if_current_attempt(
            task.task_id, attempt=task.attempt, token=task.lease.holder, notes="why", now=LATER
        )
    return DECISIONS[event](task)


def without(task: Task) -> Task:
    """Return the task without its circuit and its result."""
    request = dataclasses.replace(task.request, circuit="")
    return dataclasses.replace(task, request=request, result=None)


def bring_to(state: str, store: TaskStore) -> Task:
    """Store a new task and bring it into a state."""
    task = new_task()
    assert store.create_if_absent(task) is PutOutcome.CREATED
    for event in PATHS[state]:
        task = store.apply(decide(event, task))
    stored = store.get(task.task_id)
    assert stored is not None
    return stored


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
    outcome = store.create_if_absent(dataclasses.replace(other, task_id=task.task_id))
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
        kept = expected.request if event in {"claim", "cancel"} else without(expected).request
        assert applied == dataclasses.replace(expected, request=kept, result=None)
        assert store.get_without_payloads(task.task_id) == without(expected)
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
    condition = dataclasses.replace(release.condition, **{**holds, changed: fails[changed]})
    with pytest.raises(ConditionFailed):
        store.apply(dataclasses.replace(release, condition=condition))
    allowed = dataclasses.replace(release.condition, **holds)
    assert store.apply(dataclasses.replace(release, condition=allowed)).lease is None


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


def test_due_are_open_tasks_past_their_time(store: TaskStore) -> None:
    """What is not due yet, or has ended, is not among them."""
    due, later, ended = (new_task(now=T0 - timedelta(days=n)) for n in (30, 0, 30))
    for task in (due, later, ended):
        store.create_if_absent(task)
    store.apply(decide("cancel", ended))
    found = store.due(T0 - timedelta(days=1), limit=1000, implausible_after=NEVER)
    assert due.task_id in found
    assert not {later.task_id, ended.task_id} & set(found)
    store.apply(decide("cancel", due))
    assert due.task_id not in store.due(T0 - timedelta(days=1), limit=1000, implausible_after=NEVER)


def test_due_is_bounded(store: TaskStore) -> None:
    """No more than the limit are returned, however many are due."""
    tasks = [new_task(now=T0 - timedelta(days=90)) for _ in range(5)]
    for task in tasks:
        store.create_if_absent(task)
    assert len(store.due(T0 - timedelta(days=60), limit=3, implausible_after=NEVER)) == 3
    for task in tasks:
        store.delete_if_pending(task.task_id)


def incompressible(length: int, seed: int = 1) -> str:
    """Return text that compresses little."""
    generator = random.Random(seed)  # noqa: S311 - test data
    return "".join(generator.choices(string.ascii_letters + string.digits, k=length))


@pytest.mark.parametrize("length", [2_000, 2_800, 50_000, 500_000])
def test_a_circuit_of_any_size_that_is_taken_comes_back(store: TaskStore, length: int) -> None:
    """Wherever it is kept, it is there after a read, a claim and a cancel."""
    task = new_task(request=a_request(incompressible(length)))
    store.create_if_absent(task)
    assert store.get(task.task_id) == task
    assert store.apply(decide("claim", task)).request == task.request
    assert store.apply(decide("cancel", task)).request == task.request


def test_a_repetitive_circuit_of_four_megabytes_comes_back(store: TaskStore) -> None:
    """What compresses well fits."""
    task = new_task(request=a_request("cx q[0], q[1];\n" * 280_000))
    store.create_if_absent(task)
    assert store.get(task.task_id) == task


def test_anothers_large_circuit_does_not_replace_the_first(store: TaskStore) -> None:
    """A reused id with another circuit changes nothing, though circuits are written first."""
    task = new_task(request=a_request(incompressible(20_000, seed=1)))
    other = dataclasses.replace(task, request=a_request(incompressible(20_000, seed=2)))
    store.create_if_absent(task)
    assert store.create_if_absent(other) is PutOutcome.EXISTED
    assert store.get(task.task_id) == task


def a_large_result(outcomes: int) -> TaskResult:
    """Return a result of so many outcomes that compresses little."""
    generator = random.Random(2)  # noqa: S311 - test data
    counts = {f"{generator.getrandbits(64):064b}": 1 for _ in range(outcomes)}
    return dataclasses.replace(a_result(), counts=counts, shots=outcomes)


@pytest.mark.parametrize("outcomes", [10, 500])
def test_a_result_of_any_size_that_is_taken_comes_back(store: TaskStore, outcomes: int) -> None:
    """A result too large for the task's item is kept in an item of its own."""
    task = bring_to("processing, live lease", store)
    result = a_large_result(outcomes)
    store.apply(
        lifecycle.complete_if_current_attempt(task.task_id, attempt=1, result=result, now=LATER)
    )
    completed = store.get(task.task_id)
    assert completed is not None
    assert (completed.status, completed.result) == (TaskStatus.COMPLETED, result)


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


#: Encoded bytes of circuits that do not compress, and the pieces that they take.
SIZES = {50_000: 1, 1_500_000: 4, 5_000_000: 13}


def noise(length: int) -> str:
    """Return text of which each character is one encoded byte, as near to noise as that allows."""
    alphabet = [c for c in string.printable if c.isprintable() and c not in '"\\\\']
    return "".join(random.Random(5).choices(alphabet, k=length))  # noqa: S311 - test data


@pytest.mark.parametrize("backend", ["moto", a_real_one], indirect=True)
@pytest.mark.parametrize("length", SIZES)
def test_a_circuit_that_does_not_compress_comes_back_from_its_pieces(
    store: TaskStore, length: int
) -> None:
    """Kept before its task or with it, as large as is taken: read, claimed and cancelled whole."""
    task = new_task(request=a_request(noise(length)))
    kept = store.keep_circuit(task.task_id, task.request.circuit)
    assert 1 <= kept.pieces <= SIZES[length]
    assert store.create_if_absent(task, kept) is PutOutcome.CREATED
    schema = 1 if kept.pieces == 1 else payloads.SCHEMA_WITH_PIECES
    assert store.get(task.task_id) == dataclasses.replace(task, schema_version=schema)
    assert store.apply(decide("claim", task)).request == task.request
    assert store.apply(decide("cancel", task)).request == task.request


@pytest.mark.parametrize("backend", ["moto", a_real_one], indirect=True)
def test_an_overtaken_attempt_leaves_the_winners_pieces_alone(store: TaskStore) -> None:
    """Attempt 2 settles between the first one's pieces and its settle."""
    task = bring_to("processing, expired lease", store)
    second = store.apply(decide("claim", task))
    first_result, second_result = a_large_result(30_000), a_large_result(29_000)
    settles = {
        attempt: lifecycle.complete_if_current_attempt(
            task.task_id, attempt=attempt, result=result, now=LATER
        )
        for attempt, result in ((1, first_result), (second.attempt, second_result))
    }
    store.apply(settles[second.attempt])
    with pytest.raises(ConditionFailed):
        store.apply(settles[1])
    completed = store.get(task.task_id)
    assert completed is not None
    assert (completed.attempt, completed.result) == (2, second_result)


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
@pytest.mark.parametrize("spoilt", ["missing", "changed", "counted wrong"])
def test_a_piece_that_is_missing_or_changed_is_seen(
    store: TaskStore, backend: Backend, spoilt: str
) -> None:
    """The task cannot be read, and the error says which piece it is."""
    task = new_task(request=a_request(noise(1_500_000)))
    kept = store.keep_circuit(task.task_id, task.request.circuit)
    store.create_if_absent(task, kept)
    client, table = backend.dynamodb(), backend.table_name
    key = {"task_id": {"S": f"{kept.key}#1"}}
    if spoilt == "missing":
        client.delete_item(TableName=table, Key=key)
    elif spoilt == "changed":
        client.put_item(TableName=table, Item={**key, "payload": {"B": b"r"}})
    else:
        client.update_item(
            TableName=table,
            Key={"task_id": {"S": task.task_id}},
            UpdateExpression="SET circuit_pieces = :n",
            ExpressionAttributeValues={":n": {"N": "2"}},
        )
    said = {"missing": f"piece 2 of {kept.pieces} is missing"}.get(spoilt, "not what was stored")
    with pytest.raises(TaskUnreadable, match=said):
        store.get(task.task_id)
    without_payloads = store.get_without_payloads(task.task_id)
    assert without_payloads is not None


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
def test_what_is_taken_back_leaves_no_piece(store: TaskStore, backend: Backend) -> None:
    """The pieces go after their task."""
    task = new_task(request=a_request(noise(1_500_000)))
    kept = store.keep_circuit(task.task_id, task.request.circuit)
    store.create_if_absent(task, kept)
    store.delete_if_pending(task.task_id)
    found = backend.dynamodb().scan(TableName=backend.table_name, ProjectionExpression="task_id")
    assert [i for i in found["Items"] if i["task_id"]["S"].startswith(task.task_id)] == []
