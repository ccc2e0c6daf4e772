"""What the simulator's library is told and says: with one in memory, where it cannot be had to."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.errors import PermanentExecutionError
from chalicelib.executors import simulator
from chalicelib.executors.findings import CircuitRefused
from chalicelib.executors.simulator import Simulator, build
from tests.support.circuits import BELL, H3
from tests.support.in_memory import a_request

#: Its third line moves what follows by three characters for each register.
MOVED = f"{H3}creg c; creg d; qubit q;\nc = measure q;\n"


class Refusing(Exception):
    """As the library's error: with a kind."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Library:
    """Fails in the way it is told to when a text is read."""

    PrismError = Refusing
    __version__ = "9.9"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def parse_qasm_dynamic(self, text: str) -> None:
        """Fail."""
        raise self._error


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("parse", "parse error: bad thing at line 4 at column 5", "line 4, column 5: bad thing"),
        ("parse", "bad\n  thing at line 3 at column 20", "line 3, column 17: bad thing"),
        ("parse", "bad thing at line 3", "line 3: bad thing"),
        ("parse", "bad thing at column 3", "bad thing"),
        ("other", "unsupported construct: `x` at line 4", "line 4: not supported: `x`"),
        (
            "undefined_register",
            "undefined register v at line 4",
            "line 4: v cannot be used here: only registers, bits and variables can be compared",
        ),
        (
            "step_limit",
            "limit of steps; raise it",
            "a loop ran 20,000 times in one shot and was not done: limit of steps",
        ),
        ("other", "x" * 900, "x" * 500),
    ],
)
def test_a_refusal_of_the_library_is_said_with_its_place_in_the_text_that_was_sent(
    kind: str, text: str, said: str
) -> None:
    """In one line, cut, in the words of this service where the library's would mislead."""
    with pytest.raises(CircuitRefused) as refused:
        Simulator(library=Library(Refusing(kind, text))).execute(
            a_request(MOVED), time_limit_seconds=1
        )
    assert str(refused.value) == said


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), ValueError("a bug")])
def test_what_is_not_the_librarys_is_not_made_a_refusal(error: BaseException) -> None:
    """The child says what it was; only a panic, which is none of these, is the circuit's."""
    with pytest.raises(type(error)) as raised:
        Simulator(library=Library(error)).execute(a_request(BELL), time_limit_seconds=1)
    assert raised.value is error


class Approximating:
    """Counts every circuit, and says that it was not exact."""

    PrismError = Refusing
    __version__ = "9.9"
    BackendKind = SimpleNamespace(auto=lambda: "auto", factored=lambda: "factored")

    def parse_qasm_dynamic(self, text: str) -> Any:  # noqa: ANN401 - as the library's
        """Give a program of one circuit."""
        circuit = SimpleNamespace(num_qubits=2, to_qasm=lambda: "measure")
        return SimpleNamespace(num_qubits=2, num_classical_bits=2, static_circuit=lambda: circuit)

    def simulate(self, circuit: object) -> Any:  # noqa: ANN401 - as the library's
        """Give what the counts are asked of."""
        counted = SimpleNamespace(
            counts=lambda: {"00": 8}, metadata=SimpleNamespace(is_exact=False)
        )
        asked = SimpleNamespace(sample_counts=lambda shots: counted)
        asked.require_exact = lambda: asked
        asked.backend = lambda route: asked
        asked.seed = lambda seed: asked
        return asked


def test_counts_that_are_not_exact_are_no_result() -> None:
    """Whatever the library was asked for."""
    approximating = Simulator(qubits_max=1, library=Approximating())
    with pytest.raises(CircuitRefused) as refused:
        approximating.execute(a_request(BELL), time_limit_seconds=1)
    assert str(refused.value) == (
        "the circuit needs 2^2 amplitudes, 1 KiB; this service simulates 2^1 unless the circuit is"
        " Clifford or falls apart into parts of at most 1 qubits"
    )


def test_the_librarys_caps_are_those_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own defaults a circuit would be counted by another route on another machine."""
    kinds = ("SV", "FACTORED_MERGE", "STABILIZER_CLUSTER", "TN_PEAK", "PROB", "DM", "EXPORT")
    for kind in kinds:
        monkeypatch.setenv(f"PRISM_MAX_{kind}_QUBITS", "of before")
    Simulator(qubits_max=7, library=Library(ValueError()))
    assert {os.environ[f"PRISM_MAX_{kind}_QUBITS"] for kind in kinds} == {"7"}


@pytest.mark.parametrize(("amplitudes", "qubits"), [(None, 24), ("1024", 10), ("2047", 10)])
def test_the_largest_state_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, amplitudes: str | None, qubits: int
) -> None:
    """As a power of two that is reached; without one it is the largest that was measured."""
    monkeypatch.delenv("EXECUTION_AMPLITUDES_MAX", raising=False)
    if amplitudes is not None:
        monkeypatch.setenv("EXECUTION_AMPLITUDES_MAX", amplitudes)
    for cap in simulator._CAPS:  # noqa: SLF001 - to have them as before
        monkeypatch.setenv(f"PRISM_MAX_{cap}_QUBITS", "")
    entangled = (
        f"{H3}qubit[40] q;\nbit[40] c;\nfor int i in [0:39] {{ ry(0.3) q[i]; }}\n"
        "for int i in [0:38] { cx q[i], q[i + 1]; }\nc = measure q;\n"
    )
    with pytest.raises(PermanentExecutionError, match=rf"this service simulates 2\^{qubits} "):
        build().execute(a_request(entangled), time_limit_seconds=1)


def test_a_result_names_what_made_it() -> None:
    """The library's version, and that of what guards it."""
    made = Simulator(library=Library(ValueError()))
    assert (made.version, simulator.NAME) == ("9.9+1", "prism-q")
    result = build().execute(a_request(BELL, shots=10), time_limit_seconds=1)
    assert (result.executor, result.executor_version.partition("+")[2]) == ("prism-q", "1")
