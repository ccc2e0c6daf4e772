"""The simulator against qiskit-aer: the same circuits, and random ones, must be counted alike."""
