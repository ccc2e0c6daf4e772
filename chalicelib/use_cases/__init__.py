"""What the service does, one use case per module, on ports only."""
