"""Something that several threads must do at the same time, or not at all."""

from __future__ import annotations

import threading
from typing import Final

#: What a thread that starts late would wait for.
PATIENCE_SECONDS: Final = 10.0


class Meeting:
    """Each visitor waits until so many are there; the most at once are counted."""

    def __init__(self, wanted: int) -> None:
        self._barrier = threading.Barrier(wanted, timeout=PATIENCE_SECONDS)
        self._lock = threading.Lock()
        self._there = 0
        self.most = 0
        self.threads: set[int] = set()

    def visit(self) -> None:
        """Come, wait for the others, and go. A barrier that breaks is an error."""
        with self._lock:
            self._there += 1
            self.most = max(self.most, self._there)
            self.threads.add(threading.get_ident())
        self._barrier.wait()
        with self._lock:
            self._there -= 1
