"""Executors in child processes: what starts, bounds and asks them, and what runs in them."""
