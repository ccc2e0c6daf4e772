"""The examples of the specification's repository: each runs, or is refused with the reason."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.simulator import Simulator
from chalicelib.executors.validator import Validator
from tests.support.hand_worked import is_within
from tests.support.in_memory import a_request

FOLDER: Final = Path(__file__).with_name("official")
SHOTS: Final = 4_000

_BITS: Final = ["".join(bits) for bits in itertools.product("01", repeat=4)]
#: `U(0.3, …)` is teleported: how often it is measured as 1.
_ONE: Final = math.sin(0.15) ** 2
#: `3 / 5` divides integers, so `rus.qasm` turns back by arccos(0) and not by arccos(0.6).
_NOT_TURNED_BACK: Final = math.sin((math.pi + math.acos(0.6) + math.pi / 2) / 2) ** 2

RUN: Final[Mapping[str, Mapping[str, float]]] = {
    "adder": {"10000": 1},  # 1 + 15
    "inverseqft1": {"0000": 1},
    "inverseqft2": {"0 0 0 0": 1},
    "qec": {"01 000": 1},  # the error of the first qubit is found and undone
    "qft": dict.fromkeys(_BITS, 1 / 16),
    "qpt": {"0": 0.5, "1": 0.5},
    "rb": {"00": 1},
    "rus": {"0 00": 1 - _NOT_TURNED_BACK, "1 00": _NOT_TURNED_BACK},
    "teleport": {
        f"{one} {c1} {c0}": probability / 4
        for (one, probability), c1, c0 in itertools.product(
            ((1, _ONE), (0, 1 - _ONE)), (0, 1), (0, 1)
        )
    },
    # `let io` in the loop's body is another name: in the end `io` is a qubit that was measured.
    "varteleport": {"0": 0.5, "1": 0.5},
}

#: Where the first finding is, and its words.
REFUSED: Final = {
    "alignment": "the circuit measures nothing, so there is nothing to count",
    "arrays": "line 51, column 18: index 4 is out of range for a register of size 4",
    "cphase": "line 9, column 15: undefined identifier 'q'",
    "dd": "line 25, column 3: undefined gate 'u'",
    "defcal": "line 3, column 1: a calibration cannot be executed here",
    "gateteleport": "line 6, column 1: an extern function cannot be executed here",
    "ipe": "line 26, column 15: this variable has no value yet",  # its angle
    "msd": "line 87, column 10: this variable has no value yet",  # `success`
    "scqec": "line 16, column 1: an extern function cannot be executed here",
    "t1": "line 13, column 1: an extern function cannot be executed here",
    "vqe": "line 17, column 1: an extern function cannot be executed here",
}


def test_every_example_is_in_one_table() -> None:
    """None is forgotten."""
    assert {path.stem for path in FOLDER.glob("*.qasm")} == {*RUN, *REFUSED}


@pytest.mark.parametrize("name", RUN)
def test_an_example_counts_what_its_comments_or_the_specification_say(name: str) -> None:
    """And is valid."""
    request = a_request(text_of(name), shots=SHOTS, seed=1)
    counts = Simulator().execute(request, time_limit_seconds=60).counts
    assert is_within(counts, RUN[name], shots=SHOTS), counts
    said = json.loads(Validator(qubits_max=24).execute(request, time_limit_seconds=60))
    assert said["valid"], said["findings"]


@pytest.mark.parametrize(("name", "words"), REFUSED.items())
def test_an_example_that_has_no_counts_is_refused_where_it_says_why(name: str, words: str) -> None:
    """A run and a validation name the same place and the same reason."""
    request = a_request(text_of(name))
    with pytest.raises(CircuitRefused) as caught:
        Simulator().execute(request, time_limit_seconds=60)
    assert str(caught.value).startswith(words)
    said = json.loads(Validator(qubits_max=24).execute(request, time_limit_seconds=60))
    first = said["findings"][0]
    place = f"line {first['line']}, column {first['column']}: " if first["line"] else ""
    assert f"{place}{first['message']}".startswith(words)


def text_of(name: str) -> str:
    """Return an example's text."""
    return (FOLDER / f"{name}.qasm").read_text()
