"""What all commands share: what is known for the last line, and a wrong use of one."""

from __future__ import annotations


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
