"""The quantum Fourier transform finds the period of a state: peaks at multiples of 2^n / period."""

from math import pi

from quantum_tasks import Client

QUBITS, PERIOD = 6, 4


def fourier() -> str:
    """Write the transform's gates."""
    lines = []
    for target in reversed(range(QUBITS)):
        lines.append(f"h q[{target}];")
        lines += [f"cp({pi / 2 ** (target - c)}) q[{c}], q[{target}];" for c in range(target)]
    lines += [f"swap q[{n}], q[{QUBITS - 1 - n}];" for n in range(QUBITS // 2)]
    return "\n".join(lines)


# Uniform over all numbers that are multiples of the period: their lowest two bits are zero.
PREPARE = "\n".join(f"h q[{n}];" for n in range(QUBITS) if 2**n >= PERIOD)
CIRCUIT = f"""
OPENQASM 3.0;
include "stdgates.inc";
qubit[{QUBITS}] q;
bit[{QUBITS}] c;
{PREPARE}
{fourier()}
c = measure q;
"""

with Client() as client:
    counts = client.run(CIRCUIT, shots=1000).counts
print("peaks at", sorted(int(outcome, 2) for outcome in counts))
