"""Many submissions: one task for each request, in order, however they are split and repeated."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from quantum_tasks import (
    AsyncClient,
    BadAnswer,
    Client,
    IdempotencyConflict,
    InvalidRequest,
    NotAuthorized,
    PayloadTooLarge,
    QuantumTasksError,
    TaskFailed,
    Throttled,
    UnsupportedCircuit,
)
from quantum_tasks.protocol import batching
from tests.client.process import DEADLINE_SECONDS, submit_five_hundred
from tests.client.service import Answer, Service, problem
from tests.client.virtual import VirtualClock


def requests(number: int) -> list[dict[str, Any]]:
    """Return so many requests that can be told apart."""
    return [{"circuit": f"OPENQASM 3.0; // {n}", "shots": n + 1} for n in range(number)]


def kept(service: Service) -> list[int]:
    """Return the shots of all tasks, which tell the requests apart."""
    return sorted(task["shots"] for task in service.tasks.values())


def batch_calls(service: Service) -> int:
    """Count the requests for batches."""
    return sum(1 for _, target, _ in service.requests if target == "/batches")


def test_many_are_submitted_in_few_requests_and_in_order(client: Client, service: Service) -> None:
    """A hundred in one request; results in the order of the requests."""
    batch = client.submit_many(requests(250))
    assert batch_calls(service) == 3
    assert list(batch.tasks) == list(range(250))
    assert batch.errors == {}
    assert [result.shots for result in batch.results()] == list(range(1, 251))


def test_repeating_with_the_key_finds_the_same_tasks(client: Client, service: Service) -> None:
    """Also one by one, by the members' own keys."""
    first = client.submit_many(requests(30), key="sweep-1")
    again = client.submit_many(requests(30), key="sweep-1")
    assert [t.id for t in again.tasks.values()] == [t.id for t in first.tasks.values()]
    assert all(task.replayed for task in again.tasks.values())
    single = client.submit(**requests(30)[7], key=batching.member_key("sweep-1", 7))
    assert single.id == first.tasks[7].id
    assert len(service.tasks) == 30


def test_splitting_by_bytes_changes_no_key() -> None:
    """What the gateway may hand on is the limit; one that is too large goes alone."""
    large = [{"circuit": "x" * 2_500_000} for _ in range(5)]
    many = batching.members([*large, {"circuit": "x" * 9_000_000}, *requests(3)], key="k")
    chunks = list(batching.chunks(many))
    assert [[member.index for member in chunk] for chunk in chunks] == [
        [0, 1],
        [2, 3],
        [4],
        [5],
        [6, 7, 8],
    ]
    assert [member.document["idempotency_key"] for chunk in chunks for member in chunk] == [
        f"k[{n}]" for n in range(9)
    ]


def test_members_that_were_refused_for_now_are_sent_again(
    running_url: str, service: Service
) -> None:
    """And only they; what is kept is not repeated."""
    refusals = {
        "k[1]": [problem(429, "throttled", "slower")],
        "k[3]": [problem(503, "service-unavailable", "no", kept="no")] * 2,
        "k[4]": [problem(503, "service-unavailable", "yes", kept="yes", task_id="1-2")],
    }

    def refuse(method: str, path: str, body: bytes) -> Answer | None:
        left = refusals.get(path, []) if method == "MEMBER" else []
        return left.pop() if left else None

    service.instead = refuse
    clock = VirtualClock()
    with Client(running_url, clock=clock) as client:
        batch = client.submit_many(requests(6), key="k")
    assert list(batch.tasks) == list(range(6))
    assert batch.tasks[4].id == "1-2"
    assert batch_calls(service) == 3
    assert kept(service) == [1, 2, 3, 4, 6]


def test_what_a_member_is_refused_for_is_its_error(running_url: str, service: Service) -> None:
    """The others are tasks; `results` says it in its place, or raises it."""
    refusals = {
        "k[0]": problem(413, "payload-too-large", "the circuit is too large"),
        "k[2]": problem(429, "throttled", "slower"),
    }
    service.instead = lambda method, path, _: refusals.get(path) if method == "MEMBER" else None
    with Client(running_url, clock=VirtualClock()) as client:
        batch = client.submit_many(requests(4), key="k")
        assert {n: type(error) for n, error in batch.errors.items()} == {
            0: PayloadTooLarge,
            2: Throttled,
        }
        assert batch.errors[2].key == "k[2]"
        found = batch.results("return")
        assert isinstance(found[0], PayloadTooLarge)
        assert not isinstance(found[1], QuantumTasksError)
        with pytest.raises(PayloadTooLarge):
            batch.results()


def test_a_key_with_other_requests_is_a_conflict(client: Client) -> None:
    """For each member that differs."""
    client.submit_many(requests(3), key="k")
    batch = client.submit_many([*requests(2), {"circuit": "another"}], key="k")
    assert list(batch.tasks) == [0, 1]
    assert isinstance(batch.errors[2], IdempotencyConflict)


def test_a_request_that_fails_whole_raises_if_nothing_was_submitted(
    running_url: str, service: Service
) -> None:
    """Afterwards it is the error of all that were not submitted, and nothing is lost."""

    def refuse(method: str, path: str, body: bytes) -> Answer | None:
        allowed = method == "MEMBER" or batch_calls(service) <= allowed_calls
        return None if allowed else problem(403, "not-authorized", "expired")

    service.instead = refuse
    with Client(running_url) as client:
        allowed_calls = 0
        with pytest.raises(NotAuthorized):
            client.submit_many(requests(150))
        service.requests.clear()
        allowed_calls = 1
        batch = client.submit_many(requests(350))
    assert list(batch.tasks) == list(range(100))
    assert set(batch.errors) == set(range(100, 350))
    assert batch_calls(service) == 2


def test_an_answer_with_members_missing_is_refused(running_url: str, service: Service) -> None:
    """No task is taken for another's."""
    service.instead = lambda *_: Answer(status=200, body={"tasks": []})
    with Client(running_url) as client, pytest.raises(BadAnswer, match="one entry for each"):
        client.submit_many(requests(2))


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"circuit": "x", "shoots": 3}, InvalidRequest),
        ({"shots": 3}, InvalidRequest),
        ({"circuit": 3}, UnsupportedCircuit),
    ],
)
def test_a_request_that_cannot_be_sent_stops_all(
    wrong: dict[str, Any], kind: type, client: Client, service: Service
) -> None:
    """Before anything is sent."""
    with pytest.raises(kind):
        client.submit_many([*requests(1), wrong])
    assert service.requests == []


def test_tasks_are_given_as_they_complete(client: Client, service: Service) -> None:
    """The earliest first, each once; what failed is among them."""
    service.moves = False
    batch = client.submit_many(requests(5))
    completed = batch.as_completed()
    for index in (3, 0, 4, 1, 2):
        task = batch.tasks[index]
        service.move(task.id, "failed" if index == 4 else "completed")
        assert next(completed).id == task.id
    assert next(completed, None) is None
    with pytest.raises(TaskFailed):
        batch.results()


def test_cancelling_a_batch_cancels_what_has_not_ended(client: Client, service: Service) -> None:
    """What has ended meanwhile is no error."""
    service.moves = False
    batch = client.submit_many(requests(3))
    service.move(batch.tasks[1].id, "completed")
    batch.cancel()
    assert [task.status for task in batch.tasks.values()] == ["cancelled", "completed", "cancelled"]


def test_the_event_loop_has_the_same_batches(running_url: str, service: Service) -> None:
    """Submitted, waited for and read in order."""

    async def use() -> list[int]:
        async with AsyncClient(running_url) as client:
            batch = await client.submit_many(requests(120), key="k")
            seen = [task.id async for task in batch.as_completed()]
            assert len(set(seen)) == 120
            return [result.shots for result in await batch.results()]

    assert asyncio.run(use()) == list(range(1, 121))
    assert len(service.tasks) == 120


@pytest.mark.parametrize("seed", range(3))
def test_five_hundred_killed_at_random_and_repeated_are_five_hundred(
    seed: int, running_url: str, service: Service, figures: Callable[[str], None]
) -> None:
    """A real process, killed in the middle of its requests, until one comes to its end."""
    chance = random.Random(seed)  # noqa: S311 - a test's

    def some_have_arrived() -> None:
        arrived, limit = threading.Event(), chance.randrange(500)
        service.instead = lambda *_: arrived.set() if len(service.tasks) >= limit else None
        assert arrived.wait(DEADLINE_SECONDS)

    kills = submit_five_hundred(running_url, "OPENQASM 3.0;", [some_have_arrived] * 3)
    assert kept(service) == list(range(1, 501))
    figures(f"submit_many of 500, seed {seed}: killed {kills} times in the middle, 500 tasks")
