"""One process of the local stage, started and watched."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import time
from collections.abc import Mapping

from infra.local.settings import EMULATOR_PYTHON, ROOT, Settings
from infra.local.supervisor.pid_files import ask_to_stop, write_atomically
from infra.local.supervisor.terminal import LogTail, Terminal, rendered

#: A process that dies again within this time is started again more and more slowly.
STABLE_SECONDS = 10.0
RESTART_DELAY_SECONDS_BASE = 0.25
RESTART_DELAY_SECONDS_MAX = 5.0


#: What a process runs: an interpreter and a module.
COMMANDS = {
    "emulator": (str(EMULATOR_PYTHON), "infra.local.emulator.server"),
    "api": (sys.executable, "infra.local.stand_ins.api_server"),
    "worker": (sys.executable, "infra.local.stand_ins.sqs_trigger"),
    "sweeper": (sys.executable, "infra.local.stand_ins.schedule"),
}


class Process:
    """A child process with its log, its pid file and its place on the terminal."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        terminal: Terminal,
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.pid_file = settings.run_dir / f"{name}.pid"
        self.log_file = settings.log_dir / f"{name}.log"
        self._terminal = terminal
        self._environment = dict(environment)
        interpreter, module = COMMANDS[name.partition("-")[0]]
        # The last two arguments are how `pid_files.is_our_process` recognises the process.
        self._command = [interpreter, "-m", module, name, str(settings.data_dir)]
        self._tail = LogTail(self.log_file)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._deaths_in_a_row = 0
        self._start_again_at: float | None = None

    def start(self) -> None:
        """Start the process, in a session of its own: the terminal's Ctrl-C is not for it."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        write_atomically(self.pid_file, f"{self._process.pid}\n")
        self._started_at = time.monotonic()
        self._start_again_at = None

    def stop(self) -> None:
        """Ask it to end."""
        if self.pid is not None:
            ask_to_stop(self.pid)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.exit_code is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended, if it has."""
        return self._process.poll() if self._process is not None else None

    def show_log(self) -> None:
        """Put what was logged since the last call on the terminal."""
        for line in self._tail.lines():
            text = rendered(line)
            if text is not None:
                self._terminal.say(text, self.name)

    def watch(self) -> bool:
        """Start it again if it has died. True when it has just been started again."""
        if self._start_again_at is not None:
            if time.monotonic() < self._start_again_at:
                return False
            self.start()
            self._terminal.say(f"started again as process {self.pid}", self.name)
            return True
        code = self.exit_code
        if code is not None and self._process is not None:
            self._note_death(code)
        return False

    def _note_death(self, code: int) -> None:
        self.show_log()
        stable = time.monotonic() - self._started_at > STABLE_SECONDS
        self._deaths_in_a_row = 1 if stable else self._deaths_in_a_row + 1
        delay = RESTART_DELAY_SECONDS_BASE * 2 ** min(self._deaths_in_a_row - 1, 10)
        delay = min(delay, RESTART_DELAY_SECONDS_MAX)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        self._terminal.say(f"!!! DIED {how}; starting it again in {delay:.2f} s", self.name)
        self._start_again_at = time.monotonic() + delay

    def forget(self) -> None:
        """Reap it and take its pid file away."""
        if self._process is not None and self._process.poll() is not None:
            self.pid_file.unlink(missing_ok=True)


def take_name(kind: str, settings: Settings) -> str:
    """Name one more process of a kind, by the next free number; `api` itself is number 1.

    The name's pid file is made here, empty: of two that ask at once only one can make it.
    """
    for number in itertools.count(1):
        name = kind if (kind, number) == ("api", 1) else f"{kind}-{number}"
        with contextlib.suppress(FileExistsError):
            (settings.run_dir / f"{name}.pid").touch(exist_ok=False)
            return name
    raise AssertionError
