"""What one scheduled run returns, logs and counts."""

from __future__ import annotations

import json

import pytest

from chalicelib import composition
from chalicelib.composition import Service
from chalicelib.entrypoints.sweeper import handle_schedule
from chalicelib.settings import Settings
from tests.support.fakes import ports_in_memory
from tests.support.in_memory import FakeClock, a_task
from tests.support.lambda_context import Context
from tests.support.logged import logged_lines


def service_with_lost_messages(tasks: int) -> Service:
    """Build a service with so many tasks that are due and have no message."""
    clock = FakeClock()
    ports = ports_in_memory(clock=clock)
    for number in range(tasks):
        ports.store.create_if_absent(a_task(f"00000000-0000-4000-8000-{number:012}"))
    clock.advance(901)
    return composition.build(Settings(stage="dev"), ports)


def test_a_run_is_returned_logged_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """The schedule's history shows what it returned, an alarm watches that runs come at all."""
    expected = {
        "seen": 3,
        "resent": 3,
        "postponed": 0,
        "abandoned": 0,
        "skipped": 0,
        "unreadable": 0,
        "more": False,
    }
    with logged_lines() as lines:
        assert handle_schedule(service_with_lost_messages(3), Context()) == expected
    (swept,) = [line for line in lines() if line["message"] == "swept"]
    assert expected.items() <= swept.items()
    assert swept["function_request_id"] == Context().aws_request_id
    (metrics,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    named = [metric["Name"] for metric in metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert named == ["sweeps", "swept_tasks"]
    assert (metrics["sweeps"], metrics["swept_tasks"], metrics["stage"]) == (1, 3, "dev")


def test_a_run_without_time_checks_nothing_and_says_that_there_may_be_more() -> None:
    """It keeps two calls of the database and one of the queue free, 8.7 s as they are set."""
    late = Context(remaining_ms=8_600)
    report = handle_schedule(service_with_lost_messages(3), late)
    assert (report["seen"], report["more"]) == (0, True)
    in_time = Context(remaining_ms=8_800)
    assert handle_schedule(service_with_lost_messages(3), in_time)["seen"] == 3
