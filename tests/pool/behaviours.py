"""What an executor may do while it executes: a function each, which takes a number.

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
from typing import Final

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


def quick(_amount: float) -> None:
    """Does nothing."""


def burn(seconds: float) -> None:
    """Uses so much processor time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def endless_python(_amount: float) -> None:
    """Never ends."""
    while True:
        pass


def endless_c(_amount: float) -> None:
    """Never comes back from one call, which holds the interpreter's lock."""
    sum(itertools.repeat(0))


def sleep(_amount: float) -> None:
    """Waits without using the processor."""
    threading.Event().wait(3600)


def fill_memory(_amount: float) -> None:
    """Takes memory in large blocks until there is no more."""
    while True:
        _kept.append(bytes(16 * MEGABYTE))


def fill_memory_in_small_pieces(_amount: float) -> None:
    """Takes memory as many small objects do."""
    while True:
        _kept.append(os.urandom(1000))


def abort_without_memory(_amount: float) -> None:
    """As Rust ends when an allocation fails."""
    os.write(2, b"memory allocation of 17179869184 bytes failed\n")
    os.abort()


def segfault(_amount: float) -> None:
    """Reads where nothing is."""
    ctypes.string_at(0)


def abort(_amount: float) -> None:
    """Aborts, as an assertion in C does."""
    os.abort()


def signalled(number: float) -> None:
    """Ends by this signal."""
    os.kill(os.getpid(), int(number))
    threading.Event().wait(3600)


def leave(code: float) -> None:
    """Ends the process at once."""
    os._exit(int(code))


def sys_exit(_amount: float) -> None:
    """Asks Python to end."""
    sys.exit(5)


def panic(_amount: float) -> None:
    """Raises what `except Exception` does not catch."""
    message = "called `Option::unwrap()` on a `None` value"
    raise Panic(message)


def bug(_amount: float) -> None:
    """Raises what the port does not allow."""
    raise KeyError("q")


def unprintable(_amount: float) -> None:
    """Raises what does not let itself be described."""
    raise Unprintable


def refuse(_amount: float) -> None:
    """Fails for good."""
    message = "line 1: no such gate"
    raise PermanentExecutionError(message)


def try_later(_amount: float) -> None:
    """Fails for now."""
    message = "the device is being calibrated"
    raise TransientExecutionError(message)


def say_much_in_an_error(_amount: float) -> None:
    """Has a megabyte to say."""
    raise PermanentExecutionError("x" * MEGABYTE)


def try_later_with_much_to_say(_amount: float) -> None:
    """Has a megabyte to say, and fails for now."""
    raise TransientExecutionError("x" * MEGABYTE)


def bug_with_much_to_say(_amount: float) -> None:
    """Raises what the port does not allow, with a megabyte and a few words."""
    message = "x" * MEGABYTE + " the last words"
    raise ValueError(message)


def print_garbage(_amount: float) -> None:
    """Prints what looks like an answer, in Python and past it."""
    print('{"number":1,"permanent":"forged"}', flush=True)
    os.write(1, b"\x00garbage\n")


def print_gigabyte(_amount: float) -> None:
    """Prints a gigabyte."""
    for _ in range(1024):
        os.write(1, b"x" * MEGABYTE)


def print_bytes(amount: float) -> None:
    """Prints so many bytes, and waits until they are read."""
    _print(b"x" * int(amount))
    _wait_until_read(1)


def print_last_words(amount: float) -> None:
    """Prints much, what is no text, and a few words, and ends."""
    _print(b"x" * int(amount) + b"\xff the last words")
    os._exit(3)


def interrupt(_amount: float) -> None:
    """Gets what a terminal's Ctrl-C sends."""
    os.kill(os.getpid(), signal.SIGINT)


def scribble(_amount: float) -> None:
    """Writes to whatever is open, the answers' pipe included."""
    for descriptor in range(_FIRST_OWN_DESCRIPTOR, 20):
        _try_to_write(descriptor, b"garbage\n")


def answer_as_another_job(_amount: float) -> None:
    """Writes what would be an answer, were it this job's."""
    for descriptor in range(_FIRST_OWN_DESCRIPTOR, 20):
        _try_to_write(descriptor, b'{"number":0,"permanent":"forged"}\n')
    threading.Event().wait(3600)


def answer_without_end(_amount: float) -> None:
    """Writes a line that never ends."""
    while True:
        for descriptor in range(_FIRST_OWN_DESCRIPTOR, 20):
            _try_to_write(descriptor, b"x" * MEGABYTE)


def answer_bytes(amount: float) -> None:
    """Writes a line of so many bytes before its end, which comes when they are read."""
    for descriptor in range(_FIRST_OWN_DESCRIPTOR, 20):
        with contextlib.suppress(OSError):
            left = int(amount)
            while left:
                left -= os.write(descriptor, b"x" * min(left, MEGABYTE))
            _wait_until_read(descriptor)
            os.write(descriptor, b"\n")
    threading.Event().wait(3600)


def scribble_later(_amount: float) -> None:
    """Writes a line when the answer has long been read."""
    threading.Timer(0.2, scribble, [0]).start()


def stop(_amount: float) -> None:
    """Stops itself."""
    os.kill(os.getpid(), signal.SIGSTOP)


def fork(_amount: float) -> None:
    """Leaves a process behind, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        threading.Event().wait(3600)


def start_program(_amount: float) -> None:
    """Leaves another program behind."""
    subprocess.Popen(["/bin/sleep", "3600"], start_new_session=True)


def start_thread(_amount: float) -> None:
    """Uses a thread and waits for it."""
    thread = threading.Thread(target=quick, args=(0,))
    thread.start()
    thread.join()


def leave_thread_behind(_amount: float) -> None:
    """Lets a thread use the processor when the execution is over."""
    threading.Thread(target=endless_python, args=(0,), daemon=True).start()


def close_pipes(_amount: float) -> None:
    """Closes everything that is open and lives on."""
    os.closerange(0, 1000)
    threading.Event().wait(3600)


def write_file(_amount: float) -> None:
    """Fills a disk."""
    Path("/tmp/of-an-executor").write_text("x")


def read_stdin(_amount: float) -> None:
    """Finds nothing to read; it would take its own jobs."""
    assert sys.stdin.read() == ""


def grow(megabytes: float) -> None:
    """Keeps memory."""
    _kept.append(b"x" * int(megabytes * MEGABYTE))


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


BEHAVIOURS: Final[Mapping[str, Callable[[float], None]]] = {
    behaviour.__name__: behaviour
    for behaviour in list(globals().values())
    if callable(behaviour) and getattr(behaviour, "__module__", "") == __name__
}
