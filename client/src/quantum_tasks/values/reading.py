"""Makes values of JSON objects, and says which field is not what it must be.

A value's class says it all: the annotations are the types, a field without a default must be there.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import Any, Final, TypeVar, cast

from quantum_tasks.errors import BadAnswer

T = TypeVar("T")

_WORDS: Final = {str: "a string", int: "an integer", bool: "true or false"}
_PLURALS: Final = {str: " of strings", int: " of integers"}


def named(name: str, **more: Any) -> Any:  # noqa: ANN401 - as `dataclasses.field` does
    """Return a field whose name in the service's document is another one."""
    return dataclasses.field(metadata={"name": name}, **more)


def read(kind: type[T], document: Mapping[str, Any]) -> T:
    """Make a value of a JSON object; what is missing or null is the field's default.

    A field named `document` takes the object itself. Names that the class does not have are left
    alone.

    Raises:
        BadAnswer: a field is missing or of another type; the message has its name.
    """
    given: dict[str, Any] = {}
    for own, name, hint, is_required in _fields(cast("Any", kind)):
        value = document if own == "document" else document.get(name)
        if value is not None:
            given[own] = _value(hint, value, name)
        elif is_required:
            raise BadAnswer(f"the answer has no {name!r}")
    return kind(**given)


@functools.cache
def _fields(kind: Any) -> list[tuple[str, str, Any, bool]]:  # noqa: ANN401 - a dataclass
    """Return each field's own name, its name in documents, its type, and if it must be there."""
    hints = typing.get_type_hints(kind)
    return [
        (
            field.name,
            field.metadata.get("name", field.name),
            _without_none(hints[field.name]),
            field.default is field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(kind)
    ]


def _without_none(hint: Any) -> Any:  # noqa: ANN401 - a type
    """Return X of `X | None`."""
    kinds = typing.get_args(hint)
    return next(kind for kind in kinds if kind is not NoneType) if NoneType in kinds else hint


def _value(hint: Any, value: Any, name: str) -> Any:  # noqa: ANN401 - any type, any value of it
    item = next(iter(typing.get_args(hint)), None)
    match typing.get_origin(hint) or hint:
        case builtins if builtins in _WORDS:
            return value if type(value) is builtins else _wrong(name, _WORDS[builtins])
        case kind if kind is Any:
            return value
        case kind if kind is datetime:
            return _time(value, name)
        case kind if kind is tuple:
            return _list(item, value, name)
        case kind if kind is Mapping:
            item = typing.get_args(hint)[1]
            entries = value.values() if isinstance(value, dict) else [None]
            if not all(item in (Any, type(entry)) for entry in entries):
                _wrong(name, f"an object{_PLURALS.get(item, '')}")
            return value
        case kind:
            return read(kind, value) if isinstance(value, dict) else _wrong(name, "an object")


def _list(item: Any, value: Any, name: str) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    if not isinstance(value, list):
        _wrong(name, "a list")
    if not all(isinstance(entry, str if item is str else dict) for entry in value):
        _wrong(name, f"a list{_PLURALS.get(item, ' of objects')}")
    return tuple(_value(item, entry, name) for entry in value)


def _time(value: Any, name: str) -> datetime:  # noqa: ANN401 - as above
    """Return an aware time (RFC 3339)."""
    if not isinstance(value, str):
        _wrong(name, "a string")
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        _wrong(name, "a time")
    return time if time.tzinfo is not None else _wrong(name, "a time with its zone")


def _wrong(name: str, must_be: str) -> typing.NoReturn:
    raise BadAnswer(f"the answer's {name!r} is not {must_be}")
