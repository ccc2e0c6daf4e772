"""What every executor must do, also a third party's.

For one of your own, `EXECUTOR_FACTORY=your.module:build make test ARGS="-k executor_contract"`.
It runs in child processes, as it will in the service.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping

import pytest
from msgspec import structs

from chalicelib.domain import payloads
from chalicelib.domain.task import Register
from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.pool import ProcessPool
from chalicelib.executors.mock import MockExecutor
from chalicelib.ports import Executor
from chalicelib.registry import EXECUTORS
from chalicelib.settings import Settings
from tests.support.circuits import BELL, H3
from tests.support.in_memory import a_request

#: Registers of different sizes, a lone bit among them, and one that is never written.
REGISTERS = (
    f"{H3}qubit[3] q;\nbit[2] first;\nbit flag;\nbit[3] last;\nx q[0];\nh q[1];\n"
    "first[0] = measure q[0];\nfirst[1] = measure q[1];\nflag = measure q[2];\n"
)
#: Minutes of work, wherever amplitudes are kept; within the limits on size.
LONG = (
    f"{H3}qubit[24] q;\nbit[24] c;\nfor int k in [0:500] {{\n"
    "  for int i in [0:23] { ry(0.1) q[i]; }\n  for int i in [0:22] { cx q[i], q[i + 1]; }\n}\n"
    "c = measure q;\n"
)
SECONDS = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """An executor, and another of its kind that needs longer than any limit."""

    executor: Executor
    slow: Executor


class Reports:
    """Is told of faults that a person should investigate."""

    def problem(self, operation: str, error: Exception) -> None:
        """Show it with the test, if that fails."""
        print(f"{operation}: {error}")


def _in_children(factory: str) -> ProcessPool:
    limits = JobLimits(processor_seconds_max=SECONDS, memory_bytes_max=512 << 20)
    environment: Mapping[str, str] = {"EXECUTION_AMPLITUDES_MAX": str(1 << 24)}
    return ProcessPool(factory, limits=limits, reporter=Reports(), environment=environment)


FACTORIES = [executor.factory for executor in EXECUTORS.values()]
if "EXECUTOR_FACTORY" in os.environ:
    FACTORIES = [os.environ["EXECUTOR_FACTORY"]]


@pytest.fixture(scope="module", params=FACTORIES)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Build an executor as the service does."""
    if request.param == EXECUTORS["mock"].factory:
        slow = Settings(executor="mock", mock_execution_seconds=600)
        yield Subject(MockExecutor(Settings(executor="mock")), MockExecutor(slow))
        return
    pool = _in_children(request.param)
    yield Subject(pool, pool)
    pool.close()


def test_a_result_has_its_shape(subject: Subject) -> None:
    """Counts that add up and are sorted, who made them and from what; it survives the store."""
    result = subject.executor.execute(a_request(BELL, shots=500), time_limit_seconds=SECONDS)
    assert sum(result.counts.values()) == result.shots == 500
    assert list(result.counts) == sorted(result.counts)
    assert all(times > 0 for times in result.counts.values())
    assert result.executor
    assert result.executor_version
    assert payloads.result_from_json(payloads.result_to_json(result)) == result


def test_bit_strings_are_made_of_the_registers(subject: Subject) -> None:
    """The last declared register leftmost, a space between registers; all are named in order."""
    result = subject.executor.execute(a_request(REGISTERS, shots=50), time_limit_seconds=SECONDS)
    named = [("first", 2), ("flag", 1), ("last", 3)]
    assert result.registers == tuple(Register(name=name, size=size) for name, size in named)
    for bits in result.counts:
        assert [len(part) for part in bits.split(" ")] == [3, 1, 2]
        assert set(bits) <= {"0", "1", " "}


@pytest.mark.parametrize("seed", [None, 0, 7, 2**53 - 1])
def test_the_same_request_has_the_same_result(subject: Subject, seed: int | None) -> None:
    """Whichever attempt makes it; the result names the seed, given or not."""
    request = a_request(BELL, shots=300, seed=seed)
    first = subject.executor.execute(request, time_limit_seconds=SECONDS)
    labelled = structs.replace(request, tags={"attempt": "2"})
    assert subject.executor.execute(labelled, time_limit_seconds=SECONDS) == first
    assert seed in (None, first.seed)
    assert 0 <= first.seed < 2**53


def test_another_seed_draws_another_sample(subject: Subject) -> None:
    """Among a few seeds there are two samples at least."""
    requests = [a_request(BELL, shots=999, seed=seed) for seed in range(4)]
    results = [subject.executor.execute(r, time_limit_seconds=SECONDS) for r in requests]
    assert len({tuple(result.counts.items()) for result in results}) > 1


def test_what_can_never_be_executed_fails_for_good_in_words(subject: Subject) -> None:
    """The message fits the task and says what is the matter."""
    impossible = f"{H3}bit[1000000000] c;\nqubit[2] q;\nc[0] = measure q[0];\n"
    with pytest.raises(PermanentExecutionError) as refused:
        subject.executor.execute(a_request(impossible), time_limit_seconds=SECONDS)
    assert 10 < len(str(refused.value)) < 1_000
    # The executor is as good as before.
    assert subject.executor.execute(a_request(BELL), time_limit_seconds=SECONDS).shots == 8


def test_an_execution_that_takes_too_long_may_be_tried_again(subject: Subject) -> None:
    """At its limit it ends, without a result, and the next one is executed."""
    with pytest.raises(TransientExecutionError, match=r"within 0\.5 s"):
        subject.slow.execute(a_request(LONG), time_limit_seconds=0.5)
    assert subject.executor.execute(a_request(BELL), time_limit_seconds=SECONDS).shots == 8
