"""Saves on a timer what changed, and once more at the end.

What changed is gathered between two turns of the event loop, where no request is half applied, and
written by a thread while the loop goes on serving.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from infra.local.emulator.memory import Memory
from infra.local.emulator.saved_state import SavedState

#: Operations that change nothing, by the verb that their name begins with (the part after the dot
#: of X-Amz-Target).
READING_VERBS: Final = (b"BatchGet", b"Describe", b"Get", b"List", b"Query", b"Scan")

#: An ASGI application.
App = Callable[[Any, Any, Any], Awaitable[None]]

logger = logging.getLogger("infra.local.emulator.autosave")


class Autosave:
    """Keeps the saved state no older than an interval and the time that writing takes."""

    def __init__(self, saved: SavedState, memory: Memory, interval_seconds: float) -> None:
        """Take where to save and what."""
        self._saved = saved
        self._memory = memory
        self._interval_seconds = interval_seconds
        self._changed = False
        #: One thread: writes happen in the order in which their changes were gathered.
        self._writer = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="autosave")
        self._writing: concurrent.futures.Future[None] | None = None

    def watching(self, app: App) -> App:
        """Wrap an ASGI application so that a request that may change something is noted.

        At its end and not at its beginning: a change made while changes are gathered must be
        gathered the next time.
        """

        async def watched(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's
            if scope["type"] == "lifespan":
                asyncio.get_running_loop().call_later(self._interval_seconds, self._tick)
            try:
                await app(scope, receive, send)
            finally:
                self._changed = self._changed or _may_change(scope)

        return watched

    def save_now(self, _states: object = None) -> None:
        """Save in this call, the last thing before the process ends."""
        self._settle_last(wait=True)
        self._start()
        self._settle_last(wait=True)
        self._writer.shutdown()
        self._saved.close()

    def _tick(self) -> None:
        if self._settle_last(wait=False) and self._changed:
            self._changed = False
            self._start()
        asyncio.get_running_loop().call_later(self._interval_seconds, self._tick)

    def _start(self) -> None:
        _spare_the_collector()
        try:
            changes = self._memory.changes()
        except Exception:
            logger.exception("what changed cannot be gathered; trying again")
            self._memory.forget()
            self._changed = True
        else:
            self._writing = self._writer.submit(self._saved.write, changes)

    def _settle_last(self, *, wait: bool) -> bool:
        """Return whether no write is under way. After one that failed nothing counts as saved."""
        writing = self._writing
        if writing is None:
            return True
        if not wait and not writing.done():
            return False
        self._writing = None
        try:
            writing.result()
        except Exception:
            logger.exception("saving failed; what was saved before stays, trying again")
            self._memory.forget()
            self._changed = True
        return True


def _spare_the_collector() -> None:
    """Keep what is there out of later collections, but for the garbage of the last moments.

    Items and messages are trees of which each goes with its last reference. To look through them
    for garbage took seconds where tens of thousands were there, in which no call was answered.
    """
    gc.collect()
    gc.freeze()


def _may_change(scope: Any) -> bool:  # noqa: ANN401  ASGI's own type
    if scope["type"] != "http" or scope["path"].startswith("/_ministack/"):
        return False
    target = next(
        (value for name, value in scope["headers"] if name.lower() == b"x-amz-target"), b""
    )
    return not target.partition(b".")[2].startswith(READING_VERBS)
