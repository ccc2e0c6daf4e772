"""Chaos with real processes: load, kill -9 and pauses at random, and then the truth."""
