"""`make fuzz`: a stage asked by its description and by mutations; figures at the end."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import psutil

from tests.proof.fuzz import barrage, described
from tools.local_stage import Stage

#: Examples of each call and phase in one run of schemathesis; the runs differ by their seeds.
EXAMPLES = 50

#: One heap for all threads instead of glibc's one for each few. With it the API's highest memory in
#: each tenth of 100,000 mutations was 111, 110, 112, 114, 127, 129, 133, 132, 132, 131 and 129 MB.
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}


def main() -> int:
    """Run both parts and print what came of them; 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--mutations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        stage = Stage(Path(directory) / "data", **ONE_HEAP)
        try:
            stage.start(workers=1)
            found = by_description(stage, given.requests, seed, Path(directory))
            found += by_mutation(stage, given.mutations, seed)
            stage.stop()
        finally:
            stage.close()
    return 1 if found else 0


def by_description(stage: Stage, requests: int, seed: int, directory: Path) -> int:
    """Run schemathesis until it has sent as many requests; return how much it found."""
    document = stage.http.get("/openapi.json").json
    sent = found = 0
    while sent < requests:
        outcome = described.run(
            document, port=stage.port, examples=EXAMPLES, seed=seed, directory=directory
        )
        sent, found, seed = sent + outcome.requests, found + len(outcome.failures), seed + 1
        if outcome.failures:
            print(outcome.text)
    print(f"requests by the description {sent:,}, outside of it {found}", flush=True)
    return found


def by_mutation(stage: Stage, mutations: int, seed: int) -> int:
    """Send as many mutated requests; return how much was wrong, memory that grew included."""
    api = psutil.Process(stage.pid("api"))
    barrage.warm_up(stage.port, seed=seed)
    outcome = barrage.run(
        stage.port, count=mutations, seed=seed, resident_bytes=lambda: api.memory_info().rss
    )
    print(*outcome.faults[:20], sep="\n")
    grown = barrage.growth(outcome.memory_bytes)
    statuses = ", ".join(f"{count:,} times {status}" for status, count in outcome.statuses.items())
    print(f"mutations {mutations:,}: {statuses}; faults {len(outcome.faults)}")
    course = " ".join(f"{tenth / 1e6:.0f}" for tenth in barrage.tenths(outcome.memory_bytes))
    print(f"memory of the API {grown:.3f} times that of the first half; MB by tenths: {course}")
    return len(outcome.faults) + (grown > barrage.GROWTH_MAX)


if __name__ == "__main__":
    sys.exit(main())
