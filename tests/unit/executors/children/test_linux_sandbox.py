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
        ("x86_64", X86, 59, 0, REFUSED),  # execve
        ("x86_64", X86, 322, 0, REFUSED),  # execveat
        ("x86_64", X86, 41, 0, REFUSED),  # socket
        ("x86_64", X86, 53, 0, REFUSED),  # socketpair
        ("x86_64", X86, 101, 0, REFUSED),  # ptrace
        ("x86_64", X86, 310, 0, REFUSED),  # process_vm_readv
        ("x86_64", X86, 311, 0, REFUSED),  # process_vm_writev
        ("x86_64", X86, 425, 0, REFUSED),  # io_uring_setup
        ("x86_64", X86, 0x40000000, 0, REFUSED),  # read, by x32's numbers
        ("x86_64", X86, 0x40000029, 0, REFUSED),  # socket, by x32's numbers
        ("x86_64", X86, 56, THREAD_FLAGS, ALLOWED),  # clone
        ("x86_64", X86, 56, PROCESS_FLAGS, REFUSED),
        ("x86_64", X86, 57, 0, REFUSED),  # fork
        ("x86_64", X86, 58, 0, REFUSED),  # vfork
        ("x86_64", X86, 435, 0, UNKNOWN),  # clone3
        ("x86_64", X86_32, 2, 0, REFUSED),  # fork, by the numbers of 32-bit programs
        ("x86_64", ARM, 0, 0, REFUSED),
        ("aarch64", ARM, 63, 0, ALLOWED),  # read
        ("aarch64", ARM, 57, 0, ALLOWED),  # close; there is no fork
        ("aarch64", ARM, 221, 0, REFUSED),  # execve
        ("aarch64", ARM, 281, 0, REFUSED),  # execveat
        ("aarch64", ARM, 198, 0, REFUSED),  # socket
        ("aarch64", ARM, 199, 0, REFUSED),  # socketpair
        ("aarch64", ARM, 117, 0, REFUSED),  # ptrace
        ("aarch64", ARM, 270, 0, REFUSED),  # process_vm_readv
        ("aarch64", ARM, 271, 0, REFUSED),  # process_vm_writev
        ("aarch64", ARM, 425, 0, REFUSED),  # io_uring_setup
        ("aarch64", ARM, 220, THREAD_FLAGS, ALLOWED),  # clone
        ("aarch64", ARM, 220, PROCESS_FLAGS, REFUSED),
        ("aarch64", ARM, 435, 0, UNKNOWN),  # clone3
        ("aarch64", X86, 63, 0, REFUSED),
    ],
)
def test_all_but_threads_is_refused(
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
    linux_sandbox.confine()
    assert Path("/proc/self/status").read_text().partition("NoNewPrivs")[2][:30] == before
