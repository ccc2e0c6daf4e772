"""Which items of MiniStack's tables were written since it was last asked.

To pass all of them for each save took a sixth of the emulator's time where 50,000 were there. Every
write of an item goes through two functions, which note it here; only where all of a table's items
were replaced at once (a restored backup, a transaction that is undone) are all passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Table = dict[str, Any]
Item = dict[str, Any]
#: An item's partition key and sort key, as MiniStack holds them.
ItemKey = tuple[str, str]


class Tables:
    """Stands in for two functions of MiniStack's module for DynamoDB."""

    def __init__(self, dynamodb: Any) -> None:  # noqa: ANN401  MiniStack's module
        """Take their place."""
        self._set: Final = dynamodb._set_item  # noqa: SLF001
        self._remove: Final = dynamodb._remove_item  # noqa: SLF001
        dynamodb._set_item = self.set_item  # noqa: SLF001
        dynamodb._remove_item = self.remove_item  # noqa: SLF001
        #: By the table's ARN.
        self._written: dict[str, set[ItemKey]] = {}
        #: The items that they belong to, since a table may be made again under its ARN.
        self._items: dict[str, Mapping[str, Any]] = {}

    def set_item(self, table: Table, partition: str, sort: str, item: Item) -> Any:  # noqa: ANN401
        """Put an item."""
        try:
            return self._set(table, partition, sort, item)
        finally:
            self._note(table, partition, sort)

    def remove_item(self, table: Table, partition: str, sort: str) -> Any:  # noqa: ANN401
        """Remove an item."""
        try:
            return self._remove(table, partition, sort)
        finally:
            self._note(table, partition, sort)

    def take_written(self, table: Table) -> set[ItemKey] | None:
        """Return what was written since the last call, or None if it may be anything."""
        arn, items = table["TableArn"], table["items"]
        written = self._written.get(arn)
        is_known = written is not None and self._items[arn] is items
        self._written[arn], self._items[arn] = set(), items
        return written if is_known else None

    def forget_others(self, tables: list[Table]) -> None:
        """Let go of tables that are no longer there."""
        kept = {table["TableArn"] for table in tables}
        for arn in self._written.keys() - kept:
            del self._written[arn], self._items[arn]

    def _note(self, table: Table, partition: str, sort: str) -> None:
        """Note it after it was written: a save in between, by another thread, would miss it."""
        written = self._written.get(table["TableArn"])
        if written is not None:  # else all is passed the next time
            written.add((partition, sort))
