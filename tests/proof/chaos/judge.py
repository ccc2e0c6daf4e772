"""Holds what is left against what the clients were told. Pure.

`make audit` proves every stored task legal by itself; here is what only the clients can know.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.acceptance.tasks import TERMINAL
from tests.proof.chaos.evidence import Evidence, StoredTask
from tests.proof.chaos.ledger import Answer, Ledger
from tests.proof.chaos.load import correlation_id

GARBAGE: Final = "this is no task"
_OK: Final = 200
_CONFLICT: Final = 409
_ENDS: Final = frozenset({"complete", "fail", "give_up", "cancel"})


def violations(ledger: Ledger, evidence: Evidence, *, garbage: int) -> Iterator[str]:
    """Name every broken promise."""
    yield from ledger.complaints
    yield from _wrong_answers(ledger)
    stored = {task.task_id: task for task in evidence.stored}
    yield from _lost(ledger, evidence)
    yield from _done_twice(evidence)
    yield from _lies_about_what_was_kept(ledger, evidence)
    yield from _cancelled_without_effect(ledger, stored)
    yield from _never_asked_for(ledger, evidence)
    yield from _left_over(evidence, stored, garbage)


def _wrong_answers(ledger: Ledger) -> Iterator[str]:
    for wrong in ledger.with_answer(Answer.WRONG):
        yield f"submission {wrong.name}: answered {wrong.detail}"
    for task_id, status in ledger.cancels.items():
        if status not in {_OK, _CONFLICT, 503}:
            yield f"{task_id}: a cancel was answered {status}"


def _lost(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    for task_id in ledger.promised():
        status, body = evidence.read[task_id]
        if status != _OK:
            yield f"{task_id}: promised, and the API answers {status}"
        elif json.loads(body)["status"] not in TERMINAL:
            yield f"{task_id}: promised, and it has not ended: {body.decode()}"
        elif task_id in ledger.ended and ledger.ended[task_id] != body:
            yield f"{task_id}: has changed after its end"
    for task in evidence.stored:
        if task.status not in TERMINAL:
            yield f"{task.task_id}: stored, and it has not ended: {task}"


def _done_twice(evidence: Evidence) -> Iterator[str]:
    for task in evidence.stored:
        ends = sum(event in _ENDS for event in task.events)
        if ends != 1:
            yield f"{task.task_id}: {ends} ends are recorded: {task}"
    for (task_id, attempt), count in evidence.claims.items():
        if count > 1:
            yield f"{task_id}: attempt {attempt} was claimed {count} times"
    for task_id, count in evidence.settlements.items():
        if count > 1:
            yield f"{task_id}: {count} settlements were applied"
    names = Counter(task.name for task in evidence.stored)
    for name, count in names.items():
        if count > 1:
            yield f"submission {name}: {count} tasks"


def _lies_about_what_was_kept(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    names = {task.name for task in evidence.stored}
    for refused in ledger.with_answer(Answer.KEPT_NO):
        if refused.name in names:
            yield f"submission {refused.name}: told that nothing was kept, and it is there"
        if correlation_id(refused.name) in evidence.claimed_correlation_ids:
            yield f"submission {refused.name}: told that nothing was kept, and it was executed"


def _cancelled_without_effect(ledger: Ledger, stored: dict[str, StoredTask]) -> Iterator[str]:
    for task_id, status in ledger.cancels.items():
        task = stored.get(task_id)
        if task is None:
            continue  # said already: it was accepted
        if status == _OK and task.status != "cancelled":
            yield f"{task_id}: its cancel was confirmed, and it is {task.status}"
        if status == _CONFLICT and task.status == "cancelled":
            yield f"{task_id}: its cancel was refused, and it is cancelled"


def _never_asked_for(ledger: Ledger, evidence: Evidence) -> Iterator[str]:
    asked = {entry.name for entry in ledger.submissions}
    ids = {e.name: e.task_id for e in ledger.submissions if e.task_id is not None}
    for task in evidence.stored:
        if task.name not in asked:
            yield f"{task.task_id}: no client has submitted {task.name}"
        elif ids.get(task.name, task.task_id) != task.task_id:
            yield f"{task.task_id}: submission {task.name} was told {ids[task.name]}"


def _left_over(evidence: Evidence, stored: dict[str, StoredTask], garbage: int) -> Iterator[str]:
    if evidence.left_in_queue:
        yield f"{evidence.left_in_queue} messages are left in the queue"
    found = 0
    for body in evidence.dead:
        if body == GARBAGE:
            found += 1
            continue
        task = stored.get(json.loads(body)["task_id"])
        if task is not None and task.status not in TERMINAL:
            yield f"{task.task_id}: its message is a dead letter, and it has not ended"
    if found != garbage:
        yield f"{found} of {garbage} unreadable messages are dead letters"
