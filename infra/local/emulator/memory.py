"""What changed in MiniStack's memory since it was last read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.emulator import pieces
from infra.local.emulator.pieces import Collection, Key, Mark, Piece
from infra.local.emulator.saved_state import Changes


class Memory:
    """All services' memory, and what of it was seen before."""

    def __init__(self, server: Any) -> None:  # noqa: ANN401  MiniStack's module
        """Take MiniStack's application module."""
        self._server = server
        self._seen: dict[Collection, _Seen] = {}
        self._is_known = False

    def changes(self) -> Changes:
        """Return what changed since the last call, or everything if that is not known.

        Call it where no request is half applied: between two turns of the event loop.
        """
        is_everything, self._is_known = not self._is_known, True
        if is_everything:
            self._seen = {}
        put: dict[str, str] = {}
        deleted: list[str] = []
        for collection, different, gone in self._look():
            for key, piece in different.items():
                put[_name(collection, key)] = pieces.encode(piece)
            deleted += [_name(collection, key) for key in gone]
        return Changes(put=put, deleted=deleted, is_everything=is_everything)

    def forget(self) -> None:
        """Take nothing for saved."""
        self._is_known = False

    def restore(self, saved: Mapping[str, str]) -> None:
        """Put back what was saved, into a MiniStack that has just started.

        Raises:
            StateDamaged: a service's state is from a newer MiniStack.
        """
        pieces.restore(self._server, ((*json.loads(name), value) for name, value in saved.items()))
        for _ in self._look():  # what is there now is what is saved
            pass
        self._is_known = True

    def _look(self) -> Iterable[tuple[Collection, Mapping[Key, Piece], list[Key]]]:
        """For each collection, what is new or different and what is gone."""
        there = pieces.collections(self._server)
        for collection in self._seen.keys() - there.keys():
            there[collection] = tuple
        for collection, content in there.items():
            yield (collection, *self._seen.setdefault(collection, _Seen()).changed(content))


class _Seen:
    """The pieces of one collection as they were when they were last read."""

    def __init__(self) -> None:
        self._marks: dict[Key, Mark] = {}

    def changed(
        self, content: Callable[[], Iterable[tuple[Key, Mark, Piece]]]
    ) -> tuple[dict[Key, Piece], list[Key]]:
        """Return what is new or different and what is gone, and remember what is there.

        Plain loops: tens of thousands of pieces are passed every two seconds while requests wait.
        """
        marks, count = self._marks, 0
        different: dict[Key, Piece] = {}
        for key, mark, piece in content():
            count += 1
            if marks.get(key) != mark:
                marks[key] = mark
                different[key] = piece
        if count == len(marks):
            return different, []
        there = {key for key, _, _ in content()}
        gone = [key for key in marks if key not in there]
        for key in gone:
            del marks[key]
        return different, gone


def _name(collection: Collection, key: Key) -> str:
    return json.dumps([collection, key])
