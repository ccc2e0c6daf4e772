"""Lists and batches on the local stage: real index, real queue, processes that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
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
tasks = [{"circuit": f"// {key} {n}", "tags": {"batch": key}} for n in range(100)]
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
headers = {"Content-Type": "application/json", "Idempotency-Key": key}
print("sending", flush=True)
connection.request("POST", "/batches", json.dumps({"tasks": tasks}), headers)
print(connection.getresponse().read().decode(), flush=True)
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run a stage with one worker."""
    stage = Stage(tmp_path_factory.mktemp("lists") / "data")
    try:
        yield stage.start(workers=1)
    finally:
        stage.close()


def walk(http: Http, query: str = "") -> list[dict[str, Any]]:
    """Follow the cursors to the end."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(500):
        page = http.get(f"/tasks?limit=30{query}{cursor}").json
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


def test_every_task_that_was_there_is_listed_once_while_others_come_and_end(stage: Stage) -> None:
    """200 at the start, 100 more while the pages are read, and a worker at work all the time."""
    before = {reply.json["task_id"] for reply in submit_concurrently([stage.port], 200, clients=8)}
    more = threading.Thread(target=submit_concurrently, args=([stage.port], 100, 4))
    more.start()
    listed = walk(stage.http)
    more.join()
    ids = [task["task_id"] for task in listed]
    assert len(ids) == len(set(ids))
    assert before <= set(ids)
    times = [(task["submitted_at"], task["task_id"]) for task in listed]
    assert times == sorted(times, reverse=True)


def test_a_batch_that_was_cut_off_is_repeated_with_its_key(stage: Stage) -> None:
    """Client and API killed with -9 in the middle, then repeated: exactly a hundred tasks."""
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(stage.port), "cut"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "sending\n"
    killed = stage.signal("api", signal.SIGKILL)
    wait_for(lambda: is_another(stage, killed), "another API process")
    client.kill()
    client.wait()
    client.stdout.close()
    wait_for(lambda: is_healthy(stage.http), "the API to answer")
    batch = [{"circuit": f"// cut {n}", "tags": {"batch": "cut"}} for n in range(100)]
    for _ in range(2):
        reply = stage.http.post("/batches", {"tasks": batch}, {"Idempotency-Key": "cut"})
        assert {member["status"] for member in reply.json["tasks"]} == {202}
        made = {member["task"]["task_id"] for member in reply.json["tasks"]}
        assert {task["task_id"] for task in walk(stage.http, "&tag=batch:cut")} == made
        assert len(made) == 100


def test_validators_and_an_origin_are_answered_over_http(stage: Stage) -> None:
    """`HEAD` and 304 without content; without an origin no preflight, with one on each answer."""
    http = stage.http
    for path in ("/tasks", "/openapi.json"):
        got, head = http.get(path), http.send("HEAD", path)
        assert (got.status, head.status, head.body) == (200, 200, b"")
        assert head.headers["etag"] == got.headers["etag"]
        assert not [name for name in got.headers if name.startswith("access-control")]
        matched = http.send("GET", path, headers={"If-None-Match": got.headers["etag"]})
        assert (matched.status, matched.body) == (304, b"")
    origin = "https://example.org"
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    refused = http.send("OPTIONS", "/tasks", headers=asks)
    assert (refused.status, refused.headers["content-type"]) == (403, "application/problem+json")
    own = Http(stage.attach_api(CORS_ORIGIN=origin))
    preflight = own.send("OPTIONS", "/tasks", headers=asks)
    assert (preflight.status, preflight.body) == (200, b"")
    assert "POST" in preflight.headers["access-control-allow-methods"].split(",")
    tag = own.get("/openapi.json").headers["etag"]
    answers = (
        own.get("/tasks/nonsense"),
        own.send("HEAD", "/health"),
        own.send("GET", "/openapi.json", headers={"If-None-Match": tag}),
        own.post("/tasks", {"circuit": "x"}),
    )
    own.close()
    assert [answer.status for answer in answers] == [400, 200, 304, 202]
    assert {a.headers["access-control-allow-origin"] for a in (preflight, *answers)} == {origin}
