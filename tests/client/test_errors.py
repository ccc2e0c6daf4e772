"""Problem types and exception classes are one to one, for both clients."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import re
from pathlib import Path

import pytest

from quantum_tasks import AsyncClient, Client, ConnectionFailed, ProblemError, TaskFailed, errors
from quantum_tasks.values.task import TaskData
from tests.client.service import Answer, Service, problem

ROOT = Path(__file__).resolve().parents[2]
#: A row of the table of problems: status, type, when.
ROW = re.compile(r"^\| (\d{3})[^|]*\| `/problems/([a-z-]+)` \|", re.MULTILINE)


def documented() -> dict[str, int]:
    """Return each problem type that a page documents, with its first status."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    rows = [row for page in pages for row in ROW.findall(page.read_text(encoding="utf-8"))]
    return {slug: int(status) for status, slug in reversed(rows)}


def test_every_documented_problem_has_one_class_and_every_class_one_problem() -> None:
    """A new type needs a class; a class without a type is dead."""
    assert set(errors.PROBLEMS) == set(documented())
    assert len(set(errors.PROBLEMS.values())) == len(errors.PROBLEMS)
    classes = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ProblemError) and kind is not ProblemError
    }
    assert classes == set(errors.PROBLEMS.values())


@pytest.mark.parametrize("slug", sorted(errors.PROBLEMS))
def test_each_problem_is_raised_as_its_class(slug: str, running_url: str, service: Service) -> None:
    """Synchronous and asynchronous, with fields and ids."""
    status = documented()[slug]
    wrong = [{"field": "shots", "message": "must be an integer"}]
    service.instead = lambda *_: problem(status, slug, "the detail", errors=wrong, kept="unknown")

    async def submit() -> None:
        async with AsyncClient(running_url, max_retries=0) as client:
            await client.submit("OPENQASM 3.0;", key="k")

    with Client(running_url, max_retries=0) as client:
        with pytest.raises(ProblemError) as caught:
            client.submit("OPENQASM 3.0;", key="k")
        with pytest.raises(ProblemError) as caught_async:
            asyncio.run(submit())
    for error in (caught.value, caught_async.value):
        assert type(error) is errors.PROBLEMS[slug]
        assert (error.type, error.status, error.key, error.kept) == (slug, status, "k", "unknown")
        assert [(e.field, e.message) for e in error.errors] == [("shots", "must be an integer")]
        for part in ("the detail", "correlation-1", "key k"):
            assert part in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, errors.NotAuthorized),
        (404, errors.NotFound),
        (418, ProblemError),
        (502, errors.ServiceUnavailable),
    ],
)
def test_refusals_that_are_not_the_services_have_a_class_too(
    status: int, kind: type, running_url: str, service: Service
) -> None:
    """A gateway's own answer has `message` and no type."""
    service.instead = lambda *_: Answer(status=status, body={"message": "no"})
    with Client(running_url, max_retries=0) as client, pytest.raises(ProblemError) as caught:
        client.get("1-2")
    assert type(caught.value) is kind
    assert caught.value.message == "no"


def test_no_connection_is_an_error_with_the_key() -> None:
    """Whether the task was kept is not known, and the key finds out."""
    client = Client("http://127.0.0.1:1", max_retries=0)
    with client, pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
        client.submit("OPENQASM 3.0;", key="k")
    assert caught.value.key == "k"
    assert caught.value.retryable


def test_errors_can_be_copied_and_pickled() -> None:
    """Errors cross the borders of processes in pools."""
    failed = TaskFailed("it failed", task=TaskData(id="1-2", status="failed"))
    throttled = errors.Throttled("slower")
    throttled.key = "k"
    for error in (failed, throttled):
        for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - made here
            assert str(twin) == str(error)
            assert type(twin) is type(error)
