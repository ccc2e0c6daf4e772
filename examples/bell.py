"""A Bell pair: two bits that are random, and always equal."""

from quantum_tasks import Client

CIRCUIT = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""

with Client() as client:
    for outcome, share in client.run(CIRCUIT, shots=1000).probabilities().items():
        print(outcome, f"{share:.0%}")
