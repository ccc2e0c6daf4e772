"""What Linux keeps a child from, for which Python has no module: `seccomp` and `prctl`.

Both are asked for, not relied on: where a kernel does not know them, a child runs without.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from typing import Final, NamedTuple

from chalicelib.warm_process import prctl

#: `prctl`'s options (linux/prctl.h).
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
#: Operation and flag of `seccomp` (linux/seccomp.h). Without the flag, kernels before 5.16 slow
#: down every process that has a filter, against Spectre.
_SET_MODE_FILTER: Final = 1
_SPEC_ALLOW: Final = 4


class _Machine(NamedTuple):
    """A machine's number of the call `seccomp`, and what a filter sees there."""

    seccomp: int
    #: linux/audit.h
    architecture: int
    #: asm/unistd.h
    clone: int
    clone3: int
    #: `fork` and `vfork`, where they are; `execve`, `execveat`; `socket`, `socketpair`; `ptrace`,
    #: `process_vm_readv`, `process_vm_writev`; `io_uring_setup`, which opens sockets too.
    refused: tuple[int, ...]


_MACHINES: Final = {
    "x86_64": _Machine(
        *(317, 0xC000003E, 56, 435), refused=(57, 58, 59, 322, 41, 53, 101, 310, 311, 425)
    ),
    "aarch64": _Machine(
        *(277, 0xC00000B7, 220, 435), refused=(221, 281, 198, 199, 117, 270, 271, 425)
    ),
}
#: Set in the numbers of x32, a second set of calls that x86_64 kernels may have.
_X32: Final = 0x40000000
_CLONE_THREAD: Final = 0x10000
# Instructions of a classic BPF program (linux/bpf_common.h): load a word, jump if equal or if a bit
# is set, return; and where `struct seccomp_data` (linux/seccomp.h) has what is checked.
_LOAD, _IF_EQUAL, _IF_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_AT_CALL, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT = 0, 4, 16
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
#: The C library then uses `clone`, whose flags a filter can read.
_IS_UNKNOWN: Final = 0x00050000 | errno.ENOSYS


def hide_from_children() -> None:
    """Close this process's memory and environment, with its credentials, to its children.

    They have the same user, who can read `/proc/PID/environ` and `mem` otherwise.
    """
    if sys.platform == "linux":
        prctl(_PR_SET_DUMPABLE, 0)


def confine() -> None:
    """Let the kernel refuse new processes, programs, sockets and tracing with EPERM.

    Threads are allowed. A process that an executor started would escape every limit here and
    outlive the function's; by a socket it would reach the function's runtime and the network.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return
    instructions = _filter(machine)
    code = ctypes.create_string_buffer(instructions, len(instructions))
    # struct sock_fprog: how many instructions of eight bytes, and where they are.
    program = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(code))
    held = ctypes.create_string_buffer(program, len(program))
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    arguments = (machine.seccomp, _SET_MODE_FILTER, _SPEC_ALLOW, ctypes.addressof(held))
    ctypes.CDLL(None).syscall(*map(ctypes.c_ulong, arguments))


def _filter(machine: _Machine) -> bytes:
    """Assemble the filter; each instruction is (code, jump if true, jump if false, operand)."""
    instructions = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_IF_EQUAL, 1, 0, machine.architecture),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _AT_CALL),
        (_IF_EQUAL, 0, 1, machine.clone3),
        (_RETURN, 0, 0, _IS_UNKNOWN),
    ]
    for call in machine.refused:
        instructions += [(_IF_EQUAL, 0, 1, call), (_RETURN, 0, 0, _REFUSE)]
    instructions += [
        (_IF_BIT, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
        (_IF_EQUAL, 1, 0, machine.clone),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _AT_FIRST_ARGUMENT),
        (_IF_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
