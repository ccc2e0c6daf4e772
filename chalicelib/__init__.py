"""The quantum-circuit task service. Read `model`, then `lifecycle`, then `submission` and `execution`."""
