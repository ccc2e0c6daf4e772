"""Reads a live stage and says what is not as it must be."""
