"""The simulator within the limits that admit its circuits."""

from __future__ import annotations

import pytest

from chalicelib.domain.task import TaskRequest
from chalicelib.executors.children import child_process
from chalicelib.executors.children.grants import ProgramSize, granted
from chalicelib.registry import AMPLITUDE_BYTES, EXECUTORS
from chalicelib.settings import CIRCUIT_MB
from tests.pool.conftest import PATIENCE_SECONDS, MakePool, counts_of, run
from tests.support.busy_circuits import dense, hungry
from tests.support.evidence import FULL

SIMULATOR = EXECUTORS["simulator"].factory


#: The largest takes a few seconds of the processor.
QUBITS = (16, 20, 24) if FULL else (20,)


@pytest.mark.parametrize("qubits", QUBITS)
def test_the_largest_dense_state_fits_the_memory_that_settings_ask_for(
    make_pool: MakePool, qubits: int
) -> None:
    """What `EXECUTION_AMPLITUDES_MAX` admits, `EXECUTION_MEMORY_MB_MAX` executes."""
    memory = AMPLITUDE_BYTES * 2**qubits + (CIRCUIT_MB << 20)
    pool = make_pool(SIMULATOR, processor_seconds_max=60, memory_bytes_max=memory)
    request = TaskRequest(circuit=dense(qubits, 1), shots=20_000, tags={})
    result = pool.execute(request, time_limit_seconds=PATIENCE_SECONDS)
    assert sum(result.counts.values()) == 20_000
    assert len(pool.idle_pids()) == 1, "its child has grown"


def test_the_simulator_says_what_a_large_program_needs_once_for_points_alike(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker reads no circuit: it grants by what the child has read. The last is small."""
    asked: list[tuple[ProgramSize, int]] = []

    def recorded(size: ProgramSize, shots: int, *, memory_bytes_max: int) -> int:
        asked.append((size, shots))
        return granted(size, shots, memory_bytes_max=memory_bytes_max)

    monkeypatch.setattr(child_process, "granted", recorded)
    pool = make_pool(SIMULATOR, processor_seconds_max=60, memory_bytes_max=448 << 20)
    circuit = (
        'OPENQASM 3; include "stdgates.inc"; input int n; input float t; qubit[5] q; bit[5] c;'
        " cx q[0], q[1]; cx q[3], q[4]; cx q[1], q[3]; for int i in [1:n] { rx(t) q[2]; }"
        " c[0] = measure q[0]; if (c[0]) { h q[2]; }"
    )
    inputs = tuple(
        {"n": n, "t": t} for n, t in ((9_000, 0.1), (9_000, 0.2), (9_900, 0.3), (3, 0.3))
    )
    request = TaskRequest(circuit=circuit, shots=50, tags={}, inputs=inputs)
    result = pool.execute(request, time_limit_seconds=PATIENCE_SECONDS)
    assert len(result.points or ()) == 4
    sizes = [ProgramSize(qubits=5, part=4, operations=operations) for operations in (9_006, 9_906)]
    assert asked == [(size, 50) for size in sizes]


def test_a_program_that_unrolls_into_more_than_its_memory_is_refused(make_pool: MakePool) -> None:
    """And the next one completes."""
    pool = make_pool(SIMULATOR, processor_seconds_max=60, memory_bytes_max=100 << 20)
    assert "more than the 100 MB of memory" in str(run(pool, hungry()))
    assert counts_of(run(pool, dense(3, 1)))
