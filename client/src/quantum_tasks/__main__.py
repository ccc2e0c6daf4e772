"""`python -m quantum_tasks` is `qtasks`."""

from __future__ import annotations

import sys

from quantum_tasks.cli import entry

if __name__ == "__main__":
    sys.exit(entry())
