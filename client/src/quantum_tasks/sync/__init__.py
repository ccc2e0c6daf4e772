"""The client for programs without an event loop. `quantum_tasks.aio` is its twin."""
