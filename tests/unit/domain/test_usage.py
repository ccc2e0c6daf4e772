"""What a task is said to have taken, to the millisecond."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.task import HistoryEntry, TaskEvent, TaskStatus
from chalicelib.domain.usage import Usage, usage_of
from tests.support.in_memory import T0


def _history(*entries: tuple[TaskEvent, float]) -> list[HistoryEntry]:
    return [
        HistoryEntry(
            event=event,
            status=TaskStatus.PROCESSING,
            transitioned_at=T0 + timedelta(seconds=at),
            attempt=0,
            notes=None,
        )
        for event, at in entries
    ]


SUBMITTED = (TaskEvent.SUBMIT, 0.0)


@pytest.mark.parametrize(
    ("entries", "queued_ms", "execution_ms", "attempts"),
    [
        ([SUBMITTED], None, None, 0),
        ([SUBMITTED, (TaskEvent.SWEEP, 1)], None, None, 0),
        ([SUBMITTED, (TaskEvent.CLAIM, 1.5)], 1_500, None, 1),
        ([SUBMITTED, (TaskEvent.CANCEL, 2)], None, None, 0),
        ([SUBMITTED, (TaskEvent.CLAIM, 0.25), (TaskEvent.COMPLETE, 0.3)], 250, 50, 1),
        ([SUBMITTED, (TaskEvent.CLAIM, 1), (TaskEvent.FAIL, 3)], 1_000, 2_000, 1),
        ([SUBMITTED, (TaskEvent.CLAIM, 1), (TaskEvent.CANCEL, 3)], 1_000, 2_000, 1),
        ([SUBMITTED, (TaskEvent.CLAIM, 1), (TaskEvent.ABANDON, 9)], 1_000, 8_000, 1),
        ([SUBMITTED, (TaskEvent.CLAIM, -1), (TaskEvent.COMPLETE, -2)], 0, 0, 1),
    ],
)
def test_each_span_is_counted_in_milliseconds_and_never_below_zero(
    entries: list[tuple[TaskEvent, float]],
    queued_ms: int | None,
    execution_ms: int | None,
    attempts: int,
) -> None:
    """What has not happened yet is null, not zero; clocks may differ."""
    assert usage_of(_history(*entries)) == Usage(
        queued_ms=queued_ms, execution_ms=execution_ms, attempts=attempts
    )


def test_attempts_add_up_and_a_takeover_ends_the_attempt_before_it() -> None:
    """A release makes the task wait again; a takeover does not."""
    history = _history(
        SUBMITTED,
        (TaskEvent.CLAIM, 1),
        (TaskEvent.RELEASE, 3),
        (TaskEvent.CLAIM, 7),
        (TaskEvent.CLAIM, 20),
        (TaskEvent.COMPLETE, 20.5),
    )
    assert usage_of(history) == Usage(queued_ms=5_000, execution_ms=15_500, attempts=3)
