"""Rewrites what the simulator's reader lacks or reads another way, and keeps lines in their place.

Only text within a line is changed, so that the lines that the reader complains about stay right;
a column is carried back to the text that was sent.
"""

from __future__ import annotations

import bisect
import collections
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from openqasm import ast

from chalicelib.executors.openqasm.findings import refusal
from chalicelib.executors.openqasm.text_scan import PLAIN_STATEMENT
from chalicelib.executors.openqasm.tokens import Kind, Token, tokenize

#: Gates of qelib1.inc that the simulator lacks, as its own gates have them.
_PRELUDE: Final = (
    " gate cu1(l) a, b { cp(l) a, b; } gate cu3(t, f, l) a, b { cu(t, f, l, 0) a, b; }"
)
_PRELUDE_FOR: Final = "qelib1.inc"
_OPENQASM_2: Final = 2
#: `ctrl(n) @` is written out, up to here.
_CONTROLS_MAX: Final = 64
#: Implementations may leave these out (OpenQASM 3, "Directives"); the simulator's reader fails.
_REMARK: Final = re.compile(r"(?m)^[ \t]*+(?:@[^\W\d]|\#?pragma\b)[^\n]*+")
#: Where an edit may be needed, and how far back it looks.
_TRIGGERS: Final = frozenset([";", "^", "measure", "@"])
_WINDOW: Final = 12


class Edit(msgspec.Struct, frozen=True):
    """Put `text` in the place of `length` characters."""

    offset: int
    length: int
    text: str


#: What stands at a node of the program is to be replaced by this.
TreeEdit = tuple[ast.Span, str]


class Rewritten:
    """A text after some edits."""

    def __init__(self, source: str, edits: Iterable[Edit]) -> None:
        """Apply edits; one inside another, or that crosses another, is left out."""
        parts: list[str] = []
        #: Where kept parts begin, in the new text, and how far they were moved.
        self._begins: list[int] = [0]
        self._moved: list[int] = [0]
        at = length = 0
        for edit in sorted(edits, key=lambda edit: (edit.offset, -edit.length)):
            if edit.offset < at:
                continue
            parts += [source[at : edit.offset], edit.text]
            length += edit.offset - at + len(edit.text)
            at = edit.offset + edit.length
            self._begins.append(length)
            self._moved.append(length - at)
        parts.append(source[at:])
        self.text = "".join(parts)

    def source_column(self, line: int, column: int) -> int:
        """Return the column, from 1, that a place of the new text had in the old one."""
        starts = [0]
        for _ in range(line - 1):
            starts.append(self.text.find("\n", starts[-1]) + 1)
        start = starts[-1]
        return max(1, column - self._moved_at(start + column - 1) + self._moved_at(start))

    def _moved_at(self, offset: int) -> int:
        return self._moved[bisect.bisect_right(self._begins, offset) - 1]


def rewrite(source: str, *, version: int | None, tree: Sequence[TreeEdit] = ()) -> Rewritten:
    """Return a text that the simulator reads as OpenQASM means it."""
    edits = [*_token_edits(source, version)]
    if tree:
        starts = _line_starts(source)
        for span, text in tree:
            begin = starts[span.start_line - 1] + span.start_column
            end = starts[span.end_line - 1] + span.end_column
            # Lines are kept: those that are left out come after the new text.
            lines = "\n" * (span.end_line - span.start_line)
            edits.append(Edit(begin, end - begin, text + lines))
    return Rewritten(source, edits)


def _line_starts(source: str) -> list[int]:
    starts = [0]
    while (end := source.find("\n", starts[-1])) >= 0:
        starts.append(end + 1)
    return starts


def _token_edits(source: str, version: int | None) -> Iterator[Edit]:
    """Yield the edits that tokens tell, and blanks for annotations and pragmas."""
    for found in _REMARK.finditer(source):
        yield Edit(found.start(), found.end() - found.start(), "")
    window: collections.deque[Token] = collections.deque(maxlen=_WINDOW)
    has_prelude = False
    # Plain statements may hold carets, and nothing else that matters here.
    skip = None if "^" in source and version == _OPENQASM_2 else PLAIN_STATEMENT
    for token in tokenize(source, skip=skip):
        window.append(token)
        if token.text in _TRIGGERS or token.kind is Kind.STRING:
            for edit in _edits_at(token, [*window], version):
                if edit.text != _PRELUDE or not has_prelude:
                    yield edit
                has_prelude = has_prelude or edit.text == _PRELUDE


def _edits_at(token: Token, window: Sequence[Token], version: int | None) -> Iterator[Edit]:
    texts = [item.text for item in window]
    if token.text == ";":
        if texts[-3:-2] == ["include"] and texts[-2].strip("\"'") == _PRELUDE_FOR:
            yield Edit(token.end, 0, _PRELUDE)
        if texts[-3:-2] == ["include"]:
            # The reader takes double quotes only.
            yield Edit(window[-2].offset, len(texts[-2]), f'"{texts[-2][1:-1]}"')
        elif texts[-3:-2] == ["creg"]:
            yield Edit(token.offset, 0, "[1]")
    elif token.text == "^" and version == _OPENQASM_2:
        # A power in OpenQASM 2 (its paper's grammar), an exclusive or in OpenQASM 3.
        yield Edit(token.offset, 1, "**")
    elif token.text == "measure":
        yield from _measured_on_declaration(window, texts)
    elif token.text == "@":
        yield from _controls(window, texts)
    elif token.kind is Kind.STRING and texts[-2:-1] and texts[-2] in ("==", "!="):
        bits = token.text[1:-1].replace("_", "")
        if bits and set(bits) <= {"0", "1"}:
            yield Edit(token.offset, len(token.text), str(int(bits, 2)))


def _measured_on_declaration(window: Sequence[Token], texts: Sequence[str]) -> Iterator[Edit]:
    """Turn `bit[2] c = measure q;` into a declaration and a measurement."""
    if len(texts) < 4 or texts[-2] != "=":  # noqa: PLR2004 - bit NAME = measure
        return
    name = window[-3]
    is_sized = texts[-4] == "]" and "bit" in texts[:-4] and ";" not in texts[texts.index("bit") :]
    if name.kind is Kind.WORD and (texts[-4] == "bit" or is_sized):
        yield Edit(name.end, 0, f"; {name.text}")


def _controls(window: Sequence[Token], texts: Sequence[str]) -> Iterator[Edit]:
    """Write `ctrl(2) @` as `ctrl @ ctrl @`."""
    if texts[-5:-4] in (["ctrl"], ["negctrl"]) and (texts[-4], texts[-2]) == ("(", ")"):
        count = texts[-3]
        if count.isdecimal() and 1 <= int(count[:3]) <= _CONTROLS_MAX:
            begin, end = window[-5].offset, window[-1].end
            yield Edit(begin, end - begin, " ".join([f"{texts[-5]} @"] * int(count)))


def check_quotients(source: str, *, version: int | None) -> None:
    """Refuse a quotient of integers, as they are written, that OpenQASM 3 would truncate.

    For texts that are too long to be analysed; the analyser finds more, and gives the value.

    Raises:
        CircuitRefused: naming the first.
    """
    if version == _OPENQASM_2 or "/" not in source:
        return
    window: collections.deque[Token] = collections.deque(maxlen=_WINDOW)
    for token in tokenize(source):
        window.append(token)
        if len(window) > 2 and window[-2].text == "/" and _truncates([*window]):  # noqa: PLR2004
            message = "a quotient of integers is an integer in OpenQASM 3; write 7.0/2 for 3.5"
            raise refusal(source, window[-3].offset, message)


def _truncates(window: Sequence[Token]) -> bool:
    """Whether the product or quotient that ends here is of integers, and is no integer."""
    numbers = [window[-1].text]
    for at in range(len(window) - 3, -1, -2):
        numbers.append(window[at].text)
        if at == 0 or window[at - 1].text not in ("*", "/"):
            break
    if not all(number.isdecimal() for number in numbers):
        return False
    divisor, dividend = int(numbers[0][:18]), int(numbers[1][:18])
    return divisor == 0 or dividend % divisor != 0
