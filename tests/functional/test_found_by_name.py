"""After `chalice deploy` nothing says where table and queue are: both are found by their names."""

from __future__ import annotations

import pytest

from tests.functional.conftest import Api
from tests.support.circuits import LARGE
from tools.backends import Backend


@pytest.fixture
def backend(moto: Backend, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Return table and queue as they are named, of which the environment says nothing."""
    for name in backend.environment:
        monkeypatch.delenv(name)
    return moto


def test_every_call_of_table_and_queue_finds_them(api: Api) -> None:
    """Large circuits and lists go past the item's mapper, with the table's name in each call."""
    task_id = api.submit(LARGE)
    cancelled = api.submit(LARGE)
    assert api.cancel(cancelled).status == 200
    batch = api.post_batch([{"circuit": LARGE}, {"circuit": "x"}])
    assert [member["status"] for member in batch.body["tasks"]] == [202, 202]
    assert api.deliver() is None
    read = api.get(task_id)
    assert (read.body["status"], read.body["circuit"]) == ("completed", LARGE)
    listed = api.list_tasks()
    assert listed.status == 200
    assert len(listed.body["tasks"]) == 4
    assert api.health().body["status"] == "healthy"
