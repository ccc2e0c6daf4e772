"""Saves on a timer what changed, and once more at the end.

Between two turns of the event loop, where no request is half applied.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from infra.local.emulator.memory import Memory
from infra.local.emulator.saved_state import SavedState

#: An ASGI application.
App = Callable[[Any, Any, Any], Awaitable[None]]

logger = logging.getLogger("infra.local.emulator.autosave")


class Autosave:
    """Keeps the saved state no older than an interval and the time that saving takes."""

    def __init__(self, saved: SavedState, memory: Memory, interval_seconds: float) -> None:
        """Take where to save and what."""
        self._saved = saved
        self._memory = memory
        self._interval_seconds = interval_seconds

    def beginning_with(self, app: App) -> App:
        """Wrap an ASGI application so that the timer starts when it does."""

        async def begun(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's
            if scope["type"] == "lifespan":
                asyncio.get_running_loop().call_later(self._interval_seconds, self._tick)
            await app(scope, receive, send)

        return begun

    def save_now(self, _states: object = None) -> None:
        """Save in this call, the last thing before the process ends."""
        self._save()
        self._saved.close()

    def _tick(self) -> None:
        self._save()
        asyncio.get_running_loop().call_later(self._interval_seconds, self._tick)

    def _save(self) -> None:
        try:
            changes = self._memory.changes()
            if changes:
                self._saved.write(changes)
                _spare_the_collector()
        except Exception:
            logger.exception("saving failed; what was saved before stays, trying again")
            self._memory.forget()


def _spare_the_collector() -> None:
    """Keep what is there out of later collections, but for the garbage of the last moments.

    Items and messages are trees of which each goes with its last reference. To look through them
    for garbage took seconds where tens of thousands were there, in which no call was answered.
    """
    gc.collect()
    gc.freeze()
