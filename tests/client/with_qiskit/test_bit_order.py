"""Which bit is whose: the service's results against Qiskit's own simulator, from 1 to 70 bits.

Runs in the client's environment (`requirements-client.lock`) against a service whose executor is
the real simulator; `tests/client/test_environment.py` starts both.
"""

from __future__ import annotations

import os

import pytest
from qiskit import QuantumCircuit, qasm3
from qiskit.primitives import BackendSamplerV2
from qiskit.providers.basic_provider import BasicSimulator

from quantum_tasks import Client
from quantum_tasks.qiskit import TaskBackend
from tests.client.virtual import VirtualClock
from tests.client.with_qiskit.circuits import asymmetric, superposed

URL = os.environ["QTASKS_TEST_URL"]
BITS = range(1, 71)


def expected(circuit: QuantumCircuit, *, shots: int = 4) -> dict[str, int]:
    """Ask Qiskit's own simulator."""
    counts: dict[str, int] = BasicSimulator().run(circuit, shots=shots).result().get_counts()
    return counts


def test_single_batch_and_backend_agree_with_qiskit_in_every_bit() -> None:
    """One circuit at a time, all in one batch, and as jobs: the same keys as Qiskit's."""
    circuits = [asymmetric(bits) for bits in BITS]
    wanted = [expected(circuit) for circuit in circuits]
    texts = [qasm3.dumps(circuit) for circuit in circuits]
    with Client(URL, clock=VirtualClock()) as client:
        single = [dict(client.run(text, shots=4).counts) for text in texts]
        batch = client.submit_many([{"circuit": text, "shots": 4} for text in texts])
        many = [dict(result.counts) for result in batch.results()]
        job = TaskBackend(client).run(circuits, shots=4)
        backend = [job.result().get_counts(number) for number in range(len(circuits))]
    assert single == wanted
    assert many == wanted
    assert backend == wanted


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 9, 33, 65])
def test_bits_without_a_register_have_their_place_too(bits: int) -> None:
    """Qiskit's exporter moves them to the front; the job moves them back."""
    circuit = asymmetric(bits, loose=True)
    with Client(URL, clock=VirtualClock()) as client:
        found = TaskBackend(client).run(circuit, shots=4).result().get_counts()
    assert {key.replace(" ", ""): n for key, n in found.items()} == {
        key.replace(" ", ""): n for key, n in expected(circuit).items()
    }


def test_registers_alone_are_what_the_sampler_gives() -> None:
    """`for_register`, the sampler's data and Qiskit's counts say the same of each register."""
    circuit = superposed()
    with Client(URL, clock=VirtualClock()) as client:
        result = client.run(circuit, shots=200, seed=1)
        sampler = BackendSamplerV2(backend=TaskBackend(client), options={"seed_simulator": 1})
        data = sampler.run([circuit], shots=200).result()[0].data
    assert set(result.counts) == set(expected(circuit, shots=200)) == {"001 0", "101 1"}
    assert data.a.get_counts() == result.for_register("a").counts
    assert data.b.get_counts() == result.for_register("b").counts


def test_the_sampler_keeps_all_bits_of_wide_registers() -> None:
    """Memory is hexadecimal of any length; 70 bits are more than a machine word."""
    circuit = asymmetric(70)
    with Client(URL, clock=VirtualClock()) as client:
        data = (
            BackendSamplerV2(backend=TaskBackend(client)).run([circuit], shots=4).result()[0].data
        )
    (key,) = expected(circuit)
    parts = key.split(" ")[::-1]
    for register, part in zip(circuit.cregs, parts, strict=True):
        assert data[register.name].get_counts() == {part: 4}
