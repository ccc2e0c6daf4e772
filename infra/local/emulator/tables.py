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
        #: By the table's ARN. With the items that they belong to, since these may be replaced, or
        #: the table made again under its ARN.
        self._written: dict[str, tuple[Mapping[str, Any], set[ItemKey]]] = {}

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
        items = table["items"]
        before, written = self._written.get(table["TableArn"], (None, set()))
        self._written[table["TableArn"]] = items, set()
        return written if before is items else None

    def forget_others(self, tables: list[Table]) -> None:
        """Let go of tables that are no longer there."""
        kept = {table["TableArn"] for table in tables}
        for arn in self._written.keys() - kept:
            del self._written[arn]

    def _note(self, table: Table, partition: str, sort: str) -> None:
        """Note it after it was written: a save in between, by another thread, would miss it."""
        if table["TableArn"] in self._written:  # else all is passed the next time
            self._written[table["TableArn"]][1].add((partition, sort))
