"""What a save does to the emulator's process."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.emulator.autosave import Autosave
from infra.local.emulator.saved_state import Changes, SavedState


class Garbage:
    """Refers to itself, so that only a collection frees it."""

    itself: Garbage


class FakeMemory:
    """A thousand items, none of which is ever garbage."""

    def __init__(self) -> None:
        self.items = [{"number": [number]} for number in range(1000)]

    def changes(self) -> Changes:
        """Say that something changed."""
        return Changes(put={"key": "value"})


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_later_collections_pass_over_what_is_there(tmp_path: Path) -> None:
    """All but the garbage, which goes: full collections stopped every call for seconds."""
    memory = FakeMemory()
    garbage = Garbage()
    garbage.itself = garbage
    left = weakref.ref(garbage)
    saved = SavedState(tmp_path)
    autosave = Autosave(saved, memory, interval_seconds=3600)  # type: ignore[arg-type]
    before = gc.get_freeze_count()
    del garbage
    autosave.save_now()
    assert gc.get_freeze_count() - before > 2 * len(memory.items)
    assert left() is None
