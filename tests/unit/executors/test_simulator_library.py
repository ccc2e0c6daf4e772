"""What the simulator's library is told and says: with one in memory, where it cannot be had to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Self

import pytest

from chalicelib.errors import PermanentExecutionError
from chalicelib.executors import simulator
from chalicelib.executors.openqasm.findings import CircuitRefused
from chalicelib.executors.simulator import Simulator, build
from tests.support.circuits import BELL, H3
from tests.support.in_memory import a_request

FEEDBACK = BELL.replace("cx q[0], q[1];", "c[0] = measure q[0];\nif (c[0] + c[1] == 1) x q[1];")


class Refusing(Exception):
    """As the library's error: with a kind."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Builder:
    """Takes whatever it is given, and remembers it."""

    def __init__(self, qubits: int, bits: int) -> None:
        self.num_qubits = qubits
        self.calls: list[tuple[Any, ...]] = [(qubits, bits)]

    def __getattr__(self, name: str) -> Callable[..., Builder]:
        def call(*arguments: Any) -> Builder:  # noqa: ANN401 - as the library's
            self.calls.append((name, *arguments))
            return self

        return call


class Counting:
    """Counts a circuit as it is told to, and remembers what it was asked for."""

    PrismError = Refusing
    __version__ = "9.9"
    BackendKind = SimpleNamespace(
        auto=lambda: "auto", factored=lambda: "factored", stabilizer=lambda: "stabilizer"
    )
    ClassicalCondition = SimpleNamespace()
    CircuitBuilder = Builder
    DynamicProgramBuilder = Builder

    def __init__(
        self,
        *,
        is_exact: bool = True,
        refusals: Mapping[str, str] | None = None,
        error: BaseException | None = None,
    ) -> None:
        self._is_exact = is_exact
        self._refusals = refusals or {}
        self._error = error
        self.asked: list[dict[str, object]] = []

    def simulate(self, circuit: object) -> Self:
        """Begin to ask."""
        self.asked.append({})
        return self

    simulate_program = simulate

    def require_exact(self) -> Self:
        """Take no route that approximates."""
        self.asked[-1]["exact"] = True
        return self

    def backend(self, route: str) -> Self:
        """Take this route."""
        self.asked[-1]["route"] = route
        return self

    def seed(self, seed: int) -> Self:
        """Begin with this seed."""
        self.asked[-1]["seed"] = seed
        return self

    def max_steps(self, steps: int) -> Self:
        """Go no further."""
        self.asked[-1]["steps"] = steps
        return self

    def sample_counts(self, shots: int) -> Any:  # noqa: ANN401 - as the library's
        """Count, refuse this route, or fail."""
        self.asked[-1]["shots"] = shots
        if self._error is not None:
            raise self._error
        kind = self._refusals.get(str(self.asked[-1]["route"]))
        if kind is not None:
            raise Refusing(kind, "not by this route")
        metadata = SimpleNamespace(is_exact=self._is_exact)
        return SimpleNamespace(counts=lambda: {"100": shots}, metadata=metadata)


TOO_LARGE = (
    "the circuit needs 2^2 amplitudes, 1 KiB; this service simulates 2^1 unless the circuit is"
    " Clifford or falls apart into parts of at most 1 qubits"
)


def asked_of(library: Counting, *, qubits_max: int, circuit: str = BELL) -> Mapping[str, int] | str:
    """Execute with eight shots and a seed, and give the counts or what is said."""
    request = a_request(circuit, shots=8, seed=5)
    try:
        return (
            Simulator(qubits_max=qubits_max, library=library)
            .execute(request, time_limit_seconds=1)
            .counts
        )
    except CircuitRefused as exc:
        return str(exc)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (
            "step_limit",
            "stopped after 20000 steps in loop `the loop at line 6`; raise it",
            "line 6: a loop ran 20,000 times in one shot and was not done",
        ),
        ("step_limit", "stopped", "a loop ran 20,000 times in one shot and was not done"),
        ("other", "bad\n  thing", "bad thing"),
        ("other", "x" * 900, "x" * 500),
    ],
)
def test_a_refusal_of_the_library_is_said_with_its_place(kind: str, text: str, said: str) -> None:
    """In one line, cut, in the words of this service where the library's would mislead."""
    library = Counting(error=Refusing(kind, text))
    assert str(asked_of(library, qubits_max=2)).startswith(said)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), ValueError("a bug")])
def test_what_is_not_the_librarys_is_not_made_a_refusal(error: BaseException) -> None:
    """The child says what it was; only a panic, which is none of these, is the circuit's."""
    with pytest.raises(type(error)) as raised:
        asked_of(Counting(error=error), qubits_max=2)
    assert raised.value is error


def test_counts_that_are_not_exact_are_no_result() -> None:
    """Whatever the library was asked for."""
    assert asked_of(Counting(is_exact=False), qubits_max=1) == TOO_LARGE


@pytest.mark.parametrize("kind", ["incompatible_backend", "resource_limit"])
def test_a_circuit_is_counted_by_the_first_exact_route_that_takes_it(kind: str) -> None:
    """The library's own choice, then in parts; bits are turned to the order of this service."""
    library = Counting(refusals={"auto": kind})
    assert asked_of(library, qubits_max=2) == {"01": 8}
    first = {"exact": True, "route": "auto", "seed": 5, "shots": 8}
    assert library.asked == [first, first | {"route": "factored"}]
    neither = Counting(refusals={"auto": kind, "factored": kind})
    assert "the circuit needs 2^2 amplitudes" in asked_of(neither, qubits_max=2)


def test_a_part_that_is_too_large_is_not_tried_in_parts() -> None:
    """It would take all memory before it failed."""
    library = Counting(refusals={"auto": "resource_limit"})
    assert asked_of(library, qubits_max=1) == TOO_LARGE
    assert [asked["route"] for asked in library.asked] == ["auto"]


def test_what_is_wrong_by_every_route_is_said_at_once() -> None:
    """No other route is tried."""
    library = Counting(refusals={"auto": "parse"})
    assert asked_of(library, qubits_max=2) == "not by this route"
    assert len(library.asked) == 1


@pytest.mark.parametrize(
    ("circuit", "qubits_max", "routes"),
    [
        (FEEDBACK, 2, ["auto"]),
        (FEEDBACK.replace("h q[0];", "cx q[0], q[1];"), 1, ["stabilizer"]),
        (FEEDBACK, 1, ["stabilizer", "factored"]),
    ],
)
def test_a_program_is_counted_by_routes_that_fit_its_size(
    circuit: str, qubits_max: int, routes: list[str]
) -> None:
    """With a bound on its loops; past the largest state there are two ways."""
    library = Counting(refusals={"stabilizer": "incompatible_backend"})
    counted = asked_of(library, qubits_max=qubits_max, circuit=circuit)
    assert counted == (TOO_LARGE if routes == ["stabilizer"] else {"01": 8})
    asked = {"seed": 5, "steps": 20_000, "shots": 8}
    assert library.asked == [{"route": route} | asked for route in routes]


def test_the_librarys_caps_are_those_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own defaults a circuit would be counted by another route on another machine."""
    kinds = ("SV", "FACTORED_MERGE", "STABILIZER_CLUSTER", "TN_PEAK", "PROB", "DM", "EXPORT")
    for kind in kinds:
        monkeypatch.setenv(f"PRISM_MAX_{kind}_QUBITS", "of before")
    Simulator(qubits_max=7, library=Counting())
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
    """The library's version, and that of the reader."""
    made = Simulator(library=Counting())
    assert (made.version, simulator.NAME) == ("9.9+reader.2", "prism-q")
    result = build().execute(a_request(BELL, shots=10), time_limit_seconds=1)
    assert (result.executor, result.executor_version.partition("+")[2]) == ("prism-q", "reader.2")
