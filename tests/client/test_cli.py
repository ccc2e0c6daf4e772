"""`qtasks` as a real process without a terminal: what it writes where, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quantum_tasks import Client
from quantum_tasks.cli import exits
from tests.client.process import COMMAND, environment, qtasks
from tests.client.service import Answer, Service, problem

BELL = "OPENQASM 3.0;"


def documents(text: str) -> list[dict[str, Any]]:
    """Read lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]


def test_run_writes_counts_to_stdout_and_progress_to_stderr(running_url: str, bell: str) -> None:
    """Each line is a key, a tab and a count, so that programs can read it."""
    ended = qtasks(running_url, "run", bell, "--shots", "10")
    assert (ended.code, ended.out) == (exits.DONE, "00\t5\n11\t5\n")
    assert "processing" in ended.err
    assert "completed" in ended.err


def test_run_as_json_is_one_document(running_url: str, bell: str) -> None:
    """The format decides nothing else."""
    ended = qtasks(running_url, "run", bell, "--json", "--shots", "10")
    (document,) = documents(ended.out)
    assert ended.code == exits.DONE
    assert document["status"] == "completed"
    assert document["result"]["counts"] == {"00": 5, "11": 5}


def test_a_circuit_may_come_from_stdin(running_url: str, service: Service) -> None:
    """A file of - is standard input."""
    ended = qtasks(running_url, "submit", "-", "--tag", "a=b", "--seed", "3", given=BELL)
    (task,) = service.tasks.values()
    assert ended.out == f"{task['task_id']}\n"
    assert (task["circuit"], task["tags"], task["seed"]) == (BELL, {"a": "b"}, 3)


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize("command", ["run", "wait", "watch", "result"])
@pytest.mark.parametrize(
    ("status", "code"),
    [("completed", exits.DONE), ("failed", 3), ("cancelled", 5)],
)
def test_how_a_task_ends_is_the_exit_code(
    status: str,
    code: int,
    command: str,
    form: list[str],
    running_url: str,
    bell: str,
    service: Service,
) -> None:
    """With every command that waits, in both formats; stdout is still JSON."""

    def end(method: str, path: str, body: bytes) -> Answer | None:
        task_id = path.rpartition("/")[2]
        if method == "GET" and service.tasks[task_id]["status"] == "pending":
            service.move(task_id, status)
        return None

    service.moves = False
    service.instead = end
    with Client(running_url) as client:
        argument = bell if command == "run" else client.submit(BELL).id
    ended = qtasks(running_url, command, argument, *form)
    assert ended.code == code
    if form:
        assert documents(ended.out)[-1]["status"] == status
    if status == "failed":
        assert "no such gate" in ended.err


@pytest.mark.parametrize(
    ("arguments", "answer", "code"),
    [
        (["get", "1-2"], problem(403, "not-authorized", "not signed"), exits.NOT_AUTHORIZED),
        (["get", "1-2"], problem(403, "caller-unknown", "who?"), exits.NOT_AUTHORIZED),
        (["get", "1-2"], problem(404, "task-not-found", "none"), exits.FAILED),
        (["cancel", "1-2"], problem(409, "task-already-ended", "it has"), exits.FAILED),
        (["health"], problem(500, "internal-error", "a bug"), exits.FAILED),
    ],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_refusal_is_one_line_on_stderr(
    arguments: list[str],
    answer: Answer,
    code: int,
    form: list[str],
    running_url: str,
    service: Service,
) -> None:
    """Nothing goes to stdout, and the line has the correlation id."""
    service.instead = lambda *_: answer
    ended = qtasks(running_url, *arguments, *form)
    assert (ended.code, ended.out) == (code, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("qtasks: error: ")
    assert "correlation-1" in line


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["run", "/no/such/file.qasm"],
        ["run", "-", "--tag", "nothing"],
        ["wait", "1-2", "--timeout", "soon"],
        ["wait", "1-2", "--timeout", "nan"],
        ["wait", "1-2", "--timeout", "-1"],
        ["list", "--since", "yesterday"],
        ["list", "--since", "999999d"],
        ["list", "--tag", "a=1", "--tag", "a=2"],
        ["result", "1-2", "--top", "-1"],
        ["result", "1-2", "--top", "0"],
        ["health", "--url", "ftp://127.0.0.1"],
        ["health", "--profile", "none"],
    ],
)
def test_what_cannot_be_used_is_two(arguments: list[str], running_url: str) -> None:
    """The command line, a file or the configuration; no stack trace."""
    ended = qtasks(running_url, *arguments)
    assert (ended.code, ended.out) == (exits.USAGE, "")
    assert "Traceback" not in ended.err
    assert "error" in ended.err


def test_a_wait_that_times_out_is_124(running_url: str, service: Service) -> None:
    """The id is in the message, and the task goes on."""
    service.moves = False
    service.retry_after = "30"
    with Client(running_url) as client:
        task_id = client.submit(BELL).id
    ended = qtasks(running_url, "wait", task_id, "--timeout", "0.01")
    assert ended.code == exits.TIMED_OUT
    assert task_id in ended.err
    assert service.tasks[task_id]["status"] == "pending"


def test_findings_look_as_compilers_write_them(running_url: str, tmp_path: Path) -> None:
    """Editors find the place; a circuit that is not valid is exit code 1."""
    bad = tmp_path / "bad.qasm"
    bad.write_text("oops")
    ended = qtasks(running_url, "validate", str(bad))
    assert (ended.code, ended.out) == (exits.FAILED, f"{bad}:4:7: error: no gate 'oops'\n")
    assert qtasks(running_url, "validate", "-", given=BELL).out == "<stdin>: valid, 2 qubits\n"


def test_list_is_a_line_for_each_task(running_url: str, service: Service) -> None:
    """The newest first, as many as asked for, JSON lines with --json."""
    with Client(running_url) as client:
        ids = [client.submit(BELL, tags={"n": str(n % 2)}).id for n in range(5)]
    ended = qtasks(running_url, "list", "--limit", "2")
    assert [line.split()[0] for line in ended.out.splitlines()] == [ids[4], ids[3]]
    ended = qtasks(running_url, "list", "--json", "--tag", "n=0", "--status", "pending,failed")
    assert [document["task_id"] for document in documents(ended.out)] == [ids[4], ids[2], ids[0]]


def test_watch_writes_each_change_once(running_url: str) -> None:
    """What was there already comes first."""
    with Client(running_url) as client:
        task_id = client.submit(BELL).id
    ended = qtasks(running_url, "watch", task_id, "--json")
    changes = documents(ended.out)
    assert [c["status"] for c in changes] == ["pending", "processing", "completed"]
    assert {c["task_id"] for c in changes} == {task_id}


def test_get_cancel_and_health_write_what_they_found(running_url: str, service: Service) -> None:
    """For a person, or the service's own document."""
    service.moves = False
    with Client(running_url) as client:
        task_id = client.submit(BELL, tags={"a": "b"}).id
    shown = qtasks(running_url, "get", task_id)
    assert shown.code == exits.DONE
    assert {"pending", "a=b", "1024"} <= set(shown.out.split())
    (document,) = documents(qtasks(running_url, "get", task_id, "--json").out)
    assert document["circuit"] == BELL
    assert qtasks(running_url, "cancel", task_id).out == "cancelled\n"
    assert qtasks(running_url, "health").out == "healthy: database healthy, queue healthy\n"


def test_options_of_the_service_may_stand_before_the_command(running_url: str) -> None:
    """And after it."""
    nowhere = "http://127.0.0.1:1"
    assert qtasks(nowhere, "--url", running_url, "--json", "health").code == exits.DONE
    assert qtasks(nowhere, "health", "--url", running_url).code == exits.DONE


def test_an_answer_of_another_program_is_no_empty_list(running_url: str, service: Service) -> None:
    """A list that has no `tasks` is none."""
    service.instead = lambda *_: Answer(status=200, body={"hello": "world"})
    ended = qtasks(running_url, "list")
    assert (ended.code, ended.out) == (exits.FAILED, "")
    assert "the answer has no 'tasks'" in ended.err


def test_an_address_at_which_nothing_answers_is_named() -> None:
    """A person sees at once that it is the wrong one."""
    url = "http://127.0.0.1:9"
    ended = qtasks(url, "health")
    assert ended.code == exits.FAILED
    assert "no connection could be made (" in ended.err
    assert ended.err.rstrip().endswith(url)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_disk_is_an_error_in_a_line(running_url: str, bell: str) -> None:
    """And no trace."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, "run", bell],
            check=False,
            env=environment(running_url),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == exits.FAILED
    said = "qtasks: error: the output cannot be written: No space left on device"
    assert ended.stderr.splitlines()[-1] == said


def test_the_profile_of_a_call_says_more_than_the_environment(
    running_url: str, tmp_path: Path
) -> None:
    """Which says more than the file's own profile."""
    file = tmp_path / "config.toml"
    file.write_text(f'[default]\nurl = "http://127.0.0.1:9"\n[here]\nurl = "{running_url}"\n')
    more = {"QTASKS_CONFIG": str(file)}
    assert qtasks("http://127.0.0.1:9", "list", "--profile", "here", **more).code == exits.DONE
    assert qtasks(running_url, "list", **more).code == exits.DONE


def test_the_package_runs_as_a_module(running_url: str) -> None:
    """Where the script is not on the path."""
    ended = subprocess.run(
        [sys.executable, "-m", "quantum_tasks", "list"],
        check=False,
        env=environment(running_url),
        capture_output=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (exits.DONE, b"", b"")
