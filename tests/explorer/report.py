"""Running suites, and saying what they found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tests.explorer.search import explore
from tests.explorer.values import Fault
from tests.explorer.world import Configuration, World


@dataclasses.dataclass(slots=True)
class Totals:
    """The figures of a run."""

    states: int = 0
    edges: int = 0
    seconds: float = 0
    violations: int = 0
    configurations: int = 0
    #: Names of configurations that a bound ended.
    capped: list[str] = dataclasses.field(default_factory=list)

    def lines(self) -> list[str]:
        """Return them as text; the last lines are for whoever reads only those."""
        whole = f"capped: {', '.join(self.capped)}" if self.capped else "the whole space of each"
        work = f"edges: {self.edges:,}, seconds: {self.seconds:.1f}"
        return [
            f"configurations: {self.configurations} ({whole}), {work}",
            f"states explored: {self.states}",
            f"violations: {self.violations}",
        ]


def explore_all(suite: Sequence[Configuration], *, states_max: int) -> Totals:
    """Explore the real code in every configuration of a suite, and print each."""
    totals = Totals(configurations=len(suite))
    for configuration in suite:
        world = World(configuration)
        exploration = explore(world, states_max=states_max)
        totals.states += exploration.states
        totals.edges += exploration.edges
        totals.seconds += exploration.seconds
        totals.violations += len(exploration.found)
        if not exploration.complete:
            totals.capped.append(configuration.name)
        print(
            f"{configuration.name:50} {exploration.states:9,} states {exploration.edges:10,} edges "
            f"{exploration.seconds:6.1f} s  {'complete' if exploration.complete else 'CAPPED'}, "
            f"violations: {len(exploration.found)}\n{'':4}{describe(configuration)}",
            flush=True,
        )
        for found in exploration.found:
            print("\n".join(found.lines()), flush=True)
        if world.overflowed and not configuration.sweepers:
            raise AssertionError("messages were dropped where nothing makes up for it")
    return totals


def describe(configuration: Configuration) -> str:
    """Say who acts, and which faults are in."""
    c = configuration
    who = [
        f"{len(c.submitters)} submitter(s) {'with one key' if c.keyed else 'without a key'}",
        f"{c.client_retries} retries" if c.client_retries else "",
        f"{c.workers} worker(s)" + (f" with batches of {c.batch}" if c.batch > 1 else ""),
        f"{c.sweepers} sweeper(s)" if c.sweepers else "no sweeper",
        f"{len(c.cancellers)} canceller(s)" if c.cancellers else "",
        f"{c.attempts_max} attempts",
        f"dead-lettered after {c.max_receive_count} receives" if c.max_receive_count else "",
        "duplicate deliveries" if c.visibility_ends else "",
    ]
    kinds = ", ".join(fault for fault in Fault if fault in c.kinds)
    faults = f"{c.faults} fault(s) of: {kinds}" if c.faults else "no fault"
    return "; ".join([", ".join(filter(None, who)), faults])
