"""The Makefile explains itself, and whatever the documents tell people to type exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tools.lock import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
PROMISED = {
    *("run", "api", "worker", "stop", "reset"),
    *("test", "lint", "format", "lock", "clean", "benchmark", "help"),
}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def make(*arguments: str) -> str:
    """Run make at the repository's root and return what it printed."""
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("arguments", [(), ("help",)])
def test_help_lists_every_target_with_what_it_does(arguments: tuple[str, ...]) -> None:
    """`make` alone helps, too."""
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", make(*arguments), re.MULTILINE))
    assert listed.keys() == TARGETS
    assert TARGETS >= PROMISED


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_command_in_the_documents_exists(path: Path) -> None:
    """A reader who types what a document says is not told "No rule to make target"."""
    text = path.read_text(encoding="utf-8")
    told = set(re.findall(r"(?:^|`|\$ )make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert told <= TARGETS


def test_help_asks_for_no_environment() -> None:
    """On a fresh machine `make help` answers without installing anything."""
    assert "pip" not in make("--dry-run", "help")
