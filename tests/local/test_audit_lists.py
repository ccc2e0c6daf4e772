"""The owners' lists against the table, where the index itself is wrong, late or ahead."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping

import pytest

from infra.audit.facts import Item
from infra.audit.lists import list_violations


@dataclasses.dataclass
class Lists:
    """An index that may differ from the table, and from one reading to the next."""

    items: Mapping[str, str]
    #: Places of each task, reading by reading; the last one stays.
    readings: list[dict[str, list[str]]]

    def item(self, task_id: str) -> Item | None:
        """Return an item with its owner."""
        owner = self.items.get(task_id)
        return None if owner is None else {"task_id": {"S": task_id}, "owner": {"S": owner}}

    def listed(self) -> dict[str, collections.Counter[str]]:
        """Return the next reading."""
        reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        return {task_id: collections.Counter(places) for task_id, places in reading.items()}


RIGHT = {"t1": ["a#0"], "t2": ["b#3"]}
SEEN = {"t1": "a", "t2": "b"}


def test_lists_that_are_right_are_read_once() -> None:
    """There is no second reading."""
    lists = Lists(SEEN, [RIGHT, {}, {}])
    assert list(list_violations(lists, SEEN)) == []
    assert lists.readings == [{}, {}]


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ({"t2": ["b#3"]}, "index: it is missing in its owner's list"),
        ({**RIGHT, "t1": ["a#0", "a#0"]}, "index: its owner's list has it 2 times"),
        ({**RIGHT, "t1": ["a#0", "a#1"]}, "index: its owner's list has it 2 times"),
        ({**RIGHT, "t1": ["a#0", "b#0"]}, "index: it is in another list: b#0"),
        ({**RIGHT, "t1": ["b#0"]}, "index: it is missing in its owner's list"),
        ({**RIGHT, "t1": ["a#4"]}, "index: it is in another list: a#4"),
    ],
)
def test_a_task_that_is_not_once_in_its_list_is_named(
    reading: dict[str, list[str]], said: str
) -> None:
    """Whatever the index has done to it; its neighbour is not."""
    found = list(list_violations(Lists(SEEN, [reading]), SEEN))
    assert ("t1", said) in found
    assert {task_id for task_id, _ in found} == {"t1"}


@pytest.mark.parametrize("stray", ["t9", "t1#circuit#0"])
def test_what_is_listed_and_is_no_task_is_named(stray: str) -> None:
    """A task that is gone, and a side item."""
    lists = Lists({**SEEN, "t1#circuit#0": "a"}, [{**RIGHT, stray: ["a#1"]}])
    assert list(list_violations(lists, SEEN)) == [
        (stray, "index: it is in tasks_by_owner and is no task: a#1")
    ]


def test_what_came_went_or_was_late_meanwhile_is_no_violation() -> None:
    """Stored after the table was read; taken back after it; in the index a moment later."""
    came = Lists({**SEEN, "t3": "a"}, [{**RIGHT, "t3": ["a#2"]}])
    assert list(list_violations(came, SEEN)) == []
    went = Lists({"t1": "a"}, [{"t1": ["a#0"]}])
    assert list(list_violations(went, SEEN)) == []
    late = Lists(SEEN, [{"t2": ["b#3"]}, RIGHT])
    assert list(list_violations(late, SEEN)) == []
