"""The explorer on the command line: `python -m tests.explorer [--full]`.

Exits with 1 if a property is violated.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from tests.explorer.configurations import FULL, SMALL
from tests.explorer.report import explore_all


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.explorer", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the large suite, not the small one")
    parser.add_argument("--only", default="", help="configurations whose name contains this")
    parser.add_argument("--states-max", type=int, default=3_000_000, help="for each configuration")
    options = parser.parse_args(arguments)
    logging.disable()
    suite = [c for c in (FULL if options.full else SMALL) if options.only in c.name]
    totals = explore_all(suite, states_max=options.states_max)
    print("\n".join(totals.lines()))
    return 1 if totals.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
