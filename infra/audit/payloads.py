"""Whether what is packed in an item can be unpacked; as in `facts`, by code of its own."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Final

from infra.audit.facts import Item

#: More than any circuit or result that is taken; a bound on what is unpacked.
_UNPACKED_BYTES_MAX: Final = 16_000_000


def packed_problem(item: Item) -> str | None:
    """Say what is wrong with a task's own circuit or result; None if nothing is."""
    for name in ("circuit", "result"):
        if name in item:
            packed = item[name].get("B")
            if not isinstance(packed, bytes):
                return f"{name} is not of type B"
            problem = _problem_of(packed, is_result=name == "result")
            if problem is not None:
                return f"{name}: {problem}"
    return None


def side_item_problem(item: Item) -> str | None:
    """Say what is wrong with a circuit or a result that has an item of its own."""
    key = str(item["task_id"]["S"])
    _, _, kind_and_rest = key.partition("#")
    kind, _, rest = kind_and_rest.partition("#")
    packed = item.get("payload", {}).get("B")
    if not isinstance(packed, bytes):
        return f"{key} has no payload of type B"
    if "#" in rest:
        return None  # one of several pieces: none can be unpacked alone
    if kind == "circuit" and hashlib.sha256(packed).hexdigest() != rest:
        return f"{key} does not hold what its key says"
    problem = _problem_of(packed, is_result=kind == "result")
    return None if problem is None else f"{key}: {problem}"


def _problem_of(packed: bytes, *, is_result: bool) -> str | None:
    kind, data = packed[:1], packed[1:]
    try:
        if kind == b"z":
            inflater = zlib.decompressobj()
            data = inflater.decompress(data, _UNPACKED_BYTES_MAX)
            if not inflater.eof:
                return "it is cut short, or far too large"
        elif kind != b"r":
            return f"it is packed in an unknown way, {kind!r}"
        text = data.decode()
        if is_result and not isinstance(json.loads(text).get("counts"), dict):
            return "it has no counts"
    except (zlib.error, ValueError, AttributeError, RecursionError) as exc:
        return f"it cannot be unpacked: {exc}"
    return None
