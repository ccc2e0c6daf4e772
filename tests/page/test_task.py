"""One task: its life as a timeline, its result as a histogram and a table, what can be done."""

from __future__ import annotations

import json

import pytest

from tests.page.browser import Tab
from tests.page.stub import Service

GHZ = {"000": 493, "001": 4, "010": 3, "011": 9, "100": 5, "101": 2, "110": 11, "111": 497}


def table(tab: Tab, selector: str) -> list[list[str]]:
    """Return the cells of a table's body."""
    rows: list[list[str]] = tab.run(
        f"[...document.querySelectorAll('{selector} tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return rows


def test_the_histogram_is_equal_to_the_counts(tab: Tab, service: Service, url: str) -> None:
    """Table and bars have the counts in the order of the outcomes, and bars are in proportion."""
    task_id = service.add("processing")
    service.end(task_id, "completed", GHZ)
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("111", "#counts")
    assert {row[0]: int(row[1]) for row in table(tab, "#counts")} == GHZ
    assert [row[0] for row in table(tab, "#counts")] == sorted(GHZ)
    assert table(tab, "#counts")[0] == ["000", "493", "48.1%"]
    bars = tab.run(
        "[...document.querySelectorAll('.bars .bar')]"
        ".map(bar => [bar.closest('g').querySelector('title').textContent,"
        " bar.getBoundingClientRect().width])"
    )
    assert [title for title, _ in bars] == [f"{key}: {GHZ[key]}" for key in sorted(GHZ)]
    track, right, edge = tab.run(
        "(([track, bars]) => [track.width, track.right, bars.right])"
        "(['.track', '.bars'].map(s => document.querySelector(s).getBoundingClientRect()))"
    )
    assert track > 200
    assert right <= edge + 0.6, "what is beyond the picture's edge is cut off"
    for key, (_, width) in zip(sorted(GHZ), bars, strict=True):
        assert width == pytest.approx(track * max(GHZ[key] / 497, 0.004), abs=0.6)
    labels = tab.texts(".bars text")
    assert labels == sorted(GHZ)


def test_what_the_histogram_shows_can_be_read_without_seeing_it(
    tab: Tab, service: Service, url: str
) -> None:
    """The picture has a name, and its description is the table."""
    task_id = service.add("completed")
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("11", "#counts")
    nodes = tab.command("Accessibility.getFullAXTree")["nodes"]
    images = [node for node in nodes if node["role"]["value"] == "image" and not node["ignored"]]
    names = {image["name"]["value"] for image in images}
    assert "Result" in names
    assert any(name.startswith("In the queue 500 ms, Attempt 1 1.50 s") for name in names)
    described = {image.get("description", {}).get("value") for image in images}
    assert "Counts of each outcome" in described  # the table's caption


def test_registers_say_how_an_outcome_is_read(tab: Tab, service: Service, url: str) -> None:
    """The last declared register is leftmost."""
    task_id = service.add("processing")
    service.end(task_id, "completed", {"1 01": 30, "0 10": 70})
    service.tasks[task_id]["result"]["registers"] = [
        {"name": "a", "size": 2},
        {"name": "flag", "size": 1},
    ]
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("each outcome reads flag[1] a[2]")
    assert [row[:2] for row in table(tab, "#counts")] == [["0 10", "70"], ["1 01", "30"]]


def test_the_timeline_tells_queue_attempts_and_waits_between_them(
    tab: Tab, service: Service, url: str
) -> None:
    """It is made from the history; what the sweeper noted does not end an attempt."""
    task_id = service.add("processing")
    service.release(task_id, "out of memory; next attempt due at 2026-01-01T12:00:02+00:00")
    service.claim(task_id)
    service.release(task_id, "sweep 1: no worker has finished it; its message is sent again")
    service.claim(task_id)
    service.end(task_id, "completed")
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.wait_for_text("completed", "h1 + .badge")
    assert tab.texts(".legend li") == [
        "In the queue 500 ms",
        "Attempt 1 250 ms",
        "Wait after attempt 1 500 ms",
        "Attempt 2, lost 750 ms",
        "Attempt 3 1.50 s",
    ]
    widths = tab.run(
        "[...document.querySelectorAll('.line rect')].map(r => r.getBoundingClientRect().width)"
    )
    assert widths[4] / widths[0] == pytest.approx(3, rel=0.05)
    history = table(tab, "[aria-label^=History]")
    assert [row[0] for row in history] == ["pending"] + ["processing"] * 5 + ["completed"]
    assert [row[3] for row in history][1:] == ["1", "1", "2", "2", "3", "3"]
    assert "out of memory" in history[2][4]


def test_submit_again_begins_with_the_same_request(tab: Tab, service: Service, url: str) -> None:
    """The raw document is the task's; circuit, shots and tags are filled in for another one."""
    circuit = "OPENQASM 3.0;\nqubit q;\nbit c;\nc = measure q;\n"
    task_id = service.add("completed", circuit=circuit, shots=77, tags={"run": "7"})
    tab.open(f"{url}/#/tasks/{task_id}")
    tab.click("summary", "Raw JSON")
    tab.wait("!!document.querySelector('pre.raw')")
    raw = json.loads(tab.run("document.querySelector('pre.raw').textContent"))
    assert raw == service.tasks[task_id]
    tab.click("main a", "Submit again")
    tab.wait(f"document.querySelector('#circuit')?.value === {json.dumps(circuit)}")
    tab.click("form button", "Submit")
    tab.wait(f"/tasks\\/(?!{task_id})/.test(location.hash)")
    tab.wait_for_text("pending", "h1 + .badge")
    again = list(service.tasks.values())[-1]
    assert again["task_id"] != task_id
    assert {name: again[name] for name in ("circuit", "shots", "tags")} == {
        "circuit": circuit,
        "shots": 77,
        "tags": {"run": "7"},
    }


def test_an_address_of_no_page_asks_the_service_nothing(
    tab: Tab, service: Service, url: str
) -> None:
    """What stands behind the # cannot make the page call something else."""
    for place in ("tasks/../health", "tasks/%2e%2e%2fhealth", "nowhere", "%"):
        tab.open(f"{url}/#/{place}")
        tab.wait_for_text("There is no such page", "h1")
    assert service.asked == []


def test_health_is_shown_in_each_state(tab: Tab, service: Service, url: str) -> None:
    """Also that of the 503, whose body is no problem document."""
    parts = {
        "healthy": ["healthy", "healthy"],
        "degraded": ["healthy", "unavailable"],
        "unavailable": ["unavailable", "healthy"],
    }
    for status, expected in parts.items():
        service.health = status
        tab.open(f"{url}/#/health")
        tab.wait_for_text(status, "h1 + .badge")
        assert tab.texts(".alert") == []
        assert tab.texts("dd .badge")[1:] == expected
