"""The explorer on the command line.

`python -m tests.proof.explorer` explores a small suite, `--full` a large one (minutes); `--mutants`
shows for each guard of the protocol what breaks without it. Exits with 1 if the service breaks a
property, or a mutant breaks none.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from tests.proof.explorer.condition_mutants import REDUNDANT
from tests.proof.explorer.mutants import MUTANTS
from tests.proof.explorer.report import Figures, print_mutants, print_redundant, print_suite
from tests.proof.explorer.suites import FULL, SMALL


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.explorer", description=__doc__)
    parser.add_argument("--full", action="store_true", help="explore the large suite")
    parser.add_argument("--mutants", action="store_true", help="take out each guard")
    parser.add_argument("--traces", action="store_true", help="and print how each mutant broke")
    parser.add_argument("--only", default="", help="only what has this in its name")
    parser.add_argument("--states-max", type=int, default=3_000_000, help="per configuration")
    options = parser.parse_args(arguments)
    logging.disable()
    figures = Figures()
    if options.full or not options.mutants:
        suite = [c for c in (FULL if options.full else SMALL) if options.only in c.name]
        print_suite(suite, figures, states_max=options.states_max)
    if options.mutants:
        mutants = [mutant for mutant in MUTANTS if options.only in mutant.name]
        print("\nThe service itself, where its mutants are hunted:\n")
        where = dict.fromkeys(mutant.configuration for mutant in mutants)
        print_suite(where, figures, states_max=options.states_max)
        print()
        print_mutants(mutants, figures, traces=options.traces)
        print_redundant([guard for guard in REDUNDANT if options.only in guard.name], figures)
        print()
    print("\n".join(figures.lines()))
    return 0 if figures.are_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
