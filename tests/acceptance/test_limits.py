"""The largest circuits and results, through HTTP and back: at their limits, and one byte beyond."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from chalicelib.domain import payloads
from infra.local.settings import ROOT
from infra.stage import read_configuration, stage_spec
from tests.acceptance.tasks import finished
from tools.local_stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.emulator]

QUBITS: Final = 30
SUPERPOSITION: Final = (
    f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[{QUBITS}] q;\nbit[{QUBITS}] c;\n'
    "h q;\nc = measure q;\n"
)
#: Each count is 30 bits, five signs and a digit, all of which counts twice where it is escaped.
ENTRY_BYTES: Final = payloads.encoded_bytes(f'"{"0" * QUBITS}":1,') - payloads.encoded_bytes("")
#: Executor, registers, shots, seed, and counts of more than one.
ROOM_BYTES: Final = 1_500


def circuit_of(encoded_bytes: int, seed: int) -> str:
    """Return the superposition with a comment that hardly compresses, in just so many bytes."""
    head = f"{SUPERPOSITION}// "
    length = encoded_bytes - payloads.encoded_bytes(head)
    alphabet = [c for c in string.printable if c.isprintable() and c not in '"\\']
    noise = random.Random(seed).choices(alphabet, k=length)  # noqa: S311 - test data
    return head + "".join(noise)


def submitted(stage: Stage, circuit: str, shots: int) -> str:
    """Submit, and return the id that the 202 gives."""
    reply = stage.http.post("/tasks", {"circuit": circuit, "shots": shots})
    assert reply.status == 202, reply.body[:300]
    task_id: str = reply.json["task_id"]
    return task_id


def counted(task: dict[str, Any], shots: int) -> dict[str, int]:
    """Return a completed task's counts, which must be of 30 fair bits each."""
    assert task["status"] == "completed", task["error_message"]
    counts: dict[str, int] = task["result"]["counts"]
    assert sum(counts.values()) == shots
    assert {len(bits) for bits in counts} == {QUBITS}
    for place in range(QUBITS):
        ones = sum(number for bits, number in counts.items() if bits[place] == "1")
        assert abs(ones - shots / 2) <= 5 * (shots / 4) ** 0.5, place
    return counts


def test_circuits_and_results_at_their_limits_come_back_unchanged(
    stage: Stage, figures: Callable[[str], None]
) -> None:
    """Each at its limit, both in one task, and one byte more of either refused in words."""
    stage.start(workers=1, EXECUTOR="simulator")
    limit = payloads.CIRCUIT_ENCODED_BYTES_MAX
    shots_with_it = (payloads.ENCODED_BYTES_MAX - limit - ROOM_BYTES) // ENTRY_BYTES
    largest = circuit_of(limit, seed=1)

    large_result = submitted(stage, SUPERPOSITION, 100_000)
    both = submitted(stage, largest, shots_with_it)
    too_many = submitted(stage, largest, 100_000)
    refused = stage.http.post("/tasks", {"circuit": f"{largest}x", "shots": 1})

    assert refused.status == 413
    assert "the circuit takes 5,000,001 bytes in a response; the limit is 5,000,000" in str(
        refused.json
    )
    task = finished(stage.http, large_result)
    counts = counted(task, 100_000)
    assert len(counts) > 99_000
    task = finished(stage.http, both)
    counted(task, shots_with_it)
    assert task["circuit"] == largest
    task = finished(stage.http, too_many)
    assert (task["status"], task["attempt"]) == ("failed", 1)
    assert "with the circuit and its inputs the limit is 1,100,000" in task["error_message"]
    assert task["circuit"] == largest
    _in_their_memory(stage, figures)


def _in_their_memory(stage: Stage, figures: Callable[[str], None]) -> None:
    """API and worker have had no more memory than their functions are given."""
    functions = stage_spec(read_configuration(ROOT), "prod").functions
    sandbox = psutil.Process(stage.pid("worker-1")).children()[0].pid
    for name, pid in (("api_handler", stage.pid("api")), ("worker", sandbox)):
        given, taken = functions[name].memory_mb, _peak_mb(pid)
        figures(f"{name}: at most {taken:.0f} MB of {given} with a circuit of 5 MB")
        assert taken < given / 2, name


def _peak_mb(pid: int) -> float:
    """The most memory that a process has had so far, as Linux says; elsewhere what it has now."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float(psutil.Process(pid).memory_info().rss) / (1 << 20)
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024
