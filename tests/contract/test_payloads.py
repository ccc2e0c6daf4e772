"""Circuits and results of every size that is taken come back, wherever a store keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from chalicelib.domain import lifecycle, payloads
from chalicelib.domain.task import SCHEMA_WITH_INPUTS, PointResult, TaskStatus
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import ConditionFailed
from chalicelib.ports import PutOutcome, TaskStore
from tests.contract.stored_tasks import (
    a_large_result,
    a_real_one,
    bring_to,
    decide,
    new_task,
    noise,
)
from tests.support.in_memory import a_request
from tests.unit.domain.test_lifecycle import LATER
from tools.backends import Backend


@pytest.mark.parametrize("length", [2_000, 2_800])
def test_a_circuit_of_any_size_that_is_taken_comes_back(store: TaskStore, length: int) -> None:
    """Wherever it is kept, it is there after a read, a claim and a cancel."""
    task = new_task(request=a_request(noise(length)))
    store.create_if_absent(task)
    assert store.get(task.task_id) == task
    assert store.apply(decide("claim", task)).request == task.request
    assert store.apply(decide("cancel", task)).request == task.request


def test_anothers_large_circuit_does_not_replace_the_first(store: TaskStore) -> None:
    """A reused id with another circuit changes nothing, though circuits are written first."""
    task = new_task(request=a_request(noise(20_000, seed=1)))
    other = structs.replace(task, request=a_request(noise(20_000, seed=2)))
    store.create_if_absent(task)
    assert store.create_if_absent(other) is PutOutcome.EXISTED
    assert store.get(task.task_id) == task


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


#: Encoded bytes of circuits that do not compress, and the pieces that they take.
SIZES = {50_000: 1, 1_500_000: 4, 5_000_000: 13}


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
    assert store.get(task.task_id) == structs.replace(task, schema_version=schema)
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
@pytest.mark.parametrize("corrupt", ["missing", "changed", "counted wrong"])
def test_a_piece_that_is_missing_or_changed_is_seen(
    store: TaskStore, backend: Backend, corrupt: str
) -> None:
    """The task cannot be read, and the error says which piece it is."""
    task = new_task(request=a_request(noise(1_500_000)))
    kept = store.keep_circuit(task.task_id, task.request.circuit)
    store.create_if_absent(task, kept)
    client, table = backend.dynamodb(), backend.table_name
    key = {"task_id": {"S": f"{kept.key}#1"}}
    if corrupt == "missing":
        client.delete_item(TableName=table, Key=key)
    elif corrupt == "changed":
        client.put_item(TableName=table, Item={**key, "payload": {"B": b"r"}})
    else:
        client.update_item(
            TableName=table,
            Key={"task_id": {"S": task.task_id}},
            UpdateExpression="SET circuit_pieces = :n",
            ExpressionAttributeValues={":n": {"N": "2"}},
        )
    said = {"missing": f"piece 2 of {kept.pieces} is missing"}.get(corrupt, "not what was stored")
    with pytest.raises(TaskUnreadable, match=said):
        store.get(task.task_id)
    without_payloads = store.get_without_payloads(task.task_id)
    assert without_payloads is not None


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
def test_what_is_withdrawn_leaves_no_piece(store: TaskStore, backend: Backend) -> None:
    """The pieces go after their task."""
    task = new_task(request=a_request(noise(1_500_000)))
    kept = store.keep_circuit(task.task_id, task.request.circuit)
    store.create_if_absent(task, kept)
    store.delete_if_pending(task.task_id)
    found = backend.dynamodb().scan(TableName=backend.table_name, ProjectionExpression="task_id")
    assert [i for i in found["Items"] if i["task_id"]["S"].startswith(task.task_id)] == []


@pytest.mark.parametrize("length", [20, 2_800])
@pytest.mark.parametrize("inputs", [{"theta": 1.5, "n": 2**64 - 1, "b": True}, ({"t": 1.0}, {})])
def test_inputs_come_back_with_their_circuit(store: TaskStore, length: int, inputs: Any) -> None:  # noqa: ANN401
    """Kinds of numbers and all, wherever they are kept; a result in pieces keeps the schema."""
    task = new_task(request=a_request(noise(length), inputs=inputs))
    store.create_if_absent(task)
    assert task.schema_version == SCHEMA_WITH_INPUTS
    assert repr(store.get(task.task_id)) == repr(task)
    claimed = store.apply(decide("claim", task))
    assert repr(claimed.request) == repr(task.request)
    point = PointResult(counts={"0": 8}, seed=2**53 - 1)
    result = structs.replace(a_large_result(500), points=(point, point))
    store.apply(
        lifecycle.complete_if_current_attempt(
            task.task_id, attempt=1, result=result, now=LATER, schema_version=SCHEMA_WITH_INPUTS
        )
    )
    completed = store.get(task.task_id)
    assert completed is not None
    assert (completed.result, completed.schema_version) == (result, SCHEMA_WITH_INPUTS)


@pytest.mark.parametrize("backend", ["moto", a_real_one], indirect=True)
def test_pieces_do_not_lower_the_schema(store: TaskStore) -> None:
    """An old worker that took the item for one of schema 2 would miss the inputs."""
    task = new_task(request=a_request(noise(1_500_000), inputs={"t": 1}))
    store.create_if_absent(task)
    claimed = store.apply(decide("claim", task))
    assert (claimed.request, claimed.schema_version) == (task.request, SCHEMA_WITH_INPUTS)
    settle = lifecycle.complete_if_current_attempt(
        task.task_id,
        attempt=1,
        result=a_large_result(30_000),
        now=LATER,
        schema_version=claimed.schema_version,
    )
    assert store.apply(settle).schema_version == SCHEMA_WITH_INPUTS
