"""The list of tasks: what it shows, its filters, its pages, cancelling from it."""

from __future__ import annotations

from urllib.parse import parse_qs

from tests.page.browser import Tab
from tests.page.stub import START, Answer, Service, at

ROWS = "document.querySelectorAll('tbody tr').length"

TITLES = "[...document.querySelectorAll('tbody th a')].map(e => e.title)"


def hash_query(tab: Tab) -> dict[str, list[str]]:
    """Return the filters that stand in the address."""
    return parse_qs(str(tab.run("location.hash")).partition("?")[2])


def statuses(tab: Tab) -> list[str]:
    """Return the statuses shown, from the top."""
    return tab.texts("tbody .badge")


def test_tasks_are_listed_with_the_newest_first(tab: Tab, service: Service, url: str) -> None:
    """Status, times, shots and tags of each task stand in its row."""
    service.add("completed", usage={"queued_ms": 250, "execution_ms": 1500, "attempts": 1})
    service.add("failed")
    newest = service.add("pending", shots=2048, tags={"run": "7"})
    tab.open(url)
    tab.wait(f"{ROWS} === 3")
    assert statuses(tab) == ["pending", "failed", "completed"]
    (first, _, last) = tab.texts("tbody tr")
    assert newest[:8] in first
    assert "2,048" in first
    assert "run: 7" in first
    assert "250 ms" in last
    assert "1.50 s" in last


def test_status_filters_stand_in_the_address(tab: Tab, service: Service, url: str) -> None:
    """They go to the service as one list, and the browser's way back takes them away again."""
    for status in ("completed", "failed", "cancelled", "completed"):
        service.add(status)
    tab.open(url)
    tab.wait(f"{ROWS} === 4")
    tab.click(".pills label", "failed")
    tab.wait(f"{ROWS} === 1")
    tab.click(".pills label", "cancelled")
    tab.wait(f"{ROWS} === 2")
    assert hash_query(tab) == {"status": ["failed,cancelled"]}
    assert service.requests("/tasks")[-1].query == {"status": ["failed,cancelled"]}
    assert statuses(tab) == ["cancelled", "failed"]
    tab.run("history.back()")
    tab.wait(f"{ROWS} === 1")
    assert tab.run("[...document.querySelectorAll('.pills :checked')].map(e => e.value)") == [
        "failed"
    ]


def test_several_tags_must_all_hold_and_each_can_be_taken_away(
    tab: Tab, service: Service, url: str
) -> None:
    """A tag filter is added by typing it, and removed by its own button."""
    service.add(tags={"a": "1", "b": "2"})
    service.add(tags={"a": "1"})
    tab.open(url)
    for text in ("a:1", "b:2"):
        tab.wait("document.querySelector('#f-tag').value === ''")
        tab.fill("#f-tag", text)
        tab.key("Enter")
        tab.wait(f"location.hash.includes('{text.replace(':', '%3A')}')")
    tab.wait(f"{ROWS} === 1")
    assert service.requests("/tasks")[-1].query == {"tag": ["a:1", "b:2"]}
    tab.click("[aria-label='Remove the filter b:2']")
    tab.wait(f"{ROWS} === 2")
    assert hash_query(tab) == {"tag": ["a:1"]}


def test_two_filters_in_quick_succession_both_hold(tab: Tab, url: str) -> None:
    """The second is given before the page has drawn the first."""
    tab.open(url)
    tab.wait("document.querySelector('#f-tag') !== null")
    tab.run(
        "for (const text of ['a:1', 'b:2']) {"
        " const field = document.querySelector('#f-tag');"
        " field.value = text; field.form.requestSubmit(); }"
    )
    tab.wait("location.hash.includes('b%3A2')")
    assert hash_query(tab) == {"tag": ["a:1", "b:2"]}


def test_a_tag_filter_without_a_value_is_refused_where_it_was_typed(tab: Tab, url: str) -> None:
    """The message is tied to the field, and nothing is asked of the service."""
    tab.open(url)
    tab.fill("#f-tag", "nonsense")
    tab.click("form button", "Apply")
    tab.wait_for_text("written name:value", "#f-bad")
    assert tab.run("document.querySelector('#f-tag').getAttribute('aria-invalid')") == "true"
    assert hash_query(tab) == {}


def test_times_filter_with_the_start_inside_and_the_end_outside(
    tab: Tab, service: Service, url: str
) -> None:
    """The fields are in the reader's time; the address and the service have UTC."""
    for _ in range(5):
        service.add()
    tab.command("Emulation.setTimezoneOverride", timezoneId="Asia/Tokyo")
    tab.open(url)
    for field, second in (("after", 1), ("before", 3)):
        local = f"2026-01-01T21:00:0{second}"
        tab.run(f"document.querySelector('#f-{field}').value = '{local}'")
    tab.click("form button", "Apply")
    tab.wait(f"{ROWS} === 2")
    query = service.requests("/tasks")[-1].query
    assert query == {
        "submitted_after": ["2026-01-01T12:00:01.000Z"],
        "submitted_before": ["2026-01-01T12:00:03.000Z"],
    }
    assert tab.run("document.querySelector('#f-after').value") == "2026-01-01T21:00:01"
    tab.click("form a", "Clear")
    tab.wait(f"{ROWS} === 5")
    assert tab.run("document.querySelector('#f-after').value") == ""


def test_older_tasks_are_a_page_of_their_own(tab: Tab, service: Service, url: str) -> None:
    """The cursor stands in the address with the filters; `Newest` leads back."""
    for _ in range(45):
        service.add()
    tab.open(f"{url}/#/tasks?status=pending")
    tab.wait("document.querySelector('[value=pending]')?.checked")
    seen: list[str] = []
    for size in (20, 20, 5):
        tab.wait(f"{ROWS} === {size} && !{seen}.includes({TITLES}[0])")
        seen += tab.run(TITLES)
        if size == 20:
            tab.click("nav a", "Older tasks")
    assert seen == list(reversed(service.tasks))
    tab.click("nav a", "Newest")
    tab.wait(f"{ROWS} === 20 && !location.hash.includes('cursor')")


def test_an_empty_page_with_more_behind_it_is_gone_past(
    tab: Tab, service: Service, url: str
) -> None:
    """The service may answer with an empty page and a cursor: go on."""
    for _ in range(41):
        service.add()
    empty = Answer(200, {"tasks": [], "next_cursor": "20"})
    service.instead["GET", "tasks"] = [empty]
    tab.open(url)
    tab.wait(f"{ROWS} === 20")
    assert [asked.query.get("cursor") for asked in service.requests("/tasks")] == [None, ["20"]]


def test_tasks_that_cannot_be_read_are_named(tab: Tab, service: Service, url: str) -> None:
    """They are not left out in silence."""
    service.unreadable = ["00000000-0000-4000-8000-0000000000ff"]
    service.add()
    tab.open(url)
    tab.wait_for_text("1 task cannot be read")
    tab.wait_for_text(service.unreadable[0])


def test_cancelling_asks_first_and_says_why_it_cannot_be(
    timed: Tab, service: Service, url: str
) -> None:
    """The safe answer has the focus; Escape means it too. The row shows the end at once."""
    ended, kept = service.add("processing"), service.add()
    timed.open(url)
    timed.wait(f"{ROWS} === 2")
    timed.click("tbody button", "Cancel")
    timed.wait_for_text(f"Cancel task {kept[:8]}?", "dialog")
    assert timed.run("document.activeElement.innerText") == "Keep it"
    timed.key("Escape")
    timed.wait("!document.querySelector('dialog')")
    label = timed.run("document.activeElement.getAttribute('aria-label')")
    assert label == f"Cancel task {kept[:8]}"
    assert service.tasks[kept]["status"] == "pending"
    timed.click("tbody button", "Cancel")
    timed.click("dialog button", "Cancel the task")
    timed.wait("document.querySelector('tbody .badge').innerText === 'cancelled'")
    assert service.tasks[kept]["status"] == "cancelled"
    assert len(service.requests(f"/tasks/{kept}/cancel", "POST")) == 1
    assert len(timed.texts("tbody button")) == 1
    timed.click("tbody button", "Cancel")
    timed.wait("document.querySelector('dialog')")
    service.end(ended, "completed")  # not before: the list may be read again at any time
    timed.click("dialog button", "Cancel the task")
    timed.wait_for_text("the task is completed", "dialog [role=alert]")


def test_times_are_the_readers_own(tab: Tab, service: Service, url: str) -> None:
    """What is older than a day has its date; the exact time in UTC is in the title."""
    service.add()
    tab.command("Emulation.setTimezoneOverride", timezoneId="Asia/Tokyo")
    tab.open(url)
    tab.wait(f"{ROWS} === 1")
    assert tab.texts("tbody time") == ["2026-01-01 21:00:00"]
    assert tab.run("document.querySelector('tbody time').title") == at(0)
    assert START.hour == 12
