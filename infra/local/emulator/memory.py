"""What changed in MiniStack's memory since it was last read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.local.emulator import pieces
from infra.local.emulator.pieces import Mark, Name
from infra.local.emulator.saved_state import Changes


class Memory:
    """All services' memory, and what of it was seen before."""

    def __init__(self, server: Any) -> None:  # noqa: ANN401  MiniStack's module
        """Take MiniStack's application module."""
        self._server = server
        #: The mark of each piece when it was last read; None: what is saved is not known.
        self._seen: dict[Name, Mark] | None = None

    def changes(self) -> Changes:
        """Return what changed since the last call, or everything if that is not known.

        Call it where no request is half applied: between two turns of the event loop.
        """
        before, there = self._seen or {}, dict[Name, Mark]()
        put: dict[str, str] = {}
        for name, mark, piece in pieces.all_there(self._server):
            there[name] = mark
            if before.get(name) != mark:
                put[json.dumps(name)] = pieces.encode(piece)
        gone = before.keys() - there.keys()
        changes = Changes(
            put=put, deleted=[json.dumps(name) for name in gone], is_everything=self._seen is None
        )
        self._seen = there
        return changes

    def forget(self) -> None:
        """Take nothing for saved."""
        self._seen = None

    def restore(self, saved: Mapping[str, str]) -> None:
        """Put back what was saved, into a MiniStack that has just started.

        Raises:
            StateDamaged: a service's state is from a newer MiniStack.
        """
        pieces.restore(self._server, ((*json.loads(name), value) for name, value in saved.items()))
        self._seen = {name: mark for name, mark, _ in pieces.all_there(self._server)}
