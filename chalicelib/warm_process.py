"""A warm process that answers each line with a line: the side that asks it, and its own side.

Executors run in such processes, and on a developer's machine the functions that Lambda would run.
A process can be stopped whatever it does, and a crash in it is not one of the process that asks; it
is kept warm since starting one takes much longer than asking it. It dies with the process that
started it.

`WarmProcess` is the side that asks: it has no thread of its own, and the thread that waits for an
answer keeps the limits. `Asker` is what the program of the process has.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

_IS_LINUX: Final = sys.platform == "linux"
#: `prctl`'s option that asks for a signal when the parent dies (linux/prctl.h).
_PR_SET_PDEATHSIG: Final = 1
_READ_BYTES: Final = 1 << 16
#: How long a process that was killed may take to end.
_KILL_SECONDS_MAX: Final = 5.0
#: How often a parent's death is looked for where the kernel does not tell.
_LOOK_SECONDS: Final = 0.5
#: Standard input, output and error, as a program finds them.
_INPUT, _OUTPUT, _ERROR = 0, 1, 2

#: Returns how many milliseconds may be waited until it is asked again; raises where a limit is
#: reached, which ends the waiting.
Watch = Callable[[], float]


class ProcessLost(Exception):
    """The process has ended or closed its pipe: nothing comes from it any more."""


class LineTooLong(Exception):
    """The process writes a line that does not end where the longest answer does."""


class WarmProcess:
    """A process with its pipes. Used by one thread at a time."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> None:
        """Start it. The thread that does must live as long as the process is to.

        What it prints is given to `on_output`, which may raise, while an answer is waited for;
        without that it goes where this process's standard output goes.
        """
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=_OUTPUT if on_output is None else subprocess.PIPE,
            bufsize=0,
            cwd=folder,
            env=environment,
        )
        self._on_output = on_output
        pipes = [
            pipe
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
            if pipe is not None
        ]
        #: At the latest it is called when nothing refers to the process any more.
        self._end = weakref.finalize(self, _end, self._process, pipes)
        self._requests, self._answers, *outputs = (pipe.fileno() for pipe in pipes)
        self._poller = select.poll()
        for descriptor in (self._answers, *outputs):
            self._poller.register(descriptor, select.POLLIN)
        for descriptor in (self._requests, self._answers, *outputs):
            os.set_blocking(descriptor, False)
        #: What it prints, until that is closed.
        self._output: int | None = next(iter(outputs), None)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def has_written(self) -> bool:
        """Whether a line, or the end of its lines, can be read now."""
        return any(descriptor == self._answers for descriptor, _ in self._poller.poll(0))

    def send(self, line: bytes, watch: Watch) -> None:
        """Write a line; one that is larger than the pipe, as the process takes it.

        Raises:
            ProcessLost: it takes no more. And what `watch` raises.
        """
        view = memoryview(line)
        while view:
            try:
                view = view[os.write(self._requests, view) :]
            except BlockingIOError:
                room = select.poll()
                room.register(self._requests, select.POLLOUT)
                room.poll(watch())
            except BrokenPipeError:
                raise ProcessLost from None

    def receive(self, watch: Watch, *, bytes_max: int | None = None) -> bytes | bytearray:
        """Read a line, and what it prints meanwhile.

        Raises:
            ProcessLost: none comes any more.
            LineTooLong: it has more bytes than it may. And what `watch` and `on_output` raise.
        """
        line = bytearray()
        while True:
            for descriptor, _ in self._poller.poll(watch()):
                if descriptor == self._output:
                    self.read_output()
                    continue
                chunk = os.read(self._answers, _READ_BYTES)
                if not chunk:
                    raise ProcessLost
                line += chunk
                if b"\n" in chunk:
                    return line
            if bytes_max is not None and len(line) > bytes_max:
                raise LineTooLong

    def read_output(self) -> bool:
        """Read some of what it has printed, and say whether there was anything."""
        if self._output is None or self._on_output is None:
            return False
        try:
            chunk = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._poller.unregister(self._output)
            self._output = None
            return False
        self._on_output(chunk)
        return True

    def exit_code(self, seconds_max: float) -> int | None:
        """Wait so long for it to end by itself, and return `Popen.returncode`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds_max)
        return None

    def end(self) -> int | None:
        """Kill it, whatever it does, reap it, and return `Popen.returncode`."""
        self._end()
        return self._process.returncode


def _end(process: subprocess.Popen[bytes], pipes: Sequence[IO[bytes]]) -> None:
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_SECONDS_MAX)
    for pipe in pipes:
        pipe.close()


class Asker:
    """The process that asks, seen from the one that it has started.

    Requests come in on standard input and answers go out on standard output. The program's own code
    finds both replaced, so that what it reads or prints cannot be taken for them.
    """

    def __init__(self, parent: int) -> None:
        """Take the pipes, and die with the parent, which has this process id."""
        # Of a terminal's Ctrl-C the parent decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _die_with(parent)
        self._requests = os.fdopen(os.dup(_INPUT), "rb", buffering=1 << 16)
        self._answers = os.fdopen(os.dup(_OUTPUT), "wb", buffering=0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, _INPUT)
        os.close(nothing)
        os.dup2(_ERROR, _OUTPUT)

    def requests(self) -> Iterator[bytes]:
        """Give one line after another; end the process when the parent is gone or wants no more."""
        yield from self._requests
        os._exit(0)  # threads that the program has left are not waited for

    def answer(self, line: bytes) -> None:
        """Write a line."""
        view = memoryview(line)
        while view:
            view = view[self._answers.write(view) :]


def _die_with(parent: int) -> None:
    """End this process when its parent has ended, in whichever way.

    The kernel sends the signal when the *thread* ends that started this process.
    """
    if _IS_LINUX:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def prctl(option: int, value: int) -> None:
    """Set an option of this process on Linux."""
    ctypes.CDLL(None).prctl(*map(ctypes.c_ulong, (option, value, 0, 0, 0)))
