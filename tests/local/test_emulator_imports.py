"""The emulator runs on an interpreter of its own: it imports nothing that is not there."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.local.settings import EMULATOR_PYTHON, ROOT

EMULATOR = "infra.local.emulator"


def path_of(module: str) -> Path | None:
    """Return the file of a module of this project, or None for another's."""
    path = ROOT.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.exists()), None)


def imports_of(path: Path) -> Iterator[str]:
    """Yield what a file imports, late imports too, and the packages around it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module)


def closure(*modules: str) -> tuple[set[str], set[str]]:
    """Follow imports through our own modules; return them, and what they need of others."""
    own: set[str] = set()
    others: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        packages = [module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)]
        for name in (module, *packages):
            path = path_of(name)
            if path is None:
                others.add(module.partition(".")[0])
            elif name not in own:
                own.add(name)
                waiting += imports_of(path)
    return own, others


def test_the_emulator_imports_only_what_its_environment_has() -> None:
    """Asked of its own interpreter, for each import of each module, also inside functions."""
    directory = ROOT.joinpath(*EMULATOR.split("."))
    own, others = closure(*(f"{EMULATOR}.{path.stem}" for path in directory.glob("*.py")))
    assert {f"{EMULATOR}.server", f"{EMULATOR}.saved_state"} <= own
    assert not {name for name in own if name.startswith("chalicelib")}
    program = "import importlib.util, json, sys; print(json.dumps([name for name in"
    program += " sys.argv[1:] if importlib.util.find_spec(name) is None]))"
    told = subprocess.run(
        [EMULATOR_PYTHON, "-c", program, *sorted(others)],
        capture_output=True,
        check=True,
        cwd=Path("/"),
    ).stdout
    assert json.loads(told) == []
    assert "ministack" in others
