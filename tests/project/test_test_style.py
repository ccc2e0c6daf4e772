"""What no test of this project does: patch by name, sleep to synchronise, assert nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
FILES = sorted(TESTS.rglob("*.py"))

#: A helper so named asserts; `raises`, `warns` and `fail` are pytest's.
ASSERTING_PREFIXES = ("assert", "_assert", "check", "_check")
#: Hypothesis's runner fails with its machine, and a browser's wait with its deadline.
ASSERTING_NAMES = frozenset(
    {
        "raises",
        "warns",
        "fail",
        "deprecated_call",
        "run_state_machine_as_test",
        "wait",
        "wait_for_text",
    }
)


def last_name(node: ast.expr) -> str:
    """Give `c` for `a.b.c`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def mock_patches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find `mock.patch`: it names what it replaces by a string, and tests the wiring.

    Hand a fake in where the dependency is an argument (as all are in this project), or use pytest's
    `monkeypatch` on an object.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in {"mock", "unittest.mock"}:
            for alias in node.names:
                if alias.name in {"patch", "*"}:
                    yield node.lineno, "imports mock.patch"
        elif isinstance(node, ast.Attribute) and node.attr == "patch":
            if last_name(node.value) in {"mock", "mocker"}:
                yield node.lineno, "uses mock.patch"
        elif isinstance(node, ast.arg) and node.arg == "mocker":
            yield node.lineno, "uses mock.patch through the mocker fixture"


def is_a_turn(call: ast.Call) -> bool:
    """Tell whether a sleep is of literally 0 seconds: it only lets others have their turn."""
    return [ast.unparse(argument) for argument in call.args] == ["0"]


def sleeps(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find `sleep`: it is too short on a slow machine and too long on every other.

    Wait *for* something with a deadline: an event, a process, a condition that is polled with
    `threading.Event().wait(…)` in between.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) == "sleep" and not is_a_turn(node):
            yield node.lineno, "sleeps"
        elif isinstance(node, ast.ImportFrom) and node.module in {"time", "asyncio"}:
            for alias in node.names:
                if alias.name == "sleep":
                    yield node.lineno, "imports sleep"


def asserts_something(function: ast.AST) -> bool:
    """Tell whether a test's body can fail by itself."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = last_name(node.func)
            if name in ASSERTING_NAMES or name.startswith(ASSERTING_PREFIXES):
                return True
    return False


def silent_tests(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find tests that assert nothing: they pass whatever the code does."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name.startswith("test_")
            and not asserts_something(node)
        ):
            yield node.lineno, f"{node.name} asserts nothing"


RULES = (mock_patches, sleeps, silent_tests)


def violations(source: str) -> list[tuple[int, str]]:
    """Apply all rules to the text of one module."""
    tree = ast.parse(source)
    return sorted(violation for rule in RULES for violation in rule(tree))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_module_keeps_the_rules(path: Path) -> None:
    """No module under tests/ is exempt, helpers included."""
    found = violations(path.read_text(encoding="utf-8"))
    assert not found, "\n".join(f"{path}:{line}: {message}" for line, message in found)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("from unittest.mock import patch", "imports mock.patch"),
        ("from unittest import mock\nmock.patch('a.b')", "uses mock.patch"),
        ("import unittest.mock\nunittest.mock.patch.object(a, 'b')", "uses mock.patch"),
        ("def helper(mocker): ...", "uses mock.patch through the mocker fixture"),
        ("import time\ntime.sleep(1)", "sleeps"),
        ("from time import sleep", "imports sleep"),
        ("def test_nothing():\n    run()", "test_nothing asserts nothing"),
        ("class TestIt:\n    async def test_it(self): ...", "test_it asserts nothing"),
    ],
)
def test_each_rule_finds_its_offence(source: str, message: str) -> None:
    """A rule that finds nothing proves nothing."""
    assert [found for _, found in violations(source)] == [message]


@pytest.mark.parametrize(
    "source",
    [
        "def test_it():\n    assert run()",
        "def test_it():\n    with pytest.raises(ValueError):\n        run()",
        "def test_it(store):\n    check_history(store)",
        "def test_it(http):\n    assert http.patch('/tasks') == 405",
    ],
)
def test_what_is_fine_is_let_through(source: str) -> None:
    """Assertions by helpers count, and HTTP's PATCH is not a mock."""
    assert violations(source) == []


def imported(path: Path) -> set[str]:
    """Return the top names of all that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


def test_benchmarks_import_no_tests_and_tests_no_benchmarks() -> None:
    """What both need is in `tools/`; both are read here."""
    benchmarks = sorted((TESTS.parent / "benchmarks").rglob("*.py"))
    assert [path.name for path in benchmarks if "tests" in imported(path)] == []
    assert [path.name for path in FILES if "benchmarks" in imported(path)] == []
    assert all("tools" in set().union(*map(imported, files)) for files in (benchmarks, FILES))
