"""Chalice's own commands, typed as a user of Chalice does who does not know this service."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.chalice_commands import command_of, prepare
from infra.local.settings import ROOT
from infra.local.supervisor.supervisor import answers, free_port
from infra.stage import StageSpec, this_runtime
from infra.waiting import wait_for
from tests.deploy.account import Account
from tests.deploy.conftest import Users
from tests.deploy.deployed_stage import DeployedStage, task_id_of
from tests.deploy.deploying import CHALICE, chalice
from tests.support.circuits import LARGE
from tests.support.processes import started
from tools.http_client import Http
from tools.local_stage import BELL_STATE, Stage

pytestmark = pytest.mark.emulator


def is_one_sentence(done: subprocess.CompletedProcess[str], *parts: str) -> bool:
    """Whether a command has stopped with one line that says what does it instead."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode != 0, done.stdout + done.stderr
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stdout
    return all(part in lines[0] for part in parts)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["local"], ("local", None)),
        (["--project-dir", "local", "deploy", "--stage", "dev"], ("deploy", "dev")),
        (["--debug", "package", "--stage=prod", "out"], ("package", "prod")),
        (["deploy", "--stage"], ("deploy", None)),
        ([], (None, None)),
    ],
)
def test_the_command_is_found_among_its_options(
    arguments: list[str], found: tuple[str | None, str | None]
) -> None:
    """An option's value is no command."""
    assert command_of(arguments) == found


def test_chalice_local_alone_stops_with_one_sentence(newcomer: Path) -> None:
    """Without a region, without a backend: it says what is to be typed first, and ends."""
    done = chalice(newcomer, "local", "--no-autoreload", "--port", str(free_port()))
    assert is_one_sentence(done, "nothing runs", "make run")


def test_chalice_local_serves_no_deployed_stage(newcomer: Path) -> None:
    """It would call real AWS with the developer's own credentials."""
    done = chalice(newcomer, "local", "--stage", "dev", "--no-autoreload")
    assert is_one_sentence(done, "serves the stage 'local' only", "`make run`")


def test_chalice_package_names_the_command_that_does_it(newcomer: Path) -> None:
    """Its template has functions of other names, without logs, alarms and the mapping's flag."""
    environment = {"AWS_DEFAULT_REGION": "us-east-1"}
    done = chalice(newcomer, "package", "--stage", "prod", "out", environment=environment)
    assert is_one_sentence(done, "`make package STAGE=prod`")
    assert not (newcomer / "out").exists()


def test_chalice_deploy_stops_before_anything_is_made(
    aws: Account, newcomer: Path, prod: StageSpec
) -> None:
    """Without the stage's stacks it says what makes them."""
    done = chalice(newcomer, "deploy", "--stage", "prod", environment=aws.environment)
    assert is_one_sentence(done, "`make stacks STAGE=prod`"), done.stderr
    functions = aws.client("lambda").list_functions()["Functions"]
    assert not [f for f in functions if f["FunctionName"].startswith(prod.name)]
    roles = aws.client("iam").list_roles()["Roles"]
    assert not [role for role in roles if role["RoleName"].startswith(prod.name)]
    assert not (newcomer / ".chalice" / "deployed").exists()


@pytest.mark.parametrize(
    ("stage", "runtime", "said"),
    [
        ("prod", this_runtime(), "no region is set"),
        ("prod", "python3.10", "runs on python3.10"),
        ("pord", "python3.10", "there is no stage 'pord' to deploy"),
        ("local", "python3.10", "there is no stage 'local' to deploy"),
    ],
)
def test_chalice_deploy_refuses_what_would_be_wrong(
    newcomer: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stage: str,
    runtime: str,
    said: str,
) -> None:
    """Before an account is asked: the runtime is the stage's, whatever Python deploys."""
    content = json.loads((newcomer / ".chalice" / "config.json").read_text())
    content["stages"]["prod"]["deployment"]["runtime"] = runtime
    shutil.copytree(newcomer / ".chalice", tmp_path / ".chalice")
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(content))
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit):
        prepare(tmp_path, ["deploy", "--stage", stage])
    assert said in capsys.readouterr().err


def test_chalice_deploy_gives_a_working_and_safe_stage(
    by_chalice: DeployedStage, users: Users
) -> None:
    """Signed in, executed, kept apart, listed; no placeholder; failed messages are not lost."""
    alice = by_chalice.caller(users.alice)
    assert by_chalice.caller(None).call("GET", "/health").body["status"] == "healthy"
    assert by_chalice.caller(None).call("POST", "/tasks", {"circuit": BELL_STATE}).status == 403
    accepted = alice.call("POST", "/tasks", {"circuit": BELL_STATE, "shots": 10})
    assert by_chalice.ended(alice, task_id_of(accepted))["status"] == "completed"
    large = alice.call("POST", "/tasks", {"circuit": LARGE, "shots": 10})
    assert by_chalice.ended(alice, task_id_of(large))["circuit"] == LARGE
    listed = alice.call("GET", "/tasks").body["tasks"]
    assert [task["task_id"] for task in listed] == [task_id_of(large), task_id_of(accepted)]
    for function in by_chalice.spec.functions:
        assert "${" not in json.dumps(by_chalice.variables(function))
        assert "${" not in json.dumps(by_chalice.policy(function))
        assert "PARTIAL_BATCH_RESPONSES" not in by_chalice.variables(function)
    assert "FunctionError" not in by_chalice.sweep()
    by_chalice.send("no message of this service")

    def came_again() -> bool:
        unreadable = [line for line in by_chalice.log_lines("worker") if "no message of" in line]
        return len(unreadable) > 1

    wait_for(came_again, "second delivery of what failed")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stage]:
    """Run the local stage."""
    stage = Stage(tmp_path / "data").start(workers=1)
    yield stage
    stage.close()


def test_chalice_local_works_with_a_running_make_run(running: Stage) -> None:
    """By the line that `make run` has printed; a real account in the shell is out of its reach."""
    port = free_port()
    (line,) = [line for line in running.terminal().splitlines() if "chalice local" in line]
    words = line.split()
    assert words[-3:-1] == ["local", "--port"]
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    environment = running.environment(**variables, AWS_PROFILE="real", AWS_REGION="eu-west-1")
    with started(
        *(str(CHALICE), "local", "--no-autoreload", "--port", str(port), "--stage", "local"),
        cwd=ROOT,
        env={**environment, "AWS_ACCESS_KEY_ID": "real"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ):
        wait_for(lambda: answers("127.0.0.1", port, "/health"), "chalice local")
        http = Http(port)
        posted = http.post("/tasks", {"circuit": BELL_STATE, "shots": 10})
        assert posted.status == 202
        task_id = posted.json["task_id"]
        wait_for(
            lambda: http.get(f"/tasks/{task_id}").json["status"] == "completed",
            "completed task",
        )
        http.close()
