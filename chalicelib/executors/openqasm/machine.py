"""What a program has while it is evaluated: names, qubits, where bits are kept, operations so far.

Each measurement has a slot of its own, and a declared bit is a cell that says what it holds: 0, 1,
a slot, or a tree. Before a body that may or may not run, each cell that it assigns is given memory
(`spill`): its slot, if it is only measured into, or else a variable of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from chalicelib.executors.openqasm.arithmetic import fits
from chalicelib.executors.openqasm.bitwise import number
from chalicelib.executors.openqasm.conversions import as_register, converted
from chalicelib.executors.openqasm.program import (
    OPERATIONS_MAX,
    SIZE_MAX,
    STEPS_MAX,
    Assign,
    Exhausted,
    Measure,
    Operation,
    Output,
    Program,
)
from chalicelib.executors.openqasm.values import (
    BIT,
    BOOL,
    Bit,
    Bits,
    Dynamic,
    Known,
    Refused,
    Tree,
    Type,
    Value,
    leaf,
    node_of,
    truth,
)

#: A tree that is kept and has more operators, or stands deeper, is given a variable.
_TREE_SIZE_MAX: Final = 60
_TREE_DEPTH_MAX: Final = 16
_RUN_KINDS: Final = ("bool", "int", "uint", "float", "angle")


class Cell:
    """A variable's place. `value` holds where it is known; else it is in memory."""

    __slots__ = ("level", "memory", "slot", "type", "value")

    def __init__(self, type_: Type, value: Known | Dynamic | None, level: int) -> None:
        self.type = type_
        self.value = value
        #: `("c", slot)` or `("v", name)`.
        self.memory: tuple[str, Any] | None = None
        #: In how many bodies that may or may not run it was declared.
        self.level = level
        self.slot: int | None = None


class Constant(Cell):
    """A cell that is never assigned again."""

    __slots__ = ()


class Qubits:
    """Qubits by number: one, or a register or a part of one."""

    __slots__ = ("is_register", "numbers")

    def __init__(self, numbers: tuple[int, ...], *, is_register: bool) -> None:
        self.numbers = numbers
        self.is_register = is_register


class Machine:
    """The state of one evaluation."""

    def __init__(self) -> None:
        self.version: int | None = None
        #: Names by scope, the innermost last; a library's names lie outside of all.
        self.scopes: list[dict[str, Any]] = [{}]
        self.library: dict[str, Any] = {}
        self.has_include = False
        self.operations: list[Operation] = []
        self.level = 0
        self.qubits = self.slots = self.bits = 0
        self.has_measured = False
        self.variables: dict[str, Type] = {}
        #: Name, cells, and whether it is declared as an output.
        self.registers: list[tuple[str, Sequence[Cell], bool]] = []
        self._steps = self._made = 0
        #: Slots and variables that values read, and those that are a cell's memory.
        self.captured: set[Tree] = set()
        self.homes: set[Tree] = set()

    def program(self) -> Program:
        """Return what was made."""
        chosen = [register for register in self.registers if register[2]] or self.registers
        outputs = []
        for name, cells, _ in chosen:
            values = [self.read(cell) for cell in cells]
            outputs.append(Output(name, tuple(v if isinstance(v, Dynamic) else int(v) for v in values)))  # type: ignore[arg-type]  # fmt: skip
        return Program(
            qubits=self.qubits,
            slots=self.slots,
            operations=self.operations,
            outputs=tuple(outputs),
            variables=self.variables,
        )

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
            raise Refused(f"'{name}' is already declared in this scope; choose another name")
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
        cells = [Cell(BIT, 0, self.level) for _ in range(size or 1)]
        thing = cells[0] if size is None else cells
        self.declare(name, thing)
        if len(self.scopes) == 1:
            self.registers.append((name, cells, is_output))
            self.bits += len(cells)
            if self.bits > SIZE_MAX:
                raise Refused(f"{self.bits:,} bits are too many; the limit is {SIZE_MAX:,}")
        return thing

    # --- operations

    def emit(self, *operations: Operation) -> None:
        """Add operations."""
        self._made += len(operations)
        if self._made > OPERATIONS_MAX:
            raise Exhausted(
                f"the program makes more than {OPERATIONS_MAX:,} gates and measurements"
            )
        self.operations.extend(operations)

    def kept(self, operations: Sequence[Operation]) -> None:
        """Operations are kept for later and not in the program yet: they do not count."""
        self._made -= len(operations)

    def step(self, count: int = 1) -> None:
        """Count a statement, or a turn of a loop, that is evaluated."""
        self._steps += count
        if self._steps > STEPS_MAX:
            raise Exhausted(
                f"the program takes more than {STEPS_MAX:,} statements and turns of loops; make"
                " its loops shorter"
            )

    # --- values

    def read(self, cell: Cell) -> Known | Dynamic:
        """Return what a cell holds."""
        if cell.memory is not None:
            kind = cell.type.kind
            return leaf(cell.memory, BOOL if kind in ("bit", "bool") else cell.type)
        if cell.value is None:
            raise Refused("this variable has no value yet; give it one first")
        return cell.value

    def new_variable(self, type_: Type) -> str:
        """Return the name of a new variable of the run."""
        name = f"v{len(self.variables)}"
        self.variables[name] = BOOL if type_.kind == "bit" else type_
        return name

    def materialised(self, value: Known | Dynamic, type_: Type) -> Dynamic:
        """Keep a value as it is now, in a variable of the run."""
        name = self.new_variable(type_)
        self.emit(Assign(name, node_of(value)))
        return leaf(("v", name), self.variables[name])

    def settled(self, value: Value, type_: Type | None = None) -> Value:
        """Wrap an integer that may lie outside of its type, and convert it to another if given."""
        if not isinstance(value, Dynamic):
            if type_ is None or type_.width is None or isinstance(value, complex):
                return value
            return converted(type_, number(value))  # type: ignore[arg-type] - it is known
        if value.is_loose:
            value = self.materialised(value, value.type)
        if type_ is None or type_.width is None or fits(value, type_):
            return value
        return self.materialised(value, type_)

    def cast(self, type_: Type, value: Value) -> Value:
        """Convert to a type, as an assignment does."""
        if type_.kind == "bit":
            return self._as_bits(type_.width, value)
        if type_.kind == "bool":
            return truth(value)
        known = number(value) if type_.kind != "angle" or not _is_known(value) else value
        if not isinstance(known, Dynamic):
            return converted(type_, known)
        if type_.kind not in _RUN_KINDS:
            raise Refused(f"a {type_.kind} cannot depend on what is measured here")
        if type_.kind in ("int", "uint"):
            is_whole = known.type.kind in ("int", "uint", "bool")
            if known.type == type_ or (is_whole and fits(known, type_) and not known.is_loose):
                node = ("+", known.node, 0) if known.type == BOOL else known.node
                return Dynamic(node, type_, (known,), (known.low, known.high))
            if known.type.kind == "angle":
                raise Refused(f"an angle cannot be made {type_}")
        elif known.type == type_:
            return known
        return self.materialised(known, type_)

    def _as_bits(self, width: int | None, value: Value) -> Value:
        if width is None:
            made = truth(value)
            return made if isinstance(made, Dynamic) else int(made)
        known = as_register(value, width)
        if known is not None:
            return known
        assert isinstance(value, Dynamic)  # noqa: S101 - it is not known
        if value.type.kind not in ("bool", "int", "uint"):
            raise Refused("a number with a fraction cannot be made bits")
        if value.type == BOOL:
            return Bits((value, *(0,) * (width - 1)))
        kept = self.materialised(value, Type("uint", min(width, 64)))
        nodes = (("&", (">>", kept.node, at), 1) for at in range(min(width, 64)))
        cells: list[Bit] = [Dynamic(("!=", node, 0), BOOL, (kept,)) for node in nodes]
        return Bits((*cells, *(0,) * (width - len(cells))))

    # --- cells

    def store(self, cell: Cell, value: Value) -> None:
        """Give a cell a value, converted to its type."""
        made = self.cast(BIT if cell.type.kind == "bit" else cell.type, value)
        assert not isinstance(made, Bits)  # noqa: S101 - cells hold one bit
        if cell.level < self.level:
            if cell.memory is None or cell.memory[0] != "v":
                raise Refused("this cannot be assigned where it depends on what is measured")
            self.emit(Assign(cell.memory[1], node_of(made)))
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
        if type_.kind not in _RUN_KINDS:
            raise Refused(f"a {type_.kind} cannot depend on what is measured here")
        value = self.read(cell) if cell.value is not None or cell.memory is not None else 0
        node: tuple[str, Any] = self.materialised(value, type_).node
        return node


def cells_of(thing: object) -> Iterator[Cell]:
    """Yield the cells of a variable, a register or an array."""
    if isinstance(thing, Cell):
        yield thing
    elif isinstance(thing, list):
        for part in thing:
            yield from cells_of(part)


def _is_known(value: Value) -> bool:
    return value.is_known if isinstance(value, Bits) else not isinstance(value, Dynamic)
