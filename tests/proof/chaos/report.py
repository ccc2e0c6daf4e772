"""A run's figures, as lines."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from tests.proof.chaos.judge import GARBAGE
from tests.proof.chaos.ledger import Answer
from tests.proof.chaos.run import Outcome

Name = TypeVar("Name", bound=str)


def lines(outcome: Outcome) -> Iterator[str]:
    """Say what was done, what came of it, and what was found."""
    scale, done, ledger, evidence = outcome.scale, outcome.done, outcome.ledger, outcome.evidence
    yield (
        f"seed {scale.seed}: {scale.seconds:.0f} s of load and disturbance, "
        f"quiet {outcome.seconds_until_quiet:.0f} s later, {outcome.seconds:.0f} s in all"
    )
    yield f"killed with -9: {done.kills.total()} ({_counts(done.kills)})"
    pauses = ", ".join(
        f"{target} {count} times, {done.seconds_paused[target]} s in all"
        for target, count in sorted(done.pauses.items())
    )
    yield f"paused or cut off: {pauses}"
    answers = Counter(entry.answer for entry in ledger.submissions)
    yield (
        f"submissions: {scale.tasks} in {answers.total()} requests "
        f"({_counts({a: answers[a] for a in Answer if answers[a]}, in_order=True)}); "
        f"{len(ledger.accepted())} tasks accepted"
    )
    cancels = Counter(str(status) for status in ledger.cancels.values())
    yield f"requests to cancel: {cancels.total()} ({_counts(cancels)})"
    statuses = Counter(task.status for task in evidence.stored)
    yield f"tasks by final status: {statuses.total()} ({_counts(statuses)})"
    attempts = Counter(str(task.attempt) for task in evidence.stored)
    yield f"tasks by attempts: {_counts(attempts)}"
    events = Counter(event for task in evidence.stored for event in task.events)
    taken_over = sum(take_overs(task.events) for task in evidence.stored)
    yield (
        f"retries: {events['claim'] - statuses.total() + attempts['0']}, "
        f"{taken_over} of them took over from an attempt that never ended; "
        f"{events['sweep']} sweeps, {events['give_up']} abandoned"
    )
    garbage = evidence.dead.count(GARBAGE)
    yield f"dead letters: {garbage} unreadable, {len(evidence.dead) - garbage} of ended tasks"
    yield outcome.audit.splitlines()[-1] if outcome.audit else "audit: silent"
    yield f"violations: {len(outcome.violations)}"
    yield from (f"  {violation}" for violation in outcome.violations)


def take_overs(events: Sequence[str]) -> int:
    """Count the claims that followed a claim: no worker had released or settled the one before."""
    transitions = [event for event in events if event != "sweep"]
    return sum(pair == ("claim", "claim") for pair in itertools.pairwise(transitions))


def _counts(counts: Mapping[Name, int], *, in_order: bool = False) -> str:
    items = list(counts.items()) if in_order else sorted(counts.items())
    return ", ".join(f"{name}: {count}" for name, count in items)
