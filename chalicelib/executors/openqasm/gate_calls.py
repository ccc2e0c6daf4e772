"""Gates applied: names looked up, definitions expanded, operands broadcast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from openqasm import ast

from chalicelib.executors.openqasm.arithmetic import binary
from chalicelib.executors.openqasm.bitwise import number
from chalicelib.executors.openqasm.cells import Constant, Qubits
from chalicelib.executors.openqasm.expressions import Expressions
from chalicelib.executors.openqasm.gate_bodies import Angle, Row, modified, moved, rotated
from chalicelib.executors.openqasm.modifiers import global_phase
from chalicelib.executors.openqasm.places import POISON
from chalicelib.executors.openqasm.program import (
    CALLS_MAX,
    EXPANSION_MAX,
    SIZE_MAX,
    Exhausted,
    Gate,
    Operation,
)
from chalicelib.executors.openqasm.standard_gates import (
    BRAKET,
    BUILT_IN,
    STDGATES,
    Standard,
    source_of,
    standard,
)
from chalicelib.executors.openqasm.values import Dynamic, Known, Poisoned, Refused

_VERSION_2: Final = 2


class Definition(msgspec.Struct, frozen=True, eq=False):
    """A gate or a subroutine of the circuit, and where its statement stands."""

    node: Any
    base: tuple[int, int]


def gate_named(found: object, name: str, *, version: int, has_include: bool) -> object:
    """Return a gate: the program's own, the language's, or without an include a standard one."""
    if isinstance(found, Standard | Definition):
        return found
    if name in BUILT_IN:
        return BUILT_IN[name]
    if not has_include and version != _VERSION_2 and (name in STDGATES or name in BRAKET):
        return standard(name)
    return found


def arity_of(gate: object) -> tuple[int, int] | None:
    """Return how many parameters and qubits a gate takes; None if it is no gate."""
    if isinstance(gate, Standard):
        return gate.parameters, gate.qubits
    if isinstance(gate, Definition) and isinstance(gate.node, ast.GateDefinition):
        return len(gate.node.parameters), len(gate.node.qubits)
    return (0, 0) if isinstance(gate, float) else None


class Gates(Expressions):
    """Applies gates."""

    def __init__(self, machine: Any) -> None:  # noqa: ANN401 - a Machine
        super().__init__(machine)
        self.depth = 0
        #: Operations of gates of the circuit by their parameters, on qubits counted from 0.
        self._expanded: dict[Any, list[Operation]] = {}

    def run(self, statements: Sequence[ast.Statement]) -> Any:  # noqa: ANN401
        """Run statements: the evaluator does."""
        raise NotImplementedError

    def gate_call(self, node: ast.GateCall) -> None:
        """Apply a gate by its name."""
        machine, name = self.machine, node.name.name
        found = machine.find_of(name, (Standard, Definition))
        if found is POISON:
            raise Poisoned("refused before", node)
        gate = gate_named(found, name, version=machine.version, has_include=machine.has_include)
        if gate is None:
            raise Refused(f"undefined gate '{name}'; {_hint(name, machine.version)}", node)
        if isinstance(gate, Standard) and gate is not found and name not in BUILT_IN:
            machine.library[name] = gate
            self.warn(f"gate {name!r} is taken from {source_of(name)}", node)
        if isinstance(gate, Definition) and isinstance(gate.node, ast.OpaqueDefinition):
            raise Refused(f"'{name}' is an opaque gate, which has no definition to execute", node)
        arity = arity_of(gate)
        if arity is None:
            raise Refused(f"'{name}' is no gate", node)
        if len(node.arguments) != arity[0]:
            wanted = _counted(arity[0], "parameter")
            raise Refused(f"gate '{name}' takes {wanted}, not {len(node.arguments)}", node)
        self.apply(node, gate, self.parameters(node.arguments), node.modifiers, node.qubits)

    def phase_call(self, node: ast.GlobalPhase) -> None:
        """Apply `gphase`."""
        angle = self.parameters([node.argument])[0]
        if isinstance(angle, Dynamic):
            raise Refused("a global phase that depends on what is measured; write p or rz", node)
        self.apply(node, float(angle), [], node.modifiers, node.qubits)

    def parameters(self, arguments: Sequence[ast.Expression]) -> list[Angle]:
        """Return a gate's parameters as real numbers."""
        before, self.reads_reals = self.reads_reals, self.machine.version == _VERSION_2
        try:
            return [self._parameter(argument) for argument in arguments]
        finally:
            self.reads_reals = before

    def _parameter(self, node: ast.Expression) -> Angle:
        value = number(self.machine.settled(self.expression(node)))
        if isinstance(value, Dynamic):
            made = value if value.type.kind in ("float", "angle") else binary("+", value, 0.0)
            assert isinstance(made, Dynamic)  # noqa: S101
            self.machine.weighed(made)
            return made
        if isinstance(value, complex) or not math.isfinite(value):
            raise Refused(f"{value} is no angle", node)
        return float(value)

    def apply(
        self,
        node: ast.GateCall | ast.GlobalPhase,
        gate: object,
        parameters: Sequence[Angle],
        modifiers: Sequence[ast.GateModifier],
        operands: Sequence[ast.Operand],
    ) -> None:
        """Apply a gate to operands, once for each element where some are registers."""
        steps = [self._step_of(modifier) for modifier in modifiers]
        controls = sum(int(count) for kind, count in steps if kind in ("ctrl", "negctrl"))
        name = node.name.name if isinstance(node, ast.GateCall) else "gphase"
        for row in self.rows(node, name, operands):
            arity = arity_of(gate)
            assert arity is not None  # noqa: S101 - it is a gate
            if len(row) - controls != arity[1]:
                raise Refused(_wrong_qubits(name, arity[1], controls, len(row)), node)
            made = self.expanded(node, gate, parameters, row[controls:])
            self.machine.emit(*(modified(made, steps, row[:controls]) if steps else made))

    def _step_of(self, modifier: ast.GateModifier) -> tuple[str, float]:
        kind, argument = modifier.kind.value, modifier.argument
        if kind in ("ctrl", "negctrl"):
            count = 1 if argument is None else self.integer(argument)
            if not 1 <= count <= SIZE_MAX:
                raise Refused(f"a gate can have 1 to {SIZE_MAX:,} controls, not {count}", modifier)
            return kind, count
        exponent: Known = -1 if argument is None else self.known(argument)
        if isinstance(exponent, complex) or not math.isfinite(exponent):
            raise Refused(f"{exponent} is no power", modifier)
        return "pow" if argument is not None else kind, exponent

    def rows(self, node: ast.Node, name: str, operands: Sequence[ast.Node]) -> list[Row]:
        """Return the qubits of each application; a lone one stands in each."""
        sets = [self.operand(operand) for operand in operands]
        sizes = [len(qubits) for qubits, is_register in sets if is_register]
        if len(set(sizes)) > 1:
            listed = ", ".join(map(str, sizes))
            raise Refused(f"gate '{name}' is given registers of different sizes ({listed})", node)
        made = []
        for at in range(sizes[0] if sizes else 1):
            row = tuple(qubits[at if is_register else 0] for qubits, is_register in sets)
            if len(set(row)) < len(row):
                place = operands[_repeated(row)]
                raise Refused(f"gate '{name}': the same qubit is used more than once", place)
            made.append(row)
        return made

    def expanded(
        self, node: ast.Node, gate: object, parameters: Sequence[Angle], row: Row
    ) -> Sequence[Operation]:
        """Return the operations of a gate without modifiers."""
        if isinstance(gate, float):
            return (global_phase(gate),)
        is_dynamic = any(isinstance(parameter, Dynamic) for parameter in parameters)
        if isinstance(gate, Standard):
            if is_dynamic:
                return rotated(gate.name, parameters, row)
            return (Gate(gate.name, tuple(map(float, parameters)), row),)  # type: ignore[arg-type]
        assert isinstance(gate, Definition)  # noqa: S101
        # Where a parameter is 0, its sign may count.
        key = None if is_dynamic else (gate, tuple(parameters))
        made = None if key is None else self._expanded.get(key)
        if made is None:
            made = self._evaluated(node, gate, parameters)
            if key is not None:
                self._expanded[key] = made
        return [moved(operation, row) for operation in made]

    def _evaluated(
        self, node: ast.Node, gate: Definition, parameters: Sequence[Angle]
    ) -> list[Operation]:
        """Run a gate's body on qubits counted from 0."""
        machine = self.machine
        before = machine.scopes, machine.operations, self.reads_reals
        outer = {n: t for n, t in before[0][0].items() if isinstance(t, Constant | Definition)}
        inner: dict[str, Any] = {}
        for name, value in zip(gate.node.parameters, parameters, strict=True):
            inner[name.name] = value
        for at, name in enumerate(gate.node.qubits):
            if name.name in inner:
                raise Refused(f"'{name.name}' is both a parameter and a qubit of this gate", node)
            inner[name.name] = Qubits((at,), is_register=False)
        made: list[Operation] = []
        with self.called(node, gate):
            machine.scopes, machine.operations, self.reads_reals = [outer, inner], made, False
            try:
                self.run(gate.node.body)
            finally:
                machine.scopes, machine.operations, self.reads_reals = before
        machine.kept(made)
        if len(made) > EXPANSION_MAX:
            message = f"this gate makes more than {EXPANSION_MAX:,} gates"
            raise Exhausted(message, node)
        return made

    def expanded_plainly(
        self, gate: object, parameters: tuple[float, ...], row: Row
    ) -> tuple[Operation, ...] | None:
        """Return the operations of a gate of the circuit for a plain statement, if it fits."""
        if arity_of(gate) != (len(parameters), len(row)) or not isinstance(gate, Definition):
            return None
        try:
            return tuple(self.expanded(gate.node, gate, parameters, row))
        except Exhausted:
            raise
        except Refused:
            return None

    def called(self, node: ast.Node, definition: Definition) -> _Called:
        """Return a context in which a definition's body is run."""
        return _Called(self, node, definition)

    def enter(self, node: ast.Node) -> None:
        """Count a call in a call."""
        if self.depth >= CALLS_MAX:
            raise Refused(
                f"calls stand in calls more than {CALLS_MAX} deep; a gate or a subroutine cannot"
                " call itself",
                node,
            )
        self.depth += 1

    def leave_call(self) -> None:
        """Count back."""
        self.depth -= 1


class _Called:
    """Counts calls in calls, and gives refusals of a body the place of the definition."""

    def __init__(self, gates: Gates, node: ast.Node, definition: Definition) -> None:
        self._gates = gates
        self._node = node
        self._definition = definition
        self._base = gates.base

    def __enter__(self) -> None:
        self._gates.enter(self._node)
        self._base, self._gates.base = self._gates.base, self._definition.base

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._gates.leave_call()
        self._gates.base = self._base
        if isinstance(error, Refused) and error.node is not None and error.base is None:
            error.base = self._definition.base


def _repeated(row: Row) -> int:
    return next(at for at, qubit in enumerate(row) if qubit in row[:at])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _wrong_qubits(name: str, wanted: int, controls: int, given: int) -> str:
    under = f" and {_counted(controls, 'control')}" if controls else ""
    was = "was" if given == 1 else "were"
    return f"gate '{name}' acts on {_counted(wanted, 'qubit')}{under}, but {given} {was} given"


def _hint(name: str, version: int) -> str:
    file = "qelib1.inc" if version == _VERSION_2 else "stdgates.inc"
    if name in STDGATES:
        return f'include "{file}"'
    return f'define it, or use one of "{file}"'
