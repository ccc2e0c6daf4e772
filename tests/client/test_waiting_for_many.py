"""Waiting for many tasks on the virtual clock, and what `Retry-After` may look like."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantum_tasks import Client, ServiceUnavailable, WaitTimeout
from quantum_tasks.protocol.answers import RETRY_AFTER_SECONDS_MAX, Reply, Response, retry_after
from quantum_tasks.protocol.requests import Request
from tests.client.virtual import (
    MODES,
    TASK_ID,
    URL,
    Both,
    Mode,
    VirtualClock,
    answer,
    task,
)

TOLERANCE = 1e-6


class Tasks:
    """A service with several tasks; each has its own answers, the last of which is its end."""

    def __init__(self, clock: VirtualClock, lives: Sequence[Sequence[tuple[str, int]]]) -> None:
        self._clock = clock
        self._lives = [list(life) for life in lives]
        #: When each task was asked for, and how long it asked to be left alone.
        self.asked: list[list[tuple[float, int]]] = [[] for _ in lives]

    def send(self, request: Request) -> Reply:
        """Answer a batch, or the next read of a task."""
        if request.path == "/batches":
            members = [
                {"index": n, "status": 202, "task": {"task_id": f"{n}-0", "status": "pending"}}
                for n in range(len(self._lives))
            ]
            return answer(200, {"tasks": members})
        number = int(request.path.rpartition("/")[2].partition("-")[0])
        status, wait = self._lives[number].pop(0)
        self.asked[number].append((self._clock.now, wait))
        document = task(status, entries=len(self.asked[number]), task_id=f"{number}-0")
        return answer(200, document, retry_after=str(wait), etag=f'"{len(self._lives[number])}"')

    def close(self) -> None:
        """Nothing is open."""


going_on = st.tuples(st.sampled_from(["pending", "processing"]), st.integers(0, 90))
ends = st.tuples(st.sampled_from(["completed", "failed", "cancelled"]), st.just(0))
lives = st.builds(lambda middle, end: [*middle, end], st.lists(going_on, max_size=6), ends)


def completed(mode: Mode, many: list[Any]) -> tuple[list[str], Tasks]:
    """Submit and wait for all, and return the ids as they came."""
    made: list[Tasks] = []

    def transport(clock: VirtualClock) -> Tasks:
        made.append(Tasks(clock, many))
        return made[0]

    both = Both(mode=mode, transport=transport)
    ended = both.use("submit_many", [{"circuit": "x"}] * len(many), then="as_completed")
    return [seen.id for seen in ended], made[0]


@given(st.lists(lives, min_size=1, max_size=40), st.sampled_from(MODES))
def test_each_of_many_is_asked_for_as_often_as_it_wants(many: list[Any], mode: Mode) -> None:
    """Not sooner, nor much later; each is given once, and after its end no more is asked."""
    ids, tasks = completed(mode, many)
    assert sorted(ids) == sorted(f"{n}-0" for n in range(len(many)))
    for life, asked in zip(many, tasks.asked, strict=True):
        assert len(asked) == len(life)
        for (before, wait), (after, _) in itertools.pairwise(asked):
            assert wait - TOLERANCE <= after - before <= wait + TOLERANCE


@pytest.mark.parametrize("mode", MODES)
def test_tasks_come_in_the_order_in_which_they_end(mode: Mode) -> None:
    """A slow one holds up no other."""
    many = [[("pending", 90), ("completed", 0)], [("pending", 5), ("failed", 0)]]
    ids, _ = completed(mode, many)
    assert ids == ["1-0", "0-0"]


def test_a_wait_for_many_times_out_with_the_tasks_going_on() -> None:
    """At its time, and with an id."""
    clock = VirtualClock()
    tasks = Tasks(clock, [[("pending", 60), ("completed", 0)]] * 3)
    with Client(URL, transport=tasks, clock=clock) as client:
        batch = client.submit_many([{"circuit": "x"}] * 3)
        start = clock.now
        with pytest.raises(WaitTimeout, match="3 tasks have not ended"):
            batch.wait(timeout=30)
        assert clock.now == pytest.approx(start + 30)
        batch.wait()
    assert {seen.status for seen in batch.tasks.values()} == {"completed"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "9" * 30}, RETRY_AFTER_SECONDS_MAX),
        (
            {
                "retry-after": "Fri, 02 Jan 2026 12:00:30 GMT",
                "date": "Fri, 02 Jan 2026 12:00:00 GMT",
            },
            30,
        ),
        (
            {
                "retry-after": "Fri, 02 Jan 2026 11:00:00 GMT",
                "date": "Fri, 02 Jan 2026 12:00:00 GMT",
            },
            0,
        ),
        ({"retry-after": "Fri, 02 Jan 2026 12:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: int | None) -> None:
    """A date counts from the answer's own; what is neither says nothing."""
    assert retry_after(headers) == seconds


@given(st.text(), st.text())
def test_no_header_makes_the_client_fall(retry: str, date: str) -> None:
    """Whatever comes is a number of seconds or nothing."""
    found = retry_after({"retry-after": retry, "date": date})
    assert found is None or 0 <= found <= RETRY_AFTER_SECONDS_MAX


@pytest.mark.parametrize("mode", MODES)
def test_a_service_that_is_down_for_long_is_an_error_at_once(mode: Mode) -> None:
    """A call does not sleep for an hour; the error says what was asked."""
    down = answer(503, {"type": "/problems/service-unavailable"}, retry_after="3600")
    both = Both(mode=mode, replies=[down])
    start = both.clock.now
    with pytest.raises(ServiceUnavailable) as caught:
        both.use("get", TASK_ID)
    assert caught.value.retry_after == 3600
    assert (both.clock.now, len(both.sent)) == (start, 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"', b"{}", b"[" * 100_000])
def test_an_answer_of_another_program_is_an_error(body: bytes, mode: Mode) -> None:
    """Never an exception of a parser's, and never a task without an id."""
    both = Both(mode=mode, replies=[Response(status=200, headers={}, body=body)])
    with pytest.raises(Exception, match="answer") as caught:
        both.use("get", TASK_ID)
    assert type(caught.value).__name__ == "BadAnswer"
