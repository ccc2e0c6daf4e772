"""Several things at the same time on behalf of one call."""

from __future__ import annotations

import contextvars
import threading

import pytest

from chalicelib.threads import map_in_threads
from tests.support.meeting import PATIENCE_SECONDS, Meeting

WHOSE: contextvars.ContextVar[str] = contextvars.ContextVar("WHOSE", default="of no one")


@pytest.mark.parametrize("width", [1, 2, 3, 9])
def test_each_has_the_callers_context_and_its_own(width: int) -> None:
    """What one sets, its neighbours and the caller do not see."""

    def do(part: int) -> tuple[int, str]:
        before = WHOSE.get()
        WHOSE.set(f"part {part}")
        return part, before

    def call() -> list[tuple[int, str]]:
        WHOSE.set("the caller's")
        return map_in_threads(do, range(3), width=width)

    seen = contextvars.copy_context().run(call)
    assert [part for part, _ in seen] == [0, 1, 2]
    if width > 1:
        assert {whose for _, whose in seen} == {"the caller's"}


@pytest.mark.parametrize("width", [2, 3])
def test_as_many_as_are_asked_for_are_done_at_the_same_time(width: int) -> None:
    """No fewer, or the barrier would break; and no more."""
    meeting = Meeting(width)
    map_in_threads(lambda _: meeting.visit(), range(3 * width), width=width)
    assert meeting.most == width


@pytest.mark.parametrize(("parts", "width"), [(3, 1), (1, 8), (0, 8)])
def test_one_at_a_time_is_done_by_the_caller(parts: int, width: int) -> None:
    """A thread costs."""
    threads = map_in_threads(lambda _: threading.get_ident(), range(parts), width=width)
    assert threads == [threading.get_ident()] * parts


@pytest.mark.parametrize("width", [1, 2])
def test_the_first_error_is_raised_and_begins_nothing_more(width: int) -> None:
    """Whatever the order of the parts: a slow one's error comes too late."""
    failed, begun = threading.Event(), []

    def do(part: int) -> None:
        begun.append(part)
        if part == 0 and width > 1:
            failed.wait(PATIENCE_SECONDS)
        elif part == width - 1:
            failed.set()
            raise ValueError(part)

    with pytest.raises(ValueError, match=rf"^{width - 1}$"):
        map_in_threads(do, range(50), width=width)
    assert len(begun) < 50
