"""The simulator within the limits that admit its circuits."""

from __future__ import annotations

import pytest

from chalicelib.domain.task import TaskRequest
from chalicelib.errors import PermanentExecutionError
from chalicelib.registry import EXECUTORS
from chalicelib.settings import AMPLITUDE_BYTES, CIRCUIT_MB
from tests.pool.conftest import MakePool
from tests.support.busy_circuits import dense, hungry

SECONDS_MAX = 120.0


@pytest.mark.parametrize("qubits", [16, 20, 24])
def test_the_largest_dense_state_fits_the_memory_that_settings_ask_for(
    make_pool: MakePool, qubits: int
) -> None:
    """What `EXECUTION_AMPLITUDES_MAX` admits, `EXECUTION_MEMORY_MB_MAX` executes."""
    memory = AMPLITUDE_BYTES * 2**qubits + (CIRCUIT_MB << 20)
    pool = make_pool(
        EXECUTORS["simulator"].factory,
        
        processor_seconds_max=60,
        memory_bytes_max=memory,
    )
    request = TaskRequest(circuit=dense(qubits, 1), shots=20_000, tags={})
    result = pool.execute(request, time_limit_seconds=SECONDS_MAX)
    assert sum(result.counts.values()) == 20_000
    assert len(pool.idle_pids()) == 1, "its child has grown"


def test_a_program_that_unrolls_into_more_than_its_memory_is_refused(make_pool: MakePool) -> None:
    """And the next one completes."""
    pool = make_pool(
        EXECUTORS["simulator"].factory,
        
        processor_seconds_max=60,
        memory_bytes_max=100 << 20,
    )
    with pytest.raises(PermanentExecutionError, match="more than the 100 MB of memory"):
        pool.execute(
            TaskRequest(circuit=hungry(), shots=1, tags={}), time_limit_seconds=SECONDS_MAX
        )
    result = pool.execute(
        TaskRequest(circuit=dense(3, 1), shots=1, tags={}), time_limit_seconds=SECONDS_MAX
    )
    assert result.shots == 1
