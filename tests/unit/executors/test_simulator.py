"""The simulator: exact distributions, refusals that help, the same counts for the same seed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import chalicelib
from chalicelib.domain.task import TaskResult
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors.simulator import Simulator
from chalicelib.executors.validator import Validator
from tests.support.circuits import BELL, H2, H3, KNOWN, Known
from tests.support.hand_worked import HAND_WORKED
from tests.support.in_memory import a_request
from tests.support.refused_circuits import REFUSED, Refused

SHOTS = 20_000


def simulate(text: str, *, shots: int = SHOTS, seed: int | None = 11) -> TaskResult:
    """Execute a circuit in this process."""
    return Simulator().execute(a_request(text, shots=shots, seed=seed), time_limit_seconds=60)


@pytest.mark.parametrize("circuit", KNOWN, ids=lambda circuit: circuit.name)
def test_a_circuit_has_its_exact_distribution(circuit: Known) -> None:
    """Each outcome as often as it should be, within five standard deviations, and no other."""
    result = simulate(circuit.text)
    assert set(result.counts) == set(circuit.expected)
    assert sum(result.counts.values()) == SHOTS
    for bits, probability in circuit.expected.items():
        deviation = math.sqrt(SHOTS * probability * (1 - probability))
        assert abs(result.counts[bits] - SHOTS * probability) <= 5 * deviation
    assert list(result.counts) == sorted(result.counts)


#: What only a run tells: a validation warns of it, where it can.
TOLD_BY_A_RUN = ("a loop without end", "too many amplitudes", "too many amplitudes in a program")


@pytest.mark.parametrize("circuit", REFUSED, ids=lambda circuit: circuit.name)
def test_a_circuit_that_cannot_be_executed_is_refused_with_its_reason(circuit: Refused) -> None:
    """For good, with the place where there is one; a validation finds it at the same place."""
    request = a_request(circuit.text, shots=100)
    with pytest.raises(PermanentExecutionError) as refused:
        Simulator().execute(request, time_limit_seconds=60)
    assert circuit.is_said_by(refused.value), refused.value
    assert len(str(refused.value)) < 600
    said = json.loads(Validator(qubits_max=24).execute(request, time_limit_seconds=2))
    finding = said["findings"][0]
    if circuit.name in TOLD_BY_A_RUN:
        assert (said["valid"], finding["severity"]) == (True, "warning")
        return
    assert (said["valid"], finding["severity"]) == (False, "error")
    place = "" if finding["line"] is None else f"line {finding['line']}, column {finding['column']}"
    assert str(refused.value).startswith(place)


PROGRAM = """
import json, sys
from chalicelib.domain.task import TaskRequest
from chalicelib.executors.simulator import build

simulator = build()
for text in json.load(sys.stdin):
    result = simulator.execute(
        TaskRequest(circuit=text, shots=1_000, tags={}, seed=5), time_limit_seconds=60
    )
    print(json.dumps(result.counts))
assert "numpy" not in sys.modules
"""

#: 17 qubits are many enough for the threads to share the work.
WIDE = (
    f"{H3}qubit[17] q;\nbit[17] c;\nfor int k in [0:2] {{\n"
    "  for int i in [0:16] { ry(0.3 + 0.01*i) q[i]; }\n"
    "  for int i in [0:15] { cx q[i], q[i+1]; }\n}\nc = measure q;\n"
)


def test_the_same_request_has_the_same_counts_on_any_number_of_threads_and_after_a_restart() -> (
    None
):
    """In processes of 1, 2 and 4 threads, twice each; and numpy is not loaded."""
    texts = json.dumps([WIDE, *(circuit.text for circuit in [*KNOWN, *HAND_WORKED])])
    outputs = set()
    for threads in ("1", "2", "4", "1"):
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=texts,
            env={**os.environ, "RAYON_NUM_THREADS": threads},
            capture_output=True,
            check=True,
            text=True,
        )
        outputs.add(ended.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) == len(KNOWN) + len(HAND_WORKED) + 1


def test_a_seed_decides_the_counts_and_without_one_the_circuit_does() -> None:
    """Another seed draws another sample; the result says what it started from."""
    first, again, other = (simulate(BELL, seed=seed).counts for seed in (1, 1, 2))
    assert first == again != other
    unseeded = simulate(BELL, seed=None)
    assert unseeded == simulate(BELL, seed=None)
    assert unseeded.seed == a_request(BELL, shots=SHOTS).effective_seed
    assert simulate(BELL, seed=2**53 - 1).seed == 2**53 - 1


def test_many_outcomes_of_many_qubits_are_counted() -> None:
    """100,000 shots of 30 qubits in superposition: hardly two are the same."""
    text = f"{H3}qubit[30] q;\nbit[30] c;\nh q;\nc = measure q;\n"
    result = simulate(text, shots=100_000)
    assert sum(result.counts.values()) == 100_000
    assert len(result.counts) > 99_000
    assert {len(bits) for bits in result.counts} == {30}


def test_a_transpiled_clifford_circuit_of_many_qubits_is_counted() -> None:
    """In rz, sx and cx with angles, which the simulator does not know as Clifford by itself."""
    hadamard = "rz(pi/2) q[{n}];\nsx q[{n}];\nrz(pi/2) q[{n}];\n"
    text = f"{H3}qubit[60] q;\nbit[60] c;\n{hadamard.format(n=0)}"
    text += "".join(f"cx q[{n}], q[{n + 1}];\n" for n in range(59))
    text += "p(pi) q[3];\ncp(pi) q[4], q[5];\nu(pi/2, 0, pi) q[6];\nu(pi/2, 0, pi) q[6];\n"
    counts = simulate(text.replace("u(", "u3(") + "c = measure q;\n", shots=1_000).counts
    assert set(counts) == {"0" * 60, "1" * 60}


def test_the_cap_is_the_one_that_is_set() -> None:
    """A circuit that a larger cap admits is refused with the numbers of this one."""
    text = f"{H3}qubit[9] q;\nbit[9] c;\n" + WIDE.partition("bit[17] c;\n")[2].replace(
        "16]", "8]"
    ).replace("15]", "7]")
    program = PROGRAM.replace("json.load(sys.stdin)", repr([text]))
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "EXECUTION_AMPLITUDES_MAX": "256"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert "needs 2^9 amplitudes, 12 KiB; this service simulates 2^8 unless" in ended.stderr
    assert simulate(text, shots=10).shots == 10


def test_the_last_of_many_calls_of_a_subroutine_is_checked_as_the_first() -> None:
    """The bound is on calls in calls, not on calls after each other."""
    text = (
        f"{H3}qubit[2] q;\nbit[2] c;\ndef pair(qubit a, qubit b) {{ cx a, b; }}\n"
        + "pair(q[0], q[1]);\n" * 40
    )
    assert simulate(f"{text}c = measure q;\n").shots
    with pytest.raises(PermanentExecutionError, match="the same qubit is used more than once"):
        simulate(f"{text}pair(q[0], q[0]);\nc = measure q;\n")


@pytest.mark.parametrize("use", ["bit d = bool(1 / c);", "int n = 4;\nn %= c;\nbit d = n == 1;"])
def test_a_division_by_zero_in_a_run_is_an_error_of_the_circuit(use: str) -> None:
    """In what an output holds, and in what the run keeps."""
    text = f"{H3}qubit q;\nbit c;\nc = measure q;\n{use}\n"
    with pytest.raises(PermanentExecutionError, match="this divides by zero in a run"):
        simulate(text, shots=10)


def test_a_panic_is_a_failure_for_good_that_says_nothing_of_its_inside() -> None:
    """What a native library raises as no `Exception` must not end the batch."""

    class Panic(BaseException):
        pass

    class Broken:
        PrismError = ZeroDivisionError
        __version__ = "0"

        def CircuitBuilder(self, qubits: int, bits: int) -> None:  # noqa: N802 - as the library's
            raise Panic("index out of bounds: the len is 1")

    broken = Simulator(library=Broken())
    message = "^the simulator failed on this circuit; please report it$"
    with pytest.raises(PermanentExecutionError, match=message):
        broken.execute(a_request(BELL), time_limit_seconds=1)


def test_nothing_gives_the_simulator_a_text() -> None:
    """Its own reader of OpenQASM has another meaning: its name stands nowhere in the package."""
    sources = sorted(Path(chalicelib.__file__).parent.rglob("*.py"))
    assert len(sources) > 50
    assert [path.name for path in sources if "parse_qasm" in path.read_text()] == []


def test_a_long_circuit_is_counted() -> None:
    """A megabyte of gates, with products and quotients that are none of integers."""
    gates = "cx q[0], q[1];\nrx(3*pi/4) q[0];\nrx(-pi*3/4) q[0];\ncx q[0], q[1];\n" * 10_000
    text = (
        f"{H3}qubit[2] q;\nbit[2] c;\nx q[0];\n{gates}rx(4/2) q[1];\nrx(-2) q[1];\nc = measure q;\n"
    )
    assert simulate(text, shots=100).counts == {"01": 100}
    squared = f"{H2}qreg q[1];\ncreg c[1];\nrx(2^3*pi/8) q[0];\nmeasure q -> c;\n"
    assert simulate(squared + "//" + "x" * 200_000, shots=100).counts == {"1": 100}


@pytest.mark.parametrize("padding", [0, 200_000])
def test_a_long_circuit_is_read_with_the_same_meaning(padding: int) -> None:
    """Integers divide as such, and what is wrong is refused, at every length."""
    after = "// " + "x" * padding
    halves = f"{H3}qubit q;\nbit c;\nrx(7/2*pi) q;\nc = measure q;\n{after}"
    assert simulate(halves, shots=100).counts == {"1": 100}
    for wrong in ("cx q, q;", "foo q;", "rx(1/0) q;", "cx q[0], q[0];"):
        text = f"{H3}qubit q;\nbit c;\n{wrong}\nc = measure q;\n{after}"
        with pytest.raises(PermanentExecutionError, match="line 5, column "):
            simulate(text, shots=10)
