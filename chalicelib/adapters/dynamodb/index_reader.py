"""Reads the index of an owner's tasks, and many items at once: what a list needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.adapters.dynamodb.decoding import Raw
from chalicelib.adapters.dynamodb.items import SUMMARY_ATTRIBUTES, owner_shards
from chalicelib.domain.task import Task
from chalicelib.domain.task_filter import Position, TaskFilter
from chalicelib.domain.unreadable import TaskUnreadable
from chalicelib.errors import StoreUnavailable
from chalicelib.ports import IndexPage, Summaries

#: Calls DynamoDB's `Query` with these arguments and returns its answer.
Query = Callable[..., Mapping[str, Any]]


class TooManyTies(Exception):
    """More entries of one time stand in one shard than one call returns (1 MB, about 8,000)."""


_INDEX: Final = "tasks_by_owner"
_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%f+0000"
#: Before and behind every time that is stored. A key condition takes no empty text.
_LOWEST: Final = " "
_HIGHEST: Final = "~"
_LAST_CHARACTER: Final = "\U0010ffff"


def until_deadline(query: Query, now: Callable[[], datetime], start_deadline: datetime) -> Query:
    """Return the query as it may be called until then.

    Raises, when called later:
        StoreUnavailable: each call before was slow.
    """

    def asked(**arguments: object) -> Mapping[str, Any]:
        if now() > start_deadline:
            raise StoreUnavailable
        return query(**arguments)

    return asked


def read_index(
    query: Query, owner: str, *, task_filter: TaskFilter, after: Position | None, limit: int
) -> IndexPage:
    """Return a stretch of the list of an owner's tasks, merged from all shards of the index.

    DynamoDB promises no order among equal range keys. So a shard's entries count only down to the
    last time whose entries have all been read, and the merged list ends at the newest of those.
    """
    low, high = _bounds(task_filter, after)
    shards = [_Shard(query, shard, limit).read(low, high, after) for shard in owner_shards(owner)]
    horizons = [shard.horizon for shard in shards if shard.horizon is not None]
    horizon = max(horizons, default=None)
    positions = sorted(
        (
            position
            for shard in shards
            for position in shard.positions
            if horizon is None or position > horizon
        ),
        reverse=True,
    )
    return IndexPage(positions=positions, is_last=horizon is None)


class _Shard:
    """One shard of the index, read from the newest entry down."""

    def __init__(self, query: Query, key: str, limit: int) -> None:
        self._query = query
        self._key = key
        self._limit = limit
        #: Entries behind the page's beginning.
        self.positions: list[Position] = []
        #: Down to here, exclusively, all entries have been read. None: there are no others.
        self.horizon: Position | None = None

    def read(self, low: str, high: str, after: Position | None) -> _Shard:
        """Read until something counts, or nothing is left. Two rounds are enough.

        The first may meet only entries that `after` is behind: all of one time, read whole. What
        is older than that time counts.
        """
        while low <= high:
            found, is_last = self._page(low, high, self._limit)
            if is_last:
                self._take(found, after)
                self.horizon = None
                return self
            oldest = found[-1].submitted_at
            self.horizon = Position(submitted_at=oldest, task_id=_LAST_CHARACTER)
            self._take([p for p in found if p.submitted_at > oldest], after)
            if self.positions:
                return self
            # Entries of one time, and no order among them: they count together or not at all.
            ties, is_whole = self._page(oldest, oldest, None)
            if not is_whole:
                raise TooManyTies(f"{len(ties):,} tasks and more were submitted at {oldest}")
            self._take(ties, after)
            self.horizon = Position(submitted_at=oldest, task_id="")
            if self.positions:
                return self
            high = _below(oldest)
        self.horizon = None
        return self

    def _take(self, found: Sequence[Position], after: Position | None) -> None:
        self.positions = [p for p in found if after is None or p < after]

    def _page(self, low: str, high: str, limit: int | None) -> tuple[list[Position], bool]:
        """Return entries from `high` down to `low`, and whether these are all."""
        answer = self._query(
            IndexName=_INDEX,
            KeyConditionExpression="owner_shard = :shard AND submitted_at BETWEEN :low AND :high",
            ExpressionAttributeValues={
                ":shard": {"S": self._key},
                ":low": {"S": low},
                ":high": {"S": high},
            },
            ScanIndexForward=False,
            **({} if limit is None else {"Limit": limit}),
        )
        positions = [
            Position(submitted_at=item["submitted_at"]["S"], task_id=item["task_id"]["S"])
            for item in answer["Items"]
        ]
        return positions, not answer.get("LastEvaluatedKey") or not positions


def _bounds(task_filter: TaskFilter, after: Position | None) -> tuple[str, str]:
    """Return the oldest and the newest time to read, both inclusive, as the index has them."""
    low = task_filter.submitted_after
    high = task_filter.submitted_before
    newest = _HIGHEST if high is None else _below(_text(high))
    if after is not None:
        newest = min(newest, after.submitted_at)
    return _LOWEST if low is None else _text(low), newest


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime(_FORMAT)


def _below(text: str) -> str:
    """Return a bound that everything that sorts before this text is within, and the text is not."""
    return text[:-1] + chr(ord(text[-1]) - 1) + _LAST_CHARACTER


def read_summaries(
    batch_get_item: Callable[..., Mapping[str, Any]], table_name: str, task_ids: Sequence[str]
) -> tuple[Mapping[str, Mapping[str, Any]], frozenset[str]]:
    """Read many items at once; return them by id as they lie there, and ids that were not read."""
    names = {f"#{number}": name for number, name in enumerate(SUMMARY_ATTRIBUTES)}
    answer = batch_get_item(
        RequestItems={
            table_name: {
                "Keys": [{"task_id": {"S": task_id}} for task_id in task_ids],
                "ConsistentRead": True,
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
            }
        }
    )
    items = {item["task_id"]["S"]: item for item in answer.get("Responses", {}).get(table_name, ())}
    unread = answer.get("UnprocessedKeys", {}).get(table_name, {}).get("Keys", ())
    return items, frozenset(key["task_id"]["S"] for key in unread)


def summaries(
    items: Mapping[str, Raw],
    unprocessed: frozenset[str],
    *,
    owner: str,
    to_task: Callable[[str, Raw], Task],
) -> Summaries:
    """Return what was read as tasks of this owner; what is another's is left out."""
    tasks: dict[str, Task] = {}
    unreadable: set[str] = set()
    for task_id, raw in items.items():
        if raw.get("owner") != {"S": owner}:
            continue
        try:
            tasks[task_id] = to_task(task_id, raw)
        except TaskUnreadable:
            unreadable.add(task_id)
    return Summaries(tasks=tasks, unreadable=frozenset(unreadable), unprocessed=unprocessed)
