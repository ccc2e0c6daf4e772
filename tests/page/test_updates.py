"""Live updates: when the page asks again, and what it makes of the answer. Time is the test's."""

from __future__ import annotations

import json

import pytest

from tests.page.browser import Tab
from tests.page.stub import BROKEN, Answer, Service, problem


def assert_due(tab: Tab, *milliseconds: int) -> None:
    """Hold that the page asks again just then; it plans that after it has drawn."""
    tab.wait(f"JSON.stringify(timersDue()) === '{json.dumps(milliseconds, separators=(',', ':'))}'")


def test_no_request_comes_sooner_than_retry_after(timed: Tab, service: Service, url: str) -> None:
    """One millisecond before nothing is asked; then once."""
    task_id = service.add()
    service.retry_after = 7
    timed.open(f"{url}/#/tasks/{task_id}")
    timed.wait_for_text("pending", "h1 + .badge")
    assert_due(timed, 7000)
    timed.run("advance(6999)")
    assert_due(timed, 1)
    assert len(service.requests(f"/tasks/{task_id}")) == 1
    timed.run("advance(1)")
    timed.wait("timersDue().length === 1")
    assert len(service.requests(f"/tasks/{task_id}")) == 2


def test_leaving_and_coming_back_asks_no_sooner(timed: Tab, service: Service, url: str) -> None:
    """What is known is shown meanwhile."""
    task_id = service.add()
    service.retry_after = 30
    timed.open(f"{url}/#/tasks/{task_id}")
    timed.wait_for_text("pending", "h1 + .badge")
    timed.click("nav a", "Health")
    timed.wait_for_text("Database")
    timed.run("history.back()")
    timed.wait_for_text("pending", "h1 + .badge")
    assert_due(timed, 30000)
    assert len(service.requests(f"/tasks/{task_id}")) == 1


def test_what_is_known_is_asked_for_with_its_etag(timed: Tab, service: Service, url: str) -> None:
    """A 304 changes nothing on the page."""
    task_id = service.add()
    timed.open(f"{url}/#/tasks/{task_id}")
    timed.wait("timersDue().length === 1")
    # Seconds that pass are drawn again; all else must stay.
    shown = "document.querySelector('main').innerText.replace(/[\\d.,]+ (ms|s|min|h|d)\\b/g, '')"
    before = timed.run(shown)
    timed.run("advance(1000)")
    timed.wait("timersDue().length === 1")
    first, second = service.requests(f"/tasks/{task_id}")
    assert "if-none-match" not in first.headers
    assert second.headers["if-none-match"]
    statuses = [e["response"]["status"] for e in timed.events("Network.responseReceived")]
    assert statuses[-1] == 304
    assert timed.run(shown) == before


def test_a_pending_task_is_seen_to_run_and_complete(timed: Tab, service: Service, url: str) -> None:
    """Each change is shown and announced; after the last one nothing is asked any more."""
    task_id = service.add()
    timed.open(f"{url}/#/tasks/{task_id}")
    timed.wait_for_text("pending", "h1 + .badge")
    service.claim(task_id)
    assert_due(timed, 1000)
    timed.run("advance(1000)")
    timed.wait_for_text("processing", "h1 + .badge")
    timed.wait_for_text(f"Task {task_id[:8]} is processing", "#said")
    assert timed.texts(".bars") == []
    service.end(task_id, "completed")
    assert_due(timed, 1000)
    timed.run("advance(1000)")
    timed.wait_for_text("completed", "h1 + .badge")
    timed.wait_for_text(f"Task {task_id[:8]} is completed", "#said")
    timed.wait("!!document.querySelector('.bars')")
    assert_due(timed)


def test_a_status_that_is_not_known_ends_the_updates(
    timed: Tab, service: Service, url: str
) -> None:
    """A newer service may have more of them: it is shown as it is, and nothing hangs."""
    task_id = service.add()
    service.tasks[task_id]["status"] = "archived"
    timed.open(f"{url}/#/tasks/{task_id}")
    timed.wait_for_text("archived", "h1 + .badge")
    assert_due(timed)


def test_the_list_is_read_again_and_shows_what_is_new(
    timed: Tab, service: Service, url: str
) -> None:
    """New tasks and new statuses come by themselves."""
    first = service.add()
    timed.open(url)
    timed.wait("document.querySelectorAll('tbody tr').length === 1")
    service.add()
    service.claim(first)
    timed.run("advance(5000)")
    timed.wait("document.querySelectorAll('tbody tr').length === 2")
    assert timed.texts("tbody .badge") == ["pending", "processing"]


def test_pause_stops_the_updates_until_it_is_let_go(timed: Tab, service: Service, url: str) -> None:
    """A paused list stays as it is, however long; another filter is still answered once."""
    service.add()
    timed.open(url)
    timed.wait("document.querySelectorAll('tbody tr').length === 1")
    timed.click("button", "Pause updates")
    timed.wait_for_text("Paused")
    assert_due(timed)
    asked = len(service.requests("/tasks"))
    service.add("failed")
    timed.run("advance(600000)")
    assert_due(timed)
    assert len(service.requests("/tasks")) == asked
    timed.click(".pills label", "failed")
    timed.wait("document.querySelector('tbody .badge')?.innerText === 'failed'")
    assert_due(timed)
    timed.click("button", "Pause updates")
    timed.wait("timersDue().length === 1")
    assert timed.run("document.querySelector('[aria-pressed]').ariaPressed") == "false"


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_service_is_left_alone_as_long_as_it_says(
    timed: Tab, service: Service, url: str, status: int
) -> None:
    """Not only the one request: no other view asks before that, either."""
    service.instead["GET", "tasks"] = [problem(status, "throttled", "slow down")]
    service.instead["GET", "tasks"][0].headers["Retry-After"] = "20"
    timed.open(url)
    timed.wait_for_text("The page asks again in 20 s", ".alert")
    assert_due(timed, 20000)
    timed.click("nav a", "Health")
    timed.wait_for_text("Health", "h1")
    assert_due(timed, 20000)
    assert service.requests("/health") == []
    timed.run("advance(20000)")
    timed.wait_for_text("Database")
    timed.click("nav a", "Tasks")
    timed.wait_for_text("No tasks yet")


def test_errors_without_a_time_are_asked_again_ever_more_seldom(
    timed: Tab, service: Service, url: str
) -> None:
    """One second, then twice as long each time, at most a minute."""
    service.instead["GET", "tasks"] = [Answer(502, {"title": "Bad gateway"}) for _ in range(8)]
    timed.open(url)
    for milliseconds in (1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000):
        assert_due(timed, milliseconds)
        timed.run(f"advance({milliseconds})")
    timed.wait_for_text("No tasks yet")
    assert timed.texts(".alert strong") == []


def test_a_refusal_is_shown_and_not_repeated(timed: Tab, service: Service, url: str) -> None:
    """A 4xx will not become better by itself; its problem document says what is wrong."""
    timed.open(f"{url}/#/tasks/00000000-0000-4000-8000-0000000000aa")
    timed.wait_for_text("there is no task with this id", ".alert")
    timed.wait_for_text("Correlation id c-1", ".alert")
    assert_due(timed)


def test_a_hidden_page_asks_nothing_until_it_is_seen_again(
    timed: Tab, service: Service, url: str
) -> None:
    """A forgotten tab costs the service nothing."""
    task_id = service.add()
    timed.open(f"{url}/#/tasks/{task_id}")
    timed.wait("timersDue().length === 1")
    show = (
        "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    timed.run(show.format("true"))
    timed.run("advance(3600000)")
    assert_due(timed)
    assert len(service.requests(f"/tasks/{task_id}")) == 1
    timed.run(show.format("false"))
    timed.wait("timersDue().length === 1")
    assert len(service.requests(f"/tasks/{task_id}")) == 2


def test_a_service_that_is_gone_is_said_and_found_again(
    timed: Tab, service: Service, url: str
) -> None:
    """A connection that breaks is no blank page."""
    service.instead["GET", "tasks"] = [BROKEN]
    timed.open(url)
    timed.wait_for_text("The service did not answer", ".alert")
    assert_due(timed, 1000)
    timed.run("advance(1000)")
    timed.wait_for_text("No tasks yet")
