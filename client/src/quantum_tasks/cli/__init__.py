"""`qtasks`, the command line."""

from __future__ import annotations

from quantum_tasks.cli.program import entry as entry
from quantum_tasks.cli.program import main as main
