"""A value made from another of a related kind."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import structs

_T = TypeVar("_T", bound=msgspec.Struct)


def convert_to(kind: type[_T], like: msgspec.Struct, **changes: object) -> _T:
    """Return a value of this kind with all that the other has, but for these changes."""
    return kind(**structs.asdict(like) | changes)
