"""LocalStack's compose file, the example for other teams, and suites that run elsewhere."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.settings import ROOT
from tests.support.external_backends import BackendMissing, check_dynamodb_local, check_endpoint
from tools.backends import Backend, emulator

COMPOSE = ROOT / "docker-compose.localstack.yml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Read the compose file."""
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return content


@pytest.fixture(scope="module")
def localstack(compose: dict[str, Any]) -> dict[str, Any]:
    """Return its one service."""
    (service,) = compose["services"].values()
    return dict(service)


def test_localstack_is_pinned_and_seen_by_this_machine_only(
    compose: dict[str, Any], localstack: dict[str, Any]
) -> None:
    """The last image that needs no token, on loopback, with what it downloads kept.

    Each word is one of the Compose Specification: an engine refuses a file with any other.
    """
    assert compose.keys() == {"name", "services", "volumes"}
    assert localstack.keys() == {
        *("image", "ports", "environment", "volumes", "healthcheck", "stop_grace_period")
    }
    times = {"interval", "timeout", "retries", "start_period"}
    assert localstack["healthcheck"].keys() == {"test"} | times
    assert localstack["image"] == "localstack/localstack:4.14.0"
    assert localstack["ports"] == ["127.0.0.1:${LOCALSTACK_PORT:-4566}:4566"]
    assert localstack["volumes"] == ["localstack:/var/lib/localstack"]
    assert set(localstack["environment"]["SERVICES"].split(",")) == _services_of_templates()


def _services_of_templates() -> set[str]:
    """Return what the stage `local` needs: CloudFormation, and what its stacks make."""
    found = {"cloudformation"}
    for name in ("data.yaml", "messaging.yaml"):  # the account's is for deployed stages only
        text = (ROOT / "infra" / "templates" / name).read_text()
        blocks = re.split(r"\n  (?=\w+:\n    Type: )", text)
        for block in blocks:
            kind = re.match(r"\w+:\n    Type: AWS::(\w+)::", block)
            if kind is not None and "Condition: Deployed" not in block:
                found.add(kind[1].lower())
    return found


class Health(http.server.BaseHTTPRequestHandler):
    """Answers as LocalStack's health endpoint does."""

    services: dict[str, str] = {}  # noqa: RUF012 - a test sets it

    def do_GET(self) -> None:
        """Answer the only question."""
        assert self.path == "/_localstack/health"
        body = json.dumps({"services": self.services, "edition": "community"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def health_port() -> Iterator[int]:
    """Serve the health endpoint."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("services", "healthy"),
    [
        ({"cloudformation": "available", "dynamodb": "running", "sqs": "running"}, True),
        ({"cloudformation": "available", "dynamodb": "running", "sqs": "starting"}, False),
        ({"cloudformation": "available", "sqs": "running"}, False),
    ],
    ids=["usable", "starting", "without the database"],
)
def test_healthy_means_usable(
    localstack: dict[str, Any], health_port: int, services: dict[str, str], *, healthy: bool
) -> None:
    """`make localstack` waits for it and starts the service then."""
    Health.services = services
    kind, *command = localstack["healthcheck"]["test"]
    assert kind == "CMD"
    command = [part.replace("4566", str(health_port)) for part in command]
    assert command[0] == "python3"
    done = subprocess.run([sys.executable, *command[1:]], capture_output=True, check=False)
    assert (done.returncode == 0) is healthy, done.stderr


def test_without_compose_make_localstack_says_what_is_missing() -> None:
    """Not a shell's "command not found"."""
    done = subprocess.run(
        ["make", "localstack", "COMPOSE=no-such-engine compose"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "needs a container engine with Compose" in done.stderr


def test_make_localstack_waits_for_health_and_runs_the_service_there() -> None:
    """In this order, on the port that the compose file has."""
    planned = subprocess.run(
        ["make", "--dry-run", "localstack", "LOCALSTACK_PORT=4599", "COMPOSE=podman compose"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    up = "podman compose --file docker-compose.localstack.yml up --detach --wait"
    run = "AWS_ENDPOINT_URL=http://127.0.0.1:4599"
    assert 0 <= planned.index(up) < planned.index(run)
    assert planned.rstrip().endswith("-m infra.local run")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run an endpoint with a local stage in it."""
    with emulator(tmp_path_factory.mktemp("endpoint")) as backend:
        yield backend


@pytest.mark.emulator
def test_the_example_for_other_teams_runs(running: Backend) -> None:
    """With one variable set, and next to a local stage, of which it takes nothing."""
    done = _example({"AWS_ENDPOINT_URL": str(running.endpoint_url)})
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
    assert running.dynamodb().list_tables()["TableNames"] == [running.table_name]


def test_the_example_says_what_it_misses() -> None:
    """Without the variable it is skipped, and says why."""
    done = _example({})
    assert done.returncode == 0
    assert "AWS_ENDPOINT_URL does not say where LocalStack is" in done.stdout


def _example(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "examples"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "say where the endpoint is: make test-endpoint AWS_ENDPOINT_URL="),
        ("http://192.0.2.1:4566", "is not on this machine"),
        ("http://localstack.example:4566", "is not on this machine"),
        ("http://127.0.0.1:9", "CloudFormation does not answer at"),
    ],
)
def test_an_endpoint_that_cannot_be_tested_is_refused(url: str, complaint: str) -> None:
    """With what is missing, before any test runs."""
    with pytest.raises(BackendMissing, match=complaint):
        check_endpoint({"AWS_ENDPOINT_URL": url})


@pytest.mark.emulator
def test_an_endpoint_in_use_is_left_alone(running: Backend) -> None:
    """The suites empty the stage that they use."""
    with pytest.raises(BackendMissing, match="a local stage has its data at"):
        check_endpoint({"AWS_ENDPOINT_URL": str(running.endpoint_url)})


def test_dynamodb_local_must_be_there(tmp_path: Path) -> None:
    """Its licence forbids shipping it, so a person says where it is."""
    for variables in ({}, {"DYNAMODB_LOCAL_DIR": str(tmp_path)}):
        with pytest.raises(BackendMissing, match="say where DynamoDB Local is unpacked"):
            check_dynamodb_local(variables)


def test_dynamodb_local_needs_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and which version."""
    (tmp_path / "DynamoDBLocal.jar").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendMissing, match="needs a JDK of version 17 or later; there is none"):
        check_dynamodb_local({"DYNAMODB_LOCAL_DIR": str(tmp_path)})
