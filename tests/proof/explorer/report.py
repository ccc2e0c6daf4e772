"""Running suites and mutants, and saying what they found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.mutant import Mutant, Redundant
from tests.proof.explorer.search import Exploration, Found, explore
from tests.proof.explorer.state_space import StateSpace
from tests.proof.explorer.values import Fault


@dataclasses.dataclass(slots=True)
class Figures:
    """What a run adds up to."""

    configurations: int = 0
    #: Distinct states of the service itself. Those of mutants do not count.
    states: int = 0
    edges: int = 0
    seconds: float = 0
    #: Names of configurations that the bound on states ended.
    capped: list[str] = dataclasses.field(default_factory=list)
    violations: int = 0
    mutants: int = 0
    killed: int = 0
    #: Guards said to be redundant without which something broke after all.
    needed: int = 0

    def lines(self) -> list[str]:
        """Return them as text; the last lines are for readers of only those."""
        whole = f"capped: {', '.join(self.capped)}" if self.capped else "the whole space of each"
        cost = f"edges: {self.edges:,}; seconds: {self.seconds:.1f}"
        return [
            f"configurations: {self.configurations} ({whole}); {cost}",
            f"states explored: {self.states}",
            f"mutants killed: {self.killed} of {self.mutants}",
            f"violations: {self.violations}",
        ]

    @property
    def are_good(self) -> bool:
        """Whether the service breaks nothing, and every mutant something."""
        return not self.violations and self.killed == self.mutants and not self.needed


def explore_service(space: StateSpace, figures: Figures, *, states_max: int) -> Exploration:
    """Explore the service itself in one configuration and count what was seen."""
    configuration = space.configuration
    exploration = explore(space, states_max=states_max)
    if space.effects.overflowed and not configuration.sweepers:
        raise AssertionError(f"{configuration.name}: messages_max is too low, messages were lost")
    figures.configurations += 1
    figures.states += exploration.states
    figures.edges += exploration.edges
    figures.seconds += exploration.seconds
    figures.violations += len(exploration.found)
    if not exploration.complete:
        figures.capped.append(configuration.name)
    return exploration


def hunt(mutant: Mutant, figures: Figures) -> tuple[Found | None, Exploration]:
    """Explore a mutant until it breaks the property that it should, and count it."""
    space = StateSpace(mutant.configuration, mutant.code)
    exploration = explore(space, until=mutant.breaks)
    broken = [found for found in exploration.found if found.violation.name == mutant.breaks]
    figures.mutants += 1
    figures.killed += bool(broken)
    return broken[0] if broken else None, exploration


def print_suite(suite: Iterable[Configuration], figures: Figures, *, states_max: int) -> None:
    """Explore the service in every configuration of a suite, and print each."""
    for configuration in suite:
        seen = explore_service(StateSpace(configuration), figures, states_max=states_max)
        print(
            f"{configuration.name:50} {seen.states:9,} states {seen.edges:10,} edges "
            f"{seen.seconds:6.1f} s  {'complete' if seen.complete else 'CAPPED'}  "
            f"violations: {len(seen.found)}\n    {describe(configuration)}",
            flush=True,
        )
        for found in seen.found:
            print("\n".join(found.lines()), flush=True)


def print_mutants(mutants: Sequence[Mutant], figures: Figures, *, traces: bool) -> None:
    """Hunt every mutant, and print a table (in Markdown) of how it was found."""
    print("| mutant | without | configuration | property | steps | states | seconds |")
    print("|---|---|---|---|---|---|---|")
    for mutant in mutants:
        found, seen = hunt(mutant, figures)
        what = [mutant.name, mutant.removes, mutant.configuration.name]
        if found is None:
            how = ["**SURVIVED**", "", f"{seen.states:,}"]
        else:
            how = [found.violation.name, str(len(found.trace)), f"{found.states:,}"]
        print(f"| {' | '.join([*what, *how, f'{seen.seconds:.1f}'])} |", flush=True)
        if traces and found is not None:
            print("\n".join(found.lines()), flush=True)


def print_redundant(guards: Sequence[Redundant], figures: Figures) -> None:
    """Show that nothing breaks without the guards that are kept for another reason."""
    print("\n| breaks nothing | kept for another reason | configuration | states |")
    print("|---|---|---|---|")
    for guard in guards:
        seen = explore(StateSpace(guard.configuration, guard.code))
        broken = bool(seen.found) or not seen.complete
        figures.needed += broken
        states = f"{seen.states:,}{', **BREAKS**' if broken else ''}"
        print(f"| {guard.name} | {guard.kept_for} | {guard.configuration.name} | {states} |")
        for found in seen.found:
            print("\n".join(found.lines()))


def describe(configuration: Configuration) -> str:
    """Say who acts, and which faults are in."""
    c = configuration
    who = [
        f"{len(c.submitters)} submitter(s) {'with one key' if c.keyed else 'without a key'}",
        "circuits in pieces" if c.pieces else "",
        f"{c.client_retries} client retries" if c.client_retries else "",
        f"{c.workers} worker(s)" + (f" with batches of {c.batch}" if c.batch > 1 else ""),
        f"{c.sweepers} sweeper(s)" if c.sweepers else "no sweeper",
        f"{len(c.cancellers)} canceller(s)" if c.cancellers else "",
        f"{c.attempts_max} attempts",
        f"dead-lettered after {c.max_receive_count} receives" if c.max_receive_count else "",
        "duplicate deliveries" if c.visibility_ends else "",
        "transient errors" if c.transient else "",
        "permanent errors" if c.permanent else "",
        "too old" if c.ages else "",
        f"corrupt items ({', '.join(c.corrupts)})" if c.corrupts else "",
    ]
    kinds = ", ".join(fault for fault in Fault if fault in c.kinds)
    faults = f"{c.faults} fault(s) of: {kinds}" if c.faults else "no fault"
    return "; ".join([", ".join(filter(None, who)), faults])
