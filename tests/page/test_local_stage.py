"""The page on the local stage: real processes, real answers, real time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.settings import HOST
from tests.page.browser import Tab
from tools.local_stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.emulator]

ASYMMETRIC = "OPENQASM 3.0;\nqubit[2] q;\nbit[2] c;\nx q[0];\nc = measure q;\n"
COUNTS = (
    "Object.fromEntries([...document.querySelectorAll('#counts tbody tr')]"
    ".map(row => [row.cells[0].innerText, Number(row.cells[1].innerText.replaceAll(',', ''))]))"
)
ROWS = "[...document.querySelectorAll('tbody th a')].map(e => e.title)"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Run a local stage of its own."""
    stage = Stage(tmp_path / "data")
    try:
        yield stage
    finally:
        stage.close()


def test_a_task_is_followed_from_a_mistake_to_its_result(tab: Tab, stage: Stage) -> None:
    """The stage names the page's address; what the page shows is what the API says."""
    stage.start(workers=0)
    url = f"http://{HOST}:{stage.port}/"
    assert url in stage.terminal().split()
    tab.open(f"{url}#/submit")
    tab.fill("#circuit", ASYMMETRIC.replace("x q[0]", "xx q[0]"))
    tab.fill("#shots", "3000")
    tab.fill("#tags", "experiment=page")
    tab.click("form button", "Submit")
    tab.wait_for_text("4:1 error", "#findings")
    assert stage.http.get("/tasks").json["tasks"] == []
    tab.fill("#circuit", ASYMMETRIC)
    tab.click("form button", "Submit")
    tab.wait_for_text("pending", "h1 + .badge")
    task_id = str(tab.run("location.hash")).rpartition("/")[2]
    worker = stage.attach_worker()
    tab.wait_for_text("completed", "h1 + .badge")
    tab.wait("!!document.querySelector('#counts tbody tr')")
    task = stage.http.get(f"/tasks/{task_id}").json
    assert tab.run(COUNTS) == task["result"]["counts"]
    assert (task["circuit"], task["shots"]) == (ASYMMETRIC, 3000)
    assert task["tags"] == {"experiment": "page"}
    assert tab.texts("[aria-label^=History] tbody .badge") == [
        entry["status"] for entry in task["status_history"]
    ]
    assert worker.poll() is None
    stage.http.post("/tasks", {"circuit": ASYMMETRIC})
    tab.open(f"{url}#/tasks")
    tab.wait(f"{ROWS}.length === 2")
    tab.fill("#f-tag", "experiment:page")
    tab.key("Enter")
    tab.wait(f"{ROWS}.length === 1")
    assert tab.run(ROWS) == [task_id]
    tab.open(f"{url}#/health")
    tab.wait_for_text("healthy", "h1 + .badge")
