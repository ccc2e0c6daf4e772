"""A batch of a hundred on the local stage, and the same hundred as single posts."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.events import BELL
from benchmarks.figures import Figure, Goal, ratios
from infra.local.settings import HOST
from tools.local_stage import Stage

MEMBERS: Final = 100
_SECONDS: Final = Goal(1.5)
_OK: Final = 200
_ACCEPTED: Final = 202
_PROFILE: Final = (
    "API, two workers, emulator and client share the cores; what the API itself takes for a member",
    "is in the profile of `CPU of POST`",
)


def measure(data_dir: Path, *, rounds: int) -> list[Figure]:
    """Measure on one stage, a batch and single posts in turn; the first round warms up."""
    stage = Stage(data_dir, EXECUTOR="mock")
    batches, singles = [], []
    try:
        stage.start()
        connection = http.client.HTTPConnection(HOST, stage.port, timeout=60)
        for number in range(rounds + 1):
            batch, single = _batch(connection), _singles(connection)
            if number:
                batches.append(batch)
                singles.append(single)
        connection.close()
        stage.stop()
    finally:
        stage.close()
    return [
        Figure(
            name=f"a batch of {MEMBERS} over HTTP, s",
            goal=_SECONDS,
            samples=tuple(batches),
            meaning=f"{rounds} rounds on the local stage, each against {MEMBERS} single posts"
            " by one client",
            parts={
                "single posts, s": statistics.median(singles),
                "times the single posts": statistics.median(ratios(batches, singles)),
            },
            profile=_PROFILE,
        )
    ]


def _batch(connection: http.client.HTTPConnection) -> float:
    """Post one batch and return its seconds."""
    started = time.perf_counter()
    answer = _post(connection, "/batches", {"tasks": [_task()] * MEMBERS}, _OK)
    seconds = time.perf_counter() - started
    if [member["status"] for member in answer["tasks"]] != [_ACCEPTED] * MEMBERS:
        raise RuntimeError("a member of a batch was not accepted")
    return seconds


def _singles(connection: http.client.HTTPConnection) -> float:
    """Post as many tasks one by one and return the seconds for all."""
    started = time.perf_counter()
    for _ in range(MEMBERS):
        _post(connection, "/tasks", _task(), _ACCEPTED)
    return time.perf_counter() - started


def _task() -> dict[str, Any]:
    return {"circuit": BELL, "shots": 100}


def _post(
    connection: http.client.HTTPConnection, path: str, document: object, expected: int
) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(document), headers)
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    if response.status != expected:
        raise RuntimeError(f"{path} was answered {response.status}")
    return answer
