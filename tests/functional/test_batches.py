"""`POST /batches`: one answer, and the truth about each member."""

from __future__ import annotations

import json
from typing import Any

from tests.functional.conftest import Answer, Api


def ids(answer: Answer) -> list[str]:
    """Return the members' ids; each must have been accepted."""
    assert [member["status"] for member in answer.body["tasks"]] == [202] * len(
        answer.body["tasks"]
    ), answer.body
    return [member["task"]["task_id"] for member in answer.body["tasks"]]


def a_batch(size: int) -> list[dict[str, Any]]:
    """Return members that differ."""
    return [{"circuit": f"// {number}"} for number in range(size)]


def test_a_batch_is_answered_in_the_order_given(api: Api) -> None:
    """Each member is a task, with what its own submission would have answered."""
    answer = api.post_batch(a_batch(40), X_Correlation_ID="batch-1")
    assert answer.status == 200
    assert [member["index"] for member in answer.body["tasks"]] == list(range(40))
    for number, task_id in enumerate(ids(answer)):
        task = api.get(task_id).body
        assert task["circuit"] == f"// {number}"
        assert task["correlation_id"] == "batch-1"
    assert answer.body["tasks"][0]["task"]["replayed"] is False
    assert api.messages() == 40


def test_a_batch_can_be_repeated_whole_with_its_key(api: Api) -> None:
    """The same tasks, also when an earlier try got only some of them through."""
    first = ids(api.post_batch(a_batch(3), Idempotency_Key="k"))
    again = api.post_batch(a_batch(5), Idempotency_Key="k")
    assert ids(again)[:3] == first
    replayed = [member["task"]["replayed"] for member in again.body["tasks"]]
    assert replayed == [True] * 3 + [False] * 2
    assert len(api.items()) == 5


def test_members_that_moved_are_conflicts(api: Api) -> None:
    """A member's id is its place in the batch: another request there is a 422."""
    api.post_batch(a_batch(3), Idempotency_Key="k")
    moved = api.post_batch([*a_batch(1), *reversed(a_batch(3)[1:])], Idempotency_Key="k")
    assert [member["status"] for member in moved.body["tasks"]] == [202, 422, 422]
    assert moved.body["tasks"][1]["problem"]["type"] == "/problems/idempotency-conflict"


def test_a_members_key_is_the_headers_key_of_a_single_submission(api: Api) -> None:
    """The two mean the same; a batch's key is another space."""
    single = api.post({"circuit": "x"}, Idempotency_Key="mine").body["task_id"]
    batch = api.post_batch(
        [{"circuit": "x", "idempotency_key": "mine"}, {"circuit": "x"}], Idempotency_Key="mine"
    )
    assert ids(batch)[0] == single
    assert batch.body["tasks"][0]["task"]["replayed"] is True
    assert ids(batch)[1] != single
    conflict = api.post_batch([{"circuit": "y", "idempotency_key": "mine"}])
    assert conflict.body["tasks"][0]["status"] == 422


def test_a_bad_member_has_its_own_problem_and_the_others_run(api: Api) -> None:
    """Invalid, too large, not an object, with a bad key."""
    large = "\n" * 3_000_000
    answer = api.post_batch(
        [
            {"circuit": "good"},
            {"circuit": "", "shots": 0},
            {"circuit": large + "x"},
            7,
            {"circuit": "x", "idempotency_key": "with blank"},
            {"circuit": "x", "colour": 1},
            {"circuit": "good too", "shots": 5},
        ],
    )
    members = answer.body["tasks"]
    assert [member["status"] for member in members] == [202, 400, 413, 400, 400, 400, 202]
    assert [error["field"] for error in members[1]["problem"]["errors"]] == ["circuit", "shots"]
    assert members[4]["problem"]["errors"][0]["field"] == "idempotency_key"
    assert len(api.items()) == 2


def test_a_hundred_members_are_one_small_answer(api: Api) -> None:
    """A hundred errors of the worst kind too."""
    assert len(ids(api.post_batch(a_batch(100)))) == 100
    worst = {f"{'n' * 60}{number}": "v" * 60 for number in range(60)}
    answer = api.post_batch([worst] * 100)
    assert {member["status"] for member in answer.body["tasks"]} == {400}
    assert len(json.dumps(answer.body)) < 1_500_000
