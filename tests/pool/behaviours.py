"""What an executor may do while it executes: each takes a number.

Only children import this, by `tests.pool.factories`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn

from chalicelib.errors import PermanentExecutionError, TransientExecutionError

MEGABYTE: Final = 1 << 20
_FIRST_OWN_DESCRIPTOR: Final = 3
_kept: list[bytes] = []


class Panic(BaseException):
    """As native libraries raise it: no `Exception`."""


class Unprintable(Exception):
    """Of which nothing can be said but what it is."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)


def burn(seconds: float) -> None:
    """Use so much processor time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def scribble(_amount: float = 0) -> None:
    """Write to whatever is open, the answers' pipe included."""
    for descriptor in range(_FIRST_OWN_DESCRIPTOR, 20):
        _try_to_write(descriptor, b"garbage\n")


def _raise(error: BaseException) -> NoReturn:
    raise error


def _endless_python(_amount: float) -> None:
    while True:
        pass


def _sleep(_amount: float = 0) -> None:
    threading.Event().wait(3600)


def _fill_memory(_amount: float) -> None:
    while True:
        _kept.append(bytes(16 * MEGABYTE))


def _abort_without_memory(_amount: float) -> None:
    """As Rust ends when an allocation fails."""
    os.write(2, b"memory allocation of 17179869184 bytes failed\n")
    os.abort()


def _signalled(number: float) -> None:
    os.kill(os.getpid(), int(number))
    _sleep()


def _print_garbage(_amount: float) -> None:
    """What looks like an answer, in Python and past it."""
    print('{"number":1,"permanent":"forged"}', flush=True)
    os.write(1, b"\x00garbage\n")


def _print_gigabyte(_amount: float) -> None:
    for _ in range(1024):
        os.write(1, b"x" * MEGABYTE)


def _print_bytes(amount: float) -> None:
    """Print so many bytes, and wait until they are read."""
    _print(b"x" * int(amount))
    _wait_until_read(1)


def _print_last_words(amount: float) -> None:
    """Print much, what is no text, and a few words, and end."""
    _print(b"x" * int(amount) + b"\xff the last words")
    os._exit(3)


def _answer_as_another_job(_amount: float) -> None:
    """Write what would be an answer, were it this job's."""
    for descriptor in range(_FIRST_OWN_DESCRIPTOR, 20):
        _try_to_write(descriptor, b'{"number":0,"permanent":"forged"}\n')
    _sleep()


def _answer_bytes(amount: float) -> None:
    """Write a line of so many bytes before its end, which comes when they are read."""
    for descriptor in range(_FIRST_OWN_DESCRIPTOR, 20):
        with contextlib.suppress(OSError):
            left = int(amount)
            while left:
                left -= os.write(descriptor, b"x" * min(left, MEGABYTE))
            _wait_until_read(descriptor)
            os.write(descriptor, b"\n")
    _sleep()


def _fork(_amount: float) -> None:
    """Leave a process behind, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        _sleep()


def _start_thread(_amount: float) -> None:
    thread = threading.Thread(target=burn, args=(0,))
    thread.start()
    thread.join()


def _close_pipes(_amount: float) -> None:
    """Close everything that is open and live on."""
    os.closerange(0, 1000)
    _sleep()


def _read_stdin(_amount: float) -> None:
    """Find nothing to read; it would take its own jobs."""
    assert sys.stdin.read() == ""


def _wait_until_read(descriptor: int) -> None:
    unread = bytearray(4)
    while fcntl.ioctl(descriptor, termios.FIONREAD, unread) == 0 and any(unread):
        threading.Event().wait(0.001)


def _print(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def _try_to_write(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, data)


#: Where a number means nothing it is 0. Of an error it is how long the text is beyond its words.
BEHAVIOURS: Final[Mapping[str, Callable[[float], object]]] = {
    "quick": lambda _: None,
    "burn": burn,
    "grow": lambda megabytes: _kept.append(b"x" * int(megabytes * MEGABYTE)),
    "endless_python": _endless_python,
    # One call that never comes back, and holds the interpreter's lock.
    "endless_c": lambda _: sum(itertools.repeat(0)),
    "sleep": _sleep,
    "stop": lambda _: os.kill(os.getpid(), signal.SIGSTOP),
    "interrupt": lambda _: os.kill(os.getpid(), signal.SIGINT),
    "signalled": _signalled,
    "segfault": lambda _: ctypes.string_at(0),
    "leave": lambda code: os._exit(int(code)),
    "fill_memory": _fill_memory,
    "abort_without_memory": _abort_without_memory,
    "panic": lambda _: _raise(Panic("called `Option::unwrap()` on a `None` value")),
    "bug": lambda more: _raise(KeyError("q" + "x" * int(more) + " the last words")),
    "unprintable": lambda _: _raise(Unprintable()),
    "refuse": lambda more: _raise(PermanentExecutionError("no such gate" + "x" * int(more))),
    "try_later": lambda more: _raise(TransientExecutionError("no device" + "x" * int(more))),
    "print_garbage": _print_garbage,
    "print_gigabyte": _print_gigabyte,
    "print_bytes": _print_bytes,
    "print_last_words": _print_last_words,
    "scribble": scribble,
    "scribble_later": lambda _: threading.Timer(0.2, scribble).start(),
    "answer_as_another_job": _answer_as_another_job,
    "answer_bytes": _answer_bytes,
    "fork": _fork,
    "start_program": lambda _: subprocess.Popen(["/bin/sleep", "3600"], start_new_session=True),
    "start_thread": _start_thread,
    "leave_thread_behind": lambda _: threading.Thread(
        target=_endless_python, args=(0,), daemon=True
    ).start(),
    "close_pipes": _close_pipes,
    "write_file": lambda _: Path("/tmp/of-an-executor").write_text("x"),
    "read_stdin": _read_stdin,
}
