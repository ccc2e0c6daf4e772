"""The local stage under load: POST with 16 clients, and submissions as tasks accumulate."""

from __future__ import annotations

import concurrent.futures
import http.client
import itertools
import json
import time
from pathlib import Path
from typing import Final

from benchmarks.events import BELL
from benchmarks.figures import BASELINE, Figure, Goal
from infra.local.settings import HOST
from tools.local_stage import Stage

CLIENTS: Final = 16
#: Half of what was measured when the goals were set.
_MEDIAN_MS: Final = Goal(40)
_P99_MS: Final = Goal(77)
_STEADY: Final = Goal(0.90, at_most=False)
_ROUNDS: Final = 4
_PROFILE: Final = (
    "API, two workers, emulator and clients share the cores; what the API itself takes is in the",
    "profile of `CPU of POST`",
)
_BODY: Final = json.dumps({"circuit": BELL, "shots": 100})


def measure(data_dir: Path, *, posts: int, block: int, blocks: int) -> list[Figure]:
    """Measure on one stage: first the times of single requests, then blocks of submissions.

    An API process of the baseline stands on the same stage; rounds of both alternate.
    """
    stage = Stage(data_dir, EXECUTOR="mock")
    try:
        stage.start()
        baseline_port = stage.attach_api(API_APP="benchmarks.baseline_app.app")
        times, baseline = _times(stage.port, baseline_port, posts)
        steady = _steady(stage, baseline_port, posts=posts, block=block, blocks=blocks)
        stage.stop()
    finally:
        stage.close()
    return [
        *(
            Figure(
                name=f"POST over HTTP with {CLIENTS} clients, {name} ms",
                goal=goal,
                samples=(_at(times, share),),
                meaning=f"of {posts:,} requests to the local stage",
                parts={BASELINE: _at(baseline, share)},
                profile=_PROFILE,
            )
            for name, goal, share in (
                ("median", _MEDIAN_MS, 0.5),
                ("99th percentile", _P99_MS, 0.99),
            )
        ),
        steady,
    ]


def _steady(stage: Stage, baseline_port: int, *, posts: int, block: int, blocks: int) -> Figure:
    """Measure submissions/s as tasks accumulate, in the table and in the queue.

    The baseline submits before and after them, to the same table and queue.
    """
    baseline_first = _rate(baseline_port, posts)
    rates = [_rate(stage.port, block) for _ in range(blocks)]
    waiting = stage.messages()
    baseline_last = _rate(baseline_port, posts)
    return Figure(
        name=f"submissions/s, block {blocks} of {block:,} tasks",
        goal=_STEADY,
        samples=(rates[-1] / rates[0],),
        meaning=f"of the first {block:,} on the local stage",
        parts={
            BASELINE: baseline_last / baseline_first,
            **{f"block {n}": rate for n, rate in enumerate(rates, start=1)},
            "messages that waited behind the last": waiting,
        },
        profile=("the emulator passes all messages for each save, all open tasks for each sweep",),
    )


def _rate(port: int, count: int) -> float:
    """Post so often and return how many it was in a second."""
    started = time.perf_counter()
    _post_all(port, count)
    return count / (time.perf_counter() - started)


def _times(port: int, baseline_port: int, posts: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of the service's requests and of the baseline's, in order."""
    times: list[float] = []
    baseline: list[float] = []
    for _ in range(_ROUNDS):
        times += _post_all(port, posts // _ROUNDS)
        baseline += _post_all(baseline_port, posts // _ROUNDS)
    return sorted(times), sorted(baseline)


def _at(times: list[float], share: float) -> float:
    return times[int(len(times) * share)]


def _post_all(port: int, count: int) -> list[float]:
    """Post so often, shared by the clients; return each request's milliseconds."""
    numbers = itertools.count()

    def client(_: int) -> list[float]:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        taken = []
        while next(numbers) < count:
            started = time.perf_counter()
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/tasks", _BODY, headers)
            response = connection.getresponse()
            response.read()
            taken.append((time.perf_counter() - started) * 1000)
            if response.status != 202:  # noqa: PLR2004 - HTTP's "accepted"
                raise RuntimeError(f"a submission was answered {response.status}")
        connection.close()
        return taken

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return [ms for taken in pool.map(client, range(CLIENTS)) for ms in taken]
