"""A GHZ state of a hundred qubits: all zeros or all ones."""

from quantum_tasks import Client

QUBITS = 100
CHAIN = "\n".join(f"cx q[{n}], q[{n + 1}];" for n in range(QUBITS - 1))
CIRCUIT = f"""
OPENQASM 3.0;
include "stdgates.inc";
qubit[{QUBITS}] q;
bit[{QUBITS}] c;
h q[0];
{CHAIN}
c = measure q;
"""

with Client() as client:
    result = client.run(CIRCUIT, shots=200)
for outcome, count in result.top(2):
    print(f"{outcome[:4]}…{outcome[-4:]}", count)
