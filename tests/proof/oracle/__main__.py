"""Hold the simulator against qiskit-aer, and against an exact interpreter of the tests' own.

`python -m tests.proof.oracle --oracle .venv-oracle`
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from chalicelib.domain.task import TaskRequest
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors.openqasm.reader import read
from chalicelib.executors.simulator import Simulator, build
from tests.proof.oracle.compare import Comparison, compare, compare_exactly
from tests.proof.oracle.language_programs import Made, Program
from tests.proof.oracle.programs import program
from tests.support.circuits import KNOWN

SHOTS: Final = 10_000
_LONE_BIT: Final = re.compile(r"\bbit\s+\w")
_HERE: Final = Path(__file__).parent


@dataclasses.dataclass(slots=True)
class Figures:
    """How often what happened."""

    agreed: int = 0
    disagreed: int = 0
    refused_by_oracle: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    refused_here: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    #: The largest share of its limit that a distance or a marginal took.
    distance: float = 0
    marginal: float = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether there is more that could not be compared than that could: something is broken."""
        refused = self.refused_by_oracle.total() + self.refused_here.total()
        return refused > max(200, self.agreed + self.disagreed)

    def add(self, found: Comparison) -> None:
        """Count one comparison."""
        self.agreed += found.agrees
        self.disagreed += not found.agrees
        self.distance = max(self.distance, found.distance / found.distance_max)
        self.marginal = max(self.marginal, found.marginal / found.marginal_max)


class Oracle:
    """A process of the oracle's environment."""

    def __init__(self, environment: Path) -> None:
        """Start it."""
        command = [str(environment / "bin" / "python"), "-I", str(_HERE / "aer.py")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, text: str, *, shots: int, seed: int) -> Mapping[str, Any]:
        """Return its counts or why it has none."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"text": text, "shots": shots, "seed": seed}) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            message = f"the oracle's process ended with {process.wait()}"
            raise RuntimeError(message)
        answered: Mapping[str, Any] = json.loads(answer)
        return answered

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


def circuits() -> Iterator[tuple[str, str]]:
    """Yield the known circuits, then random ones without end, each with a name."""
    for known in KNOWN:
        yield known.name, known.text
    for number in itertools.count():
        yield f"program {number}", program(number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare; return 1 if they disagree on any circuit."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.oracle", description=__doc__)
    parser.add_argument("--oracle", type=Path, required=True, help="its environment")
    parser.add_argument(
        "--programs", type=int, default=1_000, help="random ones, as many as must be compared"
    )
    parser.add_argument(
        "--language", type=int, default=10_000, help="random ones for the exact interpreter"
    )
    options = parser.parse_args(arguments)
    figures = Figures()
    oracle = Oracle(options.oracle)
    programs = 0
    for seed, (name, text) in enumerate(circuits()):
        found = _compare_one(oracle, text, seed=seed, figures=figures)
        programs += found is not None and name.startswith("program")
        if found is not None and not found.agrees:
            print(f"VIOLATION {name}: {found}\n{text}", flush=True)
        if programs >= options.programs or figures.is_hopeless:
            break
    exactly = _language(oracle, options.language)
    oracle.end()
    print("against qiskit-aer:")
    _print(figures)
    print("programs of the language, against the exact interpreter, and qiskit-aer where it can:")
    _print(exactly)
    fails = (figures.disagreed, figures.refused_here, figures.is_hopeless, exactly.disagreed)
    return 1 if any(fails) or exactly.refused_here.total() > options.language // 1_000 else 0


def _language(oracle: Oracle, programs: int) -> Figures:
    """Compare random programs of the language with their exact distributions."""
    figures, simulator = Figures(), build()
    for number in range(programs):
        made = Program(number).made()
        if made is None:
            continue
        try:
            counts = _counts(simulator, made, seed=number)
        except PermanentExecutionError as exc:
            figures.refused_here["".join(c for c in str(exc) if not c.isdigit())[:80]] += 1
            continue
        found = compare_exactly(made.expected, counts)
        figures.add(found)
        if not found.agrees:
            print(f"VIOLATION language {number}: {found}\n{made.text}", flush=True)
        if not made.inputs and number % 10 == 0:
            _compare_with_oracle(oracle, made, seed=number, figures=figures)
    return figures


def _counts(simulator: Simulator, made: Made, *, seed: int) -> Mapping[str, int]:
    return simulator.counts(read(made.text, made.inputs).required(), seed=seed, shots=SHOTS)


def _compare_with_oracle(oracle: Oracle, made: Made, *, seed: int, figures: Figures) -> None:
    answer = oracle.ask(made.text, shots=SHOTS, seed=seed)
    if "refused" in answer:
        kind = "".join(c for c in answer["refused"] if not c.isdigit())[:60]
        figures.refused_by_oracle[kind] += 1
        return
    found = compare_exactly(made.expected, answer["counts"])
    if not found.agrees:
        # What the specification says and the interpreter has, the oracle may have otherwise.
        figures.refused_by_oracle["counts that differ from the exact ones"] += 1


def _compare_one(oracle: Oracle, text: str, *, seed: int, figures: Figures) -> Comparison | None:
    if _LONE_BIT.search(text):
        # Qiskit's importer gives a lone bit another place: our own distributions cover them.
        figures.refused_by_oracle["a lone bit, which it puts elsewhere"] += 1
        return None
    answer = oracle.ask(text, shots=SHOTS, seed=seed)
    if "refused" in answer:
        kind = "".join(c for c in answer["refused"] if not c.isdigit())[:60]
        figures.refused_by_oracle[kind] += 1
        return None
    request = TaskRequest(circuit=text, shots=SHOTS, tags={}, seed=seed)
    try:
        result = build().execute(request, time_limit_seconds=60)
    except PermanentExecutionError as exc:
        figures.refused_here["".join(c for c in str(exc) if not c.isdigit())[:80]] += 1
        return None
    found = compare(answer["counts"], result.counts)
    figures.add(found)
    return found


def _print(figures: Figures) -> None:
    for title, kinds in (
        ("the oracle refused", figures.refused_by_oracle),
        ("the simulator refused", figures.refused_here),
    ):
        for kind, times in kinds.most_common(10):
            print(f"{title} {times} times: {kind}")
    print(
        f"circuits compared {figures.agreed + figures.disagreed:,}, refused by the oracle"
        f" {figures.refused_by_oracle.total()}, refused here {figures.refused_here.total()};"
        f" largest distance {figures.distance:.0%} of its limit, largest marginal"
        f" {figures.marginal:.0%}"
    )
    print(f"violations: {figures.disagreed}")


if __name__ == "__main__":
    sys.exit(main())
