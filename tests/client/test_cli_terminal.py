"""`qtasks` on a terminal, and interrupted: a real process on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from quantum_tasks import Client
from quantum_tasks.cli import exits
from tests.client.process import COMMAND, DEADLINE_SECONDS, environment
from tests.client.service import Answer, Service
from tests.support.processes import started

BELL = "OPENQASM 3.0;"


class Terminal:
    """A process whose standard output and error are one pseudo-terminal of 80 columns."""

    def __init__(self, url: str, *arguments: str, **variables: str) -> None:
        master, slave = pty.openpty()
        self._master = master
        self.text = ""
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(url, COLUMNS="80", **variables),
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def read_until(self, pattern: str) -> str:
        """Read until a pattern has come, and return all so far."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"{pattern!r} never came: {self.text[-2000:]!r}"
            assert self._read(), f"{pattern!r} never came: {self.text[-2000:]!r}"
        return self.text

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        """Leave nothing running."""
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)
        os.close(self._master)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], DEADLINE_SECONDS)
        try:
            data = os.read(self._master, 65_536) if ready else b""
        except OSError:  # the other end is closed
            return False
        self.text += data.decode()
        return bool(data)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Close what a test has opened."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def test_a_terminal_has_a_live_line_and_a_histogram(
    running_url: str, bell: str, service: Service, terminals: list[Terminal]
) -> None:
    """Status, times and attempt in a line that is written over; then bars, with colours."""
    service.moves = False
    service.retry_after = "1"
    terminal = Terminal(running_url, "run", bell, "--shots", "10")
    terminals.append(terminal)
    terminal.read_until(r"pending  queued [0-9]")
    (task_id,) = service.tasks
    service.move(task_id, "processing")
    terminal.read_until(r"processing  queued [0-9.]+ s  running [0-9:.]+.*attempt 1")
    service.move(task_id, "completed")
    assert terminal.end() == exits.DONE
    assert f"task {task_id}\r\n\r\x1b[K{task_id[:8]}" in terminal.text
    histogram = terminal.text.rpartition("\r\x1b[K")[2]
    assert re.search(r"^00  5   50\.0%  \x1b\[36m█+\x1b\[0m\r$", histogram, re.MULTILINE)
    assert all(len(re.sub(r"\x1b\[\w+", "", line)) <= 80 for line in histogram.split("\r\n"))


def test_no_color_is_respected(running_url: str, bell: str, terminals: list[Terminal]) -> None:
    """The bars stay, without their colour."""
    terminal = Terminal(running_url, "run", bell, NO_COLOR="1")
    terminals.append(terminal)
    assert terminal.end() == exits.DONE
    assert "█" in terminal.text
    assert "\x1b[3" not in terminal.text


def test_json_on_a_terminal_is_still_json(running_url: str, terminals: list[Terminal]) -> None:
    """No colours and no bars in it."""
    terminal = Terminal(running_url, "health", "--json")
    terminals.append(terminal)
    assert terminal.end() == exits.DONE
    assert terminal.text.startswith('{"status": "healthy"')


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize("command", ["run", "wait", "watch", "result"])
def test_ctrl_c_prints_the_id_and_leaves_the_task_running(
    command: str, form: list[str], running_url: str, bell: str, service: Service
) -> None:
    """Without a terminal as with one."""
    service.moves = False
    service.retry_after = "60"
    waiting = threading.Event()
    service.instead = lambda method, *_: waiting.set() if method == "GET" else None
    if command == "run":
        service.instead = lambda *_: None
        argument = bell
    else:
        with Client(running_url) as client:
            argument = client.submit(BELL).id
    with started(
        *COMMAND,
        *(command, argument, *form),
        env=environment(running_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        if command == "run":
            assert process.stderr.readline().startswith(b"task ")
        else:
            assert waiting.wait(DEADLINE_SECONDS)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_SECONDS)
    (task_id,) = service.tasks
    assert process.returncode == -signal.SIGINT
    assert f"qtasks wait {task_id}" in err.decode()
    assert b"Traceback" not in err
    assert service.tasks[task_id]["status"] == "pending"
    assert command == "watch" or out == b""


#: `qtasks` with an interruption at the worst moment of an answer.
INTERRUPTED = """
import http.client, sys
from quantum_tasks.cli import entry
def interrupted(*_, **__):
    raise KeyboardInterrupt
http.client.HTTPResponse.__init__ = interrupted
sys.exit(entry())
"""


def test_ctrl_c_shows_no_trace_of_what_it_broke_off(running_url: str) -> None:
    """Such as an answer that was half made (as of Python 3.13; `-X dev` has all of them say it)."""
    with started(
        *(sys.executable, "-X", "dev", "-c", INTERRUPTED, "health"),
        env=environment(running_url),
        stderr=subprocess.PIPE,
    ) as process:
        _, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == -signal.SIGINT
    assert err.startswith(b"qtasks: interrupted")
    assert b"Traceback" not in err


def test_ctrl_c_on_a_terminal_prints_the_id(
    running_url: str, bell: str, service: Service, terminals: list[Terminal]
) -> None:
    """After the live line, on a line of its own."""
    service.moves = False
    service.retry_after = "60"
    terminal = Terminal(running_url, "run", bell)
    terminals.append(terminal)
    terminal.read_until(r"pending  queued [0-9]")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == -signal.SIGINT
    (task_id,) = service.tasks
    last = terminal.text.rpartition("\r\x1b[K")[2]
    assert last == f"qtasks: interrupted; the task goes on: qtasks wait {task_id}\r\n"


def test_ctrl_c_during_a_submission_prints_its_key(
    running_url: str, bell: str, service: Service
) -> None:
    """The task may be there; submitting again with the key finds it."""
    arrived, release = threading.Event(), threading.Event()

    def hold(method: str, path: str, body: bytes) -> Answer | None:
        arrived.set()
        release.wait(DEADLINE_SECONDS)
        return None

    service.instead = hold
    with started(
        *COMMAND, "submit", bell, env=environment(running_url), stderr=subprocess.PIPE
    ) as process:
        assert arrived.wait(DEADLINE_SECONDS)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=DEADLINE_SECONDS)
    release.set()
    assert process.returncode == -signal.SIGINT
    assert re.search(r"--key [0-9a-f-]{36} ", err.decode())


def test_a_reader_that_goes_away_is_no_error(running_url: str, service: Service) -> None:
    """As in `qtasks list | head -1`."""
    with Client(running_url) as client:
        client.submit_many([{"circuit": BELL, "tags": {"t": "x" * 200}} for _ in range(60)] * 5)
    with started(
        *COMMAND,
        *("list", "--limit", "0", "--json"),
        env=environment(running_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(DEADLINE_SECONDS) == exits.BROKEN_PIPE
    assert err == b""
