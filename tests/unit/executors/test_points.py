"""A circuit with inputs, executed and validated: each object of a list is a point."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from chalicelib.domain import payloads
from chalicelib.domain.task import seed_of_point
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors.mock import MockExecutor
from chalicelib.executors.simulator import Simulator
from chalicelib.executors.validator import Validator
from chalicelib.settings import Settings
from tests.support.circuits import H3
from tests.support.in_memory import a_request

ROTATION = f"{H3}input float theta;\nqubit q;\nbit c;\nrx(theta) q;\nc = measure q;\n"
NUMBER = (
    f"{H3}input uint[4] n;\nqubit[4] q;\nbit[4] c;\nbit[4] b = n;\n"
    "for int i in [0:3] { if (b[i]) x q[i]; }\nc = measure q;\n"
)


def execute(circuit: str, inputs: Any, *, shots: int = 100) -> Any:  # noqa: ANN401 - also wrong ones
    """Simulate."""
    request = a_request(circuit, shots=shots, seed=7, inputs=inputs)
    return Simulator().execute(request, time_limit_seconds=9)


def validate(circuit: str, inputs: Any, *, shots: int = 100) -> dict[str, Any]:  # noqa: ANN401
    """Validate, and return what the child would answer."""
    request = a_request(circuit, shots=shots, inputs=inputs)
    read: dict[str, Any] = json.loads(
        Validator(qubits_max=24).execute(request, time_limit_seconds=2)
    )
    return read


def test_a_list_gives_a_result_for_each_object_in_its_order() -> None:
    """An integer may stand for a float; each point has its seed, and one alone has its counts."""
    result = execute(ROTATION, ({"theta": 0}, {"theta": math.pi}, {"theta": 1.0}))
    assert (result.counts, result.shots, result.seed) == ({}, 100, 7)
    assert [point.counts for point in result.points[:2]] == [{"0": 100}, {"1": 100}]
    assert [point.seed for point in result.points] == [seed_of_point(7, n) for n in range(3)]
    alone = execute(ROTATION, {"theta": math.pi})
    assert (alone.counts, alone.points) == ({"1": 100}, None)
    numbers = tuple({"n": n} for n in range(16))
    assert [point.counts for point in execute(NUMBER, numbers).points] == [
        {f"{n:04b} {n:04b}": 100} for n in range(16)
    ]


@pytest.mark.parametrize(
    ("circuit", "inputs", "said"),
    [
        (ROTATION, None, "line 3, column 1: no value is given for the input 'theta'"),
        (ROTATION, {"theta": True}, "the input 'theta' is float[64], and a boolean is given"),
        (ROTATION, {"theta": 1, "x": 2}, "the program has no input 'x'"),
        (ROTATION, ({"theta": 1}, {}), "inputs[1]: line 3, column 1: no value is given"),
        (NUMBER, {"n": 1.0}, "the input 'n' is uint[4], and a float is given for it"),
        (NUMBER, ({"n": 1}, {"n": 16}), "inputs[1]: line 3, column 1: 16 does not fit the input"),
        (
            f"{H3}input int n;\nqubit[n] q;\nbit c;\nc = measure q[0];\n",
            {"n": 2},
            "line 4, column 7: a size cannot depend on the input 'n'",
        ),
        (
            f"{H3}input int n;\nconst int m = n;\nqubit q;\nbit c;\nc = measure q;\n",
            {"n": 2},
            "line 4, column 15: a constant cannot depend on the input 'n'",
        ),
        (
            f"{H3}input int n;\nint m = n;\nqubit[m] q;\nbit[m] c;\nc = measure q;\n",
            ({"n": 2}, {"n": 3}),
            "inputs[1]: its registers are not those of inputs[0]; sizes cannot depend on inputs",
        ),
    ],
)
def test_wrong_inputs_fail_the_execution_and_are_a_finding(
    circuit: str,
    inputs: Any,  # noqa: ANN401 - as a client gives them
    said: str,
) -> None:
    """With the same words, and the point where there is a list."""
    with pytest.raises(PermanentExecutionError) as caught:
        execute(circuit, inputs)
    assert said in str(caught.value)
    validation = validate(circuit, inputs)
    assert (validation["valid"], validation["estimate"]) == (False, None)
    (finding,) = validation["findings"]
    place = f"line {finding['line']}, column {finding['column']}: " if finding["line"] else ""
    prefix, _, message = finding["message"].rpartition("]: ")
    assert said in f"{prefix}{']: ' if prefix else ''}{place}{message}"


def test_a_validation_adds_the_points_up() -> None:
    """They run one after another."""
    one = validate(ROTATION, {"theta": 1})["estimate"]
    many = validate(ROTATION, ({"theta": 1},) * 5)["estimate"]
    assert many == {**one, "gates": 5, "seconds": pytest.approx(5 * one["seconds"])}


def test_results_that_a_response_cannot_carry_are_warned_of_and_end_the_execution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the first point that passes the limit; no further one is executed."""
    circuit = f"{H3}input float t;\nqubit[8] q;\nbit[8] c;\nh q;\nrx(t) q;\nc = measure q;\n"
    inputs = tuple({"t": number} for number in range(4))
    assert validate(circuit, inputs, shots=1_000)["findings"] == []
    request = a_request(circuit, shots=1_000, seed=7, inputs=inputs)
    taken = [
        payloads.encoded_bytes(json.dumps(point.counts, separators=(",", ":")))
        for point in execute(circuit, inputs, shots=1_000).points
    ]
    text = payloads.encoded_bytes(payloads.circuit_to_text(request))
    room = sum(taken[:3]) - 1
    monkeypatch.setattr(payloads, "ENCODED_BYTES_MAX", text + room)
    (warning,) = validate(circuit, inputs, shots=1_000)["findings"]
    assert warning["severity"] == "warning"
    assert f"the limit is {room:,}" in warning["message"]
    with pytest.raises(PermanentExecutionError) as caught:
        execute(circuit, inputs, shots=1_000)
    assert str(caught.value) == (
        f"inputs[2]: the results of the points so far take {room + 1:,} bytes in a response; with"
        f" the circuit and its inputs the limit is {room:,}"
    )
    monkeypatch.setattr(payloads, "ENCODED_BYTES_MAX", text + sum(taken))
    assert len(execute(circuit, inputs, shots=1_000).points) == 4


def test_the_mock_draws_each_point() -> None:
    """With the seeds of an execution, so that a client can try its sweeps on it."""
    request = a_request(ROTATION, seed=7, inputs=({"theta": 1}, {"theta": 2}))
    result = MockExecutor(Settings()).execute(request, time_limit_seconds=1)
    assert result.counts == {}
    assert result.points is not None
    assert [point.seed for point in result.points] == [7, seed_of_point(7, 1)]
    assert all(sum(point.counts.values()) == 8 for point in result.points)
