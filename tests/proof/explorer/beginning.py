"""Where a configuration begins."""

from __future__ import annotations

from tests.proof.explorer.configuration import Configuration
from tests.proof.explorer.state import IDLE, Ghost, State
from tests.proof.explorer.universe import Universe
from tests.proof.explorer.values import Actor, Program


def beginning(configuration: Configuration, universe: Universe, *, sweeps: bool) -> State:
    """Return the state in which nothing has happened."""
    root = universe.root
    submitters = [
        (root(Program(Actor.SUBMITTER, body=body)), 0, (0, configuration.submitters.index(body)))
        for body in configuration.submitters
    ]
    sweepers = configuration.sweepers if sweeps else 0
    cancellers = [
        (root(Program(Actor.CANCELLER, owner=owner)), 0, ()) for owner in configuration.cancellers
    ]
    return State(
        item=0,
        messages=(),
        actors=(
            tuple(sorted(submitters)),
            ((IDLE, 0, ()),) * configuration.workers,
            ((root(Program(Actor.SWEEPER)), 0, ()),) * sweepers,
            tuple(sorted(cancellers)),
        ),
        late=(),
        faults=configuration.faults,
        ghost=Ghost(),
    )
