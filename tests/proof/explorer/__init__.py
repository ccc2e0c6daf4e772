"""An explicit-state explorer of the protocol: the real use cases, one port call per step."""
