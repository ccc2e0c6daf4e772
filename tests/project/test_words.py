"""Prose and names are in the field's plain English, and stay so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.project.tracked import ROOT, tracked_files

#: What is not written, and what is written in its place.
WORDS = {
    "nobody": "no worker, no client, it is not …",
    "somebody": "a worker, a client, an operator",
    "whoever": "the process, the caller",
    "anybody": "any caller",
    "everybody": "every caller",
    "beside": "with, next to, in addition to, without",
    "anew": "again",
    "of ours": "of the service",
    "for ever": "permanently, indefinitely",
    "dear": "costly",
    "dearer": "more costly",
    "in vain": "without effect",
    "for people": "for inspection",
    "look at": "check, read",
    "looks at": "checks, reads",
    "looked at": "checked, read",
    "looking at": "checking, reading",
    "whole number": "integer",
    "whole numbers": "integers",
    "lest": "so that … not",
    "hither": "to here",
    "put aside": "quarantined",
    "puts aside": "quarantines",
    "take back": "withdraw",
    "takes back": "withdraws",
    "spoilt": "corrupt",
    "an violation": "a violation",
}
#: Names that were replaced; one thing has one name.
OLD_NAMES = (
    *("complete_if_lease_held", "fail_if_lease_held", "lease_over_by", "GiveBack"),
    *("judge_refused_claim", "sane_", "_answered", "use_service", "build_early", "brought_back"),
    *("_look_at", "offences", "service_data", "logs_end", "alarms_watch"),
    *("the_gateway_speaks_our_language", "test_the_layer_can_fail", "LeaseLost", "Glance"),
    *("apply_unread", "worn_out", "begun_in_time", "begin_by", r"_TOLD\b", r"as_a\(", "ANYWHERE"),
    *("give_up_if", "put_aside", "_take_back", "spoilt", "spoil_", "surroundings"),
    *(r"endings\.py", r"kernel\.py", r"watch\.py", "neighbline", "gave_back", "whole="),
)
#: Texts of others, texts made from code that is checked, and this list.
NOT_CHECKED = re.compile(
    r"LICENSE|\.lock$|\.svg$|docs/openapi\.html|tests/page/axe/"
    r"|tests/project/test_words\.py"
)
#: A phrase goes on over the end of a line, behind the `#` of the next.
_PHRASES = "|".join(WORDS).replace(" ", r"[\s#_*]+")
_ANY_WORD = re.compile(rf"(?<![A-Za-z])(?:{_PHRASES})(?![A-Za-z])", re.IGNORECASE)
_ANY_OLD_NAME = re.compile("|".join(rf"(?<![A-Za-z_]){name}" for name in OLD_NAMES))


def _files() -> list[Path]:
    paths = tracked_files()
    return [p for p in paths if not NOT_CHECKED.search(p.relative_to(ROOT).as_posix())]


def _found(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    found = []
    for path in files:
        text = path.read_text(errors="replace")
        found += [
            f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
            for match in pattern.finditer(text)
        ]
    return found


def test_no_archaic_word_is_written() -> None:
    """In prose, messages and names alike; `WORDS` says what to write."""
    assert _found(_ANY_WORD, _files()) == []


def test_no_old_name_comes_back() -> None:
    """A thing that was renamed has its new name everywhere, the pages included."""
    assert _found(_ANY_OLD_NAME, _files()) == []


@pytest.mark.parametrize(
    "text",
    ["Nobody waits", "for\n    ever", "a bug of\n# ours", "test_kept_beside_it", "LOOKED AT"],
)
def test_a_word_is_found_wherever_it_is(text: str) -> None:
    """Across the lines of a comment, in names, in any case."""
    assert _ANY_WORD.search(text)


@pytest.mark.parametrize("text", ["besides", "whatever", "looked after", "nearest", "wanewt"])
def test_other_words_are_not_taken_for_it(text: str) -> None:
    """Only whole words count."""
    assert not _ANY_WORD.search(text)


def test_caught_errors_have_one_name() -> None:
    """`exc`, as in Python's own documentation."""
    handlers = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for path in _files()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and node.name == "error"
    ]
    assert handlers == []


def test_code_in_docstrings_is_in_single_backticks() -> None:
    """One markup, Markdown's, in code as in the pages."""
    double = re.compile(r"(?<!`)``(?!`)")
    files = [path for path in _files() if path.suffix in {".py", ".md"}]
    assert _found(double, files) == []
