"""The system as a person runs it: real processes, on free ports and a data directory of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.settings import ROOT
from infra.local.supervisor.pid_files import living_processes
from infra.local.supervisor.stack import remove_all
from infra.local.supervisor.supervisor import free_port
from infra.waiting import PATIENCE_SECONDS, wait_for
from tools.backends import ENDPOINT_URL, dynamodb_at, sqs_at
from tools.http_client import Http

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

TABLE = "quantum-tasks-local"
BELL_STATE = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
    "h q[0];\ncx q[0], q[1];\nc = measure q;\n"
)


#: The mock needs no longer, and what a killed worker had comes back sooner.
MOCK_FUNCTION_TIMEOUT_SECONDS = "10"


class Stage:
    """One data directory and what runs on it."""

    def __init__(self, data_dir: Path, **variables: str) -> None:
        """Choose the ports; nothing runs yet. `variables` are environment variables."""
        self.data_dir = data_dir.resolve()
        self.port = free_port()
        #: A client of the first API process.
        self.http = Http(self.port)
        self.emulator_port = free_port()
        self.output = self.data_dir / "terminal.txt"
        self._home = self.data_dir / "empty-home"
        self._variables = variables
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def endpoint_url(self) -> str:
        """Where the emulator is; with `make test-endpoint` it is an external one."""
        return ENDPOINT_URL or f"http://127.0.0.1:{self.emulator_port}"

    @property
    def dynamodb(self) -> DynamoDBClient:
        """A client of the emulator's own, past the service."""
        return dynamodb_at(self.endpoint_url)

    @property
    def sqs(self) -> SQSClient:
        """A client of the emulator's own, past the service."""
        return sqs_at(self.endpoint_url)

    def environment(self, **variables: str) -> dict[str, str]:
        """Give what a person's shell would have: little, and an empty home."""
        self._home.mkdir(parents=True, exist_ok=True)
        kept = ("PATH", "LANG", "TMPDIR")
        shell = {name: os.environ[name] for name in kept if name in os.environ}
        if ENDPOINT_URL:
            shell["AWS_ENDPOINT_URL"] = ENDPOINT_URL
        chosen = {"EXECUTOR": "mock", **self._variables, **variables}
        if chosen["EXECUTOR"] == "mock":
            shell["FUNCTION_TIMEOUT_SECONDS"] = MOCK_FUNCTION_TIMEOUT_SECONDS
        return shell | {
            "HOME": str(self._home),
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "EMULATOR_PORT": str(self.emulator_port),
            **chosen,
        }

    def command(self, name: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a command of the local stage, its output in the terminal's file."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.local", name],
                cwd=ROOT,
                env=self.environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def start(self, *, workers: int = 2, **variables: str) -> Stage:
        """Run everything and wait until it says that it is ready."""
        seen = self.terminal().count("ready after")
        process = self.command("run", WORKERS=str(workers), **variables)

        def is_ready() -> bool:
            assert process.poll() is None, self.terminal()
            return self.terminal().count("ready after") > seen

        wait_for(is_ready, "the stage to be ready")
        return self

    def attach_api(self, **variables: str) -> int:
        """Attach one more API process and return its port."""
        port = free_port()
        process = self.command("api", PORT=str(port), **variables)

        def is_listening() -> bool:
            assert process.poll() is None, self.terminal()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for(is_listening, "the attached API to listen")
        return port

    def attach_worker(self, **variables: str) -> subprocess.Popen[bytes]:
        """Attach one more worker process."""
        return self.command("worker", **variables)

    def terminal(self) -> str:
        """What the terminal has shown."""
        return self.output.read_text() if self.output.exists() else ""

    def log(self, part: str) -> str:
        """A part's log."""
        return (self.data_dir / "log" / f"{part}.log").read_text()

    def log_entries(self, part: str) -> list[dict[str, Any]]:
        """A part's log so far, line by line, metrics among them; half a line is left out."""
        path = self.data_dir / "log" / f"{part}.log"
        entries = []
        for line in path.read_text().splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError):
                entries.append(json.loads(line))
        return [entry for entry in entries if isinstance(entry, dict)]

    def pid(self, part: str) -> int:
        """A part's process id, from its file."""
        return int((self.data_dir / "run" / f"{part}.pid").read_text())

    def signal_group(self, part: str, number: signal.Signals) -> None:
        """Send a signal to a part and to all that it has started."""
        os.killpg(self.pid(part), number)

    def signal(self, part: str, number: signal.Signals) -> int:
        """Send a signal to a part and return its process id."""
        pid = self.pid(part)
        os.kill(pid, number)
        return pid

    def is_gone(self, part: str) -> bool:
        """Whether a part that was attached has ended, and its number is free again."""
        return not (self.data_dir / "run" / f"{part}.pid").exists()

    def stop(self) -> None:
        """Ask the supervisor to stop, as Ctrl-C does, and wait until all is gone."""
        self.http.close()
        self._running[0].send_signal(signal.SIGINT)
        for process in self._running:
            process.wait(PATIENCE_SECONDS)
        codes = [process.returncode for process in self._running]
        assert codes == [0] * len(codes), self.terminal()
        self._running.clear()
        assert living_processes(self.data_dir) == {}

    def crash_supervisor(self) -> None:
        """Kill the supervisor alone, and see that it is gone."""
        self.http.close()
        self.signal("supervisor", signal.SIGKILL)
        self._running.pop(0).wait(PATIENCE_SECONDS)

    def forget_ended(self) -> None:
        """Leave out of a stop what has ended by itself, in whatever way."""
        self._running = [process for process in self._running if process.poll() is None]

    def close(self) -> None:
        """See that nothing is left, whatever has happened."""
        self.http.close()
        for part in ("supervisor", *living_processes(self.data_dir)):
            path = self.data_dir / "run" / f"{part}.pid"
            if path.exists():
                os.kill(int(path.read_text()), signal.SIGCONT)
        self.command("stop").wait(PATIENCE_SECONDS)
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE_SECONDS)
        assert living_processes(self.data_dir) == {}
        if ENDPOINT_URL:
            remove_all(ENDPOINT_URL)

    def messages(self, queue: str = TABLE) -> int:
        """Count a queue's messages, in flight or not."""
        sqs = self.sqs
        attributes = sqs.get_queue_attributes(
            QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"],
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )["Attributes"]
        return sum(map(int, attributes.values()))

    def dead_letters(self) -> int:
        """Count the messages in the dead-letter queue."""
        return self.messages(f"{TABLE}-dead")

    def items(self) -> int:
        """Count the items in the table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE, Select="COUNT")
        return sum(page["Count"] for page in pages)
