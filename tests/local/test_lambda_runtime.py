"""A function in its sandbox: warm between invocations, killed at its timeout, never orphaned."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from infra.local.stand_ins.lambda_runtime.invoker import Invoker
from infra.waiting import wait_for
from tests.local.conftest import FAKE_APP, Record
from tests.support.processes import is_running


def batch(**body: object) -> dict[str, object]:
    """Make an event of one record."""
    return {"Records": [{"messageId": "m", "body": json.dumps(body)}]}


@pytest.fixture
def invoker(record: Record) -> Iterator[Invoker]:
    """Give the fake worker, with a timeout that is long enough for anything but a test of it."""
    invoker = Invoker(f"{FAKE_APP}.worker", function_name="fake", timeout_seconds=20)
    yield invoker
    invoker.close()


def test_a_sandbox_is_kept_between_invocations(invoker: Invoker, record: Record) -> None:
    """As Lambda's: one process, one import, one invocation after another."""
    for _ in range(3):
        assert invoker.invoke(batch()).error is None
    assert {line["pid"] for line in record.lines()} == {invoker.pid}


def test_the_function_sees_its_time_and_its_name(invoker: Invoker, record: Record) -> None:
    """Code that decides by the remaining time decides as it would on Lambda."""
    invoker.invoke(batch())
    [line] = record.lines()
    assert 0 < line["remaining_ms"] <= 20_000
    assert line["function"] == "fake"


def test_an_exception_is_reported_as_lambdas_runtime_does(invoker: Invoker) -> None:
    """Type, message and trace; and the sandbox lives on."""
    answer = invoker.invoke(batch(**{"raise": "no"}))
    assert answer.error is not None
    assert (answer.error["errorType"], answer.error["errorMessage"]) == ("RuntimeError", "no")
    assert "misbehave" in "".join(answer.error["stackTrace"])
    assert invoker.invoke(batch()).error is None


def test_a_timeout_kills_the_process(record: Record) -> None:
    """What the handler was doing ends with it; the next invocation has a new process."""
    invoker = Invoker(f"{FAKE_APP}.worker", function_name="fake", timeout_seconds=0.5)
    try:
        answer = invoker.invoke(batch(wait=60))
        assert answer.error is not None
        assert answer.error["errorType"] == "Sandbox.Timedout"
        assert invoker.invoke(batch()).error is None
        killed, second = (line["pid"] for line in record.lines())
        assert killed != second
        assert not is_running(killed)
    finally:
        invoker.close()


def test_a_process_that_ends_is_a_failed_invocation(invoker: Invoker) -> None:
    """A crash costs this invocation and no other."""
    answer = invoker.invoke(batch(exit=3))
    assert answer.error is not None
    assert answer.error["errorType"] == "Runtime.ExitError"
    assert "code 3" in answer.error["errorMessage"]
    assert invoker.invoke(batch()).error is None


def test_a_process_that_ended_between_invocations_costs_none(invoker: Invoker) -> None:
    """Its end is seen before it is given an event."""
    invoker.invoke(batch())
    pid = invoker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_running(pid), "the sandbox to end")
    assert invoker.invoke(batch()).error is None
    assert invoker.pid != pid


def test_a_result_that_json_cannot_carry_is_an_error(record: Record) -> None:
    """Lambda's runtime marshals the answer; here `object()` is called, and is no function."""
    invoker = Invoker(f"{FAKE_APP}.not_a_function", function_name="fake", timeout_seconds=20)
    answer = invoker.invoke(batch())
    invoker.close()
    assert answer.error is not None
    assert answer.error["errorType"] == "TypeError"


@pytest.mark.parametrize("handler", [f"{FAKE_APP}.absent", "tests.no_such_module.worker"])
def test_a_handler_that_cannot_be_imported_is_an_error(handler: str, record: Record) -> None:
    """It says which, and leaves no process behind."""
    invoker = Invoker(handler, function_name="fake", timeout_seconds=20)
    answer = invoker.invoke(batch())
    assert answer.error is not None
    assert answer.error["errorType"] == "Runtime.ImportModuleError"
    assert invoker.pid is None


def test_closing_ends_the_process(invoker: Invoker) -> None:
    """Nothing is left over."""
    invoker.invoke(batch())
    pid = invoker.pid
    assert pid is not None
    invoker.close()
    wait_for(lambda: not is_running(pid), "the sandbox to end")
    assert invoker.pid is None
