"""The simulator within the limits that admit its circuits."""

from __future__ import annotations

import pytest

from chalicelib.domain.task import TaskRequest
from chalicelib.registry import EXECUTORS
from chalicelib.settings import AMPLITUDE_BYTES, CIRCUIT_MB
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


def test_a_program_that_unrolls_into_more_than_its_memory_is_refused(make_pool: MakePool) -> None:
    """And the next one completes."""
    pool = make_pool(SIMULATOR, processor_seconds_max=60, memory_bytes_max=100 << 20)
    assert "more than the 100 MB of memory" in str(run(pool, hungry()))
    assert counts_of(run(pool, dense(3, 1)))
