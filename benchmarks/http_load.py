"""The local stage under load: single posts, batches, and submissions as tasks accumulate."""

from __future__ import annotations

import concurrent.futures
import http.client
import itertools
import json
import statistics
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.events import BELL
from benchmarks.figures import Figure, Goal, ratios
from infra.local.settings import HOST
from tests.acceptance.stage import Stage

CLIENTS: Final = 16
MEMBERS: Final = 100
#: Half of what was measured when the goals were set.
_MEDIAN_MS: Final = Goal(40)
_P99_MS: Final = Goal(77)
_BATCH_SECONDS: Final = Goal(1.5)
_STEADY: Final = Goal(0.90, at_most=False)
_OK: Final = 200
_ACCEPTED: Final = 202
_TASK: Final = {"circuit": BELL, "shots": 100}


def measure(data_dir: Path, *, posts: int, batches: int, block: int, blocks: int) -> list[Figure]:
    """Measure on one stage. API, two workers, emulator and clients share the machine's cores."""
    stage = Stage(data_dir, EXECUTOR="mock")
    try:
        stage.start()
        times = sorted(_post_all(stage.port, posts))
        batch = _batches(stage.port, batches)
        rates = [_rate(stage.port, block) for _ in range(blocks)]
        waiting = stage.messages()
        stage.stop()
    finally:
        stage.close()
    return [
        *(
            Figure(
                name=f"POST over HTTP with {CLIENTS} clients, {name} ms",
                goal=goal,
                samples=(times[int(len(times) * share)],),
                meaning=f"of {posts:,} requests to the local stage",
            )
            for name, goal, share in (
                ("median", _MEDIAN_MS, 0.5),
                ("99th percentile", _P99_MS, 0.99),
            )
        ),
        batch,
        Figure(
            name=f"submissions/s, block {blocks} of {block:,} tasks",
            goal=_STEADY,
            samples=(rates[-1] / rates[0],),
            meaning=f"of the first {block:,} on the local stage",
            parts={
                **{f"block {n}": rate for n, rate in enumerate(rates, start=1)},
                "messages that waited behind the last": waiting,
            },
        ),
    ]


def _rate(port: int, count: int) -> float:
    """Post so often and return how many it was in a second."""
    started = time.perf_counter()
    _post_all(port, count)
    return count / (time.perf_counter() - started)


def _post_all(port: int, count: int) -> list[float]:
    """Post so often, shared by the clients; return each request's milliseconds."""
    numbers = itertools.count()

    def client(_: int) -> list[float]:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        taken = []
        while next(numbers) < count:
            started = time.perf_counter()
            _post(connection, "/tasks", _TASK, _ACCEPTED)
            taken.append((time.perf_counter() - started) * 1000)
        connection.close()
        return taken

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return [ms for taken in pool.map(client, range(CLIENTS)) for ms in taken]


def _batches(port: int, rounds: int) -> Figure:
    """Post a batch and the same tasks one by one, in turn; the first round warms up."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    batches, singles = [], []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        answer = _post(connection, "/batches", {"tasks": [_TASK] * MEMBERS}, _OK)
        batched = time.perf_counter()
        if [member["status"] for member in answer["tasks"]] != [_ACCEPTED] * MEMBERS:
            raise RuntimeError("a member of a batch was not accepted")
        for _ in range(MEMBERS):
            _post(connection, "/tasks", _TASK, _ACCEPTED)
        batches.append(batched - started)
        singles.append(time.perf_counter() - batched)
    connection.close()
    return Figure(
        name=f"a batch of {MEMBERS} over HTTP, s",
        goal=_BATCH_SECONDS,
        samples=tuple(batches[1:]),
        meaning=f"{rounds} rounds, each against {MEMBERS} single posts by one client",
        parts={
            "single posts, s": statistics.median(singles[1:]),
            "times the single posts": statistics.median(ratios(batches[1:], singles[1:])),
        },
    )


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
