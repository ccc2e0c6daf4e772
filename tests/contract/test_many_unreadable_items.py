"""Many tasks that cannot be read hold up no other.

Two of each kind; `EVIDENCE=full` makes it a thousand.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.adapters.dynamodb.items import OPEN_SHARDS
from infra.audit.audit import Tolerance, audit
from infra.audit.reading import Located, Reader
from tests.support.backends import REAL_BACKEND
from tests.support.corrupting import KINDS, OF_THE_CIRCUIT, OF_THE_CONDITIONS, OF_THE_INDEX
from tests.support.evidence import FULL
from tests.support.on_one_store import GRACE_SECONDS, OnOneStore
from tools.backends import Backend

#: Tasks that cannot be read, those of them with a malformed due time, and tasks that can.
UNREADABLE, MALFORMED, HEALTHY = (1_000, 50, 300) if FULL else (2 * len(KINDS), 6, 20)
OTHER_KINDS = [kind for kind in KINDS if kind not in OF_THE_INDEX]


@pytest.fixture
def emptied(backend: Backend) -> Iterator[Backend]:
    """Give a store that holds nothing, and leave it so."""
    backend.empty_table()
    yield backend
    backend.empty_table()


@pytest.mark.parametrize(
    "backend", [pytest.param(REAL_BACKEND, marks=pytest.mark.emulator)], indirect=True
)
def test_many_of_them_in_one_shard_hold_up_no_healthy_task(emptied: Backend) -> None:
    """The audit names exactly them; all healthy tasks complete within twice the grace."""
    world = OnOneStore(emptied)
    ids = (
        task_id
        for task_id in (str(UUID(int=number, version=4)) for number in range(100_000))
        if zlib.crc32(task_id.encode()) % OPEN_SHARDS == 0
    )
    corrupt = [world.put(next(ids)) for _ in range(UNREADABLE)]
    kinds = [*OF_THE_INDEX] * MALFORMED
    for number, task in enumerate(corrupt):
        malformed = number < MALFORMED
        kind = kinds[number] if malformed else OTHER_KINDS[number % len(OTHER_KINDS)]
        world.make_corrupt(task.task_id, KINDS[kind])
    world.clock.advance(1)
    healthy = [world.put(next(ids)) for _ in range(HEALTHY)]
    world.clock.advance(GRACE_SECONDS + 2)
    reader = Reader(
        Located(
            table_name=emptied.table_name, queue_url=emptied.queue_url, dead_letter_queue_url=None
        )
    )
    verdict = audit(reader, Tolerance(skew=timedelta(1), overdue=timedelta(100_000)))
    named = {line.partition(":")[0] for line in verdict.violations}
    assert named == {task.task_id for task in corrupt}
    assert verdict.violations_in_all == UNREADABLE
    runs = 0
    while any(world.status(task.task_id) != "completed" for task in healthy):
        world.sweep()
        runs += 1
        while world.deliver():
            pass
        world.clock.advance(60)
        assert runs <= 2
    assert len(world.executor.executed) == HEALTHY
    assert {*OF_THE_CIRCUIT, *OF_THE_CONDITIONS} <= {*KINDS}
