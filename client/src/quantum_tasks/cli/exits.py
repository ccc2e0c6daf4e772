"""The exit codes of `qtasks`: they say the same whatever the format of the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from quantum_tasks.errors import QuantumTasksError

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
TASK_FAILED: Final = 3
NOT_AUTHORIZED: Final = 4
CANCELLED: Final = 5
TIMED_OUT: Final = 124
INTERRUPTED: Final = 130
#: What a shell shows for a program that wrote to a reader that had gone.
BROKEN_PIPE: Final = 141

#: As the help says it.
TABLE: Final = (
    (DONE, "done; of run, wait, watch and result: the task is completed"),
    (FAILED, "the request or the service failed, or the circuit is not valid"),
    (USAGE, "the command line, a file or the configuration cannot be used"),
    (TASK_FAILED, "the task failed"),
    (NOT_AUTHORIZED, "the service does not take requests of this caller"),
    (CANCELLED, "the task was cancelled"),
    (TIMED_OUT, "the wait timed out; the task goes on"),
    (INTERRUPTED, "Ctrl-C; the task goes on, and its id was printed"),
)

#: How a task ended.
BY_STATUS: Final = {"completed": DONE, "failed": TASK_FAILED, "cancelled": CANCELLED}


def code_for(error: QuantumTasksError) -> int:
    """Return the exit code for an error."""
    from quantum_tasks import errors  # noqa: PLC0415 - not for --help

    codes: dict[type[QuantumTasksError], int] = {
        errors.TaskFailed: TASK_FAILED,
        errors.TaskCancelled: CANCELLED,
        errors.WaitTimeout: TIMED_OUT,
        errors.NotAuthorized: NOT_AUTHORIZED,
        errors.CallerUnknown: NOT_AUTHORIZED,
        errors.ConfigurationError: USAGE,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), FAILED)
