"""Counts circuits with qiskit-aer: a program of its own, run by the oracle's environment.

It reads one JSON object a line, `{"text", "shots", "seed"}`, and answers each with a line, either
`{"counts"}` or `{"refused"}`. It imports nothing of this project.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from typing import Any

import qiskit
import qiskit.qasm2
import qiskit_qasm3_import
from qiskit_aer import AerSimulator

_VERSION_2 = re.compile(r"OPENQASM\s+2")


def count(simulator: AerSimulator, job: dict[str, Any]) -> dict[str, int]:
    """Return the counts of one circuit, keys as Qiskit has them."""
    if _VERSION_2.search(job["text"]):
        gates = qiskit.qasm2.LEGACY_CUSTOM_INSTRUCTIONS
        circuit = qiskit.qasm2.loads(job["text"], custom_instructions=gates)
    else:
        circuit = qiskit_qasm3_import.parse(job["text"])
    made = qiskit.transpile(circuit, simulator, optimization_level=0)
    result = simulator.run(made, shots=job["shots"], seed_simulator=job["seed"]).result()
    if not result.success:
        raise RuntimeError(result.status)
    counts: dict[str, int] = result.get_counts()
    return counts


def main() -> None:
    """Answer one line after another."""
    warnings.simplefilter("ignore")
    simulator = AerSimulator(max_parallel_threads=1)
    for line in sys.stdin:
        answer: dict[str, Any]
        try:
            answer = {"counts": count(simulator, json.loads(line))}
        except Exception as exc:  # noqa: BLE001 - whatever it cannot do is no disagreement
            answer = {"refused": f"{type(exc).__name__}: {' '.join(str(exc).split())[-80:]}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
