"""What is said of an execution, to its client and to an operator: with children in memory."""

from __future__ import annotations

import time

import pytest

from chalicelib.errors import ExecutionError, PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children import failures
from chalicelib.executors.children.jobs import Answer
from tests.support.fakes import RecordingObserver
from tests.support.in_memory import a_request
from tests.unit.executors.conftest import MakePool
from tests.unit.executors.fake_children import DONE, Children

PERMANENT, TRANSIENT = PermanentExecutionError, TransientExecutionError


@pytest.mark.parametrize(
    ("answer", "kind", "words", "told"),
    [
        (Answer(number=1, permanent="no such gate"), PERMANENT, "no such gate", []),
        (Answer(number=1, transient="no device"), TRANSIENT, "no device", []),
        (
            Answer(number=1, out_of_memory=True),
            failures.LimitReached,
            "the circuit needs more than the 5 MB of memory that one execution may take",
            [],
        ),
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
    make_pool: MakePool,
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
        make_pool().ask(a_request("x"), time_limit_seconds=7)
    assert str(raised.value) == words
    assert [(op, str(e)) for op, e in observer.problems] == [
        ("execute in a child process", text) for text in told
    ]


def test_who_wants_a_result_is_not_given_a_document(make_pool: MakePool) -> None:
    """A factory of something else was named."""
    pool = make_pool()
    assert pool.ask(a_request("x"), time_limit_seconds=7) == DONE
    with pytest.raises(TRANSIENT, match=r"unexpectedly \(a document instead of a result\)"):
        pool.execute(a_request("x"), time_limit_seconds=7)


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("", "the executor cannot be started: why (the cause)"),
        ("last words", "the executor cannot be started: why (the cause): last words"),
    ],
)
def test_a_childs_fault_is_told_with_its_cause_and_what_it_printed(
    make_pool: MakePool,
    children: Children,
    observer: RecordingObserver,
    printed: str,
    told: str,
) -> None:
    """The client reads less; the child is ended before that."""
    error = failures.cannot_start("why")
    error.__cause__ = ValueError("the cause")
    pool = make_pool()
    pool.ask(a_request("first"), time_limit_seconds=7)
    (child,) = children.started
    child.printed = printed
    children.script["x"] = error
    with pytest.raises(TRANSIENT, match=r"^the executor cannot be started: why$"):
        pool.ask(a_request("x"), time_limit_seconds=7)
    assert [str(e) for _, e in observer.problems] == [told]
    assert (child.ended, pool.idle_pids()) == (1, frozenset())


def test_a_limit_that_is_reached_is_not_told(
    make_pool: MakePool, children: Children, observer: RecordingObserver
) -> None:
    """It is the circuit's; its child is ended all the same."""
    children.script["x"] = failures.processor_limit_reached(3)
    with pytest.raises(failures.LimitReached):
        make_pool().ask(a_request("x"), time_limit_seconds=7)
    assert (observer.problems, children.started[0].ended) == ([], 1)


def test_an_execution_has_all_of_its_time_and_its_child_time_to_start(
    make_pool: MakePool, children: Children
) -> None:
    """Both are counted from now, and the second first."""
    before = time.monotonic()
    make_pool(start_seconds_max=60).ask(a_request("x"), time_limit_seconds=7)
    after = time.monotonic()
    (child,) = children.started
    ((_, deadline, seconds_max),) = child.jobs
    assert before + 60 <= child.ready_by <= after + 60
    assert before + 7 <= deadline <= after + 7
    assert seconds_max == 7
