"""MiniStack's memory in pieces: how they are found, told apart and put back.

The items of DynamoDB and the messages of SQS are pieces of their own, since there are many and few
change between two saves. The rest of each service is one piece. That an item changed shows by its
identity, since MiniStack never changes a stored item but replaces it; that a message changed shows
by the fields that a receive or a change of its visibility sets.
"""

from __future__ import annotations

import collections as containers
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from infra.local.emulator.saved_state import StateDamaged

#: The kind of a piece and which table or queue it belongs to; and its key among those.
Name = tuple[tuple[str, ...], str | tuple[str, str]]
#: Equal for as long as a piece is unchanged. Compares fast.
Mark = tuple[object, ...]
Piece = object
Marked = tuple[Name, Mark, Piece]

_ITEM: Final = "item"
_MESSAGE: Final = "message"
_REST: Final = "rest"
#: The mark of messages that were never received: until then nothing changes them.
_NEVER_RECEIVED: Final = ()
#: The parts of DynamoDB's state besides its tables; each is a module's variable of the same name.
DYNAMODB_PARTS: Final = (
    "tags",
    "ttl_settings",
    "pitr_settings",
    "kinesis_destinations",
    "contributor_insights",
    "backups",
    "resource_policies",
    "exports",
    "imports",
)


def all_there(server: Any) -> Iterator[Marked]:  # noqa: ANN401  MiniStack's module
    """Pass through everything that is there."""
    states: Mapping[str, Any] = server._build_persistence_save_dict()  # noqa: SLF001
    for service, state_of in states.items():
        if service == "dynamodb":
            yield from _rest(service, _dynamodb_without_items())
            for scope, table in _tables().items():
                yield from _items((_ITEM, *scope), table)
        elif service == "sqs":
            yield from _rest(service, _sqs_without_messages())
            for scope, queue in _queues().items():
                yield from _messages((_MESSAGE, *scope), queue)
        else:
            yield from _rest(service, state_of())


def restore(server: Any, saved: Iterable[tuple[Any, Any, str]]) -> None:  # noqa: ANN401
    """Put pieces back: each as its collection, its key and its text.

    Raises:
        StateDamaged: a service's state is from a newer MiniStack.
    """
    states: dict[str, Any] = {}
    items: list[tuple[Any, Any, Any]] = []
    messages: list[tuple[Any, Any]] = []
    for (kind, *scope), key, text in saved:
        if kind == _REST:
            states[key] = _decode_rest(key, text)
        elif kind == _ITEM:
            items.append((tuple(scope), key, json.loads(text)))
        else:
            messages.append((tuple(scope), json.loads(text)))
    _put_items_back(states, items)
    _put_messages_back(states, messages)
    for service, state in states.items():
        server._get_module(server._state_map[service]).load_persisted_state(state)  # noqa: SLF001


def encode(piece: Piece) -> str:
    """Write in MiniStack's own form, which knows bytes and its scoped dictionaries."""
    from ministack.core import persistence  # noqa: PLC0415  reads the environment when imported

    if isinstance(piece, str):
        return piece
    return json.dumps(piece, default=persistence._json_default)  # noqa: SLF001


def _rest(service: str, state: object) -> Iterator[Marked]:
    if state is not None:  # it has nothing to say
        text = encode({"version": _version(service), "state": state})
        yield ((_REST,), service), (text,), text


def _decode_rest(service: str, text: str) -> Any:  # noqa: ANN401  any service's own
    from ministack.core import persistence  # noqa: PLC0415

    saved = json.loads(text, object_hook=persistence._json_object_hook)  # noqa: SLF001
    if saved["version"] > _version(service):
        raise StateDamaged(f"{service}'s state is from a newer MiniStack")
    return saved["state"]


def _version(service: str) -> int:
    from ministack.core import persistence  # noqa: PLC0415

    version: int = persistence._state_format_version(service)  # noqa: SLF001
    return version


def _tables() -> dict[tuple[str, str, str], dict[str, Any]]:
    from ministack.services import dynamodb  # noqa: PLC0415

    return dict(dynamodb._tables._data)  # noqa: SLF001


def _items(collection: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[Marked]:
    for partition, items in table["items"].items():
        for sort, item in items.items():
            yield (collection, (partition, sort)), (item,), item


def _dynamodb_without_items() -> object:
    from ministack.core.responses import AccountRegionScopedDict  # noqa: PLC0415
    from ministack.services import dynamodb  # noqa: PLC0415

    tables = AccountRegionScopedDict()
    left_out = {"items", dynamodb._INDEX_MEMBERS}  # noqa: SLF001
    for scope, table in _tables().items():
        tables.set_scoped(*scope, {k: v for k, v in table.items() if k not in left_out})
    return {"tables": tables, **{part: getattr(dynamodb, f"_{part}") for part in DYNAMODB_PARTS}}


def _put_items_back(states: Mapping[str, Any], items: list[tuple[Any, Any, Any]]) -> None:
    if "dynamodb" in states:
        tables = states["dynamodb"]["tables"]._data  # noqa: SLF001
        for table in tables.values():
            table["items"] = containers.defaultdict(dict)
        for scope, (partition, sort), item in items:
            tables[scope]["items"][partition][sort] = item


def _queues() -> dict[tuple[str, str, str], dict[str, Any]]:
    from ministack.services import sqs  # noqa: PLC0415

    return dict(sqs._queues._data)  # noqa: SLF001


def _messages(collection: tuple[str, ...], queue: Mapping[str, Any]) -> Iterator[Marked]:
    for message in queue["messages"]:
        mark: Mark = _NEVER_RECEIVED
        if message.get("receive_count"):
            mark = (message["visible_at"], message["receive_count"], message["receipt_handle"])
        yield (collection, message["id"]), mark, message


def _sqs_without_messages() -> object:
    from ministack.core.responses import AccountRegionScopedDict  # noqa: PLC0415
    from ministack.services import sqs  # noqa: PLC0415

    queues = AccountRegionScopedDict()
    for scope, queue in _queues().items():
        queues.set_scoped(*scope, {k: v for k, v in queue.items() if k != "messages"})
    return {"queues": queues, "queue_name_to_url": sqs._queue_name_to_url}  # noqa: SLF001


def _put_messages_back(states: Mapping[str, Any], messages: list[tuple[Any, Any]]) -> None:
    if "sqs" in states:
        queues = states["sqs"]["queues"]._data  # noqa: SLF001
        for queue in queues.values():
            queue["messages"] = []
        for scope, message in messages:
            queues[scope]["messages"].append(message)
