"""MiniStack as the local stage runs it. Runs on an interpreter of its own."""
