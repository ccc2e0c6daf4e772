"""The service as a Qiskit backend: its jobs are tasks, and primitives work through it.

    from qiskit.primitives import BackendSamplerV2
    from quantum_tasks.qiskit import TaskBackend

    sampler = BackendSamplerV2(backend=TaskBackend())

Needs the extra `qiskit`.
"""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from qiskit import QuantumCircuit
from qiskit.circuit import Delay, Measure, Parameter, Reset
from qiskit.circuit.controlflow import (
    BreakLoopOp,
    ContinueLoopOp,
    ForLoopOp,
    IfElseOp,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import BackendV2, JobStatus, JobV1, Options
from qiskit.result import Result as QiskitResult
from qiskit.transpiler import Target

from quantum_tasks.contract import SHOTS_DEFAULT, SHOTS_MAX, STATUSES
from quantum_tasks.errors import BadAnswer, QuantumTasksError
from quantum_tasks.protocol.requests import checked_key
from quantum_tasks.sync.client import Client
from quantum_tasks.sync.tasks import Batch
from quantum_tasks.values.result import Register, Result
from quantum_tasks.version import VERSION

#: Gates of `stdgates.inc` that Qiskit knows by the same name; it defines the others in the text.
GATES: Final = (
    *("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "p", "rx", "ry", "rz", "u"),
    *("cx", "cy", "cz", "ch", "cp", "crx", "cry", "crz", "cu", "swap", "ccx", "cswap"),
)
_FLOWS: Final = {
    "if_else": IfElseOp,
    "while_loop": WhileLoopOp,
    "for_loop": ForLoopOp,
    "switch_case": SwitchCaseOp,
    "break_loop": BreakLoopOp,
    "continue_loop": ContinueLoopOp,
}
#: The most qubits that a circuit may declare.
_QUBITS_MAX: Final = 10_000
_REQUESTS_AT_ONCE: Final = 16
#: A job of several tasks has the first of these that one of them has.
_FIRST: Final = (
    *(JobStatus.ERROR, JobStatus.CANCELLED, JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.DONE),
)


class TaskBackend(BackendV2):
    """A quantum task service.

    `client` is a `Client`; without one, `Client()` is made. `run` takes `shots`, `memory`,
    `seed_simulator`, `tags` and `key`, as options or for one call.
    """

    def __init__(self, client: Client | None = None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(name="quantum-tasks", backend_version=VERSION, **options)
        self.client = client or Client()
        self._target = _target()

    @property
    def target(self) -> Target:
        """What circuits may consist of: any number of qubits, all connected with all."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """There is no limit: circuits are sent in as few requests as the service takes."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        options = Options(
            shots=SHOTS_DEFAULT, memory=False, seed_simulator=None, tags=None, key=None
        )
        options.set_validator("shots", (1, SHOTS_MAX))
        return options

    def run(self, run_input: QuantumCircuit | Sequence[QuantumCircuit], **options: Any) -> TaskJob:  # noqa: ANN401
        """Submit one circuit or several, and return the job whose tasks they are.

        The first circuit has the seed, each other one its own, made of the seed and its place.

        Raises:
            QuantumTasksError: nothing could be submitted.
            TypeError, ValueError: an option or a circuit cannot be used; nothing is sent.
        """
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        _check_circuits(circuits)
        chosen = self._chosen(options)
        key = checked_key(chosen.key, for_batch=True)
        # With the service's own seed equal circuits would have equal samples. A key finds its tasks
        # again, so its seed is always the same.
        seed = chosen.seed_simulator
        seed = _hashed(key) if seed is None else seed
        requests = [
            {
                "circuit": circuit,
                "shots": chosen.shots,
                "tags": chosen.tags,
                "seed": seed if place == 0 else _hashed(f"{seed}\n{place}"),
            }
            for place, circuit in enumerate(circuits)
        ]
        batch = self.client.submit_many(requests, key=key)
        return TaskJob(self, batch, circuits, memory=chosen.memory)

    def _chosen(self, given: Mapping[str, Any]) -> Options:
        """Return the backend's options with those of one call.

        Raises:
            TypeError: there is no such option.
            ValueError: shots are out of range.
        """
        chosen = copy.copy(self.options)
        for name in given.keys() - set(chosen):
            raise TypeError(f"{name!r} is no option; there are {', '.join(sorted(chosen))}")
        chosen.update_options(**given)
        return chosen


class TaskJob(JobV1):
    """The tasks of one `run`. Its id is the key: submitting again with it finds the same tasks."""

    def __init__(
        self, backend: TaskBackend, batch: Batch, circuits: list[QuantumCircuit], *, memory: bool
    ) -> None:
        super().__init__(backend, batch.key)
        self.batch = batch
        self._circuits = circuits
        self._memory = memory

    def submit(self) -> None:
        """Do nothing: `run` has submitted it."""

    def result(self, timeout: float | None = None) -> QiskitResult:
        """Wait for all tasks and return their results in the order of the circuits.

        A circuit without a result has `success` false and the reason as its `status`, and Qiskit
        raises it where its counts are asked for.

        Raises:
            TaskFailed, TaskCancelled, …: no task has a result; the message is the first one's.
            WaitTimeout: `timeout` seconds are over; the tasks go on.
        """
        results = self.batch.results("return", timeout)
        errors = [result for result in results if isinstance(result, QuantumTasksError)]
        if len(errors) == len(results):
            raise errors[0]
        experiments = [
            experiment(circuit, result, memory=self._memory)
            for circuit, result in zip(self._circuits, results, strict=True)
        ]
        document = {
            "backend_name": self.backend().name,
            "backend_version": VERSION,
            "job_id": self.job_id(),
            "qobj_id": self.job_id(),
            "success": not errors,
            "status": "PARTIAL COMPLETED" if errors else "COMPLETED",
            "results": experiments,
        }
        return QiskitResult.from_dict(document)

    def status(self) -> JobStatus:
        """Ask for tasks that have not ended, and say how the job is doing as a whole."""
        if self.batch.errors:
            return JobStatus.ERROR
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as threads:
            tasks = threads.map(lambda t: t if t.ended else t.refresh(), self.batch.tasks.values())
            statuses = {task.status for task in tasks}
        found = {JobStatus[STATUSES[status].job_status] for status in statuses & STATUSES.keys()}
        return next((status for status in _FIRST if status in found), JobStatus.INITIALIZING)

    def cancel(self) -> None:
        """Cancel the tasks that have not ended."""
        self.batch.cancel()

    def errors(self) -> dict[int, QuantumTasksError]:
        """Return why circuits were refused, by their places."""
        return self.batch.errors


def experiment(
    circuit: QuantumCircuit, result: Result | QuantumTasksError, *, memory: bool
) -> dict[str, Any]:
    """Return one result as Qiskit's simulators give it: outcomes as hexadecimal numbers.

    The service does not record shots one by one; the memory has each outcome as often as it was
    counted, shuffled by the seed, which is exact where all measurements are final. A backend
    without memory would yield zeros in primitives.
    """
    header = {
        "name": circuit.name,
        "memory_slots": circuit.num_clbits,
        "n_qubits": circuit.num_qubits,
        "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
        "metadata": circuit.metadata or {},
    }
    if isinstance(result, QuantumTasksError):
        return {
            "shots": 0,
            "success": False,
            "status": f"ERROR: {result}",
            "data": {},
            "header": header,
        }
    places = _places(circuit, result.registers)
    counts: dict[str, int] = {}
    for key, count in result.counts.items():
        outcome = hex(_number(key, places))
        counts[outcome] = counts.get(outcome, 0) + count
    data: dict[str, Any] = {"counts": counts}
    if memory:
        shots = [outcome for outcome, count in counts.items() for _ in range(count)]
        random.Random(result.seed).shuffle(shots)  # noqa: S311 - an order, no secret
        data["memory"] = shots
    return {
        "shots": result.shots,
        "success": True,
        "status": "DONE",
        "seed_simulator": result.seed,
        "data": data,
        "header": header,
    }


def _check_circuits(circuits: Sequence[QuantumCircuit]) -> None:
    """Refuse what could only fail later.

    Raises:
        ValueError: there are none, or one has parameters without a value.
    """
    if not circuits:
        raise ValueError("there is no circuit to run")
    for place, circuit in enumerate(circuits):
        if circuit.parameters:
            names = ", ".join(parameter.name for parameter in circuit.parameters)
            raise ValueError(f"circuit {place} has parameters without a value: {names}")


def _hashed(text: str) -> int:
    """Return 53 bits of a text's hash, as the service makes the seed of a point."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) >> 3


def _places(circuit: QuantumCircuit, registers: tuple[Register, ...] | None) -> list[int]:
    """Return the bit's number in the circuit for each bit of a key, the rightmost first.

    Qiskit's exporter declares bits without a register first, each by itself, then the registers in
    order; it may rename them, so they are known by their places. Where registers share bits it
    declares every bit by itself.
    """
    found = {bit: circuit.find_bit(bit) for bit in circuit.clbits}
    if any(len(location.registers) > 1 for location in found.values()):
        declared = [[bit] for bit in circuit.clbits]
    else:
        loose = [[bit] for bit in circuit.clbits if not found[bit].registers]
        declared = loose + [list(register) for register in circuit.cregs if register.size]
    sizes = None if registers is None else [register.size for register in registers]
    if sizes is not None and sizes != [len(bits) for bits in declared]:
        raise BadAnswer(f"the result has registers of {sizes} bits, which are not the circuit's")
    return [found[bit].index for bits in declared for bit in bits]


def _number(key: str, places: list[int]) -> int:
    bits = key.replace(" ", "")[::-1]
    if len(bits) != len(places):
        raise BadAnswer(f"the result has the outcome {key!r}; the circuit has {len(places)} bits")
    return sum(1 << place for bit, place in zip(bits, places, strict=True) if bit == "1")


def _target() -> Target:
    target = Target(description="quantum task service", num_qubits=_QUBITS_MAX)
    standard = get_standard_gate_name_mapping()
    for operation in (*(standard[name] for name in GATES), Measure(), Reset()):
        target.add_instruction(operation)
    target.add_instruction(Delay(Parameter("duration")))
    for name, flow in _FLOWS.items():
        target.add_instruction(flow, name=name)
    return target
