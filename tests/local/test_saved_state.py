"""The emulator's state on disk: one complete instant, or the one before."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.emulator.saved_state import (
    DATABASE,
    Changes,
    SavedState,
    StateDamaged,
    StateInUse,
)
from infra.local.settings import ROOT


def write(directory: Path, changes: Changes) -> dict[str, str]:
    """Save changes, and return what another process reads afterwards."""
    with contextlib.closing(SavedState(directory)) as saved:
        saved.write(changes)
    return read(directory)


def read(directory: Path) -> dict[str, str]:
    """Return what a process that starts now reads."""
    with contextlib.closing(SavedState(directory)) as saved:
        return dict(saved.read())


def test_nothing_saved_is_nothing_to_load(tmp_path: Path) -> None:
    """The first start has no state, and that is no error."""
    assert read(tmp_path / "new") == {}


def test_a_change_keeps_its_place_and_a_deletion_leaves_none(tmp_path: Path) -> None:
    """A queue's messages come back in the order in which they were sent."""
    write(tmp_path, Changes(put={"b": "1", "a": "2", "c": "3"}))
    state = write(tmp_path, Changes(put={"a": "4", "d": "5"}, deleted=["b", "never there"]))
    assert list(state.items()) == [("a", "4"), ("c", "3"), ("d", "5")]


def test_everything_replaces_everything(tmp_path: Path) -> None:
    """After a write that failed it is not known what is on disk, so all is written again."""
    write(tmp_path, Changes(put={"a": "1", "b": "2"}))
    assert write(tmp_path, Changes(put={"b": "3"}, is_everything=True)) == {"b": "3"}


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """Whichever part of it fails."""
    before = write(tmp_path, Changes(put={"a": "1"}))
    impossible = Changes(put={"b": "2", "c": None}, deleted=["a"])  # type: ignore[dict-item]
    with contextlib.closing(SavedState(tmp_path)) as saved, pytest.raises(AttributeError):
        saved.write(impossible)
    assert read(tmp_path) == before


def test_what_a_dead_writer_began_never_was(tmp_path: Path) -> None:
    """A process that dies within a write leaves the state before it."""
    write(tmp_path, Changes(put={"a": "1"}))
    program = (
        "import os, pathlib, sys\n"
        "from infra.local.emulator.saved_state import Changes, SavedState\n"
        "class Dying(dict):\n"
        "    def items(self):\n"
        "        yield 'a', '2'\n"
        "        yield from ((f'k{n}', 'x' * 10_000) for n in range(1000))\n"
        "        os._exit(9)\n"
        "SavedState(pathlib.Path(sys.argv[1])).write(Changes(put=Dying()))\n"
    )
    died = subprocess.run([sys.executable, "-c", program, tmp_path], cwd=ROOT, check=False)
    assert died.returncode == 9
    assert read(tmp_path) == {"a": "1"}


@pytest.mark.parametrize("damage", [b"no database at all", b"SQLite format 3\0" + b"x" * 100])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, damage: bytes) -> None:
    """Starting empty in its place would overwrite what may still be saved by hand."""
    write(tmp_path, Changes(put={"a": "1"}))
    (tmp_path / DATABASE).write_bytes(damage)
    with pytest.raises(StateDamaged, match=DATABASE):
        read(tmp_path)


def test_one_process_has_it_at_a_time(tmp_path: Path) -> None:
    """Two emulators that save to one place would mix their states."""
    with contextlib.closing(SavedState(tmp_path)), pytest.raises(StateInUse):
        SavedState(tmp_path)
    assert read(tmp_path) == {}
