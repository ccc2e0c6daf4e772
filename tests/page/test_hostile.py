"""Whatever a task holds: it is shown as text, and never more of it than can be drawn."""

from __future__ import annotations

import json

from tests.page.browser import Tab
from tests.page.stub import Service

IMAGE = "<img src=x onerror='window.owned=1'>"
SCRIPT = "</script><script>window.owned=1</script>"
LINK = "javascript:window.owned=1"
#: What a page may come to, however large its task is.
NODES_MAX = 12_000


def nodes(tab: Tab) -> int:
    """Count what the page consists of."""
    return int(tab.run("document.querySelectorAll('*').length"))


def test_markup_in_a_task_is_text(tab: Tab, service: Service, url: str) -> None:
    """In its circuit, tags, notes, error message and outcomes, on all views."""
    hostile = {IMAGE: SCRIPT, "__proto__": IMAGE, "constructor": LINK}
    task_id = service.add("processing", circuit=f"{IMAGE}\n{SCRIPT}", tags=hostile)
    service.release(task_id, SCRIPT)
    service.claim(task_id)
    service.end(task_id, "completed", {IMAGE: 1, "__proto__": 2}, error_message=IMAGE, notes=IMAGE)
    tab.open(url)
    tab.wait_for_text(IMAGE[:20], "tbody")
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("__proto__", "#counts")
    tab.wait_for_text(SCRIPT, ".code")
    tab.click("summary", "Raw JSON")
    tab.wait("!!document.querySelector('pre.raw')")
    tab.click("main a", "Submit again")
    tab.wait(f"document.querySelector('#tags')?.value.includes({json.dumps(IMAGE)})")
    tab.click("form button", "Submit")
    tab.wait(f"location.hash.startsWith('#/tasks/') && !location.hash.includes('{task_id}')")
    assert list(service.tasks.values())[-1]["tags"] == hostile
    assert tab.run("window.owned") is None
    assert tab.run("document.querySelectorAll('img, iframe, main script').length") == 0
    assert tab.run("Object.prototype.owned") is None


def test_a_filter_in_the_address_is_text(tab: Tab, service: Service, url: str) -> None:
    """A hostile address, opened by its victim, runs nothing."""
    tab.open(f"{url}/#/tasks?tag=x:{IMAGE}&status={SCRIPT}&cursor={LINK}")
    tab.wait_for_text(f"x:{IMAGE}", ".chip")
    assert tab.run("window.owned") is None


def test_a_hundred_thousand_outcomes_are_drawn_in_part(
    tab: Tab, service: Service, url: str
) -> None:
    """The most frequent come first; what is left out is said, and can be asked for."""
    counts = {format(number, "030b"): 1 for number in range(99_999)} | {"1" * 30: 5}
    task_id = service.add("processing")
    service.end(task_id, "completed", counts)
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("100,000 outcomes of 100,004 shots")
    assert len(tab.texts(".bars .bar, .bars text")) <= 64
    tab.wait_for_text("and 99,968 outcomes more, together 99,968 shots")
    assert tab.texts("#counts tbody tr")[0].split() == ["1" * 30, "5", "0.0%"]
    shown = len(tab.texts("#counts tbody tr"))
    assert shown <= 200
    tab.click("main button", "Show more of 100,000")
    tab.wait(f"document.querySelectorAll('#counts tbody tr').length > {shown}")
    assert nodes(tab) < NODES_MAX


def test_a_circuit_of_five_million_characters_is_shown_in_part(
    tab: Tab, service: Service, url: str
) -> None:
    """The beginning, and how much there is."""
    task_id = service.add("completed", circuit="x q[0];\n" * 625_000)
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("The first 40,000 of 5,000,000 characters")
    assert tab.run("document.querySelector('.code').textContent.length") < 60_000
    tab.click("summary", "Raw JSON")
    tab.wait("!!document.querySelector('pre.raw')")
    assert tab.run("document.querySelector('pre.raw').textContent.length") <= 40_000
    assert nodes(tab) < NODES_MAX


def test_a_task_at_every_bound_keeps_the_page_usable(tab: Tab, service: Service, url: str) -> None:
    """Fifty tags at their longest, a thousand entries of history, one long line."""
    tags = {f"{number:0128d}": "v" * 256 for number in range(50)}
    task_id = service.add("processing", circuit="x" * 100_000, tags=tags)
    for _ in range(500):
        service.release(task_id, "n" * 2000)
        service.claim(task_id)
    service.end(task_id, "failed", error_message="e" * 100_000)
    for address in (url, f"{url}/#/tasks/{task_id}"):
        tab.open(address)
        tab.wait_for_text("failed", ".badge")
        assert nodes(tab) < NODES_MAX
        overflow = tab.run("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0


def test_counts_that_are_no_numbers_do_not_break_the_page(
    tab: Tab, service: Service, url: str
) -> None:
    """Nor do those beyond what a number holds, nor fields that are missing."""
    task_id = service.add("completed")
    service.tasks[task_id]["result"] = {"counts": {"0": 1e308, "1": "many", "2": None, "3": -1}}
    service.tasks[task_id]["status_history"] = None
    service.tasks[task_id]["tags"] = None
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("Circuit", "#t-circuit")
    assert len(tab.texts("#counts tbody tr")) == 4


def test_what_cannot_be_drawn_at_all_is_said(tab: Tab, service: Service, url: str) -> None:
    """One bad document does not leave a blank page behind."""
    task_id = service.add("completed")
    service.tasks[task_id]["result"] = {"counts": {"0": 1}, "registers": [None, 7]}
    service.tasks[task_id]["error_message"] = {"not": "a text"}
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait('document.querySelector("main").innerText.includes(\'{"not":"a text"}\')')
