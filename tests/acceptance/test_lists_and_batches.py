"""Lists and batches on the local stage: real index, real queue, processes that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from http.client import HTTPException
from typing import Any

import pytest

from infra.local.settings import ROOT
from infra.waiting import wait_for
from tests.acceptance.tasks import submit_concurrently
from tools.http_client import Http
from tools.local_stage import Stage

pytestmark = pytest.mark.acceptance

#: Submits a batch with a key, and is killed at some point of it.
CLIENT = """
import http.client, json, sys
port, key = int(sys.argv[1]), sys.argv[2]
body = json.dumps({"tasks": [{"circuit": f"// {key} {n}"} for n in range(100)]})
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
headers = {"Content-Type": "application/json", "Idempotency-Key": key}
print("sending", flush=True)
connection.request("POST", "/batches", body, headers)
print(connection.getresponse().read().decode(), flush=True)
"""


def walk(http: Http, query: str = "") -> list[dict[str, Any]]:
    """Follow the cursors to the end."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(500):
        page = http.get(f"/tasks?limit=100{query}{cursor}").json
        found += page["tasks"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
    raise AssertionError("the list has no end")


def is_healthy(http: Http) -> bool:
    """Ask whether the API answers; while it starts again it refuses."""
    try:
        return http.get("/health").status == 200
    except (OSError, HTTPException):
        return False


def is_another(stage: Stage, killed: int) -> bool:
    """Ask whether the API has another process than the killed one."""
    try:
        return stage.pid("api") != killed
    except (OSError, ValueError):
        return False


def a_batch(name: str, size: int = 100) -> dict[str, Any]:
    """Return a batch of tasks that differ."""
    return {"tasks": [{"circuit": f"// {name} {number}"} for number in range(size)]}


def test_every_task_that_was_there_is_listed_once_while_others_come_and_end(stage: Stage) -> None:
    """600 at the start, 200 more while the pages are read, and workers at work all the time."""
    stage.start(workers=2)
    before = {reply.json["task_id"] for reply in submit_concurrently([stage.port], 600, clients=8)}
    more = threading.Thread(target=submit_concurrently, args=([stage.port], 200, 4))
    more.start()
    listed = walk(stage.http)
    more.join()
    ids = [task["task_id"] for task in listed]
    assert len(ids) == len(set(ids))
    assert before <= set(ids)
    times = [(task["submitted_at"], task["task_id"]) for task in listed]
    assert times == sorted(times, reverse=True)
    stage.stop()


def test_a_batch_of_a_hundred_is_one_answer_and_a_hundred_tasks(stage: Stage) -> None:
    """Repeated with its key, it is the same hundred."""
    stage.start(workers=0)
    first = stage.http.post("/batches", a_batch("whole"), {"Idempotency-Key": "k"})
    assert first.status == 200
    assert {member["status"] for member in first.json["tasks"]} == {202}
    again = stage.http.post("/batches", a_batch("whole"), {"Idempotency-Key": "k"})
    assert [m["task"]["task_id"] for m in again.json["tasks"]] == [
        m["task"]["task_id"] for m in first.json["tasks"]
    ]
    assert all(member["task"]["replayed"] for member in again.json["tasks"])
    assert len(walk(stage.http)) == 100
    stage.stop()


@pytest.mark.parametrize("api_too", [False, True], ids=["the client", "client and API"])
def test_a_batch_that_was_cut_off_is_repeated_with_its_key(stage: Stage, *, api_too: bool) -> None:
    """Killed with -9 in the middle, then repeated: exactly a hundred tasks."""
    stage.start(workers=0)
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(stage.port), "cut"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "sending\n"
    if api_too:
        killed = stage.signal("api", signal.SIGKILL)
        wait_for(lambda: is_another(stage, killed), "another API process")
    client.kill()
    client.wait()
    client.stdout.close()
    wait_for(lambda: is_healthy(stage.http), "the API to answer")
    reply = stage.http.post("/batches", a_batch("cut"), {"Idempotency-Key": "cut"})
    assert {member["status"] for member in reply.json["tasks"]} == {202}
    assert len(walk(stage.http)) == 100
    stage.stop()


def test_head_validators_and_options_are_answered_over_http(stage: Stage) -> None:
    """`HEAD` as `GET` without content, 304 on every `GET` with an ETag; no preflight by default."""
    stage.start(workers=0)
    task_id = stage.http.post("/tasks", {"circuit": "x"}).json["task_id"]
    for path in ("/tasks", f"/tasks/{task_id}", "/health", "/openapi.json"):
        got, head = stage.http.get(path), stage.http.send("HEAD", path)
        assert (got.status, head.status, head.body) == (200, 200, b"")
        assert head.headers.get("etag") == got.headers.get("etag")
        assert not [name for name in got.headers if name.startswith("access-control")]
        if path == "/health":
            assert "etag" not in got.headers
            continue
        for given in (got.headers["etag"], f'"x", W/{got.headers["etag"]}', "*"):
            for method in ("GET", "HEAD"):
                matched = stage.http.send(method, path, headers={"If-None-Match": given})
                assert (matched.status, matched.body) == (304, b"")
                assert matched.headers["etag"] == got.headers["etag"]
        other = stage.http.send("GET", path, headers={"If-None-Match": '"other"'})
        assert (other.status, other.body) == (200, got.body)
    for path in ("/tasks", f"/tasks/{task_id}", "/health"):
        preflight = stage.http.send("OPTIONS", path, headers={"Origin": "https://example.org"})
        assert preflight.status == 403
        assert preflight.headers["content-type"] == "application/problem+json"
    stage.stop()


def test_with_an_origin_preflights_and_answers_say_so_over_http(stage: Stage) -> None:
    """One origin from the environment: answers, problems and 304s alike."""
    origin = "https://example.org"
    stage.start(workers=0, CORS_ORIGIN=origin)
    for path, method in (("/tasks", "POST"), ("/batches", "POST"), ("/openapi.json", "GET")):
        preflight = stage.http.send(
            "OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": method}
        )
        assert (preflight.status, preflight.body) == (200, b"")
        assert preflight.headers["access-control-allow-origin"] == origin
        assert method in preflight.headers["access-control-allow-methods"].split(",")
        assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"].split(",")
    tag = stage.http.get("/tasks").headers["etag"]
    answers = (
        stage.http.get("/tasks"),
        stage.http.get("/tasks/nonsense"),
        stage.http.send("HEAD", "/health"),
        stage.http.send("GET", "/tasks", headers={"If-None-Match": tag}),
        stage.http.post("/tasks", {"circuit": "x"}),
    )
    assert [answer.status for answer in answers] == [200, 400, 200, 304, 202]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == origin
        assert "ETag" in answer.headers["access-control-expose-headers"].split(",")
    stage.stop()
