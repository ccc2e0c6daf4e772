"""Teleportation: what was measured decides which gates come next."""

from quantum_tasks import Client

CIRCUIT = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] sent;
bit[1] received;
ry(0.927) q[0];                  // the state to send: one in five is 1
h q[1];
cx q[1], q[2];
cx q[0], q[1];
h q[0];
sent[0] = measure q[0];
sent[1] = measure q[1];
if (sent[1] == 1) { x q[2]; }
if (sent[0] == 1) { z q[2]; }
received[0] = measure q[2];
"""

with Client() as client:
    received = client.run(CIRCUIT, shots=4000).for_register("received")
print(f"received 1: {received.probabilities()['1']:.0%}")
