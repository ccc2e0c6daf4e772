"""Reads a circuit: text, statement by statement, becomes a program. There is no other reader.

Plain statements are taken by a pattern, all others by the parser and the evaluator, both on one
machine. What cannot be executed is a finding; the statements after it are still checked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import structs

from chalicelib.domain.task import Register
from chalicelib.domain.validation import Finding, Severity
from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.openqasm.libraries import version_without_line
from chalicelib.executors.openqasm.machine import Machine
from chalicelib.executors.openqasm.parsing import (
    TRIVIA,
    Cut,
    after_trivia,
    parse,
    statement_end,
    undisguised,
)
from chalicelib.executors.openqasm.plain import Plain
from chalicelib.executors.openqasm.program import Exhausted, Program
from chalicelib.executors.openqasm.values import Poisoned, Refused

if TYPE_CHECKING:
    from chalicelib.executors.openqasm.declarations import Input

#: Rises when the operations of any circuit of the corpus change: the same request, seed and
#: versions give the same counts.
READER_VERSION: Final = "reader.2"
#: Of Python's calls: what `parsing` lets pass, 200 brackets and 200 operators, needs some 3,000.
RECURSION_MAX: Final = 10_000
TOO_DEEP: Final = "this is nested too deeply; split the expression or the statement"
#: Of one circuit; the first ones tell what to mend.
FINDINGS_MAX: Final = 50
VERSIONS: Final = ("2.0", "2", "3.0", "3", "3.1")
_VERSION: Final = re.compile(rf"OPENQASM\b(?:{TRIVIA})([0-9][0-9.]*+)(?:{TRIVIA});", re.DOTALL)
#: Empty statements, which the grammar lacks and all readers take.
_EMPTY: Final = re.compile(r";[;\s]*+")
#: In which line of a tree its statement begins.
_FIRST_LINE: Final = 2
NOTHING_MEASURED: Final = Finding(
    message="the circuit measures nothing, so there is nothing to count; end it with c = measure q;"
)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What was read."""

    #: In the order of their places.
    findings: tuple[Finding, ...]
    #: None where a finding is an error.
    program: Program | None
    #: As far as they were read.
    registers: tuple[Register, ...]
    qubits: int

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings for which the circuit does not run."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    def required(self) -> Program:
        """Return the program.

        Raises:
            CircuitRefused: there are errors; it names the first and how many more there are.
        """
        if self.program is None:
            errors = self.errors
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            first = errors[0]
            raise CircuitRefused(structs.replace(first, message=f"{first.message[:500]}{more}"))
        return self.program


def read(text: str, inputs: Mapping[str, Input] | None = None, *, by_plain: bool = True) -> Reading:
    """Read a circuit. It never raises for what the text is, but it may need much time.

    `by_plain` off leaves all statements to the parser, which makes the same operations.
    """
    return _Reader(text, inputs or {}, by_plain=by_plain).read()


class _Reader:
    def __init__(self, text: str, inputs: Mapping[str, Input], *, by_plain: bool) -> None:
        # A carriage return ends a line, alone or before a line feed.
        self._text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self._inputs = inputs
        self._machine = Machine()
        self._top = self._machine.operations
        self._plain = Plain(self._text, self._machine) if by_plain else None
        self._evaluator: Any = None
        self._findings: list[Finding] = []
        self._errors = 0
        self._is_over = False
        #: Line ends before a place.
        self._counted = self._lines = 0

    def read(self) -> Reading:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_MAX))
        at = self._version()
        while not self._is_over and self._errors < FINDINGS_MAX:
            at = self._next(at)
        self._unused_inputs()
        machine = self._machine
        # After an error, a measurement may stand in what was refused or in what was not read.
        is_cut = self._errors and (at < len(self._text) or "measure" in self._text)
        if not (machine.has_measured and machine.registers) and not is_cut:
            self._findings.append(NOTHING_MEASURED)
            self._errors += 1
        self._findings.sort(key=lambda f: (f.line or len(self._text) + 2, f.column or 0))
        chosen = [register for register in machine.registers if register[2]] or machine.registers
        return Reading(
            findings=tuple(self._findings[:FINDINGS_MAX]),
            program=None if self._errors else machine.program(),
            registers=tuple(Register(name=name, size=len(cells)) for name, cells, _ in chosen),
            qubits=machine.qubits,
        )

    def _version(self) -> int:
        """Read the version statement; return where the next begins."""
        found = _VERSION.match(self._text, after_trivia(self._text, 0))
        if found is None:
            self._machine.version = version_without_line(self._text)
            return 0
        if found[1] not in VERSIONS:
            message = f"OPENQASM must be 2.0 or 3.0, not {found[1][:20]}"
            self._cut(Cut(message, found.start()))
        else:
            self._machine.version = int(found[1][0])
        return found.end()

    def _next(self, at: int) -> int:
        """Take the statements from here on that are plain, and the one after them."""
        try:
            if self._plain is not None:
                at = self._plain.take(at)
            start = after_trivia(self._text, at)
            if start >= len(self._text):
                self._is_over = True
                return start
            if start > at and self._plain is not None and self._text[at:start].find("/*") >= 0:
                at = self._plain.take(start)
                if at != start:
                    return at
            empty = _EMPTY.match(self._text, start)
            if empty:
                return empty.end()
            end = statement_end(self._text, start, self._machine.version)
            self._parsed(start, end)
        except Cut as exc:  # nothing behind it is read
            self._cut(exc)
            return at
        return end

    def _parsed(self, start: int, end: int) -> None:
        """Parse a statement and evaluate it."""
        import openqasm  # noqa: PLC0415 - circuits of plain statements do without

        machine, part = self._machine, self._text[start:end]
        self._lines += self._text.count("\n", self._counted, start)
        self._counted = start
        base = self._lines - 1, start - self._text.rfind("\n", 0, start) - 1
        try:
            statements = parse(part, machine.version)
        except openqasm.QasmError as exc:
            self._add(undisguised(exc.message), *_located(exc.line, exc.column, base))
            self._is_over = True
            return
        except (ValueError, OverflowError) as exc:
            raise Cut("a number is too large: it has more than 4,300 digits", start) from exc
        except RecursionError as exc:
            raise Cut(TOO_DEEP, start) from exc
        self._evaluated(statements, base)

    def _evaluated(self, statements: Any, base: tuple[int, int]) -> None:  # noqa: ANN401 - a tree
        evaluator = self._ready()
        evaluator.base = base
        try:
            left = evaluator.run(statements)
            self._is_over = left is not None  # an `end`
        except Poisoned:
            self._back(evaluator, statements)
        except Refused as exc:
            span = getattr(exc.node or statements[0], "span", None)
            place = exc.base or base
            line = None if span is None else span.start_line
            self._add(exc.message, *_located(line, span and span.start_column, place))
            self._is_over = isinstance(exc, Exhausted) or isinstance(
                statements[0], evaluator.ends_at
            )
            self._back(evaluator, statements)
        except RecursionError:
            self._add(TOO_DEEP, *_located(_FIRST_LINE, 0, base))
            self._is_over = True
        for (message, _), (node, place) in evaluator.warnings.items():
            where = _located(node.span.start_line, node.span.start_column, place)
            self._add(message, *where, Severity.WARNING)
        evaluator.warnings.clear()

    def _ready(self) -> Any:  # noqa: ANN401 - imported here
        if self._evaluator is None:
            from chalicelib.executors.openqasm.evaluator import Evaluator  # noqa: PLC0415

            self._evaluator = Evaluator(self._machine, self._inputs)
            if self._plain is not None:
                self._plain.expanded = self._evaluator.expanded_plainly
        return self._evaluator

    def _back(self, evaluator: Any, statements: Any) -> None:  # noqa: ANN401
        """Go on after a statement that was refused."""
        machine = self._machine
        machine.operations, machine.level = self._top, 0
        del machine.scopes[1:]
        evaluator.recover(statements)

    def _unused_inputs(self) -> None:
        asked = self._evaluator.asked if self._evaluator is not None else set()
        unknown = sorted(set(self._inputs) - asked)
        if unknown and not self._findings:
            self._add(
                f"the program has no input '{unknown[0]}'; declare it or leave it out", None, None
            )

    def _cut(self, error: Cut) -> None:
        line = self._text.count("\n", 0, error.offset) + 1
        self._add(error.message, line, error.offset - self._text.rfind("\n", 0, error.offset))
        self._is_over = True

    def _add(
        self,
        message: str,
        line: int | None,
        column: int | None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        self._errors += severity is Severity.ERROR
        self._findings.append(
            Finding(severity=severity, message=message[:500], line=line, column=column)
        )


def _located(
    line: int | None, column: int | None, base: tuple[int, int]
) -> tuple[int | None, int | None]:
    """Return a place of a parsed statement as one of the text, from 1."""
    if line is None:
        return None, None
    return line + base[0], (column or 0) + 1 + (base[1] if line == _FIRST_LINE else 0)
