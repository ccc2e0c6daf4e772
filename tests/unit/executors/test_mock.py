"""The mock executor: deterministic where it must be, failing when asked."""

from __future__ import annotations

import pytest

from chalicelib.errors import PermanentExecutionError, TransientExecutionError
from chalicelib.executors.mock import MockExecutor
from chalicelib.settings import Settings
from tests.support.in_memory import a_request

BELL = "OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\nh q[0];\nc = measure q;\n"


def an_executor(chance: float = 0.5, **settings: float) -> tuple[MockExecutor, list[float]]:
    """Return an executor and the times that it slept."""
    slept: list[float] = []
    changed = Settings(**settings)  # type: ignore[arg-type]
    return MockExecutor(changed, chance=lambda: chance, sleep=slept.append), slept


@pytest.mark.parametrize("shots", [1, 7, 1024, 100_000])
def test_counts_add_up_to_the_shots(shots: int) -> None:
    """Every shot is one outcome, as wide as the measured bits."""
    result = an_executor()[0].execute(a_request(BELL, shots=shots), time_limit_seconds=1)
    assert sum(result.counts.values()) == result.shots == shots
    assert all(len(bits) == 2 and set(bits) <= {"0", "1"} for bits in result.counts)


def test_the_same_request_has_the_same_result_and_another_has_not() -> None:
    """Circuit and shots seed it; labels and attempts do not."""
    executor, other = an_executor()[0], an_executor(0.9)[0]
    first = executor.execute(a_request(BELL, shots=100), time_limit_seconds=1)
    again = other.execute(a_request(BELL, shots=100, tags={"a": "b"}), time_limit_seconds=1)
    assert first == again
    more = executor.execute(a_request(BELL, shots=101), time_limit_seconds=1)
    another = executor.execute(a_request(f"{BELL} ", shots=100), time_limit_seconds=1)
    assert len({first.seed, more.seed, another.seed}) == 3


@pytest.mark.parametrize(
    ("circuit", "registers"),
    [
        ("OPENQASM 3;\nbit[2] a;\nbit b;", [("a", 2), ("b", 1)]),
        ("OPENQASM 3.0;\nqubit[9] q;", [("c", 1)]),
        ("OPENQASM 3.0;\nbit[1000] c;", [("c", 1000)]),
        ("no program (at all", [("c", 1)]),
    ],
)
def test_it_gives_back_the_circuits_registers(
    circuit: str, registers: list[tuple[str, int]]
) -> None:
    """In the order of declaration, however wide; any other text is one bit."""
    result = an_executor()[0].execute(a_request(circuit, shots=3), time_limit_seconds=1)
    assert result.registers is not None
    assert [(register.name, register.size) for register in result.registers] == registers
    for bits in result.counts:
        assert [len(part) for part in bits.split(" ")] == [size for _, size in reversed(registers)]
    assert list(result.counts) == sorted(result.counts)


def test_a_register_too_large_to_draw_fails_for_good() -> None:
    """The mock has the limits on sizes that the simulator has."""
    with pytest.raises(PermanentExecutionError, match="line 1, column 5: a size of 10,001 is too"):
        an_executor()[0].execute(a_request("bit[10001] c;"), time_limit_seconds=1)


def test_a_seed_decides_the_sample() -> None:
    """The same seed gives the same counts, another seed others; the result names it."""
    executor = an_executor()[0]
    requests = [a_request(BELL, shots=100, seed=seed) for seed in (7, 7, 8)]
    first, again, other = (executor.execute(r, time_limit_seconds=1) for r in requests)
    assert first == again
    assert first.seed == 7
    assert first.counts != other.counts


@pytest.mark.parametrize(
    ("chance", "error"), [(0.05, PermanentExecutionError), (0.25, TransientExecutionError)]
)
def test_it_fails_as_often_as_it_is_told(chance: float, error: type[Exception]) -> None:
    """The two kinds of failure share one draw; the rest succeeds."""
    rates = {"mock_permanent_failure_rate": 0.1, "mock_transient_failure_rate": 0.2}
    with pytest.raises(error):
        an_executor(chance, **rates)[0].execute(a_request(), time_limit_seconds=1)
    succeeded = an_executor(0.31, **rates)[0].execute(a_request(), time_limit_seconds=1)
    assert succeeded.executor == "mock"


@pytest.mark.parametrize(
    ("chance", "error", "message"),
    [
        (0.24, PermanentExecutionError, "the mock executor was set to fail this circuit"),
        (0.25, TransientExecutionError, "the mock executor was set to fail this attempt"),
        (0.49, TransientExecutionError, "the mock executor was set to fail this attempt"),
        (0.5, None, ""),
    ],
)
def test_a_failure_says_whether_it_is_the_circuits_or_the_attempts(
    chance: float, error: type[Exception] | None, message: str
) -> None:
    """Each rate is the share of numbers below it."""
    rates = {"mock_permanent_failure_rate": 0.25, "mock_transient_failure_rate": 0.25}
    executor, _ = an_executor(chance, **rates)
    if error is None:
        assert executor.execute(a_request(), time_limit_seconds=1).shots == 8
        return
    with pytest.raises(error) as raised:
        executor.execute(a_request(), time_limit_seconds=1)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("shortest", "longest", "seconds"),
    [(1, 3, [2]), (3, 1, [3]), (0, 1, [0.5]), (0, 0, []), (0, 10, [5])],
)
def test_it_takes_as_long_as_it_is_told(
    shortest: float, longest: float, seconds: list[float]
) -> None:
    """A random time between two bounds, up to its limit; none is not slept."""
    settings = {"mock_execution_seconds": shortest, "mock_execution_seconds_max": longest}
    executor, slept = an_executor(0.5, **settings)
    executor.execute(a_request(), time_limit_seconds=5)
    assert slept == seconds


def test_a_version_of_it_always_draws_the_same_counts() -> None:
    """Whichever Python it runs on: a stored result can be made again."""
    result = an_executor()[0].execute(a_request(BELL, shots=100, seed=7), time_limit_seconds=1)
    assert (result.executor, result.executor_version) == ("mock", "2.0.0")
    assert result.counts == {"00": 29, "01": 30, "11": 41}
    wide = an_executor()[0].execute(
        a_request("bit[3] a;\nbit[4] b;", shots=1_000, seed=7), time_limit_seconds=1
    )
    assert wide.counts == {
        "0010 011": 10,
        "0101 011": 227,
        "0111 110": 17,
        "1000 010": 230,
        "1001 011": 137,
        "1100 000": 352,
        "1100 111": 27,
    }


def test_it_keeps_to_its_time_limit() -> None:
    """What would take longer is cut off and may be tried again."""
    executor, slept = an_executor(mock_execution_seconds=60)
    with pytest.raises(TransientExecutionError, match=r"^the execution did not finish within 5 s$"):
        executor.execute(a_request(), time_limit_seconds=5)
    assert slept == [5]
