"""Qiskit's sampler on the service. Needs `pip install 'quantum-tasks[qiskit]'`."""

from qiskit import QuantumCircuit
from qiskit.primitives import BackendSamplerV2

from quantum_tasks.qiskit import TaskBackend

circuit = QuantumCircuit(3)
circuit.h(0)
circuit.cx(0, 1)
circuit.cx(1, 2)
circuit.measure_all()

sampler = BackendSamplerV2(backend=TaskBackend())
counts = sampler.run([circuit], shots=1000).result()[0].data.meas.get_counts()
print(sorted(counts))
