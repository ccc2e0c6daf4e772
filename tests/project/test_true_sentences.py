"""Pages and docstrings say what is so: files, modules, commands, settings and numbers."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import structs

from chalicelib.domain.task import SCHEMA_VERSION
from chalicelib.entrypoints.http import schemas
from chalicelib.entrypoints.http.openapi import VERSION
from chalicelib.entrypoints.http.problems import KINDS
from chalicelib.executors.children import limits
from chalicelib.settings import Settings
from infra.package.archive import ZIP_BYTES_MAX
from infra.stage import read_configuration, stage_spec
from tests.project.tracked import ROOT, tracked_files
from tests.proof.explorer.condition_mutants import REDUNDANT
from tests.proof.explorer.mutants import MUTANTS
from tests.proof.explorer.suites import FULL
from tests.proof.faults import test_mutants as faults_mutants
from tests.proof.faults.scenarios import SCENARIOS

FILES = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
#: What the packages of the repository are imported as.
PACKAGES = {
    **{name: name for name in ("chalicelib", "infra", "tests", "benchmarks", "tools", "examples")},
    "quantum_tasks": "client/src/quantum_tasks",
}
FILE_NAME = re.compile(r"`([\w./-]+\.(?:py|yaml|md|toml|lock|css|js|sh))`")
#: Folders and files of the repository, patterns too, as a page writes them.
PATHS = re.compile(
    r"`((?:app\.py|(?:chalicelib|infra|tests|docs|tools|benchmarks|client|examples|\.chalice)/)"
    r"[\w./*-]*)`"
)
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)")
DOTTED_NAME = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?:\(\))?`")
NEAR_NAME = re.compile(r"`(?![\w.]+\.(?:py|md|json|html)`)([a-z_]+(?:\.\w+)+)(?:\(\))?`")
COMMAND = re.compile(r"`make ([a-z][a-z-]*)")
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
#: Files of a user, or of another program.
OTHERS = {"packaged.yaml", "standalone.umd.js", "chalice/app.py", "chalice/__init__.py"}
#: Settings are read by the service, the local stage, the client, make, tests and AWS.
VARIABLE = re.compile(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`")


def texts() -> Iterator[tuple[str, str]]:
    """Return the pages, the docstrings and the comments of the repository, each with its name."""
    for name in FILES:
        path = ROOT / name
        if path.suffix == ".md" and name != "CHANGELOG.md":
            yield name, path.read_text()
        elif path.suffix == ".py" and not name.startswith("tests/project/"):
            yield name, "\n".join(_prose(path.read_text()))


def _prose(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    yield from re.findall(r"^\s*#:? ?(.*)$", source, re.MULTILINE)


TEXTS = list(texts())


def _named(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    return [(name, found) for name, text in TEXTS for found in pattern.findall(text)]


def test_every_file_that_is_named_exists() -> None:
    """By its path from the root, from the folder of the text, or by the end of its path."""
    missing = [
        f"{text}: {name}"
        for text, name in _named(FILE_NAME)
        if not name.endswith(tuple(OTHERS))
        and not any(f"/{file}".endswith(f"/{name}") for file in FILES)
    ]
    assert missing == []


def test_every_path_and_link_of_a_page_leads_somewhere() -> None:
    """Folders and patterns from the root, links from the page."""
    pages = [(ROOT / name, text) for name, text in TEXTS if name.endswith(".md")]
    missing = [
        f"{page.name}: {path}"
        for page, text in pages
        for path in PATHS.findall(text)
        if "STAGE" not in path
        and path != "benchmarks/results.json"  # a run makes it
        and not any(ROOT.glob(path.rstrip("/")))
        and not any(ROOT.glob(path.rstrip("/")))
    ]
    broken = [
        f"{page.name}: {link}"
        for page, text in pages
        for link in LINKS.findall(text)
        if not (page.parent / link).exists()
    ]
    assert (missing, broken) == ([], [])


def test_the_readme_is_a_page_and_each_recipe_names_files() -> None:
    """The one has at most 120 lines; the other says which files in which order."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    recipes = (ROOT / "CONTRIBUTING.md").read_text().split("### ")[1:]
    assert len(recipes) == 7
    assert all(len(PATHS.findall(recipe)) >= 3 for recipe in recipes)


def test_every_dotted_name_leads_to_a_module_or_to_a_name_in_one() -> None:
    """`infra.local.supervisor.stack`, or `chalicelib.domain.task.Task`."""
    assert [f"{text}: {name}" for text, name in _named(DOTTED_NAME) if not _leads(name)] == []


def test_every_dotted_name_leads_from_its_own_folder_too() -> None:
    """`domain.lifecycle` in `chalicelib`, `pid_files.is_our_process` in a module next to it."""
    missing = [
        f"{text}: {name}"
        for text, name in _named(NEAR_NAME)
        if text.endswith(".py") and _is_near(folder := (ROOT / text).parent, name.split(".")[0])
        if not _leads_from(folder, name.split("."))
    ]
    assert missing == []


def _is_near(folder: Path, name: str) -> bool:
    return (folder / name).is_dir() or (folder / f"{name}.py").exists()


def _leads(dotted: str) -> bool:
    package, *rest = dotted.split(".")
    return _leads_from(ROOT / PACKAGES[package], rest)


def _leads_from(path: Path, rest: list[str]) -> bool:
    for number, part in enumerate(rest):
        if (path / part).is_dir():
            path /= part
            continue
        module = path / f"{part}.py"
        if module.exists():
            after = rest[number + 1 :]
            return not after or re.search(rf"\b{after[0]}\b", module.read_text()) is not None
        return re.search(rf"\b{part}\b", (path / "__init__.py").read_text()) is not None
    return True


def test_every_make_command_that_is_named_exists() -> None:
    """In docstrings as in pages."""
    assert [(text, name) for text, name in _named(COMMAND) if name not in TARGETS] == []


def test_every_variable_that_is_named_is_read_somewhere() -> None:
    """A setting, an environment variable, a constant: the code has the name."""
    code = "\n".join(
        (ROOT / name).read_text()
        for name in FILES
        if name.endswith((".py", ".yaml", ".json", ".js", ".html")) or name == "Makefile"
    )
    words = set(re.findall(r"[A-Za-z][A-Za-z0-9_]*", code))
    known = words | {field.name.upper() for field in structs.fields(Settings)}
    assert [(text, name) for text, name in _named(VARIABLE) if name not in known] == []


def test_the_check_finds_what_is_not_there() -> None:
    """A module that has moved, a name that its module lost."""
    assert _leads("chalicelib.domain.lifecycle.claim_if_available")
    assert not _leads("chalicelib.domain.lifecycle.end_if_unchanged")
    assert not _leads("infra.local.supervisor.watch")


def page(name: str) -> str:
    """Return a page, its lines joined: a sentence goes on over the end of a line."""
    return re.sub(r"\s+", " ", (ROOT / name).read_text())


def test_the_permissions_page_names_each_action_of_each_policy() -> None:
    """And no other: a policy that grows shows on the page."""
    table = (ROOT / "docs" / "deployment.md").read_text().split("## Who may do what")[1]
    rows = {
        row.split("|")[1].strip().lower(): set(re.findall(r"`([A-Z][A-Za-z]+)`", row))
        for row in table.split("\n\n")[2].splitlines()[2:]
    }
    for function, row in rows.items():
        policy = json.loads((ROOT / ".chalice" / "prod" / f"policy-{function}.json").read_text())
        actions = {
            action.split(":")[1]
            for statement in policy["Statement"]
            for action in _as_list(statement["Action"])
        }
        assert row == actions, function


def _as_list(value: Any) -> list[str]:  # noqa: ANN401 - of a policy: one or several
    return [value] if isinstance(value, str) else list(value)


ALARMS = re.findall(
    r"AlarmName: !Sub quantum-tasks-\$\{Stage\}-([\w-]+)",
    (ROOT / "infra" / "templates" / "messaging.yaml").read_text(),
)


def test_the_page_of_alarms_names_each_and_no_other() -> None:
    """In the first column of its table."""
    table = (ROOT / "docs" / "deployment.md").read_text().split("## Alarms")[1].split("\n\n")[1]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    assert sorted(re.findall(r"`([^`]+)`", " ".join(rows))) == sorted(ALARMS)


def test_one_version_stands_everywhere() -> None:
    """The last one of the changelog is the project's and that of the API's description."""
    released = re.findall(
        r"^## \[([\d.]+)\] - \d{4}", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert released[0] == project["version"] == VERSION


#: The explorer's configurations: its suite, and those in which a mutant is hunted.
CONFIGURATIONS = len({*FULL, *(mutant.configuration for mutant in MUTANTS)})
CASES = len(faults_mutants.CASES)
#: What an environment of the runtime installs, on any system.
PACKAGES_TO_RUN = len(
    re.findall(r"^[\w.-]+==", (ROOT / "requirements-run.lock").read_text(), re.MULTILINE)
)
PROD = stage_spec(read_configuration(ROOT), "prod")

PACKAGE = f"at most {ZIP_BYTES_MAX // 1_000_000} MB"

#: Page, and a sentence with the number or the name that the code knows.
NUMBERS = [
    ("docs/protocol.md", f"all {len(MUTANTS)} mutants"),
    ("docs/protocol-explorer.md", f"**{len(MUTANTS)} of {len(MUTANTS)} are found.**"),
    ("docs/protocol-explorer.md", f"{len(REDUNDANT)} conditions break nothing"),
    *(("docs/protocol-explorer.md", f"| {mutant.name} |") for mutant in MUTANTS),
    *(("docs/protocol-explorer.md", f"| {guard.name} |") for guard in REDUNDANT),
    ("docs/api.md", f"{schemas.SHOTS_MAX:,}"),
    ("docs/api.md", f"{schemas.TAGS_BYTES_MAX:,}"),
    ("docs/api.md", f"{schemas.TAGS_MAX:,}"),
    ("docs/api.md", f"{schemas.BATCH_MEMBERS_MAX:,}"),
    ("docs/deployment.md", PACKAGE),
    ("docs/executors.md", PACKAGE),
    ("docs/data-model.md", f"`schema_version` is at most {SCHEMA_VERSION}"),
    ("tests/README.md", f"{CONFIGURATIONS} configurations"),
    ("tests/README.md", f"{len(MUTANTS)} mutants"),
    ("tests/README.md", f"each call of {len(SCENARIOS)} operations"),
    ("tests/README.md", f"{CASES} mutants"),
    ("docs/protocol-faults.md", f"There are {len(SCENARIOS)}:"),
    ("docs/protocol-faults.md", f"{CASES} guards"),
    ("docs/decisions.md", f"the {PACKAGES_TO_RUN} packages"),
    ("docs/deployment.md", f"{len(ALARMS)} alarms"),
    ("docs/deployment.md", f"timeout | {PROD.functions['api_handler'].timeout_seconds} s"),
    ("docs/executors.md", f"{limits._GROWTH_BYTES_MAX >> 20} MB"),  # noqa: SLF001 - its only place
]


def test_what_the_code_knows_is_what_the_page_says() -> None:
    """Where it stands in the page."""
    pages = {name: page(name) for name, _ in NUMBERS}
    assert [(name, said) for name, said in NUMBERS if said not in pages[name]] == []


def test_every_problem_type_has_its_row() -> None:
    """With its status."""
    table = (ROOT / "docs" / "api.md").read_text()
    for status, slug, _ in KINDS.values():
        row = rf"^\| [\d, ]*{status}[\d, ]* \| `/problems/{slug}` \|"
        assert re.search(row, table, re.MULTILINE), slug
