"""The client for programs with an event loop. It is the twin of `quantum_tasks.sync`."""
