"""A filter of system calls, for which Python has no module: Linux's `seccomp`.

It is asked for, not relied on: where a kernel does not know it, a child runs without.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Final, NamedTuple

from chalicelib.warm_process import prctl

#: `prctl`'s option (linux/prctl.h).
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
    #: asm/unistd.h; `fork` and `vfork` are not everywhere.
    clone: int
    clone3: int
    forks: tuple[int, ...]


_MACHINES: Final = {
    "x86_64": _Machine(317, 0xC000003E, 56, 435, (57, 58)),
    "aarch64": _Machine(277, 0xC00000B7, 220, 435, ()),
}
_CLONE_THREAD: Final = 0x10000
# Instructions of a classic BPF program (linux/bpf_common.h): load a word, jump if equal or if a bit
# is set, return; and where `struct seccomp_data` (linux/seccomp.h) has what is checked.
_LOAD, _IF_EQUAL, _IF_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_AT_CALL, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT = 0, 4, 16
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
#: The C library then uses `clone`, whose flags a filter can read.
_IS_UNKNOWN: Final = 0x00050000 | errno.ENOSYS


def refuse_processes() -> None:
    """Let the kernel refuse new processes, not threads, with EPERM. Where it cannot, go on.

    A process that an executor started would escape every limit here, and outlive the function's.
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
    for fork in machine.forks:
        instructions += [(_IF_EQUAL, 0, 1, fork), (_RETURN, 0, 0, _REFUSE)]
    instructions += [
        (_IF_EQUAL, 1, 0, machine.clone),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _AT_FIRST_ARGUMENT),
        (_IF_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
