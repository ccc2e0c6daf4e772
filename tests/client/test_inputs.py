"""Inputs through the client and the command: a list has a result for each of its points."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from quantum_tasks import BadAnswer, Client, Result
from quantum_tasks.cli.program import main
from quantum_tasks.values.result import Point
from tests.client.serving import Running
from tests.client.simulating import simulating_service

CIRCUIT = (
    'OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit q; bit a; bit b;'
    " rx(theta) q; a = measure q;"
)


@pytest.fixture(scope="module")
def simulating() -> Iterator[Running]:
    """One service for the module."""
    yield from simulating_service()


def test_a_list_has_points_and_an_object_has_counts(simulating: Running) -> None:
    """Each point is a result of its own, by its place."""
    with Client(simulating.url) as client:
        result = client.run(CIRCUIT, shots=10, seed=3, inputs=({"theta": 0}, {"theta": math.pi}))
        alone = client.run(CIRCUIT, shots=10, inputs={"theta": math.pi})
        task = client.submit(CIRCUIT, inputs=[{"theta": 1}], key="k").wait()
        assert client.get(task.id).data.inputs == [{"theta": 1}]
    assert [point.counts for point in result.points] == [{"0 0": 10}, {"0 1": 10}]
    assert result.point(1).counts == alone.counts == {"0 1": 10}
    assert result.point(0).seed == 3
    assert result.point(1).most_likely == "0 1"
    assert [p.counts for p in result.for_register("a").points] == [{"0": 10}, {"1": 10}]


def test_points_that_do_not_add_up_are_refused() -> None:
    """A sweep with one wrong point is no result."""
    with pytest.raises(BadAnswer, match="do not add up"):
        Result(counts={}, shots=2, points=(Point(counts={"0": 2}), Point(counts={"0": 1})))


def test_the_command_takes_json_or_a_file(
    simulating: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes each point under its place."""
    circuit, inputs = tmp_path / "c.qasm", tmp_path / "inputs.json"
    circuit.write_text(CIRCUIT)
    inputs.write_text(json.dumps([{"theta": 0}, {"theta": math.pi}]))
    run = ["--url", simulating.url, "run", str(circuit), "--shots", "5"]
    assert main([*run, "--inputs", f"@{inputs}"]) == 0
    assert capsys.readouterr().out.splitlines() == ["inputs[0]", "0 0\t5", "inputs[1]", "0 1\t5"]
    assert main([*run, "--inputs", '{"theta": 0}', "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["counts"] == {"0 0": 5}
    with pytest.raises(SystemExit):
        main([*run, "--inputs", "{"])
    assert "must be JSON or @FILE" in capsys.readouterr().err
