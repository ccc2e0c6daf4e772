"""Circuits whose outcome shows which bit is whose, made from a seed."""

from __future__ import annotations

import itertools
import random

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit

QUBITS = 5


def registers(bits: int, chance: random.Random) -> list[ClassicalRegister]:
    """Cut so many bits into one to four registers of different names."""
    cuts = sorted(chance.sample(range(1, bits), min(bits - 1, chance.randrange(4))))
    edges = [0, *cuts, bits]
    return [
        ClassicalRegister(end - start, f"r{number}")
        for number, (start, end) in enumerate(itertools.pairwise(edges))
    ]


def asymmetric(bits: int, *, loose: bool = False) -> QuantumCircuit:
    """Return a circuit of so many bits with one certain outcome that is no palindrome.

    Every bit is measured, from a qubit that is 0 or 1 for sure; which of both is random, so that a
    bit in a wrong place is seen. `loose` puts bits that are in no register among the others.
    """
    chance = random.Random(f"{bits} {loose}")  # noqa: S311 - a test's
    circuit = QuantumCircuit(QuantumRegister(QUBITS, "q"), name=f"asymmetric-{bits}")
    for number, register in enumerate(registers(bits, chance)):
        if loose and number % 2:
            circuit.add_bits([Clbit()])
        circuit.add_register(register)
    if loose:
        circuit.add_bits([Clbit()])
    circuit.x(0)
    circuit.x(3)
    ones, zeros = (0, 3), (1, 2, 4)
    values = [chance.random() < 0.5 for _ in circuit.clbits]
    values[0] = not values[-1] if len(values) > 1 else True
    for bit, value in enumerate(values):
        circuit.measure(chance.choice(ones if value else zeros), bit)
    return circuit


def superposed() -> QuantumCircuit:
    """Return a circuit with several outcomes in registers of different sizes."""
    a, b = ClassicalRegister(1, "a"), ClassicalRegister(3, "b")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), a, b)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(2)
    circuit.measure(0, b[2])
    circuit.measure(1, a[0])
    circuit.measure(2, b[0])
    return circuit
