"""A task's life through the API and the worker, with table and queue of moto between them."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from tests.functional.conftest import Api
from tests.support.events import post_event

BELL = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""


def test_a_task_is_accepted_executed_and_found(api: Api) -> None:
    """Pending, processing, completed; each with its time, and counts that add up."""
    accepted = api.post({"circuit": BELL, "shots": 100, "tags": {"team": "a"}})
    task_id = accepted.body["task_id"]
    assert accepted.status == 202
    assert accepted.headers["Location"] == f"tasks/{task_id}"
    assert int(accepted.headers["Retry-After"]) >= 1
    assert set(accepted.body) == {
        "task_id", "status", "submitted_at", "message", "correlation_id",
    }  # fmt: skip
    pending = api.get(task_id)
    assert pending.body["status"] == "pending"
    assert pending.body["result"] is None
    assert int(pending.headers["Retry-After"]) >= 1
    assert api.deliver() is None
    done = api.get(task_id).body
    assert set(done) == set(pending.body)
    statuses = [entry["status"] for entry in done["status_history"]]
    assert statuses == ["pending", "processing", "completed"]
    times = [datetime.fromisoformat(e["transitioned_at"]) for e in done["status_history"]]
    assert times == sorted(times)
    assert done["submitted_at"] == done["status_history"][0]["transitioned_at"]
    assert done["started_at"] == done["status_history"][1]["transitioned_at"]
    assert done["completed_at"] == done["status_history"][2]["transitioned_at"]
    assert done["submitted_at"].endswith("Z")
    assert len(done["submitted_at"]) == len("2026-01-01T00:00:00.000000Z")
    result = done["result"]
    assert sum(result["counts"].values()) == result["shots"] == 100
    assert all(len(bits) == 2 for bits in result["counts"])
    assert result["registers"] == [{"name": "c", "size": 2}]
    assert (done["circuit"], done["tags"], done["attempt"]) == (BELL, {"team": "a"}, 1)
    assert done["seed"] is None
    assert api.messages() == 0


TYPES = [
    *("application/json", "Application/JSON ; Charset=UTF-8", 'application/json; charset="utf-8"'),
    "application/json; profile=x",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_json_may_be_said_in_any_way(api: Api, content_type: str) -> None:
    """Parameters and case do not matter."""
    headers = {"Content-Type": content_type}
    assert api.request("POST", "/tasks", {"circuit": "x"}, headers).status == 202


@pytest.mark.parametrize(("path", "prefix"), [("/tasks", "tasks/"), ("/tasks/", "")])
def test_the_location_leads_to_the_task_from_either_path(api: Api, path: str, prefix: str) -> None:
    """It is relative to the request, so a path that ends in a slash needs a shorter one."""
    answer = api.event(post_event('{"circuit": "x"}', path))
    assert answer.headers["Location"] == f"{prefix}{answer.body['task_id']}"


def test_the_largest_of_everything_is_taken_and_given_back(api: Api) -> None:
    """All bounds at once: shots, seed, a key, names, values, and bytes of tags without escapes."""
    tags = {"n" * 128: "v" * 256} | {str(n): "\N{ROCKET}" * 50 for n in range(8)} | {"b": "v" * 55}
    assert sum(len(text.encode()) for tag in tags.items() for text in tag) == 2_048
    asked = {"circuit": "x", "shots": 100_000, "seed": 2**53 - 1, "tags": tags}
    task = api.get(api.post(asked, Idempotency_Key="~" * 255).body["task_id"]).body
    assert {name: task[name] for name in asked} == asked
    (item,) = api.items()
    assert len(item["tags"]["S"].encode()) <= 2_048 + len(tags) * 6 + 2
    fifty = {"circuit": "x", "shots": 1, "seed": 0, "tags": {str(n): "" for n in range(50)}}
    task = api.get(api.post(fifty, Idempotency_Key="!").body["task_id"]).body
    assert {name: task[name] for name in fifty} == fifty
    least = api.get(api.submit()).body
    assert (least["shots"], least["seed"], least["tags"]) == (1_024, None, {})


def test_a_seed_is_kept_and_decides_the_sample(api: Api) -> None:
    """The largest that JSON's readers keep exact comes back as it was; null is no seed."""
    results = {}
    for name, seed in (("least", 0), ("most", 2**53 - 1), ("again", 2**53 - 1), ("none", None)):
        task_id = api.post({"circuit": BELL, "shots": 1000, "seed": seed}).body["task_id"]
        api.deliver()
        task = api.get(task_id).body
        assert task["seed"] == seed
        results[name] = task["result"]
    assert results["most"] == results["again"]
    assert [results["least"]["seed"], results["most"]["seed"]] == [0, 2**53 - 1]
    assert len({str(result["counts"]) for result in results.values()}) == 3


def test_inputs_are_kept_with_the_circuit_and_decide_the_points(api: Api) -> None:
    """What was sent comes back; a list has a result for each object, in its order."""
    one, two = {"theta": 1, "on": True}, {"theta": 0.5, "on": False}
    for inputs, points in ((one, None), ([one, two], 2), (None, None)):
        answer = api.post({"circuit": BELL, "shots": 10, "seed": 3, "inputs": inputs})
        assert answer.status == 202
        api.deliver()
        task = api.get(answer.body["task_id"]).body
        assert (task["inputs"], task["status"]) == (inputs, "completed")
        result = task["result"]
        if points is None:
            assert result["points"] is None
            assert sum(result["counts"].values()) == 10
        else:
            assert result["counts"] == {}
            assert [sum(point["counts"].values()) for point in result["points"]] == [10] * points
            assert result["points"][0]["seed"] == result["seed"] == 3


def test_a_key_holds_the_inputs_too(api: Api) -> None:
    """1.0 is 1 and -0.0 is 0; an object and a list of one are two requests."""
    body = {"circuit": BELL, "inputs": {"a": 1, "b": 0}}
    first = api.post(body, Idempotency_Key="k").body["task_id"]
    again = api.post({**body, "inputs": {"b": -0.0, "a": 1.0}}, Idempotency_Key="k")
    assert again.body["task_id"] == first
    for other in ([{"a": 1, "b": 0}], {"a": True, "b": 0}, {"a": 1}, None):
        assert api.post({**body, "inputs": other}, Idempotency_Key="k").status == 422


def test_a_result_from_before_registers_were_kept_is_given_back_without_them(api: Api) -> None:
    """Its registers are null; all else is as it was."""
    task_id = api.submit()
    api.deliver()
    old = {"counts": {"0": 9}, "shots": 9, "executor": "mock", "executor_version": "1", "seed": 3}
    api.backend.dynamodb().update_item(
        TableName=api.backend.table_name,
        Key={"task_id": {"S": task_id}},
        UpdateExpression="SET #r = :r",
        ExpressionAttributeNames={"#r": "result"},
        ExpressionAttributeValues={":r": {"B": b"r" + json.dumps(old).encode()}},
    )
    assert api.get(task_id).body["result"] == {**old, "registers": None, "points": None}


def test_an_etag_changes_with_every_transition_and_saves_the_body(api: Api) -> None:
    """A client that has the task as it is gets a 304 without a body."""
    task_id = api.submit()
    pending = api.get(task_id).headers["ETag"]
    assert re.fullmatch(r'"\d+\.\d+\.\d+"', pending)
    for condition in (pending, f"W/{pending}", f'"x", {pending}', "*"):
        unchanged = api.get(task_id, If_None_Match=condition)
        assert (unchanged.status, unchanged.body) == (304, None)
        assert unchanged.headers["ETag"] == pending
    api.deliver()
    changed = api.get(task_id, If_None_Match=pending)
    assert changed.status == 200
    assert changed.headers["ETag"] != pending
    assert "Retry-After" not in changed.headers


def test_a_cancelled_task_is_not_executed(api: Api) -> None:
    """Cancelling is seen by the worker, and cancelling twice is the same answer."""
    task_id = api.submit()
    cancelled = api.cancel(task_id)
    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    assert api.cancel(task_id).body == cancelled.body
    api.deliver()
    assert api.get(task_id).body == cancelled.body


def test_a_key_gives_the_same_task_again(api: Api) -> None:
    """The replay says that it is one; while the task is pending its message is sent again."""
    first = api.post({"circuit": "x", "shots": 1024}, Idempotency_Key="k")
    again = api.post({"shots": 1024, "circuit": "x"}, Idempotency_Key="k")
    assert again.body["task_id"] == first.body["task_id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert api.messages() == 2
    api.deliver()
    after = api.post({"circuit": "x"}, Idempotency_Key="k")
    assert (after.status, after.body["status"]) == (202, "completed")
    assert api.messages() == 0
    assert len(api.items()) == 1
