"""What stands in for Lambda: a process per function, its context and its timeout."""
