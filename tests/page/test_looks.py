"""For all users: light and dark, keyboard alone, screen readers, less motion."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.page.browser import SHIFT, Tab
from tests.page.conftest import HERE
from tests.page.stub import Service

AXE = (HERE / "axe" / "axe.min.js").read_text()
BELL = "OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\nhh q[0];\nc = measure q;\n"


@pytest.fixture
def tasks(service: Service) -> dict[str, str]:
    """Add one task of each kind, by status."""
    retried = service.add("processing", tags={"experiment": "ghz", "run": "12"})
    service.release(retried, "the executor was not available; next attempt in 2 s")
    service.claim(retried)
    service.end(retried, "completed", {"000": 493, "001": 4, "110": 11, "111": 516})
    service.tasks[retried]["usage"] = {"queued_ms": 1000, "execution_ms": 1750, "attempts": 2}
    failed = service.add("processing")
    service.end(failed, "failed", error_message="4:7: there is no gate hh")
    return {
        "completed": retried,
        "failed": failed,
        "cancelled": service.add("cancelled"),
        "processing": service.add("processing"),
        "pending": service.add(tags={"experiment": "bell"}),
    }


def open_list(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show the list."""
    tab.open(f"{url}/#/tasks?status=completed,failed,cancelled,processing,pending")
    tab.wait("document.querySelectorAll('tbody tr').length === 5")


def open_empty(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show a list that is empty for its filters."""
    tab.open(f"{url}/#/tasks?tag=a:b")
    tab.wait_for_text("No task matches")


def open_task(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show a task with everything."""
    tab.open(f"{url}/#/tasks/{tasks['completed']}")
    tab.wait_for_text("111", "#counts")
    tab.click("summary")
    tab.wait("!!document.querySelector('pre.raw')")


def open_failed(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show a failed task."""
    tab.open(f"{url}/#/tasks/{tasks['failed']}")
    tab.wait_for_text("there is no gate", ".alert")


def open_running(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show a task at work."""
    tab.open(f"{url}/#/tasks/{tasks['processing']}")
    tab.wait_for_text("so far", ".legend")


def open_cancel(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show the question before a task is cancelled."""
    open_list(tab, url, tasks)
    tab.click("tbody button", "Cancel")
    tab.wait("!!document.querySelector('dialog[open]')")


def open_submit(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show the form with findings."""
    tab.open(f"{url}/#/submit")
    tab.fill("#circuit", BELL)
    tab.click("form button", "Validate")
    tab.wait_for_text("not valid", "#findings")


def open_valid(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show the form with a valid circuit."""
    tab.open(f"{url}/#/submit")
    tab.click("form button", "Validate")
    tab.wait_for_text("is valid", "#findings")
    assert tab.run("getComputedStyle(document.querySelector('.good strong')).color") == tab.run(
        "(e => { e.className = 'healthy'; document.body.append(e); const c = getComputedStyle(e)"
        ".color; e.remove(); return c; })(document.createElement('i'))"
    )


def open_health(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show the service's health."""
    tab.open(f"{url}/#/health")
    tab.wait_for_text("Database")


def open_problem(tab: Tab, url: str, tasks: dict[str, str]) -> None:
    """Show a problem document."""
    tab.open(f"{url}/#/tasks/00000000-0000-4000-8000-0000000000aa")
    tab.wait_for_text("there is no task", ".alert")


Opener = Callable[[Tab, str, dict[str, str]], None]
VIEWS: dict[str, Opener] = {
    name.removeprefix("open_"): value
    for name, value in list(globals().items())
    if name.startswith("open_")
}


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_accessible_in_both_schemes(
    tab: Tab, tasks: dict[str, str], url: str, view: str
) -> None:
    """axe-core finds no violation, contrast included; no view is wider than a phone's screen."""
    VIEWS[view](tab, url, tasks)
    # As a debugger runs it: the page's own policy would let no other script in.
    tab.run(AXE)
    for scheme in ("light", "dark"):
        emulate(tab, "prefers-color-scheme", scheme)
        found = tab.run("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
        assert violations(found["violations"]) == []
        assert found["passes"]
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    tab.command("Emulation.setDeviceMetricsOverride", **phone)
    assert tab.run("document.documentElement.scrollWidth") <= 390


def test_light_and_dark_differ_and_follow_the_readers_choice(tab: Tab, url: str) -> None:
    """Text and ground change places."""
    colours = (
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    tab.open(url)
    seen = {}
    for scheme in ("light", "dark"):
        emulate(tab, "prefers-color-scheme", scheme)
        seen[scheme] = [brightness(colour) for colour in tab.run(colours)]
    ground, text = seen["light"]
    assert ground > 200
    assert text < 80
    ground, text = seen["dark"]
    assert ground < 40
    assert text > 200


def test_less_motion_is_no_motion(tab: Tab, tasks: dict[str, str], url: str) -> None:
    """What turns while a task runs stands still for who asks for that."""
    open_running(tab, url, tasks)
    moving = "document.getAnimations().length"
    assert tab.run(moving) > 0
    emulate(tab, "prefers-reduced-motion", "reduce")
    assert tab.run(moving) == 0


def test_a_task_is_submitted_read_and_cancelled_by_keyboard_alone(
    tab: Tab, service: Service, url: str
) -> None:
    """From an empty list to a cancelled task without a mouse."""
    tab.open(url)
    tab.wait_for_text("No tasks yet")
    tab.key("Tab")
    assert focused(tab) == "Skip to the content"
    tab_to(tab, "Submit")
    tab.key("Enter")
    tab.wait("document.activeElement.innerText === 'Submit a circuit'")
    tab_to(tab, "", selector="#shots")
    tab.run("document.activeElement.select()")
    tab.type("2")
    tab_to(tab, "Submit")
    tab.key("Space")
    tab.wait_for_text("pending", "h1 + .badge")
    assert tab.run("document.activeElement.tagName") == "H1"
    assert [task["shots"] for task in service.tasks.values()] == [2]
    tab_to(tab, "Cancel task")
    tab.key("Enter")
    tab.wait("document.activeElement.innerText === 'Keep it'")
    tab.key("Tab")
    assert focused(tab) == "Cancel the task"
    tab.key("Enter")
    tab.wait_for_text("cancelled", "h1 + .badge")


def test_filters_keep_the_focus_while_they_are_set(
    tab: Tab, tasks: dict[str, str], url: str
) -> None:
    """A status is set and let go by the space bar, and the next one is one step further."""
    tab.open(url)
    tab.wait("document.querySelectorAll('tbody tr').length === 5")
    tab_to(tab, "", selector="[value=failed]")
    tab.key("Space")
    tab.wait("document.querySelectorAll('tbody tr').length === 1")
    assert tab.run("document.activeElement.value") == "failed"
    tab.key("Tab")
    assert tab.run("document.activeElement.value") == "cancelled"
    tab.key("Tab", SHIFT)
    tab.key("Space")
    tab.wait("document.querySelectorAll('tbody tr').length === 5")


def test_focus_can_be_seen(tab: Tab, tasks: dict[str, str], url: str) -> None:
    """Every stop of the tab key has an outline, or its visible half has one."""
    open_list(tab, url, tasks)
    outline = (
        "[document.activeElement, document.activeElement.nextElementSibling].some("
        "e => e && getComputedStyle(e).outlineStyle === 'solid')"
    )
    for _ in range(25):
        tab.key("Tab")
        if tab.run("document.activeElement.matches('body, [type=datetime-local]')"):
            continue  # the parts of such a field are the browser's own, outlines included
        assert tab.run(outline), tab.run("document.activeElement.outerHTML")


def emulate(tab: Tab, feature: str, value: str) -> None:
    """Let the reader's system ask for something."""
    tab.command("Emulation.setEmulatedMedia", features=[{"name": feature, "value": value}])


def brightness(colour: str) -> float:
    """Return how bright a computed colour is, from 0 to 255."""
    parts = [float(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    return sum(parts) / len(parts)


def violations(found: list[dict[str, Any]]) -> list[str]:
    """Return what axe says, in a form that a failing test can show."""
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')}"
        for rule in found
        for node in rule["nodes"]
    ]


def focused(tab: Tab) -> str:
    """Return the text of what has the focus."""
    return str(tab.run("document.activeElement.innerText.trim()"))


def tab_to(tab: Tab, text: str, selector: str = "*") -> None:
    """Press the tab key until something has the focus that shows a text."""
    here = f"document.activeElement.matches({json.dumps(selector)})"
    for _ in range(60):
        tab.key("Tab")
        if tab.run(here) and (not text or focused(tab) == text):
            return
    raise AssertionError(f"the tab key does not reach {text or selector}")
