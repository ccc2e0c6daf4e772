"""What changed in MiniStack's memory since it was last read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from infra.local.emulator import pieces
from infra.local.emulator.pieces import Collection, Content, Key, Mark, Passed, Piece
from infra.local.emulator.saved_state import Changes
from infra.local.emulator.tables import Tables

_NOTHING: Final = Content(tuple)


class Memory:
    """All services' memory, and what of it was seen before."""

    def __init__(self, server: Any, noted: Tables) -> None:  # noqa: ANN401  MiniStack's module
        """Take MiniStack's application module, and what is noted of its tables."""
        self._server = server
        self._noted = noted
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

    def _look(self) -> Iterable[tuple[Collection, Mapping[Key, Piece], Iterable[Key]]]:
        """For each collection, what is new or different and what is gone."""
        there = pieces.collections(self._server, self._noted)
        for collection in self._seen.keys() - there.keys():
            there[collection] = _NOTHING
        for collection, content in there.items():
            yield (collection, *self._seen.setdefault(collection, _Seen()).changed(content))


class _Seen:
    """The pieces of one collection as they were when they were last read."""

    def __init__(self) -> None:
        self._marks: dict[Key, Mark] = {}
        self._is_new = True

    def changed(self, content: Content) -> tuple[dict[Key, Piece], Iterable[Key]]:
        """Return what is new or different and what is gone, and remember what is there."""
        written = content.written()
        if self._is_new or written is None:
            self._is_new = False
            return self._pass(content.all())
        there, gone = written
        for key, mark, _ in there:
            self._marks[key] = mark
        return (
            {key: piece for key, _, piece in there},
            [key for key in gone if self._marks.pop(key, None) is not None],
        )

    def _pass(self, passed: Passed) -> tuple[dict[Key, Piece], Iterable[Key]]:
        """Compare everything, in a plain loop: tens of thousands of messages, while calls wait."""
        before, there = self._marks, {}
        different: dict[Key, Piece] = {}
        for key, mark, piece in passed:
            there[key] = mark
            if before.get(key) != mark:
                different[key] = piece
        self._marks = there
        return different, before.keys() - there.keys()


def _name(collection: Collection, key: Key) -> str:
    return json.dumps([collection, key])
