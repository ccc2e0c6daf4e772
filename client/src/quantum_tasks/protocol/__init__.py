"""What the client decides, without I/O: what to send, what an answer means, when to try again.

Both clients (`sync`, `aio`) are loops over it: they send, sleep and read the clock.
"""
