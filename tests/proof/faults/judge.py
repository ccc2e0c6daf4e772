"""Judges every write at the moment it is applied, and every answer at the moment it is given.

The numbers are those of the invariants in `docs/protocol.md`. What can only be judged at the end
of a scenario is in `recovery.py`.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.task import SCHEMA_VERSION
from infra.audit.facts import TaskFacts, Unreadable, facts_of, is_side_item, side_item_keys
from infra.audit.rules import TERMINAL, violations
from tests.proof.faults.backend import Item
from tests.proof.faults.wire import Sent
from tests.proof.promises import NUMBERS

#: AWS takes a request no longer after it was signed: so late can one arrive.
LATE_SECONDS_MAX: Final = 300
#: The one tag of every task here: which submission it is of.
TAG: Final = "submission"


class Answer(enum.StrEnum):
    """What a client was last told about its submission."""

    #: Not yet submitted.
    NOTHING = "nothing"
    #: The connection broke: the process died.
    BROKEN_OFF = "broken off"
    ACCEPTED = "202"
    NOT_KEPT = "503, kept: no"
    KEPT = "503, kept: yes"
    UNKNOWN = "503, kept: unknown"
    #: 507 and 422, which say nothing of the kind.
    FULL = "507"
    CONFLICT = "422"


@dataclasses.dataclass(slots=True)
class Submitted:
    """One submission, as its client and its executor know it."""

    key: str | None
    circuit: str
    answer: Answer = Answer.NOTHING
    tries: int = 0
    #: As the client was told.
    task_id: str | None = None
    executions: int = 0
    #: What the cancel of it was answered with: None before it, True when it was said to be.
    cancelled: bool | None = None
    cancel_asked: bool = False
    #: The members of the batch that it is in, by tag; the batch is repeated whole.
    batch: tuple[str, ...] = ()
    #: Its place in the batch whose key it has; None: the key is its own.
    index: int | None = None


@dataclasses.dataclass(slots=True)
class Known:
    """What is known about a scenario so far, in addition to what the backend holds."""

    submissions: dict[str, Submitted] = dataclasses.field(default_factory=dict)
    #: Who claimed which attempt of which task.
    owners: dict[tuple[str, int], str] = dataclasses.field(default_factory=dict)
    #: Tasks whose items were corrupt.
    corrupt: set[str] = dataclasses.field(default_factory=set)
    ids: int = 0
    tokens: int = 0
    #: The first rest, before the sweeper may help.
    swept: bool = False
    #: Deliveries that come before their time, still to come.
    duplicates: int = 0

    def copied(self) -> Known:
        """Return a copy that has nothing in common with it that can change."""
        return dataclasses.replace(
            self,
            submissions={tag: copy.copy(s) for tag, s in self.submissions.items()},
            owners=dict(self.owners),
            corrupt=set(self.corrupt),
        )


class Judge:
    """Compares the table before and after every request."""

    def __init__(self) -> None:
        self.known = Known()
        #: What does not hold. It is kept, not raised: error handling would answer it.
        self.violations: list[str] = []
        self._items: Mapping[str, Item] = {}

    def begin(self, known: Known, items: Mapping[str, Item]) -> None:
        """Take what is known, and what is in the table, from here on."""
        self.known = known
        self.violations = []
        self._items = items

    def demand(self, holds: bool, complaint: str) -> None:  # noqa: FBT001 - it is what is demanded
        """Note a complaint, which begins with the promise that is broken, unless it holds."""
        assert complaint.partition(":")[0] in NUMBERS, complaint
        if not holds:
            self.violations.append(complaint)

    def judge_write(self, sent: Sent, items: Mapping[str, Item], now: datetime) -> dict[str, int]:
        """Judge what a request did to the table, and return the attempts it claimed, by task."""
        before, self._items = self._items, items
        self._judge_pieces(sent, before)
        claimed: dict[str, int] = {}
        for key in before.keys() | items.keys():
            old, new = before.get(key), items.get(key)
            if old != new:
                if is_side_item({"task_id": {"S": key}}):
                    self._judge_side_item(key, old, new, items)
                else:
                    self._judge_task(sent, old, new, now)
                    if old and new and old["attempt"] != new["attempt"]:
                        claimed[key] = int(new["attempt"]["N"])
        return claimed

    def judge_send(self, sent: Sent, message: Mapping[str, str], items: Mapping[str, Item]) -> None:
        """Only submissions and sweeps send; a retry is the same message again (10).

        Each message is of its owner's group, whichever part sends it.
        """
        self.demand(sent.role != "worker", "10: a worker sends a message instead of hiding it")
        item = items.get(json.loads(message["MessageBody"])["task_id"])
        if item is not None:
            group = hashlib.sha256(item["owner"]["S"].encode()).hexdigest()[:32]
            right = message.get("MessageGroupId") == group
            self.demand(right, "group: the message is of another owner's")

    def judge_deletion(self, body: str, items: Mapping[str, Item]) -> None:
        """A message is deleted only when its task has ended, or is none (7)."""
        try:
            task_id = str(json.loads(body)["task_id"])
        except (ValueError, KeyError, TypeError):
            self.demand(False, f"5: a message that cannot be read was deleted: {body!r}")
            return
        item = items.get(task_id)
        self.demand(
            item is None or status_in(item) in TERMINAL,
            f"7: the message of {task_id} was deleted though the task is open",
        )

    def judge_execution(self, tag: str) -> Submitted:
        """Count an execution: none comes after a `no` (6)."""
        submitted = self.known.submissions[tag]
        self.demand(submitted.answer is not Answer.NOT_KEPT, f"6: {tag} is executed after kept: no")
        submitted.executions += 1
        return submitted

    def judge_answer(self, tag: str, items: Mapping[str, Item]) -> None:
        """Judge what a client was just told about its submission (1 and 6)."""
        submitted = self.known.submissions[tag]
        found = [str(item["task_id"]["S"]) for item in _tasks(items) if tag_of(item) == tag]
        self.demand(len(found) <= 1, f"2: {tag} is more than one task: {found}")
        answer = submitted.answer
        if answer in (Answer.ACCEPTED, Answer.KEPT):
            self.demand(bool(found), f"1: {tag} was answered {answer} and is not in the table")
        if answer is Answer.NOT_KEPT:
            self.demand(not found, f"6: {tag} was answered {answer} and is in the table")
            self.demand(
                submitted.executions == 0, f"6: {tag} was answered {answer} when it had run"
            )
        if answer is Answer.FULL and submitted.key is None:
            self.demand(not found, f"6: {tag} was answered {answer} and is in the table")
        if found and answer in (Answer.ACCEPTED, Answer.KEPT, Answer.UNKNOWN):
            self.demand(
                submitted.task_id == found[0], f"6: {tag} was answered {answer} without its id"
            )

    def _judge_pieces(self, sent: Sent, before: Mapping[str, Item]) -> None:
        """Pieces of a circuit are put before their task: a key's task is looked up first."""
        if sent.operation != "PutItem" or sent.late:
            return
        key = str(sent.parameters["Item"]["task_id"]["S"])
        task_id, _, piece = key.partition("#circuit#")
        needless = "#" in piece and task_id in before
        self.demand(not needless, f"pieces: {key} was put though its task is there")

    def _judge_side_item(
        self, key: str, old: Item | None, new: Item | None, items: Mapping[str, Item]
    ) -> None:
        same = old is None or new is None or old["payload"] == new["payload"]
        self.demand(same, f"2: {key} was overwritten")
        if new is None:
            used = any(key in side_item_keys(item) for item in _tasks(items))
            self.demand(not used, f"1: {key} was deleted though its task needs it")

    def _judge_task(self, sent: Sent, old: Item | None, new: Item | None, now: datetime) -> None:
        item = new or old
        assert item is not None
        tag = tag_of(item)
        answer = self.known.submissions[tag].answer
        if new is None:
            assert old is not None
            self.demand(
                answer not in (Answer.ACCEPTED, Answer.KEPT),
                f"1: {tag} was answered {answer} and was deleted",
            )
            self.demand(status_in(old) == "pending", f"2: {tag} was deleted though claimed")
            return
        if old is not None and new["task_id"]["S"] in self.known.corrupt:
            self._judge_corrupt(old, new, now)
            return
        self.demand(answer is not Answer.NOT_KEPT, f"6: {tag} was answered {answer} and was stored")
        try:
            after = facts_of(new)
        except Unreadable as exc:
            self.demand(False, f"3: a task that cannot be read: {exc}")
            return
        self._judge_item(after)
        if old is not None:
            self._judge_transition(sent, facts_of(old), after, now)

    def _judge_corrupt(self, old: Item, new: Item, now: datetime) -> None:
        """Judge a change of an item that cannot be read by what lies there."""
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        self.demand(status_in(old) not in TERMINAL, f"2: it had ended, {sorted(changed)} changed")
        if int(old["schema_version"]["N"]) > SCHEMA_VERSION:
            self.demand(changed <= {"due_at"}, f"12: {sorted(changed)} of a newer version's task")
        events = [entry["M"]["event"]["S"] for entry in new["history"]["L"]]
        self.demand(
            events[: len(old["history"]["L"])]
            == [entry["M"]["event"]["S"] for entry in old["history"]["L"]],
            "3: the history was rewritten, not added to",
        )
        lease = old.get("lease_expires_at", {}).get("S")
        live = lease is not None and datetime.fromisoformat(lease) > now
        if "attempt" in changed:
            self.demand(not live, "9: a live lease was taken over")
        if "status" in changed and events[-1] == "give_up":
            self.demand(not live, "8: the task was abandoned under a live lease")

    def _judge_item(self, task: TaskFacts) -> None:
        found = list(violations(task, skew=timedelta(seconds=LATE_SECONDS_MAX)))
        self.demand(not found, f"3: {'; '.join(found)}")

    def _judge_transition(self, sent: Sent, old: TaskFacts, new: TaskFacts, now: datetime) -> None:
        self.demand(
            old.status not in TERMINAL, f"2: the task had ended, {sent.operation} changed it"
        )
        kept = new.history[: len(old.history)] == old.history
        self.demand(kept, "3: the history was rewritten, not added to")
        added = new.history[len(old.history) :]
        self.demand(len(added) <= 1, "3: one write added more than one entry")
        live = old.lease_expires_at is not None and old.lease_expires_at > now
        for entry in added:
            in_time = sent.late or old.history[-1].at <= entry.at
            self.demand(in_time, f"3: {entry.event} is before what came before it")
            if entry.event == "claim":
                self.demand(not live, "9: a live lease was taken over")
                self._judge_claim(new)
            if entry.event in ("complete", "fail", "release"):
                mine = sent.attempts.get(new.task_id)
                self.demand(
                    mine == old.attempt, f"8: {entry.event} by attempt {mine}, not {old.attempt}"
                )
            if entry.event == "give_up":
                self.demand(not live, "8: the task was abandoned under a live lease")

    def _judge_claim(self, task: TaskFacts) -> None:
        owner = task.lease_owner or "no holder"
        known = self.known.owners.setdefault((task.task_id, task.attempt), owner)
        self.demand(
            known == owner, f"4: attempt {task.attempt} was claimed by {known} and by {owner}"
        )


def status_in(item: Item) -> str | None:
    """Return the text that stands as a task's status."""
    text: str | None = item.get("status", {}).get("S")
    return text


def tag_of(item: Item) -> str:
    """Return which submission a task is of."""
    return str(json.loads(item["tags"]["S"])[TAG])


def _tasks(items: Mapping[str, Item]) -> list[Item]:
    return [item for item in items.values() if not is_side_item(item)]
