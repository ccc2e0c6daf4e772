"""Who gets which child, and for how long children live: with children in memory."""

from __future__ import annotations

import queue
import threading
from queue import SimpleQueue

import pytest

from chalicelib.errors import TransientExecutionError
from chalicelib.executors.children.jobs import Answer
from chalicelib.executors.children.pool import ProcessPool
from infra.waiting import comes_true, wait_for
from tests.support.in_memory import a_request
from tests.unit.executors.conftest import Ask, MakePool
from tests.unit.executors.fake_children import DONE, Children


def waiting(pool: ProcessPool) -> int:
    """How many executions wait for a child."""
    return len(pool._waiting)  # noqa: SLF001 - of who waits, nothing else shows


def test_who_waits_the_longest_is_next(make_pool: MakePool, children: Children, ask: Ask) -> None:
    """None overtakes, and one child serves all where no more are allowed."""
    pool = make_pool(children_max=1)
    circuits = ["a", "b", "c", "d"]
    children.hold(*circuits)
    asked = []
    for count, circuit in enumerate(circuits):
        asked.append(ask(pool, circuit))
        children.wait_for_begun("a")
        wait_for(lambda count=count: waiting(pool) == count, "it to wait")  # type: ignore[misc]
    children.let_go(*circuits)
    assert [future.result() for future in asked] == [DONE] * 4
    assert children.begun == circuits
    assert (children.starts_begun, pool.idle_pids()) == (1, frozenset({1}))


def test_as_many_children_are_started_as_are_allowed(
    make_pool: MakePool, children: Children, ask: Ask
) -> None:
    """At the limit, the next execution waits for one of them."""
    pool = make_pool(children_max=2)
    children.hold("a", "b", "c")
    asked = [ask(pool, "a"), ask(pool, "b")]
    children.wait_for_begun("a", "b")
    asked.append(ask(pool, "c"))
    wait_for(lambda: waiting(pool) == 1, "the third to wait")
    assert not comes_true(lambda: children.starts_begun > 2, seconds_max=0.2)
    children.let_go("a", "b", "c")
    assert [future.result() for future in asked] == [DONE] * 3
    assert len(children.started) == 2


def test_a_child_that_is_on_its_way_is_for_the_next_who_asks(
    make_pool: MakePool, children: Children, ask: Ask
) -> None:
    """Where it was started for one that was handed another's child meanwhile."""
    pool = make_pool()
    children.may_start = threading.Semaphore(1)
    children.hold("a", "b")
    first = ask(pool, "a")
    children.wait_for_begun("a")
    ask(pool, "b")
    wait_for(lambda: children.starts_begun == 2, "a child to be on its way")
    children.let_go("a")
    assert first.result() == DONE
    children.wait_for_begun("a", "b")
    third = ask(pool, "c")
    wait_for(lambda: waiting(pool) == 1, "the third to wait")
    children.may_start.release(10)
    assert third.result() == DONE
    assert not comes_true(lambda: children.starts_begun > 2, seconds_max=0.2)


def test_a_child_that_must_be_replaced_is_ended_and_another_is_started_for_who_waits(
    make_pool: MakePool, children: Children, ask: Ask
) -> None:
    """Its answer counts; its place is free before its execution is over."""
    pool = make_pool(children_max=1)
    children.hold("a")
    children.script["a"] = Answer(number=1, document="a", must_be_replaced=True)
    first = ask(pool, "a")
    children.wait_for_begun("a")
    second = ask(pool, "b")
    wait_for(lambda: waiting(pool) == 1, "the second to wait")
    children.let_go("a")
    assert (first.result().document, second.result()) == ("a", DONE)
    assert [child.ended for child in children.started] == [1, 0]
    assert [job for job, _, _ in children.started[1].jobs] == ["b"]


def test_an_idle_child_that_has_ended_is_replaced(make_pool: MakePool, children: Children) -> None:
    """It is reaped, and takes no place."""
    pool = make_pool(children_max=1)
    for _ in range(3):
        pool.ask(a_request("x"), time_limit_seconds=7)
        children.started[-1].usable = False
    assert [child.ended for child in children.started] == [1, 1, 0]


def test_who_finds_no_child_in_time_is_not_given_one_later(
    make_pool: MakePool, children: Children, ask: Ask
) -> None:
    """The child that comes then is the next one's."""
    pool = make_pool(children_max=1, start_seconds_max=0.1)
    children.hold("a")
    first = ask(pool, "a")
    children.wait_for_begun("a")
    with pytest.raises(
        TransientExecutionError, match=r"^the execution could not begin within 0\.1 s$"
    ):
        pool.ask(a_request("b"), time_limit_seconds=7)
    children.let_go("a")
    assert first.result() == DONE
    assert pool.idle_pids() == frozenset({1})
    assert pool.ask(a_request("c"), time_limit_seconds=7) == DONE
    assert children.begun == ["a", "c"]


def test_a_child_that_comes_at_the_last_moment_is_taken(
    make_pool: MakePool, children: Children, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time is over and the child is handed over all the same, neither is lost."""
    pool = make_pool(children_max=1)
    children.hold("a")
    first = ask(pool, "a")
    children.wait_for_begun("a")

    class Late(SimpleQueue[object]):
        def get(self, block: bool = True, timeout: float | None = None) -> object:  # noqa: FBT001, FBT002
            if timeout is not None:
                children.let_go("a")
                assert first.result() == DONE
                raise queue.Empty
            return super().get()

    monkeypatch.setattr(queue, "SimpleQueue", Late)
    assert pool.ask(a_request("b"), time_limit_seconds=7) == DONE
    assert (children.begun, pool.idle_pids()) == (["a", "b"], frozenset({1}))


@pytest.mark.parametrize(
    ("error", "words"),
    [(OSError(11, "Resource unavailable"), "Resource unavailable"), (OSError("bare"), "bare")],
)
def test_a_child_that_cannot_be_started_is_an_error_and_keeps_no_place(
    make_pool: MakePool, children: Children, error: OSError, words: str
) -> None:
    """In the system's words. The next execution tries again."""
    pool = make_pool(children_max=1)
    children.cannot_start = error
    for _ in range(2):
        with pytest.raises(
            TransientExecutionError, match=f"^the executor cannot be started: {words}$"
        ):
            pool.ask(a_request("x"), time_limit_seconds=7)
    children.cannot_start = None
    assert pool.ask(a_request("x"), time_limit_seconds=7) == DONE


def test_a_closed_pool_ends_all_its_children_and_its_thread(
    make_pool: MakePool, children: Children, ask: Ask
) -> None:
    """The idle one at once, the busy one when it is given back, one that starts when it comes."""
    threads = set(threading.enumerate())
    pool = make_pool(children_max=3)
    children.may_start = threading.Semaphore(2)
    children.hold("busy")
    busy = ask(pool, "busy")
    children.wait_for_begun("busy")
    pool.ask(a_request("idle"), time_limit_seconds=7)
    held, idle = children.started
    children.hold("idle")
    ask(pool, "idle")
    children.wait_for_begun("busy", "idle", "idle")
    starting = ask(pool, "starting")
    wait_for(lambda: children.starts_begun == 3, "a third to be on its way")
    children.let_go("idle")
    assert starting.result() == DONE  # it was handed the idle one
    late = ask(pool, "late")
    assert late.result() == DONE
    assert (held.ended, idle.ended) == (0, 0)
    (starter,) = [t for t in threading.enumerate() if t not in threads and t.daemon]
    pool.close()
    assert (held.ended, idle.ended) == (0, 1)
    children.let_go("busy")
    assert busy.result() == DONE
    assert held.ended == 1
    children.may_start.release()
    wait_for(lambda: len(children.started) == 3, "the third to come")
    wait_for(lambda: [child.ended for child in children.started] == [1, 1, 1], "all to end")
    wait_for(lambda: not starter.is_alive(), "the pool's thread to end")


def test_a_closed_pool_refuses_who_waits_and_who_comes(
    make_pool: MakePool, children: Children, ask: Ask
) -> None:
    """Neither waits until its time is over."""
    pool = make_pool(children_max=1)
    children.hold("busy")
    ask(pool, "busy")
    children.wait_for_begun("busy")
    asked = [ask(pool, "b"), ask(pool, "c")]
    wait_for(lambda: waiting(pool) == 2, "two to wait")
    pool.close()
    asked.append(ask(pool, "d"))
    for future in asked:
        with pytest.raises(
            TransientExecutionError, match=r"be started: the pool of processes is closed$"
        ):
            future.result(timeout=30)
    assert children.starts_begun == 1
