"""How long children live, and what is said of an execution: with children in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chalicelib.errors import ExecutionError, PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children import failures
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.jobs import Answer
from chalicelib.executors.children.pool import ProcessPool
from tests.support.fakes import RecordingObserver
from tests.support.in_memory import a_request
from tests.unit.executors.fake_children import DONE, Children

LIMITS = JobLimits(processor_seconds_max=3, memory_bytes_max=5 << 20)
PERMANENT, TRANSIENT = PermanentExecutionError, TransientExecutionError


@pytest.fixture
def pool(children: Children, observer: RecordingObserver) -> Iterator[ProcessPool]:
    """Give a pool of children in memory."""
    del children  # take the place of processes
    pool = ProcessPool("module:factory", limits=LIMITS, reporter=observer, start_seconds_max=60)
    yield pool
    pool.close()


def ask(pool: ProcessPool, circuit: str) -> Answer:
    """Have a circuit executed within 7 s."""
    return pool.ask(a_request(circuit), time_limit_seconds=7)


def test_a_child_is_started_where_none_is_idle_and_the_last_used_is_used_first(
    pool: ProcessPool, children: Children
) -> None:
    """Executions at the same time have a child each; none waits."""
    children.script["a"] = lambda: ask(pool, "b")
    ask(pool, "a")
    assert [[job for job, _, _ in child.jobs] for child in children.started] == [["a"], ["b"]]
    assert pool.idle_pids() == frozenset({1, 2})
    ask(pool, "c")
    assert [len(child.jobs) for child in children.started] == [2, 1]


def test_a_child_that_must_be_replaced_is_ended(pool: ProcessPool, children: Children) -> None:
    """Its answer counts."""
    children.script["a"] = Answer(number=1, document="a", must_be_replaced=True)
    assert ask(pool, "a").document == "a"
    assert (children.started[0].ended, pool.idle_pids()) == (1, frozenset())


def test_idle_children_that_have_ended_are_reaped(pool: ProcessPool, children: Children) -> None:
    """And the next one is taken."""
    children.script["a"] = lambda: ask(pool, "b")
    ask(pool, "a")
    children.started[0].usable = False
    ask(pool, "c")
    assert [child.ended for child in children.started] == [1, 0]
    assert pool.idle_pids() == frozenset({2})


@pytest.mark.parametrize(
    ("error", "words"),
    [(OSError(11, "Resource unavailable"), "Resource unavailable"), (OSError("bare"), "bare")],
)
def test_a_child_that_cannot_be_started_is_an_error(
    pool: ProcessPool, children: Children, error: OSError, words: str
) -> None:
    """In the system's words. The next execution tries again."""
    children.cannot_start = error
    with pytest.raises(TRANSIENT, match=f"^the executor cannot be started: {words}$"):
        ask(pool, "x")
    children.cannot_start = None
    assert ask(pool, "x") == DONE


def test_a_closed_pool_ends_all_its_children(pool: ProcessPool, children: Children) -> None:
    """The idle one at once, the busy one when it is given back; it starts no more."""
    children.script["b"] = pool.close
    children.script["a"] = lambda: ask(pool, "b")
    children.script["c"] = lambda: (ask(pool, "d"), ask(pool, "a"))
    assert ask(pool, "c") == DONE
    assert [child.ended for child in children.started] == [1, 1, 1]
    with pytest.raises(TRANSIENT, match=r"be started: the pool of processes is closed$"):
        ask(pool, "e")
    assert (len(children.started), pool.idle_pids()) == (3, frozenset())


@pytest.mark.parametrize(
    ("answer", "kind", "words", "told"),
    [
        (Answer(number=1, permanent="no such gate"), PERMANENT, "no such gate", []),
        (Answer(number=1, transient="no device"), TRANSIENT, "no device", []),
        (
            Answer(number=1, unexpected="KeyError", traceback="line 7"),
            TRANSIENT,
            "the executor failed unexpectedly (KeyError)",
            ["the executor failed unexpectedly (KeyError): line 7"],
        ),
        (
            Answer(number=1),
            TRANSIENT,
            "the executor failed unexpectedly (no result)",
            ["the executor failed unexpectedly (no result)"],
        ),
    ],
)
def test_an_answer_without_a_result_is_raised_and_a_fault_is_told(
    pool: ProcessPool,
    children: Children,
    observer: RecordingObserver,
    answer: Answer,
    kind: type[ExecutionError],
    words: str,
    told: list[str],
) -> None:
    """What the executor says of the circuit is no fault of the executor's."""
    children.script["x"] = answer
    with pytest.raises(kind) as raised:
        ask(pool, "x")
    assert str(raised.value) == words
    assert [(op, str(e)) for op, e in observer.problems] == [
        ("execute in a child process", text) for text in told
    ]


def test_who_wants_a_result_is_not_given_a_document(pool: ProcessPool) -> None:
    """A factory of something else was named."""
    with pytest.raises(TRANSIENT, match=r"unexpectedly \(a document instead of a result\)"):
        pool.execute(a_request("x"), time_limit_seconds=7)


@pytest.mark.parametrize("printed", ["", "last words"])
def test_a_childs_fault_is_told_with_its_cause_and_what_it_printed(
    pool: ProcessPool, children: Children, observer: RecordingObserver, printed: str
) -> None:
    """The client reads less; the child is ended."""
    error = failures.cannot_start("why")
    error.__cause__ = ValueError("the cause")
    ask(pool, "first")
    (child,) = children.started
    child.printed = printed
    children.script["x"] = error
    with pytest.raises(TRANSIENT, match=r"^the executor cannot be started: why$"):
        ask(pool, "x")
    (told,) = (str(error) for _, error in observer.problems)
    more = f": {printed}" if printed else ""
    assert told == f"the executor cannot be started: why (the cause){more}"
    assert (child.ended, pool.idle_pids()) == (1, frozenset())


def test_a_limit_that_is_reached_is_not_told(
    pool: ProcessPool, children: Children, observer: RecordingObserver
) -> None:
    """It is the circuit's; its child is ended all the same."""
    children.script["x"] = failures.processor_limit_reached(3)
    with pytest.raises(failures.LimitReached):
        ask(pool, "x")
    assert (observer.problems, children.started[0].ended) == ([], 1)


def test_an_execution_has_all_of_its_time_from_when_its_child_is_ready(
    pool: ProcessPool, children: Children
) -> None:
    """Else a healthy circuit would be charged an attempt for waiting on a busy machine."""
    before = time.monotonic()
    ask(pool, "x")
    after = time.monotonic()
    (child,) = children.started
    ((_, deadline, seconds_max),) = child.jobs
    assert before + 60 <= child.ready_by <= after + 60
    assert child.ready_at + 7 <= deadline <= after + 7
    assert seconds_max == 7
