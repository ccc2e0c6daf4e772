"""Which batch size, memory and limits a stage should have: a simulation of cost and drain.

    python -m benchmarks.batching

It prints the table that `docs/executors.md` shows. The model: so many workers each take a batch
when they are free and execute all of it at once; children share the function's vCPUs evenly, none
uses more than one; a batch, and what is billed for it, lasts as long as its longest execution. A
circuit that needs more than the processor limit ends there. Nothing is measured here but added up,
so the figures are the same on every machine.
"""

from __future__ import annotations

import dataclasses
import heapq
import random
from collections.abc import Sequence
from typing import Final

from chalicelib.runtime_checks import CHILD_MB, FUNCTION_MB, MB_PER_VCPU

#: "AWS Lambda pricing", arm64, us-east-1: dollars for a GB-second and for an invocation; and
#: "Amazon SQS pricing": for a request, of which a batch needs two (receive, delete).
DOLLARS_PER_GB_SECOND: Final = 0.0000133334
DOLLARS_PER_INVOCATION: Final = 0.0000002
DOLLARS_PER_QUEUE_REQUEST: Final = 0.0000004
#: Of one task, without its circuit: what the service itself computes, and what it waits for the
#: store (a claim and a settle), both on Lambda in one region.
OWN_PROCESSOR_SECONDS: Final = 0.004
STORE_SECONDS: Final = 0.012
#: 2^24 amplitudes of 24 bytes with their probabilities, and what parsing and sampling take.
CIRCUIT_MB: Final = 448
WORKERS: Final = 50
PROCESSOR_SECONDS_MAX: Final = 20.0


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A worker function to be judged."""

    batch: int
    memory_mb: int

    @property
    def vcpus(self) -> float:
        """What AWS gives a function of this memory."""
        return self.memory_mb / MB_PER_VCPU

    @property
    def wall_seconds(self) -> float:
        """The smallest wall limit at which each of a batch reaches its processor limit."""
        return self.batch * PROCESSOR_SECONDS_MAX / min(self.vcpus, self.batch)

    @property
    def holds(self) -> bool:
        """Whether the largest circuit fits in the memory as often as there are children."""
        return FUNCTION_MB + self.batch * (CHILD_MB + CIRCUIT_MB) <= self.memory_mb


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """Tasks that wait in a queue: the processor seconds of each."""

    name: str
    seconds: Sequence[float]


def loads(seed: int = 9) -> list[Load]:
    """Give the loads: quick circuits, long ones, and long ones among quick ones."""
    draw = random.Random(seed)  # noqa: S311 - repeatable
    long = [draw.uniform(5, 25) for _ in range(400)]
    mixed = [draw.uniform(5, 25) if number % 50 == 0 else 0.001 for number in range(10_000)]
    draw.shuffle(mixed)
    return [
        Load("10,000 quick", [0.001] * 10_000),
        Load("400 of 5 to 25 s", long),
        Load("10,000, of which 2% long", mixed),
    ]


def batch_seconds(needs: Sequence[float], vcpus: float) -> float:
    """How long a batch takes when its executions share the vCPUs evenly."""
    left = sorted(min(need, PROCESSOR_SECONDS_MAX) + OWN_PROCESSOR_SECONDS for need in needs)
    elapsed = done = 0.0
    for index, need in enumerate(left):
        share = min(1.0, vcpus / (len(left) - index))
        elapsed += (need - done) / share
        done = need
    return elapsed + STORE_SECONDS


def drain(choice: Choice, load: Load) -> tuple[float, float]:
    """Drain a queue; return the seconds it took and the dollars for a thousand tasks."""
    free = [0.0] * WORKERS
    billed = 0.0
    batches = 0
    for start in range(0, len(load.seconds), choice.batch):
        seconds = batch_seconds(load.seconds[start : start + choice.batch], choice.vcpus)
        heapq.heapreplace(free, free[0] + seconds)
        billed += seconds
        batches += 1
    dollars = billed * choice.memory_mb / 1024 * DOLLARS_PER_GB_SECOND + batches * (
        DOLLARS_PER_INVOCATION + 2 * DOLLARS_PER_QUEUE_REQUEST
    )
    return max(free), dollars / len(load.seconds) * 1000


CHOICES: Final = (
    *(Choice(1, 1_769), Choice(2, 1_769), Choice(3, 1_769), Choice(4, 1_769), Choice(4, 2_240)),
    *(Choice(8, 4_096), Choice(10, 1_769), Choice(10, 5_307)),
)


def report() -> None:
    """Print the table in Markdown."""
    kinds = loads()
    print(
        "| batch | memory, MB | vCPUs | wall, s | fits | "
        + " | ".join(k.name for k in kinds)
        + " |"
    )
    print("|" + "---|" * (5 + len(kinds)))
    for choice in CHOICES:
        cells = [f"{s:,.1f} s, ${d:.4f}" for s, d in (drain(choice, kind) for kind in kinds)]
        print(
            f"| {choice.batch} | {choice.memory_mb:,} | {choice.vcpus:.2f} "
            f"| {choice.wall_seconds:.0f} | {'yes' if choice.holds else 'no'} | "
            + " | ".join(cells)
            + " |"
        )


if __name__ == "__main__":
    report()
