"""What the client does, without I/O: programs that say what to send and how long to sleep.

A program is a generator of effects. A driver (`quantum_tasks.driver`) carries each one out and
sends its answer back in; a test can do so on a clock of its own.
"""
