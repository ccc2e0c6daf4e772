"""The simulator: prism-q behind guards. Only a child process imports this.

prism-q is young. What it was seen to do wrong has a guard here or before it:

- a gate that is given one qubit twice is counted wrongly: the analyser and `operands` check the
  text, `_check_operands` at the gates that were made of it;
- past its cap it approximates: only exact routes are taken, and what was not exact is no result;
- deep nesting, large sizes and other files' includes: `text_scan`;
- where its language differs from OpenQASM: `semantics` and `dialect`;
- its panics are no `Exception`; the child's process bounds memory and time.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.domain.validation import Finding
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors.bit_strings import from_first_bit_left
from chalicelib.executors.cost import needs_amplitudes
from chalicelib.executors.openqasm.analyser import (
    ANALYSED_CHARACTERS_MAX,
    NOTHING_MEASURED,
    Analysis,
    analyse,
    refuse,
)
from chalicelib.executors.openqasm.dialect import Rewritten, check_quotients, rewrite
from chalicelib.executors.openqasm.findings import CircuitRefused

NAME: Final = "prism-q"
#: prism-q's version and, after the plus, that of the guards: either may change what is counted.
GUARDS_VERSION: Final = "1"
QUBITS_MAX: Final = 24
#: prism-q's caps that depend on the machine by default: with these, the route taken does not.
_CAPS: Final = ("SV", "FACTORED_MERGE", "STABILIZER_CLUSTER", "TN_PEAK", "PROB", "DM", "EXPORT")
#: Circuits that come again and again, with other seeds and shots, are analysed once: the last so
#: many, if they are not longer than this.
REMEMBERED_MAX: Final = 64
REMEMBERED_CHARACTERS_MAX: Final = 10_000
#: Steps that a loop of unknown length may make in one shot.
_STEPS_MAX: Final = 20_000


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
        self.version = f"{self._prism.__version__}+{GUARDS_VERSION}"

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        del time_limit_seconds  # native code cannot be stopped from within: the pool does
        text, analysis = prepared(request.circuit)
        seed = request.effective_seed
        counts = self._run(text, analysis, seed=seed, shots=request.shots)
        return TaskResult(
            counts=counts,
            shots=request.shots,
            executor=NAME,
            executor_version=self.version,
            seed=seed,
            registers=analysis.registers,
        )

    def _run(self, text: Rewritten, analysis: Analysis, *, seed: int, shots: int) -> dict[str, int]:
        try:
            program = self._prism.parse_qasm_dynamic(text.text)
            circuit = program.static_circuit()
            self._check_bits(program, analysis)
            if circuit is not None:
                self._check_gates(circuit, analysis)
                counted = self._count_circuit(circuit, analysis, seed=seed, shots=shots)
            else:
                check_unseen(analysis)
                counted = self._count_program(program, analysis, seed=seed, shots=shots)
            counts = counted.counts()
        except self._prism.PrismError as exc:
            raise _refusal(exc, text) from exc
        except (Exception, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            # A panic of Rust code is no Exception; its text tells a client nothing.
            message = "the simulator failed on this circuit; please report it"
            raise PermanentExecutionError(message) from exc
        if not counted.metadata.is_exact:
            raise self._too_large(program.num_qubits)
        scan = analysis.scan
        return from_first_bit_left(counts, scan.declared, scan.registers)

    def _check_gates(self, circuit: Any, analysis: Analysis) -> None:  # noqa: ANN401 - untyped
        """Check the gates that were made of the circuit; where they have no name, its text."""
        try:
            gates = circuit.to_qasm()
        except self._prism.PrismError:
            # A power or an inverse of a gate of one's own is a matrix, which OpenQASM cannot say.
            check_unseen(analysis)
        else:
            check_operands(gates)

    def _check_bits(self, program: Any, analysis: Analysis) -> None:  # noqa: ANN401 - untyped
        """Check that the simulator sees the bits that the result will name."""
        declared = sum(register.size for register in analysis.scan.declared)
        if declared == 0:
            raise CircuitRefused(NOTHING_MEASURED)
        if program.num_classical_bits != declared:
            message = (
                f"the simulator finds {program.num_classical_bits} bits where {declared} are"
                " declared at the top level; declare all bits there"
            )
            raise CircuitRefused(Finding(message=message))

    def _count_circuit(self, circuit: Any, analysis: Analysis, *, seed: int, shots: int) -> Any:  # noqa: ANN401 - untyped
        """Count a circuit whose gates are known before it runs, by an exact route."""
        kinds = self._prism.BackendKind

        def count(route: Any) -> Any:  # noqa: ANN401 - untyped
            simulation = self._prism.simulate(circuit).require_exact().backend(route)
            return simulation.seed(seed).sample_counts(shots)

        # Left to itself it does not try to take a large circuit apart.
        return self._first_route([kinds.auto, kinds.factored], count, circuit, analysis)

    def _count_program(self, program: Any, analysis: Analysis, *, seed: int, shots: int) -> Any:  # noqa: ANN401 - untyped
        """Count a program whose gates depend on what it measures, by an exact route."""
        kinds = self._prism.BackendKind
        routes = [kinds.auto]
        if program.num_qubits > self._qubits_max:
            routes = [kinds.stabilizer, kinds.factored]

        def count(route: Any) -> Any:  # noqa: ANN401 - untyped
            simulation = self._prism.simulate_program(program).backend(route)
            return simulation.seed(seed).max_steps(_STEPS_MAX).sample_counts(shots)

        return self._first_route(routes, count, program, analysis)

    def _first_route(
        self,
        routes: Sequence[Callable[[], Any]],
        count: Callable[[Any], Any],
        circuit: Any,  # noqa: ANN401 - untyped
        analysis: Analysis,
    ) -> Any:  # noqa: ANN401 - untyped
        """Return what the first route gives that is exact and not too large."""
        part = min(analysis.part or circuit.num_qubits, circuit.num_qubits)
        for route in routes:
            if route == self._prism.BackendKind.factored and analysis.part > self._qubits_max:
                # It would be tried until memory ends.
                break
            try:
                return count(route())
            except self._prism.PrismError as exc:
                if exc.kind not in ("incompatible_backend", "resource_limit"):
                    raise
        raise self._too_large(part)

    def _too_large(self, qubits: int) -> CircuitRefused:
        return CircuitRefused(Finding(message=needs_amplitudes(qubits, self._qubits_max)))


def prepared(circuit: str) -> tuple[Rewritten, Analysis]:
    """Return what the simulator is given, and what is known of it; remember it of short circuits.

    Raises:
        CircuitRefused: the circuit has errors.
    """
    if len(circuit) > REMEMBERED_CHARACTERS_MAX:
        return _prepare(circuit)
    return _prepare_once(circuit)


def _prepare(circuit: str) -> tuple[Rewritten, Analysis]:
    analysis = analyse(circuit)
    refuse(analysis)
    version = analysis.scan.version
    if not analysis.is_complete:
        check_quotients(circuit, version=version)
    return rewrite(circuit, version=version, tree=analysis.edits), analysis


_prepare_once: Final = functools.lru_cache(maxsize=REMEMBERED_MAX)(_prepare)


_INDEX: Final = re.compile(r"(\w+\[\d+\])")
_GATE: Final = re.compile(r"(?!(?:OPENQASM|include|qubit|bit|barrier|gate)\b)\w")


def check_operands(gates: str) -> None:
    """Check the gates that were made of a circuit, one a line, for a qubit that is given twice.

    Raises:
        CircuitRefused: naming the gate.
    """
    if "measure" not in gates:
        raise CircuitRefused(NOTHING_MEASURED)
    for line in gates.splitlines():
        statement = line.strip()
        if "," not in statement or not _GATE.match(statement):
            continue
        # Angles and conditions stand in round brackets before the operands.
        operands = _INDEX.findall(statement[statement.rfind(")") + 1 :])
        if len(set(operands)) < len(operands):
            message = f"the same qubit is used more than once in a gate: {statement[:100]}"
            raise CircuitRefused(Finding(message=message))


def check_unseen(analysis: Analysis) -> None:
    """Check a program whose gates cannot be listed: its text alone must tell enough.

    Raises:
        CircuitRefused: the text does not.
    """
    if not analysis.is_complete:
        message = (
            f"a circuit of more than {ANALYSED_CHARACTERS_MAX:,} characters can have no loops of"
            " unknown length, and no powers or inverses of its own gates; write it shorter"
        )
        raise CircuitRefused(Finding(message=message))
    if analysis.unknown_operands is not None:
        raise CircuitRefused(analysis.unknown_operands)


_LINE: Final = re.compile(r" at line (\d+)")
_COLUMN: Final = re.compile(r" at column (\d+)")


def _refusal(error: Any, text: Rewritten) -> CircuitRefused:  # noqa: ANN401 - prism-q's
    """Return what prism-q says against a circuit, with the place in the text that was sent."""
    message = " ".join(str(error).split())
    if error.kind == "step_limit":
        message = (
            f"a loop ran {_STEPS_MAX:,} times in one shot and was not done:"
            f" {message.partition(';')[0]}"
        )
    line, column = _LINE.search(message), _COLUMN.search(message)
    line_number = int(line[1]) if line else None
    column_number = None
    if line_number is not None and column is not None:
        column_number = text.source_column(line_number, int(column[1]))
    for found in (line, column):
        message = message.replace(found[0], "", 1) if found else message
    if error.kind == "undefined_register":
        name = message.rpartition("register ")[2]
        message = f"{name} cannot be used here: only registers, bits and variables can be compared"
    message = message.removeprefix("parse error: ").replace(
        "unsupported construct:", "not supported:"
    )
    return CircuitRefused(Finding(message=message[:500], line=line_number, column=column_number))
