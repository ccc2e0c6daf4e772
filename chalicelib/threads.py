"""The one way to do several things at the same time on behalf of one call."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


def map_in_threads(do: Callable[[_T], _R], parts: Sequence[_T], *, width: int) -> list[_R]:
    """Do it for each part, at most `width` at the same time, and return what came of each.

    One at a time is done in the calling thread, which costs none. Other threads have the context of
    the caller: what they log has the ids of its request or its delivery. After the first error no
    other part is begun; that error is raised when all that were begun have ended.
    """
    width = min(width, len(parts))
    if width <= 1:
        return [do(part) for part in parts]
    failed: list[Exception] = []

    def do_unless_failed(part: _T) -> _R:
        if failed:
            raise failed[0]
        try:
            return do(part)
        except Exception as exc:
            failed.append(exc)
            raise

    with ThreadPoolExecutor(width) as pool:
        begun = [
            pool.submit(contextvars.copy_context().run, do_unless_failed, part) for part in parts
        ]
    if failed:
        raise failed[0]
    return [part.result() for part in begun]
