"""The quantum-circuit task service. Read `model`, `lifecycle`, `submission`, `execution`."""
