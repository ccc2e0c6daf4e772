"""`qtasks ui` against a deployed stage: the page's calls are signed, and IAM decides on them."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials

from infra.waiting import wait_for
from tests.client.process import COMMAND, environment
from tests.deploy.account import REGION
from tests.deploy.conftest import Users
from tests.deploy.deployed_stage import DeployedStage
from tests.deploy.test_client_deployed import BELL, address, variables
from tests.support.processes import started

pytestmark = pytest.mark.emulator


@contextlib.contextmanager
def opened(stage: DeployedStage, who: Credentials) -> Iterator[str]:
    """Run the command for a user until the end of the block; give the address that it prints."""
    command = [*COMMAND, "ui", "--no-browser", "--auth", "sigv4", "--region", REGION]
    with started(
        *command,
        env=environment(address(stage), **variables(stage, who)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        process.wait(30)


class PageCalls:
    """Calls as the page makes them."""

    def __init__(self, opening: str) -> None:
        """Use the address that was printed."""
        self._host = urlsplit(opening).netloc
        status, headers, _ = self._send("GET", f"/?{urlsplit(opening).query}", None, {})
        assert status == 303
        self._cookie = headers["set-cookie"].partition(";")[0]

    def call(self, method: str, path: str, body: object = None, **more: str) -> tuple[int, Any]:
        """Send one call, and return its status and document."""
        own = {"Cookie": self._cookie, "Origin": f"http://{self._host}", **more}
        typed = own | ({} if body is None else {"Content-Type": "application/json"})
        content = None if body is None else json.dumps(body).encode()
        status, _, answer = self._send(method, path, content, typed)
        return status, json.loads(answer) if answer else None

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._host, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read()


def test_the_page_lists_submits_reads_and_cancels(stage: DeployedStage, users: Users) -> None:
    """Each of its calls, with query, body and key, under a signature that IAM takes."""
    tags = {"suite": "ui: a value/with=signs ü"}
    with opened(stage, users.alice) as opening:
        page = PageCalls(opening)
        assert page.call("GET", "/health")[1]["status"] == "healthy"
        status, found = page.call("POST", "/validations", {"circuit": BELL})
        assert (status, found["valid"]) == (200, True)
        request = {"circuit": BELL, "shots": 40, "tags": tags}
        status, accepted = page.call("POST", "/tasks", request, **{"Idempotency-Key": "ui-1"})
        assert status == 202
        again = page.call("POST", "/tasks", request, **{"Idempotency-Key": "ui-1"})
        task_id = accepted["task_id"]
        assert again[1]["task_id"] == task_id

        def ended() -> Any:  # noqa: ANN401 - a task
            task = page.call("GET", f"/tasks/{task_id}")[1]
            return task if task["status"] == "completed" else None

        assert sum(wait_for(ended, "the task to complete")["result"]["counts"].values()) == 40
        query = "?status=completed&tag=suite%3Aui%3A%20a%20value%2Fwith%3Dsigns%20%C3%BC&limit=5"
        status, listed = page.call("GET", f"/tasks{query}")
        assert status == 200
        assert [task["task_id"] for task in listed["tasks"]] == [task_id]
        assert page.call("POST", f"/tasks/{task_id}/cancel")[0] == 409
