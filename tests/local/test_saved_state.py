"""The emulator's state on disk: one complete instant, or the one before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from infra.local.emulator.saved_state import (
    DamagedSnapshotError,
    current_snapshot,
    remove_all_but,
    sole_access,
    write_snapshot,
)
from infra.local.settings import ROOT
from tests.local.emulator_process import wait_for


def encode(service: str, state: object) -> str:
    """Write a state in a form that shows whose it is."""
    return json.dumps({service: state})


def write(directory: Path, **states: object) -> Path:
    """Save these states."""
    directory.mkdir(parents=True, exist_ok=True)
    functions = {name: (lambda state=state: state) for name, state in states.items()}
    return write_snapshot(directory, functions, encode)


def fail() -> NoReturn:
    """Stand for a service whose state cannot be had."""
    raise RuntimeError("no state")


def test_nothing_saved_is_nothing_to_load(tmp_path: Path) -> None:
    """The first start has no snapshot, and that is no error."""
    assert current_snapshot(tmp_path) is None


def test_the_last_snapshot_is_current_and_alone(tmp_path: Path) -> None:
    """Older ones go; a service without a state is left out."""
    write(tmp_path, sqs=1)
    last = write(tmp_path, sqs=2, dynamodb=3, kms=None)
    current = current_snapshot(tmp_path)
    assert current == last
    assert json.loads((last / "sqs.json").read_text()) == {"sqs": 2}
    assert {path.name for path in last.iterdir()} == {"sqs.json", "dynamodb.json", "manifest"}
    assert list(tmp_path.glob("snapshot-*")) == [last]


def test_a_failed_save_leaves_the_one_before(tmp_path: Path) -> None:
    """Whichever service fails, and whatever had been written by then."""
    before = write(tmp_path, sqs=1)
    with pytest.raises(RuntimeError, match="no state"):
        write_snapshot(tmp_path, {"sqs": lambda: 2, "dynamodb": fail}, encode)
    assert current_snapshot(tmp_path) == before
    assert write(tmp_path, sqs=3).name == "snapshot-3"
    assert len(list(tmp_path.glob("snapshot-*"))) == 1


@pytest.mark.parametrize("name", ["sqs.json", "manifest"])
def test_a_damaged_snapshot_is_refused(tmp_path: Path, name: str) -> None:
    """Starting empty in its place would overwrite what may still be saved by hand."""
    file = write(tmp_path, sqs=1) / name
    file.write_text("{")
    with pytest.raises(DamagedSnapshotError, match=r"snapshot-1"):
        current_snapshot(tmp_path)
    file.unlink()
    with pytest.raises(DamagedSnapshotError, match=r"snapshot-1"):
        current_snapshot(tmp_path)


def test_what_a_dead_writer_left_is_removed(tmp_path: Path) -> None:
    """A snapshot that was never made current is not one."""
    kept = write(tmp_path, sqs=1)
    (tmp_path / "snapshot-2").mkdir()
    (tmp_path / "snapshot-2" / "sqs.json").write_text("{half")
    assert current_snapshot(tmp_path) == kept
    remove_all_but(tmp_path, kept)
    assert list(tmp_path.glob("snapshot-*")) == [kept]


def test_only_one_process_saves_or_loads(tmp_path: Path) -> None:
    """Whoever starts waits for a save that outlived its emulator."""
    mark = tmp_path / "mark"
    program = (
        "import sys, pathlib; from infra.local.emulator.saved_state import sole_access\n"
        "with sole_access(pathlib.Path(sys.argv[1])): pathlib.Path(sys.argv[2]).touch()\n"
    )
    with sole_access(tmp_path):
        other = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(mark)], cwd=ROOT
        )
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
        assert not mark.exists()
    assert other.wait(30) == 0
    wait_for(mark.exists, "the other process to have had its turn")
