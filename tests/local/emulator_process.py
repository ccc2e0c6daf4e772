"""The emulator as the supervisor starts it, for tests that kill it."""

from __future__ import annotations

import os
import subprocess
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.settings import EMULATOR_PYTHON, HOST, ROOT
from infra.local.supervisor.supervisor import answers, free_port
from infra.waiting import wait_for
from tools.backends import dynamodb_at, sqs_at

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

PATIENCE_SECONDS = 30.0


class EmulatorProcess:
    """One emulator with a data directory, started and stopped in any way."""

    def __init__(self, data_dir: Path, autosave_seconds: float = 0.3) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.autosave_seconds = autosave_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.data_dir / "emulator.log").read_text()

    @property
    def state(self) -> Path:
        """Where it saves."""
        return self.data_dir / "emulator"

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it and do not wait."""
        with (self.data_dir / "emulator.log").open("ab") as log:
            return subprocess.Popen(
                [
                    EMULATOR_PYTHON,
                    "-m",
                    "infra.local.emulator.server",
                    "emulator",
                    str(self.data_dir),
                ],
                cwd=ROOT,
                env=os.environ
                | {
                    "EMULATOR_PORT": str(self.port),
                    "AUTOSAVE_SECONDS": str(self.autosave_seconds),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> None:
        """Start it and wait until it answers."""
        process = self._process = self.spawn()

        def is_ready() -> bool:
            assert process.poll() is None, self.log
            return answers(HOST, self.port, "/_ministack/health")

        wait_for(is_ready, "the emulator to answer")

    def kill(self) -> None:
        """End it without a word."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(PATIENCE_SECONDS) == 0, self.log

    def close(self) -> None:
        """See that it is gone."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """A client of its tables."""
        return dynamodb_at(self.endpoint_url)

    @cached_property
    def sqs(self) -> SQSClient:
        """A client of its queues."""
        return sqs_at(self.endpoint_url)
