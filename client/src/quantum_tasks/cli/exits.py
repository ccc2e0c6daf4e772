"""How `qtasks` ends: its exit codes, whatever the format of the output, and its last words."""

from __future__ import annotations

from typing import Final

from quantum_tasks.contract import STATUSES
from quantum_tasks.errors import CallerUnknown, ConfigurationError, NotAuthorized, QuantumTasksError
from quantum_tasks.values.task import TaskCancelled, TaskFailed, WaitTimeout

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_AUTHORIZED: Final = 4
TIMED_OUT: Final = 124
INTERRUPTED: Final = 130
#: What a shell shows for a program that wrote to a reader that had gone.
BROKEN_PIPE: Final = 141

#: As the help says it; how a task ended, `STATUSES` has.
TABLE: Final = (
    (DONE, "done; of run, wait, watch and result: the task is completed"),
    (FAILED, "the request or the service failed, or the circuit is not valid"),
    (USAGE, "the command line, a file or the configuration cannot be used"),
    (STATUSES["failed"].exit_code, "the task failed"),
    (NOT_AUTHORIZED, "the service does not take requests of this caller"),
    (STATUSES["cancelled"].exit_code, "the task was cancelled"),
    (TIMED_OUT, "the wait timed out; the task goes on"),
    (INTERRUPTED, "Ctrl-C; the task goes on, and its id was printed"),
)


def code_for(error: QuantumTasksError) -> int:
    """Return the exit code for an error."""
    match error:
        case WaitTimeout():
            return TIMED_OUT
        case TaskFailed() | TaskCancelled():
            return code_of(error.task.status)
        case NotAuthorized() | CallerUnknown():
            return NOT_AUTHORIZED
        case ConfigurationError():
            return USAGE
        case _:
            return FAILED


def code_of(status: str) -> int:
    """Return the exit code for how a task ended."""
    code = STATUSES[status].exit_code
    return FAILED if code is None else code


class UsageError(Exception):
    """Something on the command line cannot be used."""


class Context:
    """What a command knows so far, for the line that is printed when it is interrupted."""

    def __init__(self) -> None:
        self.task_id: str | None = None
        self.key: str | None = None

    def interrupted(self) -> str:
        """Say what goes on, and how to come back to it."""
        if self.task_id is not None:
            return f"interrupted; the task goes on: qtasks wait {self.task_id}"
        if self.key is not None:
            return f"interrupted; submitting again with --key {self.key} finds the task"
        return "interrupted"
