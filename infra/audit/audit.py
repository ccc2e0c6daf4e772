"""The audit itself: every task judged alone, then the tasks against index, queue and clients."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from infra.audit.facts import (
    SIDE_ITEM_MARK,
    Item,
    TaskFacts,
    Unreadable,
    facts_of,
    is_side_item,
    side_item_keys,
)
from infra.audit.lists import list_violations, owner_in
from infra.audit.payloads import packed_problem, side_item_problem
from infra.audit.reading import Messages, Reader
from infra.audit.rules import OPEN, violations

VIOLATIONS_SHOWN_MAX: Final = 2_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What is not yet a violation."""

    #: Clocks of two machines may differ by so much.
    skew: timedelta
    #: The sweeper may be late by so much: its schedule and the length of a run.
    overdue: timedelta


@dataclasses.dataclass(slots=True, kw_only=True)
class Verdict:
    """What the audit found."""

    statuses: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    side_items: int = 0
    #: Keys of side items, and those that tasks refer to: what is in both is in use.
    side_item_keys: set[str] = dataclasses.field(default_factory=set)
    referred: set[str] = dataclasses.field(default_factory=set)
    #: Whose each task is, those that cannot be read among them.
    owners: dict[str, str] = dataclasses.field(default_factory=dict)
    messages: Messages | None = None
    #: The first ones, each with the task's id before it.
    violations: list[str] = dataclasses.field(default_factory=list)
    violations_in_all: int = 0
    #: Tasks whose item cannot be read: they are named once, and the rest is judged.
    unreadable: set[str] = dataclasses.field(default_factory=set)

    @property
    def unreferenced(self) -> int:
        """How many side items nothing refers to: late attempts and crashes leave them behind."""
        return len(self.side_item_keys - self.referred)

    @property
    def is_clean(self) -> bool:
        """Whether nothing offends."""
        return self.violations_in_all == 0

    def add(self, task_id: str, violation: str) -> None:
        """Note a violation; past a number of them they are only counted."""
        self.violations_in_all += 1
        if len(self.violations) < VIOLATIONS_SHOWN_MAX:
            self.violations.append(f"{task_id}: {violation}")


def audit(reader: Reader, tolerance: Tolerance, *, accepted: Iterable[str] = ()) -> Verdict:
    """Read and judge all that a backend holds. `accepted` are ids that were answered 202.

    A running backend changes meanwhile. Each task is one item and is judged as it was at one
    moment; what is compared across reads is read again before it is called a violation.
    """
    verdict = Verdict()
    open_seen: set[str] = set()
    for page in reader.pages():
        _judge_page(reader, tolerance, page, verdict, open_seen)
    _compare_with_index(reader, open_seen, verdict)
    for task_id, violation in list_violations(reader, verdict.owners):
        verdict.add(task_id, violation)
    for task_id in accepted:
        if reader.item(task_id) is None:
            verdict.add(task_id, "accepted: it was answered 202 and is not in the table")
    verdict.messages = reader.messages()
    return verdict


def _judge_page(
    reader: Reader,
    tolerance: Tolerance,
    page: Sequence[Item],
    verdict: Verdict,
    open_seen: set[str],
) -> None:
    referred: dict[str, str] = {}
    now = datetime.now(UTC)
    for item in page:
        if is_side_item(item):
            verdict.side_items += 1
            verdict.side_item_keys.add(str(item["task_id"]["S"]))
            _judge_side_item(item, verdict)
            continue
        owner = owner_in(item)
        if owner is not None:
            verdict.owners[str(item["task_id"]["S"])] = owner
        task = _readable(item, verdict)
        if task is None:
            continue
        verdict.statuses[task.status] += 1
        for violation in violations(task, skew=tolerance.skew):
            verdict.add(task.task_id, violation)
        referred |= dict.fromkeys(task.references, task.task_id)
        verdict.referred |= set(task.references)
        if task.status in OPEN:
            open_seen.add(task.task_id)
            if task.due_at is not None and now - task.due_at > tolerance.overdue:
                _judge_overdue(task, now, verdict)
    for key in reader.missing(referred):
        if _still_refers(reader, referred[key], key):
            verdict.add(referred[key], f"side item: {key} is referred to and not there")


def _readable(item: Item, verdict: Verdict) -> TaskFacts | None:
    """Return the task, or name it."""
    task: TaskFacts | None = None
    try:
        task = facts_of(item)
        problem = packed_problem(item)
    except Unreadable as exc:
        problem = str(exc)
    if problem is None:
        return task
    task_id = str(item["task_id"]["S"])
    verdict.unreadable.add(task_id)
    verdict.add(task_id, f"unreadable: {problem}")
    return None


def _judge_side_item(item: Item, verdict: Verdict) -> None:
    problem = side_item_problem(item)
    if problem is not None:
        task_id = str(item["task_id"]["S"]).partition(SIDE_ITEM_MARK)[0]
        verdict.add(task_id, f"side item: {problem}")


def _judge_overdue(task: TaskFacts, now: datetime, verdict: Verdict) -> None:
    assert task.due_at is not None  # noqa: S101 - the caller has looked
    late = (now - task.due_at).total_seconds()
    verdict.add(
        task.task_id, f"overdue: {task.status}, and no sweep for {late:.0f} s after it was due"
    )


def _still_refers(reader: Reader, task_id: str, key: str) -> bool:
    """Whether the task is there after all and refers to the key; the two reads may have raced."""
    item = reader.item(task_id)
    return item is not None and key in side_item_keys(item)


def _compare_with_index(reader: Reader, open_seen: set[str], verdict: Verdict) -> None:
    indexed = reader.open_in_index()
    for task_id in sorted((open_seen ^ indexed) - verdict.unreadable):
        item = reader.item(task_id)
        is_open = item is not None and item.get("status", {}).get("S") in OPEN
        if is_open != (task_id in reader.open_in_index()):
            where = "missing in" if is_open else "left in"
            verdict.add(task_id, f"index: it is {where} open_tasks")
