"""DynamoDB and SQS for the scenarios: moto in this process, on the scenarios' own time.

Scenarios are alike: most of what they ask was asked before, in the same state. So every state that
moto was ever in is remembered, with what it answered in it to which request, and moto is asked
only what is new. To keep, compare and put back a state costs nothing.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import hashlib
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import botocore.endpoint
import moto.sqs.models
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.backends import get_backend
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from chalicelib.adapters.dynamodb import side_items
from infra.audit.facts import TaskFacts, Unreadable, facts_of, is_side_item
from tests.proof.faults.quick_sdk import make_quick
from tests.support.in_memory import FakeClock
from tools.backends import Backend, moto_backend

_ACCOUNT: Final = "123456789012"
_REGION: Final = "us-east-1"
#: So many are remembered, some 30 KB each.
_ANSWERS_MAX: Final = 6_000
_READS: Final = frozenset({"GetItem", "Query"})

Item = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One message, wherever it lies."""

    body: str
    receive_count: int
    #: In milliseconds since 1970; it can be received from then on.
    visible_at_ms: float


class TableState:
    """Everything in the table at one moment."""

    def __init__(self, items: Any) -> None:  # noqa: ANN401 - moto's own objects
        self.kept = copy.deepcopy(items)
        #: By key, in DynamoDB's JSON.
        self.items: Mapping[str, Item] = {
            key.value: item.to_json()["Attributes"] for key, item in items.items()
        }
        self.digest = _digest(sorted(self.items.items()))

    @functools.cached_property
    def tasks(self) -> tuple[TaskFacts, ...]:
        """The tasks among it that can be read."""
        found = []
        for item in self.items.values():
            with contextlib.suppress(Unreadable):
                if not is_side_item(item):
                    found.append(facts_of(item))
        return tuple(found)


class QueuesState:
    """Everything in the queue and in the dead-letter queue at one moment."""

    def __init__(self, messages: Any, dead: Any) -> None:  # noqa: ANN401 - moto's own objects
        self.kept = copy.deepcopy((messages, dead))
        self.messages, self.dead_letters = _seen(messages), _seen(dead)
        receipts = [m.receipt_handle for m in (*messages, *dead)]
        self.digest = _digest((self.messages, self.dead_letters, receipts))


@dataclasses.dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes
    #: What the request leaves behind.
    table: TableState
    queues: QueuesState


class SimulatedBackend:
    """The table and the queues, as the templates in `infra/` make them."""

    def __init__(self, clock: FakeClock, backend: Backend) -> None:
        self._clock = clock
        self.settings = backend.settings
        self.queue_url = backend.queue_url
        tables: Any = get_backend("dynamodb")[_ACCOUNT][_REGION].tables
        queues: Any = get_backend("sqs")[_ACCOUNT][_REGION].queues
        self._moto_table = tables[backend.table_name]
        self._moto_queue = queues[_name(backend.queue_url)]
        self._moto_dead = queues[_name(backend.dead_letter_queue_url)]
        self._answers: dict[tuple[object, ...], _Answer] = {}
        self._empty = TableState({}), QueuesState([], [])
        #: What is there now. Assign to them what they once were to put it back.
        self.table, self.queues = self._empty
        #: What moto has now.
        self._moto_has: tuple[TableState, QueuesState] = self._empty

    def connect(self, client: Any) -> None:  # noqa: ANN401 - a botocore client of any service
        """Let a client's requests be answered from here, one and all."""
        self.disconnect(client)
        client.meta.events.register_last(
            "before-send", lambda request, event_name, **_: self.send(event_name, request)
        )

    @staticmethod
    def disconnect(client: Any) -> None:  # noqa: ANN401 - a botocore client of any service
        """Take a client off moto: what stands between them hands on its requests.

        They are not signed: nothing here reads a signature, and it is a sixth of a call.
        """
        events, service = client.meta.events, client.meta.service_model.service_name
        events.unregister("before-send", botocore_stubber)
        events.unregister(f"request-created.{service}", client._request_signer.handler)  # noqa: SLF001

    def send(self, event_name: str, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request."""
        _, service, operation = event_name.split(".")
        of_table = service == "dynamodb"
        state = self.table if of_table else self.queues
        now = None if of_table else self._clock.now()
        key = state.digest, operation, request.body, now
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _ANSWERS_MAX:
                self._answers.clear()
            answer = self._answers[key] = self._ask_moto(event_name, request, operation)
        if of_table:
            self.table = answer.table
        else:
            self.queues = answer.queues
        raw = MockRawResponse(answer.content)
        headers: Any = answer.headers
        return AWSResponse(request.url, answer.status, headers, raw)

    def clear(self, *, max_receive_count: int) -> None:
        """Empty everything, and set after how many receives a message is a dead letter."""
        self.table, self.queues = self._empty
        self._answers.clear()
        self._moto_queue.redrive_policy["maxReceiveCount"] = max_receive_count

    def show_all_messages(self) -> None:
        """Let every message be received now, though it was received a moment ago."""

        def show(messages: list[Any]) -> None:
            for message in messages:
                message.visible_at = 0

        self._change_messages(show)

    def lose_messages(self) -> None:
        """Empty the queue, as the service never does."""
        self._change_messages(lambda messages: messages.clear())

    def _change_messages(self, change: Callable[[list[Any]], None]) -> None:
        self._hand_to_moto()
        change(self._moto_queue._messages)  # noqa: SLF001
        self.queues = self._queues_of_moto()
        self._moto_has = self.table, self.queues

    def _ask_moto(self, event_name: str, request: AWSPreparedRequest, operation: str) -> _Answer:
        self._hand_to_moto()
        response = botocore_stubber(event_name, request)
        assert response is not None, f"moto is off, or does not know {request.url}"
        table, queues = self.table, self.queues
        if operation not in _READS:
            if ".dynamodb." in event_name:
                table = TableState(dict(self._moto_table.items))
            else:
                queues = self._queues_of_moto()
        self._moto_has = table, queues
        return _Answer(
            response.status_code, dict(response.headers), response.content, table, queues
        )

    def _queues_of_moto(self) -> QueuesState:
        return QueuesState(self._moto_queue._messages, self._moto_dead._messages)  # noqa: SLF001

    def _hand_to_moto(self) -> None:
        table, queues = self._moto_has
        if table is not self.table:
            self._moto_table.items.clear()
            self._moto_table.items.update(copy.deepcopy(self.table.kept))
        if queues is not self.queues:
            kept = copy.deepcopy(self.queues.kept)
            for queue, messages in zip((self._moto_queue, self._moto_dead), kept, strict=True):
                queue._messages = messages  # noqa: SLF001
                queue._pending_messages = set()  # noqa: SLF001
                queue.deleted_messages.clear()
        self._moto_has = self.table, self.queues


@contextlib.contextmanager
def running_backend(clock: FakeClock) -> Iterator[SimulatedBackend]:
    """Run moto on this clock, and let no client wait between its requests."""
    with pytest.MonkeyPatch.context() as patch, moto_backend() as backend:
        make_quick(patch)
        patch.setattr(moto.sqs.models, "unix_time", lambda: clock.now().timestamp())
        patch.setattr(moto.sqs.models, "unix_time_millis", lambda: clock.now().timestamp() * 1000)
        no_waiting = types.SimpleNamespace(sleep=lambda _seconds: None)
        patch.setattr(botocore.endpoint, "time", no_waiting)
        # How long pieces may take is counted by it: a machine that stops for a while is no fault.
        patch.setattr(side_items, "monotonic", lambda: clock.now().timestamp())
        yield SimulatedBackend(clock, backend)


def _seen(messages: Any) -> tuple[Message, ...]:  # noqa: ANN401 - moto's own objects
    return tuple(
        Message(
            body=message.body,
            receive_count=message.approximate_receive_count,
            visible_at_ms=message.visible_at,
        )
        for message in messages
    )


def _digest(content: object) -> bytes:
    return hashlib.blake2b(repr(content).encode(), digest_size=16).digest()


def _name(queue_url: str) -> str:
    return queue_url.rpartition("/")[2]
