"""The promises have the same numbers and names on the pages as in the checks."""

from __future__ import annotations

import re

from infra.local.settings import ROOT
from tests.proof.promises import GROUP, PIECES, PROMISES, RECOVERED

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
EXPLORER = (ROOT / "docs" / "protocol-explorer.md").read_text(encoding="utf-8")


def test_the_page_promises_what_is_checked_and_nothing_else() -> None:
    """Each number of the page is one of the checks', in order."""
    section = PROTOCOL.partition("## The promises")[2].partition("\n## ")[0]
    numbers = re.findall(r"^(\d+)\. ", section, re.MULTILINE)
    checked = [name.partition(" ")[0] for name in PROMISES]
    assert numbers == [number for number in checked if number.isdigit()]


def test_the_explorers_page_has_a_row_for_each_property() -> None:
    """All but what only the wire's faults show."""
    section = EXPLORER.partition("## Properties")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[1:]
    assert rows == [name for name in PROMISES if name not in {RECOVERED, PIECES, GROUP}]
