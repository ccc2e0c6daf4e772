"""The simulator: prism-q behind guards. Only a child process imports this.

prism-q is given programs by its builders, never a text: `chalicelib.executors.openqasm` reads the
circuit, and checks what the builders do not. What else prism-q was seen to do wrong has its guard
here: past its cap it approximates, so only exact routes are taken, and what was not exact is no
result; its panics are no `Exception`; the child's process bounds memory and time.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from chalicelib.domain.task import Inputs, Register, TaskRequest, TaskResult
from chalicelib.domain.validation import Finding
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors import points
from chalicelib.executors.children.grants import AskForMemory, ProgramSize, is_small
from chalicelib.executors.cost import STEPS_MAX, needs_amplitudes
from chalicelib.executors.openqasm.build import Built, build_program
from chalicelib.executors.openqasm.counts import in_registers
from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.openqasm.needs import largest_part
from chalicelib.executors.openqasm.program import Program, every
from chalicelib.executors.openqasm.reader import READER_VERSION, read
from chalicelib.executors.openqasm.values import Refused

NAME: Final = "prism-q"
QUBITS_MAX: Final = 24
#: prism-q's caps that depend on the machine by default: with these, the route taken does not.
_CAPS: Final = ("SV", "FACTORED_MERGE", "STABILIZER_CLUSTER", "TN_PEAK", "PROB", "DM", "EXPORT")
#: Circuits that come again and again, with other seeds and shots, are read once: the last so many,
#: if they are not longer than this.
REMEMBERED_MAX: Final = 64
REMEMBERED_CHARACTERS_MAX: Final = 10_000


def build() -> Simulator:
    """Return the simulator that this process's environment asks for."""
    amplitudes = int(os.environ.get("EXECUTION_AMPLITUDES_MAX", 2**QUBITS_MAX))
    return Simulator(qubits_max=amplitudes.bit_length() - 1)


class Simulator:
    """Simulates circuits exactly (`Executor`)."""

    def __init__(self, *, qubits_max: int = QUBITS_MAX, library: Any = None) -> None:  # noqa: ANN401 - prism-q has no types without numpy
        """Take the largest number of qubits whose amplitudes are all kept, and prism-q itself."""
        # Read by prism-q when it is first used.
        for cap in _CAPS:
            os.environ[f"PRISM_MAX_{cap}_QUBITS"] = str(qubits_max)
        self._prism = library or importlib.import_module("prism_q")
        self._qubits_max = qubits_max
        self.version = f"{self._prism.__version__}+{READER_VERSION}"
        #: In a process that has no bound of its own, nothing is asked for.
        self.ask_for_memory: AskForMemory = lambda _: None

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        del time_limit_seconds  # native code cannot be stopped from within: the pool does
        seeds, bounds = points.seeds_of(request), points.Bounds(request)
        counted: list[dict[str, int]] = []
        granted: set[ProgramSize] = set()
        registers: tuple[Register, ...] = ()
        for number, seed in enumerate(seeds):
            with points.named(request, number):
                program, size = prepared(request.circuit, request.points[number])
                if size not in granted and not is_small(size, request.shots):
                    self.ask_for_memory(size)
                    granted.add(size)
                counted.append(self.counts(program, seed=seed, shots=request.shots))
                registers = _registers_of(program)
                bounds.check(counted[-1], registers)
        return points.result_of(
            request,
            counted,
            seeds=seeds,
            executor=NAME,
            executor_version=self.version,
            registers=registers,
        )

    def counts(self, program: Program, *, seed: int, shots: int) -> dict[str, int]:
        """Run a program and return its counts by registers.

        Raises:
            CircuitRefused: it is too large, or a loop does not end.
        """
        try:
            built = build_program(self._prism, program)
            counted = self._count(built, program, seed=seed, shots=shots)
            counts = in_registers(counted.counts(), built.outputs)
        except (self._prism.PrismError, Refused) as exc:  # in a run, or in what an output holds
            raise _refusal(exc) from exc
        except (Exception, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            # A panic of Rust code is no Exception; its text tells a client nothing.
            message = "the simulator failed on this circuit; please report it"
            raise PermanentExecutionError(message) from exc
        if not counted.metadata.is_exact:
            raise self._too_large(built.program.num_qubits)
        return counts

    def _count(self, built: Built, program: Program, *, seed: int, shots: int) -> Any:  # noqa: ANN401 - untyped
        """Count by the first exact route that takes it."""
        kinds = self._prism.BackendKind

        def count(route: Any) -> Any:  # noqa: ANN401 - untyped
            if built.is_static:
                simulation = self._prism.simulate(built.program).require_exact().backend(route)
            else:
                simulation = self._prism.simulate_program(built.program).backend(route)
                simulation = simulation.max_steps(STEPS_MAX)
            return simulation.seed(seed).sample_counts(shots)

        # Left to itself it does not try to take a large circuit apart.
        routes = [kinds.auto, kinds.factored]
        if not built.is_static:
            fits = built.program.num_qubits <= self._qubits_max
            routes = [kinds.auto] if fits else [kinds.stabilizer, kinds.factored]
        return self._first_route(routes, count, program)

    def _first_route(
        self,
        routes: Sequence[Callable[[], Any]],
        count: Callable[[Any], Any],
        program: Program,
    ) -> Any:  # noqa: ANN401 - untyped
        """Return what the first route gives that is exact and not too large."""
        part = program.qubits
        for route in routes:
            if route == self._prism.BackendKind.factored:
                part = largest_part(program.qubits, program.operations)
                if part > self._qubits_max:
                    break  # it would be tried until memory ends
            try:
                return count(route())
            except self._prism.PrismError as exc:
                if exc.kind not in ("incompatible_backend", "resource_limit"):
                    raise
        raise self._too_large(part)

    def _too_large(self, qubits: int) -> CircuitRefused:
        return CircuitRefused(Finding(message=needs_amplitudes(qubits, self._qubits_max)))


def prepared(circuit: str, inputs: Inputs) -> tuple[Program, ProgramSize]:
    """Return the program of a circuit; remember it of short circuits without inputs.

    Raises:
        CircuitRefused: the circuit has errors.
    """
    if inputs or len(circuit) > REMEMBERED_CHARACTERS_MAX:
        return _read(circuit, inputs)
    return _read_once(circuit)


@functools.lru_cache(maxsize=REMEMBERED_MAX)
def _read_once(circuit: str) -> tuple[Program, ProgramSize]:
    return _read(circuit, {})


def _read(circuit: str, inputs: Inputs) -> tuple[Program, ProgramSize]:
    program = read(circuit, inputs).required()
    size = ProgramSize(
        qubits=program.qubits,
        part=largest_part(program.qubits, program.operations),
        operations=sum(1 for _ in every(program.operations)),
    )
    return program, size


def _registers_of(program: Program) -> tuple[Register, ...]:
    return tuple(Register(name=output.name, size=len(output.bits)) for output in program.outputs)


_LOOP: Final = re.compile(r"the loop at line (\d+)")


def _refusal(error: Any) -> CircuitRefused:  # noqa: ANN401 - prism-q's
    """Return what prism-q says against a program: a limit, or an operator without a value."""
    message = " ".join(str(error).split())
    line = None
    if "by zero" in message:
        message = "this divides by zero in a run, by a number that depends on what is measured"
    if getattr(error, "kind", None) == "step_limit":
        loop = _LOOP.search(message)
        line = None if loop is None else int(loop[1])
        message = (
            f"a loop ran {STEPS_MAX:,} times in one shot and was not done; make sure that what it"
            " measures ends it"
        )
    return CircuitRefused(Finding(message=message[:500], line=line))
