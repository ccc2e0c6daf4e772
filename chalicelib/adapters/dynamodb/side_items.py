"""Circuits and results that are too large for their task's item: one side item, or several pieces.

A key says what it holds: `{id}#circuit#{sha256}` and `{id}#result#{attempt}`, each piece of several
with `#{number}` behind it. A circuit's key is its content, so another request's is never
overwritten; a result's is its attempt's and never its content's, since executors are deterministic
and a late attempt must not touch the winner's.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final, TypeVar

import msgspec

from chalicelib.adapters.aws_calls import AwsCalls
from chalicelib.adapters.dynamodb.decoding import Raw
from chalicelib.domain.payloads import PIECES_SECONDS_MAX
from chalicelib.errors import StoreFull, StoreUnavailable
from chalicelib.threads import map_in_threads

#: What deleting pieces that nothing refers to may add to an answer that is a 503 anyway.
_DELETING_SECONDS_MAX: Final = 2.0

_T = TypeVar("_T")
_R = TypeVar("_R")


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Where something packed lies, and by what it is known to be whole."""

    key: str
    pieces: int
    #: SHA-256 (hex) of all that is packed; None where an older version kept none.
    sha256: str | None

    @property
    def keys(self) -> list[str]:
        """The keys of its side items."""
        if self.pieces == 1:
            return [self.key]
        return [f"{self.key}#{number}" for number in range(self.pieces)]


def reference_in(raw: Raw, name: str) -> Reference | None:
    """Return what an item says of its circuit's or its result's side items; None if nothing.

    Raises:
        ValueError: it says what cannot be.
    """
    if f"{name}_ref" not in raw:
        return None
    key = str(raw[f"{name}_ref"]["S"])
    pieces = int(raw.get(f"{name}_pieces", {"N": "1"})["N"])
    if not 1 <= pieces <= _PIECES_MAX:
        message = f"its {name} cannot be read: it is said to be in {pieces} pieces"
        raise ValueError(message)
    sha256 = key.rpartition("#")[2] if name == "circuit" else None
    return Reference(key=key, pieces=pieces, sha256=raw.get(f"{name}_sha256", {}).get("S", sha256))


#: More than the largest circuit and the largest result have.
_PIECES_MAX: Final = 32


class SideItems:
    """Puts, reads and deletes side items, some at a time and in a bounded time."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - a botocore client
        calls: AwsCalls,
        *,
        table_name: str,
        at_once: int,
        call_seconds_max: float,
        piece_bytes: int,
        now: Callable[[], datetime],
    ) -> None:
        """Take the store's client, how many calls go at the same time, and how long one takes."""
        self._piece_bytes = piece_bytes
        self._now = now
        self._client = client
        self._calls = calls
        self._table_name = table_name
        self._at_once = at_once
        self._call_seconds_max = call_seconds_max

    def put_circuit(self, task_id: str, packed: bytes) -> Reference:
        """Store a circuit; see `put_result`."""
        sha256 = hashlib.sha256(packed).hexdigest()
        return self._put(f"{task_id}#circuit#{sha256}", packed, sha256)

    def put_result(self, task_id: str, attempt: object, packed: bytes) -> Reference:
        """Store an attempt's result.

        Raises:
            StoreUnavailable, StoreFull: some pieces may be there; nothing refers to them.
        """
        return self._put(f"{task_id}#result#{attempt}", packed, hashlib.sha256(packed).hexdigest())

    def _put(self, key: str, packed: bytes, sha256: str) -> Reference:
        size = self._piece_bytes
        parts = [packed[begin : begin + size] for begin in range(0, len(packed), size)]
        reference = Reference(key=key, pieces=len(parts), sha256=sha256)
        self._each(self._put_one, list(zip(reference.keys, parts, strict=True)))
        return reference

    def read(self, reference: Reference, what: str) -> bytes:
        """Return what was put.

        Raises:
            ValueError: a piece is missing, or they are not what was put.
            StoreUnavailable: it could not be read in time.
        """
        found = self._each(self._read_one, reference.keys)
        for number, piece in enumerate(found):
            if piece is None:
                place = f"piece {number + 1} of {len(found)}" if len(found) > 1 else reference.key
                message = f"its {what} cannot be read: {place} is missing"
                raise ValueError(message)
        packed = b"".join(piece for piece in found if piece is not None)
        if reference.sha256 not in (None, hashlib.sha256(packed).hexdigest()):
            message = f"its {what} cannot be read: it is not what was stored"
            raise ValueError(message)
        return packed

    def delete(self, reference: Reference) -> None:
        """Delete what nothing refers to, as time allows; what remains does no harm."""
        began = monotonic()
        for key in reference.keys:
            if monotonic() - began > _DELETING_SECONDS_MAX:
                return
            # What fails is in the log, and must not be taken for a failure to delete the task.
            ignored = contextlib.suppress(StoreUnavailable, StoreFull)
            with ignored, self._calls.failing_as(StoreUnavailable):
                self._client.delete_item(TableName=self._table_name, Key={"task_id": {"S": key}})

    def _put_one(self, part: tuple[str, bytes]) -> None:
        key, payload = part
        with self._calls.failing_as(StoreUnavailable):
            self._client.put_item(
                TableName=self._table_name,
                Item={
                    "task_id": {"S": key},
                    "payload": {"B": payload},
                    "stored_at": {"S": self._now().isoformat(timespec="seconds")},
                },
            )

    def _read_one(self, key: str) -> bytes | None:
        with self._calls.failing_as(StoreUnavailable):
            answer = self._client.get_item(
                TableName=self._table_name, Key={"task_id": {"S": key}}, ConsistentRead=True
            )
        payload: bytes | None = answer.get("Item", {}).get("payload", {}).get("B")
        return payload

    def _each(self, do: Callable[[_T], _R], parts: Sequence[_T]) -> list[_R]:
        """Do it for each part, some at a time; none is begun that might end after the deadline."""
        if len(parts) == 1:
            return [do(parts[0])]
        until = monotonic() + PIECES_SECONDS_MAX - self._call_seconds_max

        def do_in_time(part: _T) -> _R:
            if monotonic() > until:
                raise StoreUnavailable
            return do(part)

        return map_in_threads(do_in_time, parts, width=self._at_once)
