"""The service as a Qiskit backend: its jobs are tasks, and primitives work through it.

    from qiskit.primitives import BackendSamplerV2
    from quantum_tasks.qiskit import TaskBackend

    sampler = BackendSamplerV2(backend=TaskBackend())

Needs the extra `qiskit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from qiskit import QuantumCircuit
from qiskit.circuit import Measure, Reset
from qiskit.circuit.controlflow import ForLoopOp, IfElseOp, WhileLoopOp
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import BackendV2, JobStatus, JobV1, Options
from qiskit.result import Result as QiskitResult
from qiskit.transpiler import Target

from quantum_tasks.contract import SHOTS_DEFAULT, SHOTS_MAX, STATUSES
from quantum_tasks.errors import BadAnswer, QuantumTasksError
from quantum_tasks.sync.client import Client
from quantum_tasks.sync.tasks import Batch
from quantum_tasks.values.result import Register, Result
from quantum_tasks.version import VERSION

#: Gates of `stdgates.inc` that Qiskit knows by the same name; it defines the others in the text.
GATES: Final = (
    *("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "p", "rx", "ry", "rz", "u"),
    *("cx", "cy", "cz", "ch", "cp", "crx", "cry", "crz", "cu", "swap", "ccx", "cswap"),
)
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

        Raises:
            QuantumTasksError: nothing could be submitted.
        """
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        chosen = {name: getattr(self.options, name) for name in self.options}
        chosen |= {name: value for name, value in options.items() if name in chosen}
        said = {name: chosen[name] for name in ("shots", "tags")} | {
            "seed": chosen["seed_simulator"]
        }
        requests = [{"circuit": circuit, **said} for circuit in circuits]
        batch = self.client.submit_many(requests, key=chosen["key"])
        return TaskJob(self, batch, circuits, memory=chosen["memory"])


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

        Raises:
            TaskFailed, TaskCancelled: a task has no result; the message says why.
            WaitTimeout: `timeout` seconds are over; the tasks go on.
        """
        results = zip(self._circuits, self.batch.results(timeout=timeout), strict=True)
        document = {
            "backend_name": self.backend().name,
            "backend_version": VERSION,
            "job_id": self.job_id(),
            "qobj_id": self.job_id(),
            "success": True,
            "status": "COMPLETED",
            "results": [experiment(circuit, r, memory=self._memory) for circuit, r in results],
        }
        return QiskitResult.from_dict(document)

    def status(self) -> JobStatus:
        """Ask for tasks that have not ended, and say how the job is doing as a whole."""
        if self.batch.errors:
            return JobStatus.ERROR
        statuses = {
            task.status if task.ended else task.refresh().status
            for task in self.batch.tasks.values()
        }
        found = {JobStatus[STATUSES[status].job_status] for status in statuses & STATUSES.keys()}
        return next((status for status in _FIRST if status in found), JobStatus.INITIALIZING)

    def cancel(self) -> None:
        """Cancel the tasks that have not ended."""
        self.batch.cancel()

    def errors(self) -> dict[int, QuantumTasksError]:
        """Return why circuits were refused, by their places."""
        return self.batch.errors


def experiment(circuit: QuantumCircuit, result: Result, *, memory: bool) -> dict[str, Any]:
    """Return one result as Qiskit's simulators give it: outcomes as hexadecimal numbers.

    The service does not record shots one by one; the memory has each outcome as often as it was
    counted, in the order of the counts. A backend without memory would yield zeros in primitives.
    """
    places = _places(circuit, result.registers)
    counts: dict[str, int] = {}
    for key, count in result.counts.items():
        outcome = hex(_number(key, places))
        counts[outcome] = counts.get(outcome, 0) + count
    data: dict[str, Any] = {"counts": counts}
    if memory:
        data["memory"] = [outcome for outcome, count in counts.items() for _ in range(count)]
    return {
        "shots": result.shots,
        "success": True,
        "status": "DONE",
        "seed_simulator": result.seed,
        "data": data,
        "header": {
            "name": circuit.name,
            "memory_slots": circuit.num_clbits,
            "n_qubits": circuit.num_qubits,
            "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
            "metadata": circuit.metadata or {},
        },
    }


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
    target = Target(description="quantum task service", num_qubits=None)
    standard = get_standard_gate_name_mapping()
    for operation in (*(standard[name] for name in GATES), Measure(), Reset()):
        target.add_instruction(operation)
    for name, flow in (("if_else", IfElseOp), ("while_loop", WhileLoopOp), ("for_loop", ForLoopOp)):
        target.add_instruction(flow, name=name)
    return target
