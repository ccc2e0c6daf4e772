"""Numbers and statuses of the service that the client needs before it asks for anything.

The client is installed alone, without the service's document (`docs/openapi.json`), so they stand
here, once. `tests/client/test_openapi.py` compares them with the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

SHOTS_DEFAULT: Final = 1024
SHOTS_MAX: Final = 100_000
KEY_CHARACTERS_MAX: Final = 255
BATCH_MEMBERS_MAX: Final = 100
PAGE_SIZE_MAX: Final = 100


class Status(NamedTuple):
    """All that the client does differently for a status."""

    #: The ANSI code of its colour on a terminal.
    color: str
    #: The name of its `JobStatus` in Qiskit.
    job_status: str
    #: Of a task that has ended: the exit code of the commands that wait. None: the task goes on.
    exit_code: int | None = None


#: Each status of a task, in the order of its life.
STATUSES: Final[Mapping[str, Status]] = {
    "pending": Status(color="33", job_status="QUEUED"),
    "processing": Status(color="36", job_status="RUNNING"),
    "completed": Status(color="32", job_status="DONE", exit_code=0),
    "failed": Status(color="31", job_status="ERROR", exit_code=3),
    "cancelled": Status(color="35", job_status="CANCELLED", exit_code=5),
}
