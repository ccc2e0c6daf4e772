"""The owners' lists against the table: each task in `tasks_by_owner` once, under its owner.

DynamoDB keeps the index, and keeps it a moment late; what an item says of its place in it is the
service's to get right. Tasks that cannot be read are listed too, by their ids.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from typing import Protocol

from chalicelib.adapters.dynamodb.items import owner_shards
from infra.audit.facts import Item, is_side_item

#: How often a task stands at each place of the index, by task.
Listed = Mapping[str, collections.Counter[str]]


class Lists(Protocol):
    """What is read; see `Reader`."""

    def item(self, task_id: str) -> Item | None:
        """Return one item, consistently read."""

    def listed(self) -> Listed:
        """Return all that the index of owners' tasks holds."""


def owner_in(item: Item) -> str | None:
    """Return whose list a task belongs to; a side item and a task without a name belong to none."""
    text: str | None = None if is_side_item(item) else item.get("owner", {}).get("S")
    return text


def list_violations(reader: Lists, owners: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Compare the lists with the tasks that were seen, by owner; return ids and violations.

    What does not fit is read again, the item first: tasks come and are withdrawn meanwhile.
    """
    listed = reader.listed()
    doubtful = [
        task_id
        for task_id in sorted(owners.keys() | listed.keys())
        if any(_problems(owners.get(task_id), listed.get(task_id)))
    ]
    if not doubtful:
        return
    items = {task_id: reader.item(task_id) for task_id in doubtful}
    again = reader.listed()
    for task_id, item in items.items():
        owner = None if item is None else owner_in(item)
        for problem in _problems(owner, again.get(task_id)):
            yield task_id, f"index: {problem}"


def _problems(owner: str | None, places: collections.Counter[str] | None) -> Iterator[str]:
    places = places or collections.Counter()
    own = set() if owner is None else set(owner_shards(owner))
    times = sum(places[place] for place in own)
    if owner is not None and times == 0:
        yield "it is missing in its owner's list"
    if times > 1:
        yield f"its owner's list has it {times} times"
    for place in sorted(places.keys() - own):
        whose = "is in tasks_by_owner and is no task" if owner is None else "is in another list"
        yield f"it {whose}: {place}"
