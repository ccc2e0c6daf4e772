"""`TaskBackend` as Qiskit uses backends: transpiler, primitives, jobs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ClassicalRegister, Clbit, Parameter, Qubit
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendSamplerV2, StatevectorSampler
from qiskit.providers import JobStatus
from qiskit.transpiler import generate_preset_pass_manager

from quantum_tasks import Client, TaskFailed, UnsupportedCircuit
from quantum_tasks.qiskit import TaskBackend
from tests.client.virtual import VirtualClock

URL = os.environ["QTASKS_TEST_URL"]


@pytest.fixture
def backend() -> Iterator[TaskBackend]:
    """Return a backend whose service simulates."""
    with Client(URL, clock=VirtualClock()) as client:
        yield TaskBackend(client)


def bell() -> QuantumCircuit:
    """Return a Bell pair's circuit."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def test_a_job_gives_counts_memory_and_its_tasks(backend: TaskBackend) -> None:
    """Memory has each outcome as often as it was counted."""
    job = backend.run(bell(), shots=100, memory=True, seed_simulator=3)
    result = job.result()
    counts = result.get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 100
    memory = result.get_memory()
    assert {key: memory.count(key) for key in counts} == counts
    assert job.status() is JobStatus.DONE
    assert len(job.batch.tasks) == 1


def test_circuits_of_the_transpiler_run(backend: TaskBackend) -> None:
    """The target has no size of its own; gates that the service does not know are decomposed."""
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.rzz(0.3, 0, 1)
    circuit.mcx([0, 1], 2)
    circuit.measure_all()
    passes = generate_preset_pass_manager(optimization_level=1, backend=backend)
    transpiled = passes.run(circuit)
    assert set(transpiled.count_ops()) <= set(backend.operation_names) | {"barrier"}
    assert sum(backend.run(transpiled, shots=50).result().get_counts().values()) == 50


def test_sampler_runs_parameter_sweeps(backend: TaskBackend) -> None:
    """An array of angles is one batch; the share of ones follows the angle."""
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    circuit.measure_all()
    angles = np.linspace(0, np.pi, 5).reshape(5, 1)
    found = BackendSamplerV2(backend=backend).run([(circuit, angles)], shots=2000).result()
    exact = StatevectorSampler(seed=1).run([(circuit, angles)], shots=2000).result()
    for index in range(5):
        shares = [r[0].data.meas.get_counts(index).get("1", 0) / 2000 for r in (found, exact)]
        assert shares[0] == pytest.approx(shares[1], abs=0.08)


def test_feedback_runs(backend: TaskBackend) -> None:
    """A condition on a bit that was measured."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    assert set(backend.run(circuit, shots=60).result().get_counts()) == {"00", "11"}


def test_a_circuit_that_fails_raises_its_reason(backend: TaskBackend) -> None:
    """A result never hides that there is none."""
    circuit = QuantumCircuit(40)
    for qubit in range(40):
        circuit.h(qubit)
        circuit.t(qubit)
    for first in range(40):
        for second in range(first):
            circuit.cp(0.1 * (first + second), first, second)
            circuit.rx(0.3, second)
    circuit.measure_all()
    job = backend.run(circuit, shots=1)
    with pytest.raises(TaskFailed):
        job.result()
    assert job.status() is JobStatus.ERROR


def test_the_same_key_is_the_same_tasks(backend: TaskBackend) -> None:
    """A script that is started again finds what it has submitted."""
    jobs = [backend.run([bell(), bell()], shots=10, key="script-1") for _ in range(2)]
    first, again = ([task.id for task in job.batch.tasks.values()] for job in jobs)
    assert first == again
    assert jobs[0].job_id() == "script-1"


def test_shots_out_of_range_are_refused_before_anything_is_sent(backend: TaskBackend) -> None:
    """By Qiskit's own check of options, for the backend and for a call."""
    with pytest.raises(ValueError, match="shots"):
        backend.set_options(shots=0)
    with pytest.raises(ValueError, match="shots"):
        backend.run(bell(), shots=0)


@pytest.mark.parametrize("name", ["shot", "seed", "parameter_binds"])
def test_an_option_that_there_is_not_is_refused(backend: TaskBackend, name: str) -> None:
    """It would have been left out without a word."""
    with pytest.raises(TypeError, match=f"'{name}' is no option; there are key, memory, seed_sim"):
        backend.run(bell(), **{name: 5})


def test_nothing_to_run_and_parameters_without_a_value_are_refused(backend: TaskBackend) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match="there is no circuit to run"):
        backend.run([])
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("angle"), 0)
    with pytest.raises(ValueError, match="circuit 1 has parameters without a value: angle"):
        backend.run([bell(), circuit])


def test_each_circuit_of_a_job_has_a_seed_of_its_own(backend: TaskBackend) -> None:
    """Equal circuits have different samples; the same seed gives the same ones again."""
    jobs = [backend.run([bell()] * 3, shots=1000, seed_simulator=4) for _ in range(2)]
    first, again = (job.result() for job in jobs)
    seeds = [experiment.seed_simulator for experiment in first.results]
    assert seeds[0] == 4
    assert len({str(first.get_counts(place)) for place in range(3)}) > 1
    assert first.get_counts() == again.get_counts()
    unseeded = [
        backend.run(bell(), shots=1000).result().results[0].seed_simulator for _ in range(2)
    ]
    assert unseeded[0] != unseeded[1]


def test_a_slice_of_the_memory_is_a_sample(backend: TaskBackend) -> None:
    """Shots are in no order."""
    memory = backend.run(bell(), shots=1000, memory=True, seed_simulator=3).result().get_memory()
    assert 30 < memory[:100].count("00") < 70


def test_one_circuit_that_fails_does_not_hide_the_others(backend: TaskBackend) -> None:
    """Its own counts raise the reason."""
    wrong = QuantumCircuit(1)
    wrong.x(0)  # measures nothing
    result = backend.run([bell(), wrong, bell()], shots=10).result()
    assert not result.success
    assert [experiment.success for experiment in result.results] == [True, False, True]
    assert "measures nothing" in result.results[1].status
    assert sum(result.get_counts(2).values()) == 10
    with pytest.raises(QiskitError):
        result.get_counts(1)


def test_switches_breaks_and_delays_are_in_the_target(backend: TaskBackend) -> None:
    """A transpiler keeps them, and they run."""
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.delay(10, 0)
    circuit.measure(0, 0)
    with circuit.switch(circuit.cregs[0]) as case:
        with case(1):
            circuit.x(1)
        with case(case.DEFAULT):
            circuit.h(1)
    with circuit.for_loop(range(3)):
        circuit.x(1)
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.break_loop()
    circuit.measure(1, 1)
    passes = generate_preset_pass_manager(optimization_level=1, backend=backend)
    transpiled = passes.run(circuit)
    assert transpiled.num_qubits == 2
    assert backend.run(transpiled, shots=10).result().get_counts() == {"01": 10}


def test_registers_that_share_bits_are_refused_with_the_reason(backend: TaskBackend) -> None:
    """OpenQASM has no aliases of single bits, so Qiskit's exporter cannot write them."""
    bits = [Clbit(), Clbit(), Clbit()]
    registers = ClassicalRegister(bits=bits[:2]), ClassicalRegister(bits=bits[1:])
    circuit = QuantumCircuit([Qubit()], bits, *registers)
    with pytest.raises(UnsupportedCircuit, match=r"cannot be written as OpenQASM: .*alias"):
        backend.run(circuit)
