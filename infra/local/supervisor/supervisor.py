"""`make run`: starts every process, watches it, starts again what dies, and stops all in order."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from infra.cloudformation import StackFailed
from infra.errors import UserError
from infra.local.settings import EMULATOR_PYTHON, HOST, Settings
from infra.local.supervisor.capacity import execution_variables, memory_mb, processors
from infra.local.supervisor.environment import (
    backend_variables,
    forget_backend,
    process_environment,
    save_backend,
)
from infra.local.supervisor.pid_files import held_lock, read_pid, write_atomically
from infra.local.supervisor.process import Process
from infra.local.supervisor.stack import deploy_all
from infra.local.supervisor.stop import stop_processes
from infra.local.supervisor.terminal import Terminal
from infra.waiting import wait_for

TICK_SECONDS = 0.1
#: How long a process may take until it answers; on a slow or busy machine, too.
START_SECONDS_MAX = 60.0

BELL_STATE = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""


class StartFailed(UserError):
    """The local stage cannot run; the message is for the person at the terminal."""


class StopRequested(Exception):
    """A stop was asked for while the processes were being started."""


class Supervisor:
    """Runs the processes of one data directory."""

    def __init__(self, settings: Settings, terminal: Terminal, user: Mapping[str, str]) -> None:
        """Take the settings and the environment that the user started this with."""
        self._settings = settings
        self._terminal = terminal
        self._user = dict(user)
        self._stopping = False
        self._processes: list[Process] = []
        self._endpoint_url = settings.endpoint_url or ""
        #: The backend's own process, unless the backend was given.
        self._emulator: Process | None = None
        #: The emulator was started again, and may have lost the last seconds: the stacks, too.
        self._deploys_again = False

    def run(self) -> int:
        """Run until asked to stop."""
        pid_file = self._settings.run_dir / "supervisor.pid"
        with held_lock(self._settings.run_dir / "supervisor.lock") as is_ours:
            if not is_ours:
                raise StartFailed(
                    f"already running with DATA_DIR={self._settings.data_dir} "
                    f"(process {read_pid(pid_file)}); stop it with: make stop"
                )
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._ask_to_stop)
            if stop_processes(self._settings, self._terminal):
                self._terminal.say("stopped what an earlier run had left")
            write_atomically(pid_file, f"{os.getpid()}\n")
            try:
                self._start_all()
                self._watch()
            except StopRequested:
                pass
            finally:
                self._show_logs()
                self._stop_all()
                pid_file.unlink(missing_ok=True)
        return 0

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _start_all(self) -> None:
        started = time.monotonic()
        port = self._settings.port
        if not is_free(port):
            raise StartFailed(f"port {port} is taken; choose another one: make run PORT=8001")
        if self._settings.endpoint_url is None:
            self._start_emulator()
        outputs = self._deployed()
        variables = backend_variables(self._endpoint_url, outputs, self._user)
        variables |= self._limits_of_executions(variables)
        environment = process_environment(variables, self._user) | {"PORT": str(port)}
        workers = (f"worker-{n}" for n in range(1, self._settings.workers + 1))
        for name in ("api", *workers, "sweeper"):
            self._start(Process(name, self._settings, self._terminal, environment))
        # Not before: who attaches takes a name that is free.
        save_backend(self._settings, variables)
        api = next(process for process in self._processes if process.name == "api")
        self._wait_for(api, lambda: accepts_connections(port))
        self._greet(time.monotonic() - started)

    def _limits_of_executions(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Choose what the user has not set, and say it."""
        limits = execution_variables(
            process_environment(variables, self._user),
            workers=self._settings.workers,
            cores=processors(),
            machine_mb=memory_mb(),
        )
        if limits:
            chosen = ", ".join(f"{name}={value}" for name, value in sorted(limits.items()))
            self._terminal.say(f"limits of one execution here: {chosen}")
        return limits

    def _start_emulator(self) -> None:
        port = self._settings.emulator_port
        if not is_free(port):
            if self._settings.emulator_port_is_explicit:
                raise StartFailed(f"port {port} is taken (EMULATOR_PORT); choose another one")
            port = free_port()
        if not EMULATOR_PYTHON.exists():
            raise StartFailed(f"{EMULATOR_PYTHON} is missing; `make run` makes it")
        environment = process_environment({}, self._user) | {"EMULATOR_PORT": str(port)}
        emulator = Process("emulator", self._settings, self._terminal, environment)
        self._endpoint_url, self._emulator = f"http://{HOST}:{port}", emulator
        self._start(emulator)
        self._wait_for(emulator, self._emulator_answers)

    def _emulator_answers(self) -> bool:
        host, _, port = self._endpoint_url.rpartition("//")[2].partition(":")
        return answers(host, int(port), "/_ministack/health")

    def _deployed(self) -> dict[str, str]:
        try:
            return deploy_all(self._endpoint_url)
        except (BotoCoreError, ClientError, StackFailed) as exc:
            raise StartFailed(f"table and queues cannot be made: {exc}") from exc

    def _start(self, process: Process) -> None:
        self._processes.append(process)
        process.start()

    def _wait_for(self, process: Process, is_ready: Callable[[], bool]) -> None:
        """Wait until a process answers. One that ends instead has said why in its log."""

        def look() -> bool:
            process.show_log()
            if self._stopping:
                raise StopRequested
            code = process.exit_code
            if code is not None:
                raise StartFailed(f"{process.name} ended with exit code {code} (see above)")
            return is_ready()

        wait_for(
            look,
            f"an answer of {process.name}",
            seconds_max=START_SECONDS_MAX,
            failing_as=StartFailed,
        )

    def _watch(self) -> None:
        while not self._stopping:
            for process in self._processes:
                process.show_log()
                if process.watch() and process is self._emulator:
                    self._deploys_again = True
            if self._deploys_again and self._emulator_answers():
                self._deploy_again()
            time.sleep(TICK_SECONDS)

    def _deploy_again(self) -> None:
        try:
            deploy_all(self._endpoint_url)
            self._deploys_again = False
            self._terminal.say("table and queues are there")
        except (BotoCoreError, ClientError, StackFailed) as exc:
            self._terminal.say(f"table and queues cannot be made, trying again: {exc}")

    def _show_logs(self) -> None:
        for process in self._processes:
            process.show_log()

    def _stop_all(self) -> None:
        if self._processes:
            self._terminal.say("stopping; requests and executions in flight finish first")
        forget_backend(self._settings)
        stop_processes(self._settings, self._terminal, while_waiting=self._show_logs)
        self._show_logs()
        for process in self._processes:
            process.forget()
        if self._processes:
            self._terminal.say("stopped")

    def _greet(self, seconds: float) -> None:
        settings = self._settings
        url = f"http://{HOST}:{settings.port}"
        self._terminal.say(
            f"ready after {seconds:.1f} s: {url}, {settings.workers} workers, "
            f"backend {self._endpoint_url}, data in {settings.data_dir}"
        )
        self._terminal.plain(f"\nSubmit a circuit:\n\n{curl_line(url)}\n\nFollow it:\n")
        self._terminal.plain(f"curl -s {url}/tasks/TASK_ID\n")
        self._terminal.plain(f"Or do both in a browser: {url}/\n")
        command = f"DATA_DIR={settings.data_dir} .venv-run/bin/chalice local"
        self._terminal.plain(f"Chalice's own server:\n\n{command} --port {settings.port + 1}\n")


def curl_line(url: str) -> str:
    """Write a command that submits a Bell state, as it can be pasted into a shell.

    Inside single quotes a shell changes nothing, and JSON has no single quotes of its own.
    """
    body = json.dumps({"circuit": BELL_STATE, "shots": 1024})
    return f"curl -s -i -H 'Content-Type: application/json' -d '{body}' {url}/tasks"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port; lingering connections do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Find a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts_connections(port: int) -> bool:
    """Whether a process listens there; without a request, so that nothing is logged."""
    try:
        socket.create_connection((HOST, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def answers(host: str, port: int, path: str) -> bool:
    """Whether a process speaks HTTP there."""
    connection = http.client.HTTPConnection(host, port, timeout=0.5)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()
