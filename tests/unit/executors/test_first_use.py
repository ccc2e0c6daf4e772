"""What the settings' executor and the validator are built with, and when."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import msgspec
import pytest

from chalicelib.domain.validation import Severity, Validation
from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children import failures
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.jobs import Answer
from chalicelib.executors.children.pool import ProcessPool
from chalicelib.executors.first_use import BuiltOnFirstUse, ValidatorOnFirstUse, build_executor
from chalicelib.executors.mock import MockExecutor
from chalicelib.settings import Settings
from infra.waiting import comes_true, wait_for
from tests.support.circuits import BELL
from tests.support.fakes import RecordingObserver
from tests.support.in_memory import a_request, a_result
from tests.support.jobs import recorded_jobs
from tests.unit.executors.fake_children import Children

NOT_COMPLETE = "the circuit was not analysed completely"
ALL_THE_SAME = "; when it runs it is checked all the same"
SETTINGS = Settings(
    executor="simulator",
    execution_concurrency=3,
    execution_processor_seconds_max=7,
    execution_memory_mb_max=300,
    execution_amplitudes_max=1 << 20,
)


def test_an_execution_has_the_limits_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processor time in seconds, memory in bytes, and the largest state that is simulated."""
    jobs = recorded_jobs(monkeypatch)
    settings = Settings(
        execution_processor_seconds_max=7,
        execution_memory_mb_max=200,
        execution_amplitudes_max=1 << 20,
    )
    executor = build_executor(settings, RecordingObserver())
    assert isinstance(executor, ProcessPool)
    result = executor.execute(a_request(BELL, shots=10), time_limit_seconds=60)
    executor.close()
    (job,) = jobs
    assert job.number == 1
    assert (job.processor_seconds_max, job.memory_bytes_max) == (7, 200 * 1024 * 1024)
    assert 0 < job.time_limit_seconds <= 60
    assert (result.shots, result.executor) == (10, "prism-q")


def test_the_executor_is_built_once_on_the_first_use(children: Children) -> None:
    """Its children are told how large a state may be."""
    executor = BuiltOnFirstUse(SETTINGS, RecordingObserver())
    assert children.told == []
    children.script["x"] = Answer(number=1, result=a_result(8))
    for _ in range(2):
        assert executor.execute(a_request("x"), time_limit_seconds=9) == a_result(8)
    limits = JobLimits(processor_seconds_max=7, memory_bytes_max=300 << 20)
    environment = {"EXECUTION_AMPLITUDES_MAX": "1048576"}
    assert children.told == [("chalicelib.executors.simulator:build", limits, environment)]
    assert {seconds for child in children.started for _, _, seconds in child.jobs} == {9}


def test_faults_of_the_executor_are_told_to_the_observer(children: Children) -> None:
    """Which the service logs."""
    observer = RecordingObserver()
    children.script["x"] = Answer(number=1, unexpected="KeyError")
    with pytest.raises(TransientExecutionError):
        BuiltOnFirstUse(SETTINGS, observer).execute(a_request("x"), time_limit_seconds=9)
    assert [operation for operation, _ in observer.problems] == ["execute in a child process"]


def test_the_mock_has_no_children(children: Children) -> None:
    """It is built from the same settings."""
    settings = Settings(executor="mock", mock_permanent_failure_rate=1.0)
    assert isinstance(build_executor(settings, RecordingObserver()), MockExecutor)
    with pytest.raises(PermanentExecutionError, match="was set to fail this circuit"):
        BuiltOnFirstUse(settings, RecordingObserver()).execute(a_request(), time_limit_seconds=9)
    assert children.told == []


def test_validations_take_turns_in_two_children_that_are_started_on_the_first_use(
    children: Children,
) -> None:
    """With bounds of their own, whatever an execution may take."""
    validator = ValidatorOnFirstUse(SETTINGS, RecordingObserver())
    assert children.told == []
    valid = Validation(valid=True, qubits=4)
    may_end = threading.Event()
    children.script["held"] = may_end.wait
    children.script["x"] = Answer(number=1, document=msgspec.json.encode(valid).decode())
    with ThreadPoolExecutor(3) as threads:
        held = [threads.submit(validator.validate, a_request("held")) for _ in range(2)]
        wait_for(lambda: len(children.started) == 2, "two to begin")
        third = threads.submit(validator.validate, a_request("x"))
        is_over = comes_true(lambda: len(children.started) > 2, seconds_max=0.2)
        may_end.set()
        assert third.result() == valid
        wait(held)
    assert not is_over, "three at once"
    limits = JobLimits(processor_seconds_max=2.0, memory_bytes_max=256 << 20)
    environment = {"EXECUTION_AMPLITUDES_MAX": "1048576"}
    told = ("chalicelib.executors.validator:build", limits, environment)
    assert children.told == [told] * 2
    assert {seconds for child in children.started for _, _, seconds in child.jobs} == {2.0}


@pytest.mark.parametrize(
    ("outcome", "valid", "severity", "message", "told"),
    [
        (
            failures.processor_limit_reached(2),
            True,
            Severity.WARNING,
            f"{NOT_COMPLETE}: it takes more than 2 s or 256 MB to analyse{ALL_THE_SAME}",
            ["validate a circuit"],
        ),
        (
            failures.cannot_start("why"),
            True,
            Severity.WARNING,
            f"{NOT_COMPLETE}: the service could not finish the analysis this time{ALL_THE_SAME}",
            ["execute in a child process", "validate a circuit"],
        ),
        (
            failures.too_much_output(5),
            False,
            Severity.ERROR,
            "the executor printed more than 5 bytes during one execution",
            ["execute in a child process"],
        ),
    ],
)
def test_a_validation_that_its_child_did_not_give_is_a_finding(
    children: Children,
    outcome: Exception,
    valid: bool,  # noqa: FBT001
    severity: Severity,
    message: str,
    told: list[str],
) -> None:
    """What the circuit did itself is an error; what may end otherwise another time is a warning."""
    observer = RecordingObserver()
    children.script["x"] = outcome
    validation = ValidatorOnFirstUse(SETTINGS, observer).validate(a_request("x"))
    (finding,) = validation.findings
    assert (validation.valid, finding.severity, finding.message) == (valid, severity, message)
    assert [operation for operation, _ in observer.problems] == told
