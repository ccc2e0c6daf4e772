"""Waiting for something that another process does, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def wait_for(look: Callable[[], _T | None], what: str, *, seconds: float = 20.0) -> _T:
    """Look until something is there, and return it."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            message = f"no {what} within {seconds:g} s"
            raise AssertionError(message)
        pause.wait(0.1)
