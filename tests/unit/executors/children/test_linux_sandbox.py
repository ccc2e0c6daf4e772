"""The filter that the kernel is given: read here as the kernel reads it, for both machines."""

from __future__ import annotations

import errno
import platform
import struct
import sys
from pathlib import Path
from typing import Final

import pytest

from chalicelib.executors.children import linux_sandbox

#: Answers of a filter (linux/seccomp.h).
ALLOWED: Final = 0x7FFF0000
ERRNO: Final = 0x00050000
REFUSED: Final = ERRNO | errno.EPERM
UNKNOWN: Final = ERRNO | errno.ENOSYS
#: linux/audit.h: AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, and of a 32-bit program, AUDIT_ARCH_I386.
X86, ARM, X86_32 = 0xC000003E, 0xC00000B7, 0x40000003
#: linux/sched.h: what the C library starts a thread with, and a process.
THREAD_FLAGS, PROCESS_FLAGS = 0x003D0F00, 0x01200011


def answer(program: bytes, architecture: int, call: int, argument: int = 0) -> int:
    """Run a classic BPF program on a call's `struct seccomp_data` (linux/bpf_common.h)."""
    data = struct.pack("=iIQQ", call, architecture, 0, argument)
    at, value = 0, 0
    while True:
        code, if_true, if_false, operand = struct.unpack_from("=HBBI", program, 8 * at)
        at += 1
        if code == 0x20:  # load a word
            (value,) = struct.unpack_from("=I", data, operand)
        elif code == 0x15:  # jump if equal
            at += if_true if value == operand else if_false
        elif code == 0x45:  # jump if a bit is set
            at += if_true if value & operand else if_false
        else:
            assert code == 0x06
            return int(operand)


@pytest.mark.parametrize(
    ("machine", "architecture", "call", "argument", "expected"),
    [
        ("x86_64", X86, 0, 0, ALLOWED),  # read
        ("x86_64", X86, 59, 0, ALLOWED),  # execve, which starts no further process
        ("x86_64", X86, 56, THREAD_FLAGS, ALLOWED),  # clone
        ("x86_64", X86, 56, PROCESS_FLAGS, REFUSED),
        ("x86_64", X86, 57, 0, REFUSED),  # fork
        ("x86_64", X86, 58, 0, REFUSED),  # vfork
        ("x86_64", X86, 435, 0, UNKNOWN),  # clone3
        ("x86_64", X86_32, 2, 0, REFUSED),  # fork, by the numbers of 32-bit programs
        ("x86_64", ARM, 0, 0, REFUSED),
        ("aarch64", ARM, 63, 0, ALLOWED),  # read
        ("aarch64", ARM, 57, 0, ALLOWED),  # close; there is no fork
        ("aarch64", ARM, 220, THREAD_FLAGS, ALLOWED),  # clone
        ("aarch64", ARM, 220, PROCESS_FLAGS, REFUSED),
        ("aarch64", ARM, 435, 0, UNKNOWN),  # clone3
        ("aarch64", X86, 63, 0, REFUSED),
    ],
)
def test_processes_are_refused_and_threads_are_not(
    machine: str, architecture: int, call: int, argument: int, expected: int
) -> None:
    """By every call that starts one, in the machine's numbers (asm/unistd.h) and in no others."""
    program = linux_sandbox._filter(linux_sandbox._MACHINES[machine])  # noqa: SLF001 - assembled, not installed
    assert answer(program, architecture, call, argument) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_on_another_machine_no_filter_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers are not known; a child runs without."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    before = Path("/proc/self/status").read_text().partition("NoNewPrivs")[2][:30]
    linux_sandbox.refuse_processes()
    assert Path("/proc/self/status").read_text().partition("NoNewPrivs")[2][:30] == before
