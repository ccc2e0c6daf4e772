"""A request that waits for its task's end: who sends it, and what its answer saves."""

from __future__ import annotations

import pytest

from tests.client.virtual import MODES, TASK_ID, Both, Mode, answer, pauses, task

CIRCUIT = "OPENQASM 3.0;"
ACCEPTED = {"task_id": TASK_ID, "status": "pending"}


def preferred(both: Both) -> list[tuple[str, str | None]]:
    """Return each request's method and what it prefers."""
    return [(s.request.method, s.request.headers.get("Prefer")) for s in both.sent]


@pytest.mark.parametrize("mode", MODES)
def test_a_run_whose_task_ends_in_time_is_one_request(mode: Mode) -> None:
    """Its answer has the whole task."""
    ended = answer(202, {**ACCEPTED, "task": task("completed")}, retry_after="1")
    both = Both(mode=mode, replies=[ended])
    assert both.use("run", CIRCUIT).counts == {"0": 1}
    assert preferred(both) == [("POST", "wait=2")]


@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_takes_longer_goes_on_waiting(mode: Mode) -> None:
    """At once, and then as often as the service wants, which may know nothing of it."""
    going = answer(200, task("processing"), retry_after="3")
    replies = [answer(202, ACCEPTED, retry_after="1"), going, answer(200, task("completed"))]
    both = Both(mode=mode, replies=replies)
    both.use("run", CIRCUIT)
    assert preferred(both) == [("POST", "wait=2"), ("GET", "wait=2"), ("GET", "wait=2")]
    assert [pause for pause, _ in pauses(both.sent)] == [0, 3]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("seconds", "wait"), [(0.9, None), (1.9, "wait=1"), (7, "wait=2")])
def test_no_request_waits_longer_than_its_caller(
    seconds: float, wait: str | None, mode: Mode
) -> None:
    """In whole seconds, which is what the header has."""
    replies = [answer(202, ACCEPTED), answer(200, task("completed"))]
    both = Both(mode=mode, replies=replies)
    both.use("run", CIRCUIT, wait_timeout=seconds)
    assert preferred(both) == [("POST", wait), ("GET", wait)]


@pytest.mark.parametrize("mode", MODES)
def test_a_submission_is_answered_at_once(mode: Mode) -> None:
    """Who wants the result says so later."""
    both = Both(mode=mode, replies=[answer(202, ACCEPTED), answer(200, task("completed"))])
    both.use("submit", CIRCUIT, then="wait")
    assert preferred(both) == [("POST", None), ("GET", "wait=2")]


@pytest.mark.parametrize("mode", MODES)
def test_many_tasks_are_not_waited_for_by_requests(mode: Mode) -> None:
    """They would hold each other up."""
    ids = [TASK_ID[:-1] + str(number) for number in range(2)]
    members = [
        {"index": number, "status": 202, "task": {**ACCEPTED, "task_id": ids[number]}}
        for number in range(2)
    ]
    reads = [answer(200, {**task("completed"), "task_id": task_id}) for task_id in ids]
    both = Both(mode=mode, replies=[answer(200, {"tasks": members}), *reads])
    both.use("submit_many", [{"circuit": CIRCUIT}] * 2, then="wait")
    assert preferred(both) == [("POST", None), ("GET", None), ("GET", None)]


@pytest.mark.parametrize("mode", MODES)
def test_a_task_that_was_submitted_has_its_tags_and_shots(mode: Mode) -> None:
    """The answer to a submission says nothing of them."""
    both = Both(mode=mode, replies=[answer(202, ACCEPTED)])
    submitted = both.use("submit", CIRCUIT, tags={"team": "a"}, shots=7)
    assert (submitted.tags, submitted.shots, submitted.document) == ({"team": "a"}, 7, ACCEPTED)
    members = [{"index": 0, "status": 202, "task": ACCEPTED}]
    both = Both(mode=mode, replies=[answer(200, {"tasks": members})])
    batch = both.use("submit_many", [{"circuit": CIRCUIT, "tags": {"team": "b"}, "shots": 9}])
    assert [(task.tags, task.shots) for task in batch.tasks.values()] == [({"team": "b"}, 9)]
