"""Stateful property tests: Hypothesis looks for a sequence of steps that breaks a promise."""
