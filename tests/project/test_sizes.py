"""A module is read in one sitting: none has more than 300 lines, those of the tests included."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.project.tracked import tracked_files

LINES_MAX: Final = 300


def too_long(paths: Iterable[Path]) -> list[str]:
    """Name each module that has more lines than it may, with their number."""
    lines = {path: len(path.read_bytes().splitlines()) for path in paths}
    return [f"{path}: {count} lines" for path, count in lines.items() if count > LINES_MAX]


def test_no_module_has_more_than_300_lines() -> None:
    """Split one that does by what its parts are about; what they share gets a module of its own."""
    modules = [path for path in tracked_files() if path.suffix == ".py"]
    assert len(modules) > 400, "these are not all modules of the repository"
    assert too_long(modules) == []


def test_a_module_of_one_line_more_is_found(tmp_path: Path) -> None:
    """A rule that finds nothing proves nothing."""
    within, beyond = tmp_path / "within.py", tmp_path / "beyond.py"
    within.write_text("pass\n" * LINES_MAX)
    beyond.write_text("pass\n" * (LINES_MAX + 1))
    assert too_long([within, beyond]) == [f"{beyond}: 301 lines"]
