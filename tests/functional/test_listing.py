"""`GET /tasks`: every task found again, without repeats or holes."""

from __future__ import annotations

import re

import pytest

from tests.functional.conftest import Api


def walk(api: Api, **parameters: object) -> list[str]:
    """Follow the cursors to the end, and return every id in the order of the pages."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(200):
        page = api.list_tasks(cursor=cursor, **parameters)
        assert page.status == 200, page.body
        found += [task["task_id"] for task in page.body["tasks"]]
        cursor = page.body["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


def test_every_task_is_listed_once_newest_first(api: Api) -> None:
    """Whatever the page's size."""
    submitted = [api.submit(f"// {number}") for number in range(23)]
    for limit in (3, 20, None):
        assert walk(api, limit=limit) == submitted[::-1]


def test_a_summary_has_everything_but_circuit_result_and_history(api: Api) -> None:
    """The whole task is one GET away."""
    task_id = api.submit()
    whole = api.get(task_id).body
    (summary,) = api.list_tasks().body["tasks"]
    assert summary == {
        name: value
        for name, value in whole.items()
        if name not in {"circuit", "inputs", "result", "status_history"}
    }


def test_an_empty_list_is_an_empty_last_page(api: Api) -> None:
    """No task, no cursor, and nothing unreadable is said."""
    assert api.list_tasks().body == {"tasks": [], "next_cursor": None}


def test_status_and_tags_filter(api: Api) -> None:
    """Statuses are alternatives, tags must all be there."""
    plain = api.submit("// plain")
    tagged = api.post({"circuit": "x", "tags": {"team": "a", "run:x": "1:2"}}).body["task_id"]
    cancelled = api.post({"circuit": "x", "tags": {"team": "a"}}).body["task_id"]
    api.cancel(cancelled)
    assert walk(api, status="cancelled") == [cancelled]
    assert walk(api, status="pending,cancelled") == [cancelled, tagged, plain]
    assert walk(api, tag="team:a") == [cancelled, tagged]
    assert walk(api, tag=["team:a", "run:x:1:2"]) == [tagged]
    assert walk(api, tag="team:b") == []
    assert walk(api, status="completed", limit=1) == []


def test_a_page_that_has_not_changed_is_a_304(api: Api) -> None:
    """Its validator is of its body: it changes when a task on it does."""
    task_id = api.submit()
    first = api.list_tasks()
    assert re.fullmatch(r'"[0-9a-f]{32}"', first.headers["ETag"])
    same = api.request("GET", "/tasks", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status, same.body) == (304, None)
    api.cancel(task_id)
    changed = api.request("GET", "/tasks", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200


@pytest.mark.parametrize("path", ["/tasks", "/tasks/{id}", "/health"])
def test_head_is_answered_as_get_without_the_body(api: Api, path: str) -> None:
    """Wherever there is a GET."""
    path = path.format(id=api.submit())
    got, head = api.request("GET", path), api.request("HEAD", path)
    assert head.status == got.status == 200
    assert head.body is None
    assert head.headers.get("ETag") == got.headers.get("ETag")
