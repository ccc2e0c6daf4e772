"""What an acceptance test does with tasks, by HTTP alone."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

from infra.waiting import wait_for
from tools.http_client import Http, Reply
from tools.local_stage import BELL_STATE

TERMINAL = frozenset({"completed", "failed", "cancelled"})


def submit(http: Http, circuit: str = BELL_STATE, shots: int = 1024) -> str:
    """Submit a circuit that must be accepted, and return its task's id."""
    reply = http.post("/tasks", {"circuit": circuit, "shots": shots})
    assert reply.status == 202, reply
    task_id: str = reply.json["task_id"]
    return task_id


def read(http: Http, task_id: str) -> dict[str, Any]:
    """Read a task that must exist."""
    reply = http.get(f"/tasks/{task_id}")
    assert reply.status == 200, reply
    task: dict[str, Any] = reply.json
    return task


def finished(http: Http, task_id: str) -> dict[str, Any]:
    """Wait until a task has ended, and return it."""

    def look() -> dict[str, Any] | None:
        task = read(http, task_id)
        return task if task["status"] in TERMINAL else None

    task = wait_for(look, f"task {task_id} to end")
    assert task is not None
    return task


def statuses(task: dict[str, Any]) -> list[str]:
    """List the statuses of a task's history."""
    return [entry["status"] for entry in task["status_history"]]


def submit_concurrently(ports: list[int], count: int, clients: int) -> list[Reply]:
    """Submit tasks from many clients at once, spread over the API processes."""

    def run(port: int, mine: Sequence[int]) -> list[Reply]:
        http = Http(port)
        try:
            return [http.post("/tasks", {"circuit": f"{BELL_STATE}// {n}\n"}) for n in mine]
        finally:
            http.close()

    shares = [range(first, count, clients) for first in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        return [reply for part in pool.map(run, cycle(ports), shares) for reply in part]


def read_concurrently(ports: list[int], task_ids: list[str], clients: int) -> list[dict[str, Any]]:
    """Read many tasks, spread over the API processes."""

    def run(port: int, mine: Sequence[str]) -> list[dict[str, Any]]:
        http = Http(port)
        try:
            return [read(http, task_id) for task_id in mine]
        finally:
            http.close()

    shares = [task_ids[first::clients] for first in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        return [task for part in pool.map(run, cycle(ports), shares) for task in part]
