"""A small run of `make fuzz` on a stage of its own, and that it can fail."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.proof.fuzz import barrage, described
from tests.support.evidence import FULL
from tools.http_client import Reply
from tools.local_stage import Stage

pytestmark = pytest.mark.acceptance

SEED = 7
MUTATIONS = 20_000 if FULL else 600


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run one stage for all of it."""
    stage = Stage(tmp_path_factory.mktemp("fuzz") / "data")
    try:
        stage.start(workers=1)
        yield stage
        stage.stop()
    finally:
        stage.close()


@pytest.fixture(scope="module")
def description(running: Stage) -> Any:  # noqa: ANN401 - a document
    """Read the description once: the stage ends a connection that a long run leaves idle."""
    return running.http.get("/openapi.json").json


def test_every_answer_is_one_that_the_description_has(
    running: Stage,
    description: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    """Its examples, its edges, random requests, and chains along its links."""
    outcome = described.run(
        description, port=running.port, examples=20 if FULL else 1, seed=SEED, directory=tmp_path
    )
    assert outcome.failures == (), outcome.text
    assert outcome.phases == set(described.PHASES)
    assert outcome.requests >= 150


def test_an_answer_that_the_description_has_not_is_found(
    running: Stage,
    description: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    """A status that is not described, and a field that is described and not answered."""
    document = copy.deepcopy(description)
    document["paths"] = {path: document["paths"][path] for path in ("/tasks", "/health")}
    del document["paths"]["/tasks"]["post"]["responses"]["202"]
    document["components"]["schemas"]["HealthView"]["required"].append("mood")
    outcome = described.run(document, port=running.port, examples=1, seed=SEED, directory=tmp_path)
    titles = " ".join(outcome.failures)
    assert "Undocumented status code" in titles
    assert "violates schema" in titles


def test_no_mutated_request_is_a_fault_of_the_services(running: Stage) -> None:
    """Of hundreds, structured and raw; most are refused, some are accepted."""
    api = psutil.Process(running.pid("api"))
    outcome = barrage.run(
        running.port, count=MUTATIONS, seed=SEED, resident_bytes=lambda: api.memory_info().rss
    )
    assert outcome.faults == []
    assert {202, 200, 400} <= outcome.statuses.keys()
    assert sum(outcome.statuses.values()) >= MUTATIONS / 2


@pytest.mark.parametrize(
    ("status", "kind", "body", "said"),
    [
        (500, "application/problem+json", b'{"status": 500}', "status 500"),
        (503, "application/problem+json", b'{"status": 503}', "status 503"),
        (400, "text/html", b"<h1>", "with text/html"),
        (400, "application/problem+json", b'{"status": 404}', "another in its body"),
    ],
)
def test_an_answer_that_should_not_be_is_found(
    status: int, kind: str, body: bytes, said: str
) -> None:
    """A server's error, and an error that is no problem document."""
    fault = barrage.fault_of(Reply(status, {"content-type": kind}, body, 0.0))
    assert fault is not None
    assert said in fault


#: Readings of a run of 100,000 requests.
READINGS = 201
#: The highest in each tenth of a run that was measured.
PLATEAU = (111, 110, 112, 114, 127, 129, 133, 132, 132, 131)


@pytest.mark.parametrize(
    ("readings", "is_flat"),
    [
        ([PLATEAU[min(9, n * 10 // READINGS)] for n in range(READINGS)], True),
        ([100 + 30 * n / READINGS for n in range(READINGS)], False),
        ([100.0 if n < READINGS * 0.9 else 115.0 for n in range(READINGS)], False),
        ([100.0], True),
    ],
    ids=["a plateau reached in steps", "a leak of 30% over the run", "a late step", "one reading"],
)
def test_memory_that_goes_on_growing_is_found(readings: list[float], *, is_flat: bool) -> None:
    """Warm-up is the first half; what grows behind it is no warm-up."""
    memory = [int(megabytes * 1e6) for megabytes in readings]
    assert (barrage.growth(memory) <= barrage.GROWTH_MAX) == is_flat
