"""What the pages name exists: files, modules, commands, settings, numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from chalicelib.entrypoints.http import schemas
from chalicelib.entrypoints.http.problems import KINDS
from chalicelib.settings import Settings
from infra.package.archive import ZIP_BYTES_MAX
from tests.proof.explorer.condition_mutants import REDUNDANT
from tests.proof.explorer.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "client" / "README.md",
]
#: Folders and files of the repository, as a page writes them.
PATHS = re.compile(
    r"`((?:app\.py|(?:chalicelib|infra|tests|docs|tools|benchmarks|client|examples|\.chalice)/)"
    r"[\w./*-]*)`"
)
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)")


def named(page: Path) -> Iterator[str]:
    """Return the files and folders that a page names."""
    yield from PATHS.findall(page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """Patterns match something."""
    paths = [path for path in named(page) if "STAGE" not in path]
    missing = [path for path in paths if not any(ROOT.glob(path.rstrip("/")))]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Within the repository."""
    broken = [link for link in LINKS.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []


def test_the_recipes_name_files() -> None:
    """Each recipe says which files in which order."""
    recipes = (ROOT / "CONTRIBUTING.md").read_text().split("### ")[1:]
    assert len(recipes) == 7
    assert all(len(PATHS.findall(recipe)) >= 3 for recipe in recipes)


def test_the_readme_is_a_page() -> None:
    """At most 120 lines: what it is, how to start, the API by example, where to go next."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_every_problem_type_has_its_row() -> None:
    """With its status."""
    page = (ROOT / "docs" / "api.md").read_text()
    for status, slug, _ in KINDS.values():
        assert re.search(
            rf"^\| [\d, ]*{status}[\d, ]* \| `/problems/{slug}` \|", page, re.MULTILINE
        ), slug


def test_numbers_of_the_api_are_those_of_the_code() -> None:
    """Bounds on input, where the pages state them."""
    pages = "".join((ROOT / "docs" / name).read_text() for name in ("api.md", "security.md"))
    for number in (
        schemas.SHOTS_MAX,
        schemas.TAGS_BYTES_MAX,
        schemas.TAGS_MAX,
        schemas.BATCH_MEMBERS_MAX,
    ):
        assert f"{number:,}" in pages


def test_every_setting_that_a_page_names_exists() -> None:
    """In capitals, as an environment variable has it."""
    known = {field.name.upper() for field in structs.fields(Settings)}
    prefixes = ("SWEEP_", "EXECUTION_", "BACKOFF_", "MOCK_", "DATABASE_", "QUEUE_", "ATTEMPTS_")
    for page in PAGES:
        for name in re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`", page.read_text()):
            if name.startswith(prefixes) and name != "SWEEP_INTERVAL_SECONDS":
                assert name in known, f"{page.name}: {name}"


def test_the_page_of_the_explorer_has_a_row_for_each_mutant() -> None:
    """With the name that `--only` takes, and as many as are said to be found."""
    page = (ROOT / "docs" / "protocol-explorer.md").read_text()
    names = [mutant.name for mutant in MUTANTS] + [guard.name for guard in REDUNDANT]
    assert [name for name in names if f"| {name} |" not in page] == []
    assert f"**{len(MUTANTS)} of {len(MUTANTS)} are found.**" in page
    assert f"{len(REDUNDANT)} conditions break nothing" in page


def test_the_package_is_said_to_be_as_large_as_it_may_be() -> None:
    """In megabytes, on both pages."""
    limit = f"at most {ZIP_BYTES_MAX // 1_000_000} MB"
    for name in ("deployment.md", "executors.md"):
        assert limit in (ROOT / "docs" / name).read_text()
