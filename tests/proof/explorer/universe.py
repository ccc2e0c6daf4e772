"""Everything that was met once: tasks, calls, replies, and how far programs have come.

States are made of their numbers, so that they are small and quick to compare, and each run of the
code under test and each write to the store happens once, however often a state needs it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import structs

from chalicelib.domain.task import Task, TaskEvent
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import (
    ConditionFailed,
    PermanentExecutionError,
    QueueUnavailable,
    StoreFull,
    StoreUnavailable,
    TransientExecutionError,
)
from chalicelib.ports import PutOutcome
from chalicelib.settings import Settings
from tests.proof.explorer.code import Code
from tests.proof.explorer.items import NOW, Items, attempt_result
from tests.proof.explorer.programs import task_id
from tests.proof.explorer.properties import check_write
from tests.proof.explorer.replay import Script
from tests.proof.explorer.values import (
    SENDS,
    Call,
    Calls,
    Node,
    Operation,
    Program,
    Reply,
    Violation,
)
from tests.proof.explorer.views import view, view_text, view_unreadable

DONE = Reply("done", "message-1")
NOT_TAKEN = Reply("not taken", None)
CREATED = Reply("stored", PutOutcome.CREATED)
CREATED_AFTER_DOUBT = Reply("stored", PutOutcome.CREATED_AFTER_DOUBT)
EXISTED = Reply("EXISTS", PutOutcome.EXISTED)
CONDITION_FAILED = Reply("CONDITION FAILED", error=ConditionFailed)
STORE_FULL = Reply("FULL", error=StoreFull)
PERMANENT = Reply("permanent error", error=PermanentExecutionError)
TRANSIENT = Reply("transient error", error=TransientExecutionError)
#: By operation's port and doubt: what the caller of a failed call gets.
_QUEUE = frozenset({*SENDS, Operation.REDELIVER, Operation.ACKNOWLEDGE})
_STORE_REFUSED = Reply("store refused", error=StoreUnavailable)
_STORE_IN_DOUBT = Reply("store in doubt", error=lambda: StoreUnavailable(in_doubt=True))
_QUEUE_REFUSED = Reply("queue refused", error=QueueUnavailable)
_QUEUE_IN_DOUBT = Reply("queue in doubt", error=lambda: QueueUnavailable(in_doubt=True))


def unavailable(call: Call, *, in_doubt: bool) -> Reply:
    """Return what the caller gets when a call has failed, applied or not."""
    if call.operation in _QUEUE:
        return _QUEUE_IN_DOUBT if in_doubt else _QUEUE_REFUSED
    return _STORE_IN_DOUBT if in_doubt else _STORE_REFUSED


class Performed(NamedTuple):
    """What a call of the store did."""

    item: int
    reply: Reply
    #: Whether it was applied, or has read what was asked for.
    applied: bool
    violation: Violation | None


class Universe:
    """What one configuration explores, apart from its states."""

    def __init__(
        self, code: Code, settings: Settings, *, keyed: bool, sweeps_max: int, pieces: bool
    ) -> None:
        self._code = code
        self._settings = settings
        self._keyed = keyed
        self._task_id = task_id(keyed=keyed)
        self.items = Items(sweeps_max=sweeps_max)
        self._calls = Calls()
        self.calls = self._calls.all
        self.script = Script(code, settings, self._calls, pieces=pieces)
        self.nodes: list[Node] = []
        self._roots: dict[Program, int] = {}
        self._replies: dict[str, Reply] = {}
        self._performed: dict[tuple[int, int], Performed] = {}

    def root(self, program: Program) -> int:
        """Return the node of an actor that has just begun."""
        root = self._roots.get(program)
        if root is None:
            root = self._roots[program] = self._node(program, ())
        return root

    def child(self, number: int, reply: Reply) -> int:
        """Return the node of an actor that has got one more reply."""
        node = self.nodes[number]
        child = node.children.get(reply)
        if child is None:
            assert node.call is not None
            child = self._node(node.program, (*node.past, (node.call, reply)))
            node.children[reply] = child
        return child

    def _node(self, program: Program, past: tuple[tuple[Call, Reply], ...]) -> int:
        self.nodes.append(self.script.run(program, past, keyed=self._keyed))
        return len(self.nodes) - 1

    def result(self, attempt: int) -> Reply:
        """Return what the executor gives to an attempt."""
        return self._reply(f"result {attempt}", attempt_result(attempt))

    def perform(self, item: int, call: Call) -> Performed:
        """Do a call of the store to the stored task, by the in-memory store."""
        key = item, call.number
        performed = self._performed.get(key)
        if performed is None:
            performed = self._performed[key] = self._perform(item, call)
        return performed

    def _perform(self, number: int, call: Call) -> Performed:
        before = self.items.all[number].task
        store = self._code.store()
        if before is not None:
            store.tasks[self._task_id] = before
        assert call.on_store is not None
        try:
            value = call.on_store(store)
        except ConditionFailed:
            return Performed(number, CONDITION_FAILED, applied=False, violation=None)
        except TaskUnreadable as exc:
            value = exc
        after = store.tasks.get(self._task_id)
        if after is not None and after is not before:
            after = _in_time(before, after, call)
        violation = check_write(before, after, call, attempts_max=self._settings.attempts_max)
        if after is before:
            return Performed(number, self._reply_of(call, value), value is not EXISTED.value, None)
        return Performed(
            self.items.intern(after), self._reply_of(call, value), applied=True, violation=violation
        )

    def _reply_of(self, call: Call, value: object) -> Reply:
        if isinstance(value, PutOutcome):
            return CREATED if value is PutOutcome.CREATED else EXISTED
        if isinstance(value, TaskUnreadable):
            return self._unreadable(value, call)
        if isinstance(value, Task):
            task = self.items.canonical(value)
            return self._reply(view_text(task, call), view(task, call), f"{task.status}")
        if call.operation in {Operation.DELETE, Operation.APPLY_TO_UNREADABLE}:
            return DONE
        if call.operation is Operation.DUE:
            return self._reply(repr(value), value, "it is" if value else "nothing")
        return self._reply(repr(value), value)

    def _unreadable(self, error: TaskUnreadable, call: Call) -> Reply:
        stored, applied = view_unreadable(error.stored, call), error.applied
        key = f"{stored} {applied}"
        reply = self._replies.get(key)
        if reply is None:
            reply = Reply("UNREADABLE", error=lambda: TaskUnreadable(stored, applied=applied))
            self._replies[key] = reply
        return reply

    def _reply(self, key: str, value: Any, text: str | None = None) -> Reply:  # noqa: ANN401
        reply = self._replies.get(key)
        if reply is None:
            reply = self._replies[key] = Reply(text or key, value)
        return reply


def _in_time(before: Task | None, after: Task, call: Call) -> Task:
    """Let a postponement behind a lease that has run out meanwhile be over itself."""
    postponed = call.transition is not None and call.transition.event is TaskEvent.POSTPONE
    lease = None if before is None else before.lease
    if (
        postponed
        and call.operation is Operation.APPLY
        and lease is not None
        and lease.expires_at <= NOW
    ):
        return structs.replace(after, due_at=NOW)
    return after
