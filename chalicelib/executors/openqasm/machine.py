"""What a program has while it is evaluated: names, qubits, where bits are kept, operations so far.

Each measurement has a slot of its own, and a declared bit is a cell that says what it holds: 0, 1,
a slot, or a tree. Before a body that may or may not run, each cell that it assigns is given memory
(`spill`): its slot, if it is only measured into, or else a variable of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from chalicelib.executors.openqasm.cells import Cell, Constant, Qubits
from chalicelib.executors.openqasm.operations import RUN_KINDS, Operations
from chalicelib.executors.openqasm.program import SIZE_MAX, Assign, Measure, Output, Program
from chalicelib.executors.openqasm.values import (
    BIT,
    BOOL,
    Bit,
    Bits,
    Dynamic,
    NameTaken,
    Refused,
    Tree,
    Type,
    Value,
    leaf,
)

#: A tree that is kept and has more operators, or stands deeper, is given a variable.
_TREE_SIZE_MAX: Final = 60
_TREE_DEPTH_MAX: Final = 16
_NOT_SPILLED: Final = "this cannot be assigned where it depends on what is measured"


class Machine(Operations):
    """The state of one evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 3
        #: Names by scope, the innermost last; a library's names lie outside of all.
        self.scopes: list[dict[str, Any]] = [{}]
        self.outermost = self.scopes[0]
        self.library: dict[str, Any] = {}
        self.has_include = False
        self.level = 0
        self.qubits = self.slots = self.bits = 0
        self.has_measured = False
        #: Name, cells, and whether it is declared as an output.
        self.registers: list[tuple[str, Sequence[Cell], bool]] = []
        #: Slots and variables that values read, and those that are a cell's memory.
        self.captured: set[Tree] = set()
        self.homes: set[Tree] = set()

    def program(self) -> Program:
        """Return what was made."""
        chosen = [register for register in self.registers if register[2]] or self.registers
        outputs = [Output(name, tuple(map(self.bit, cells))) for name, cells, _ in chosen]
        return Program(
            qubits=self.qubits,
            slots=self.slots,
            operations=self.operations,
            outputs=tuple(outputs),
            variables=self.variables,
        )

    def bit(self, cell: Cell) -> Bit:
        """Return what a cell of a register holds."""
        held = self.read(cell)
        return held if isinstance(held, Dynamic) else int(held.real)

    # --- names

    def find(self, name: str) -> Any:  # noqa: ANN401 - whatever was declared
        """Return what a name means here, or None."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.library.get(name)

    def find_of(self, name: str, kinds: tuple[type, ...]) -> Any:  # noqa: ANN401
        """Return what a name means among things of some kinds: no other hides a gate."""
        for scope in reversed(self.scopes):
            if isinstance(scope.get(name), kinds):
                return scope[name]
        found = self.library.get(name)
        return found if isinstance(found, kinds) else self.find(name)

    def declare(self, name: str, thing: object) -> None:
        """Give a name a meaning in the innermost scope."""
        if name in self.scopes[-1]:
            raise NameTaken(f"'{name}' is already declared in this scope; choose another name")
        self.scopes[-1][name] = thing

    def new_qubits(self, name: str, size: int | None) -> None:
        """Declare qubits."""
        count = size or 1
        self.qubits += count
        if self.qubits > SIZE_MAX:
            raise Refused(f"{self.qubits:,} qubits are too many; the limit is {SIZE_MAX:,}")
        numbers = tuple(range(self.qubits - count, self.qubits))
        self.declare(name, Qubits(numbers, is_register=size is not None))

    def new_bits(
        self, name: str, size: int | None, *, is_output: bool = False
    ) -> Cell | list[Cell]:
        """Declare bits, which begin as 0."""
        thing = self.new_element(Type("bit", size))
        cells = thing if isinstance(thing, list) else [thing]
        self.declare(name, thing)
        if len(self.scopes) == 1:
            self.registers.append((name, cells, is_output))
            self.bits += len(cells)
            if self.bits > SIZE_MAX:
                raise Refused(f"{self.bits:,} bits are too many; the limit is {SIZE_MAX:,}")
        return thing

    # --- cells

    def new_element(self, type_: Type) -> Cell | list[Cell]:
        """Return the place of a variable, a register, or an element of an array; bits are 0."""
        if type_.kind != "bit":
            return Cell(type_, None, self.level)
        cells = [Cell(BIT, value=False, level=self.level) for _ in range(type_.width or 1)]
        return cells[0] if type_.width is None else cells

    def store(self, cell: Cell, value: Value) -> None:
        """Give a cell a value, converted to its type."""
        made = self.cast(BIT if cell.type.kind == "bit" else cell.type, value)
        assert not isinstance(made, Bits)  # noqa: S101 - cells hold one bit
        if cell.level < self.level:
            if cell.memory is None or cell.memory[0] != "v":
                raise Refused(_NOT_SPILLED)
            self.emit(Assign(cell.memory[1], self.weighed(made)))
            return
        if isinstance(made, Dynamic):
            made = self._held(made, cell.type)
            self.captured |= made.reads
        cell.value, cell.memory = made, None

    def _held(self, value: Dynamic, type_: Type) -> Dynamic:
        """Return a value that stays as it is, whatever is assigned and measured later."""
        is_large = value.size > _TREE_SIZE_MAX or value.depth > _TREE_DEPTH_MAX
        if value.is_loose or is_large or value.reads & self.homes:
            return self.materialised(value, type_)
        return value

    def frozen(self, value: Value, type_: Type) -> Value:
        """Return a value that is used after what it reads may have changed."""
        if isinstance(value, Bits):
            return Bits(self._frozen_bit(cell) for cell in value.cells)
        if isinstance(value, Dynamic):
            value = self._held(value, type_)
            self.captured |= value.reads
        return value

    def _frozen_bit(self, cell: Bit) -> Bit:
        made = self.frozen(cell, BOOL)
        return made if isinstance(made, Dynamic) else int(made)  # type: ignore[arg-type]

    def measure(self, qubits: Iterable[int], cells: Iterable[Cell]) -> None:
        """Measure qubits into cells of bits."""
        self.has_measured = True
        for qubit, cell in zip(qubits, cells, strict=True):
            is_variable = cell.memory is not None and cell.memory[0] == "v"
            if cell.level < self.level and is_variable:
                slot = self.new_slot()
                assert cell.memory is not None  # noqa: S101 - it is a variable
                self.emit(Measure(qubit, slot), Assign(cell.memory[1], ("c", slot)))
                continue
            if cell.level < self.level and cell.memory is None:
                raise Refused(_NOT_SPILLED)
            is_read = ("c", cell.slot) in self.captured
            if cell.slot is None or (cell.level == self.level and is_read):
                cell.slot = self.new_slot()
            self.emit(Measure(qubit, cell.slot))
            if cell.level == self.level:
                cell.value, cell.memory = leaf(("c", cell.slot), BOOL), None

    def new_slot(self) -> int:
        """Return a new slot."""
        self.slots += 1
        return self.slots - 1

    def spill(self, cells: Mapping[Cell, bool]) -> None:
        """Give memory to cells that a body may change; each with whether it is only measured."""
        for cell, only_measured in cells.items():
            if isinstance(cell, Constant) or (cell.memory is not None and cell.level < self.level):
                continue
            is_variable = cell.memory is not None and cell.memory[0] == "v"
            if cell.memory is not None and (is_variable or only_measured):
                continue
            cell.memory = self._memory_for(cell, only_measured=only_measured)
            self.homes.add(cell.memory)

    def _memory_for(self, cell: Cell, *, only_measured: bool) -> tuple[str, Any]:
        mine = ("c", cell.slot)
        is_fresh = cell.slot is None and not isinstance(cell.value, Dynamic) and not cell.value
        holds_own = isinstance(cell.value, Dynamic) and cell.value.node == mine
        if only_measured and cell.type.kind == "bit":
            if is_fresh:
                cell.slot = self.new_slot()
                return "c", cell.slot
            if holds_own and mine not in self.captured:
                return mine
        type_ = BOOL if cell.type.kind == "bit" else cell.type
        if type_.kind not in RUN_KINDS:
            raise Refused(f"a {type_.kind} cannot depend on what is measured here")
        value = self.read(cell) if cell.value is not None or cell.memory is not None else 0
        node: tuple[str, Any] = self.materialised(value, type_).node
        return node
