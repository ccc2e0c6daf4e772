"""Reads JSON objects field by field, and says which field is not what it must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from quantum_tasks.errors import BadAnswer


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A JSON object with typed access.

    Every method raises `BadAnswer`, with the field's name, if the value is of another type. The
    ones that end in `or_none`, and those that return collections, take a missing or null field.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, value: object) -> Document:
        """Take a parsed JSON value, which must be an object."""
        if not isinstance(value, dict):
            message = f"the answer is not a JSON object but {type(value).__name__}"
            raise BadAnswer(message)
        return cls(value)

    def text(self, name: str) -> str:
        """Return a string."""
        value = self.text_or_none(name)
        return value if value is not None else self._missing(name)

    def text_or_none(self, name: str) -> str | None:
        """Return a string, if there is one."""
        value = self.values.get(name)
        return value if value is None or isinstance(value, str) else self._wrong(name, "a string")

    def integer(self, name: str) -> int:
        """Return an integer."""
        value = self.integer_or_none(name)
        return value if value is not None else self._missing(name)

    def integer_or_none(self, name: str) -> int | None:
        """Return an integer, if there is one."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong(name, "an integer")
        return value

    def truth(self, name: str) -> bool:
        """Return a boolean, false where there is none."""
        value = self.values.get(name, False)
        return value if isinstance(value, bool) else self._wrong(name, "true or false")

    def time(self, name: str) -> datetime:
        """Return an aware time."""
        value = self.time_or_none(name)
        return value if value is not None else self._missing(name)

    def time_or_none(self, name: str) -> datetime | None:
        """Return an aware time (RFC 3339), if there is one."""
        text = self.text_or_none(name)
        if text is None:
            return None
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            self._wrong(name, "a time")
        if value.tzinfo is None:
            self._wrong(name, "a time with its zone")
        return value

    def document_or_none(self, name: str) -> Document | None:
        """Return an object, if there is one."""
        value = self.values.get(name)
        if value is None:
            return None
        return Document(value) if isinstance(value, dict) else self._wrong(name, "an object")

    def documents(self, name: str) -> tuple[Document, ...]:
        """Return a list of objects."""
        value = self._list(name)
        if not all(isinstance(entry, dict) for entry in value):
            self._wrong(name, "a list of objects")
        return tuple(Document(entry) for entry in value)

    def text_list(self, name: str) -> tuple[str, ...]:
        """Return a list of strings."""
        value = self._list(name)
        if not all(isinstance(entry, str) for entry in value):
            self._wrong(name, "a list of strings")
        return tuple(value)

    def texts(self, name: str) -> Mapping[str, str]:
        """Return an object of strings."""
        return self._mapping(name, str, "an object of strings")

    def integers(self, name: str) -> Mapping[str, int]:
        """Return an object of integers."""
        return self._mapping(name, int, "an object of integers")

    def _list(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else self._wrong(name, "a list")

    def _mapping(self, name: str, kind: type, must_be: str) -> Mapping[str, Any]:
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(type(v) is kind for v in value.values()):
            self._wrong(name, must_be)
        return dict(value)

    def _missing(self, name: str) -> NoReturn:
        message = f"the answer has no {name!r}"
        raise BadAnswer(message)

    def _wrong(self, name: str, must_be: str) -> NoReturn:
        message = f"the answer's {name!r} is not {must_be}"
        raise BadAnswer(message)
