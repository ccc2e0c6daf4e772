"""After `chalice deploy` nothing says where table and queue are: both are found by their names."""

from __future__ import annotations

import pytest

from tests.functional.conftest import Api
from tests.support.circuits import LARGE


@pytest.fixture
def _without_locations(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    del api  # made from the environment as it is on its first call
    for name in ("TASKS_TABLE_NAME", "TASKS_QUEUE_URL"):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("_without_locations")
def test_every_call_of_table_and_queue_finds_them(api: Api) -> None:
    """Large circuits and lists go past the item's mapper, with the table's name in each call."""
    task_id = api.submit(LARGE)
    cancelled = api.submit(LARGE)
    assert api.cancel(cancelled).status == 200
    batch = api.request("POST", "/batches", {"tasks": [{"circuit": LARGE}, {"circuit": "x"}]})
    assert [member["status"] for member in batch.body["tasks"]] == [202, 202]
    assert api.deliver() is None
    read = api.get(task_id)
    assert (read.body["status"], read.body["circuit"]) == ("completed", LARGE)
    listed = api.request("GET", "/tasks")
    assert listed.status == 200
    assert len(listed.body["tasks"]) == 4
    assert api.request("GET", "/health").body["status"] == "healthy"
