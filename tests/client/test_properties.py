"""Properties of both clients on the virtual clock, whatever the service answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantum_tasks import (
    BadAnswer,
    QuantumTasksError,
    TaskCancelled,
    TaskFailed,
    UnknownStatus,
    WaitTimeout,
)
from quantum_tasks.contract import STATUSES
from quantum_tasks.protocol.answers import NoResponse, Response
from quantum_tasks.protocol.watching import UNASKED_SECONDS_MAX
from tests.client.virtual import MODES, TASK_ID, Both, Mode, answer, pauses, task

CIRCUIT = "OPENQASM 3.0;"
TOLERANCE = 1e-6

waits = st.integers(0, 400).map(str)
modes = st.sampled_from(MODES)
headers: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}), st.fixed_dictionaries({"retry_after": waits})
)
refusals = st.builds(
    lambda status, more: answer(status, {"type": "about:blank"}, **more),
    st.sampled_from([429, 502, 503, 504]),
    headers,
)
lost = st.builds(NoResponse, st.just("the connection broke"))
unchanged = st.builds(lambda more: answer(304, **more), headers)


def _is_unknown(status: str) -> bool:
    return status not in STATUSES


@st.composite
def going_on(draw: st.DrawFn) -> Response:
    """An answer that shows a task that goes on."""
    entries = draw(st.integers(1, 5))
    status = draw(st.sampled_from(["pending", "processing"]))
    more = draw(headers)
    return answer(200, task(status, entries=entries), etag=f'"{status}.{entries}"', **more)


@st.composite
def lives(draw: st.DrawFn) -> list[Any]:
    """Answers to a submission and all reads after it, up to the task's end."""
    accepted = answer(202, {"task_id": TASK_ID, "status": "pending"}, **draw(headers))
    before = draw(st.lists(st.one_of(refusals, lost), max_size=6))
    first = draw(going_on())
    middle = draw(st.lists(st.one_of(going_on(), unchanged, refusals, lost), max_size=12))
    end = answer(200, task(draw(st.sampled_from(["completed", "failed", "cancelled", "paused"]))))
    return [*before, accepted, first, *middle, end]


def outcome(both: Both, **named: Any) -> str:  # noqa: ANN401 - as the client takes them
    """Run, and return how it ended."""
    try:
        both.use("run", CIRCUIT, **named)
    except (TaskFailed, TaskCancelled, UnknownStatus, WaitTimeout) as exc:
        return type(exc).__name__
    except QuantumTasksError as exc:
        return f"gave up: {type(exc).__name__}"
    return "result"


@given(lives(), modes, st.floats(0, 3))
def test_no_request_comes_sooner_than_the_service_asked(
    replies: list[Any], mode: Mode, seconds: float
) -> None:
    """Whether it asked by a refusal or a read; and every life has an end.

    The first read waits for the task's end itself, so it comes at once.
    """
    both = Both(mode=mode, replies=replies, seconds=seconds)
    assert outcome(both)
    reads = [sent.request.method for sent in both.sent[1:]]
    for method, before, (pause, asked) in zip(reads, both.sent, pauses(both.sent), strict=False):
        if (before.request.method, method) != ("POST", "GET"):
            assert pause >= asked - TOLERANCE
    assert len(both.sent) <= len(replies)


@given(lives())
def test_both_clients_send_the_same(replies: list[Any]) -> None:
    """One engine: the event loop changes nothing."""
    runs = [Both(mode=mode, replies=replies) for mode in MODES]
    ends = {outcome(both, key="k") for both in runs}
    assert len(ends) == 1
    sent = [[(s.request.method, s.request.path, s.request.headers) for s in b.sent] for b in runs]
    assert sent[0] == sent[1]


@given(lives(), modes)
def test_all_tries_of_a_submission_have_one_key(replies: list[Any], mode: Mode) -> None:
    """However often it is sent, it is one submission."""
    both = Both(mode=mode, replies=replies)
    outcome(both)
    posts = [s.request for s in both.sent if s.request.method == "POST"]
    assert len({request.headers["Idempotency-Key"] for request in posts}) == 1
    assert len({request.body for request in posts}) == 1
    assert {request.path for request in posts} == {"/tasks"}


@given(st.lists(unchanged, max_size=8), going_on(), modes)
def test_an_unchanged_task_changes_nothing(repeats: list[Any], first: Response, mode: Mode) -> None:
    """304s are no change to report, and the tag that is sent stays the same."""
    replies = [first, *repeats, answer(200, task("completed"))]
    both = Both(mode=mode, replies=replies)
    changes: list[str] = []
    both.use("get", TASK_ID, then="wait", on_change=lambda seen: changes.append(seen.status))
    assert changes == ["completed"]
    tags = [s.request.headers.get("If-None-Match") for s in both.sent]
    assert tags == [None] + [first.headers["etag"]] * (len(repeats) + 1)


@given(st.text(min_size=1).filter(_is_unknown), modes)
def test_an_unknown_status_ends_the_wait(status: str, mode: Mode) -> None:
    """A client that is older than its service never hangs."""
    both = Both(mode=mode, replies=[answer(200, task("pending")), answer(200, task(status))])
    with pytest.raises(UnknownStatus) as caught:
        both.use("get", TASK_ID, then="wait")
    assert caught.value.task.status == status
    assert TASK_ID in str(caught.value)
    assert len(both.sent) == 2


@given(
    st.lists(st.one_of(going_on(), unchanged, refusals, lost), min_size=1, max_size=12),
    st.floats(0, 500),
    modes,
    st.floats(0, 3),
)
def test_a_timeout_is_kept_and_leaves_the_task_alone(
    replies: list[Any], timeout: float, mode: Mode, seconds: float
) -> None:
    """The wait ends at its time, with the id; nothing but reads was sent."""
    first = answer(200, task("pending"), etag='"0"')
    # Repeated from then on. A service that never asks for a pause would be asked without end.
    last = answer(304, retry_after="1")
    both = Both(mode=mode, replies=[first, *replies, last], seconds=seconds)
    start = both.clock.now + seconds
    with pytest.raises(QuantumTasksError) as caught:
        both.use("get", TASK_ID, then="wait", timeout=timeout)
    if isinstance(caught.value, WaitTimeout):
        assert both.clock.now == pytest.approx(start + timeout, abs=0.01)
    assert both.clock.now <= start + timeout + 0.01
    assert TASK_ID in str(caught.value)
    assert {s.request.method for s in both.sent} == {"GET"}


@given(st.lists(st.one_of(going_on(), unchanged), max_size=5), modes, st.data())
def test_ctrl_c_leaves_the_task_running_and_says_its_id(
    replies: list[Any], mode: Mode, data: st.DataObject
) -> None:
    """The interruption goes through, with a note; the task is not cancelled."""
    first = answer(200, task("pending"), etag='"0"')
    both = Both(mode=mode, replies=[first, *replies, answer(304)])
    both.clock.sleeps_left = data.draw(st.integers(0, len(replies)))
    assert TASK_ID in notes_of(both, "get", TASK_ID, then="wait")
    assert {s.request.method for s in both.sent} == {"GET"}


@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c_between_the_tries_of_a_submission_says_its_key(mode: Mode) -> None:
    """The task may be there; the key finds it."""
    both = Both(mode=mode, replies=[NoResponse("the connection broke")])
    both.clock.sleeps_left = 2
    assert "my-key" in notes_of(both, "submit", CIRCUIT, key="my-key")


def test_ctrl_c_during_a_request_says_the_key() -> None:
    """The same where it comes while the answer is awaited."""
    both = Both(mode="sync", replies=[KeyboardInterrupt()])
    assert "my-key" in notes_of(both, "submit", CIRCUIT, key="my-key")


def notes_of(both: Both, *args: str, **named: Any) -> str:  # noqa: ANN401 - as the client takes them
    """Use a client until it is interrupted, and return what the interruption says."""
    with pytest.raises((KeyboardInterrupt, asyncio.CancelledError)) as caught:
        both.use(*args, **named)
    return " ".join(caught.value.__notes__)


@pytest.mark.parametrize("mode", MODES)
def test_without_retry_after_a_wait_doubles_up_to_a_minute(mode: Mode) -> None:
    """There is no poll interval to configure, and none that hammers."""
    replies = [answer(200, task("pending"))] * 9 + [answer(200, task("completed"))]
    both = Both(mode=mode, replies=replies)
    both.use("get", TASK_ID, then="wait")
    assert [pause for pause, _ in pauses(both.sent)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert UNASKED_SECONDS_MAX == 60


@pytest.mark.parametrize("mode", MODES)
def test_failures_between_answers_end_no_wait(mode: Mode) -> None:
    """Tries are counted from the last answer on."""
    lost_and_found: list[Any] = [NoResponse("the connection broke"), answer(200, task("pending"))]
    both = Both(mode=mode, replies=[*lost_and_found * 9, answer(200, task("completed"))])
    assert both.use("get", TASK_ID, then="wait").status == "completed"
    assert len(both.sent) == 19


@pytest.mark.parametrize("mode", MODES)
def test_a_submission_that_finds_an_ended_task_reads_it(mode: Mode) -> None:
    """Once; the answer to a submission has no result."""
    found = answer(202, {"task_id": TASK_ID, "status": "completed"})
    both = Both(mode=mode, replies=[found, answer(200, task("completed"))])
    assert both.use("run", CIRCUIT, wait_timeout=0).counts == {"0": 1}
    assert [sent.request.method for sent in both.sent] == ["POST", "GET"]


def test_a_list_that_does_not_go_on_is_an_error() -> None:
    """A cursor that leads to itself would never end."""
    pages = [answer(200, {"tasks": [task("pending")], "next_cursor": "again"})]
    both = Both(mode="sync", replies=pages)
    with pytest.raises(BadAnswer, match="does not go on"):
        both.use("list", then="__iter__")
    assert len(both.sent) == 2
