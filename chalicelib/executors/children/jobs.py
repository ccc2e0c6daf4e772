"""What goes over the pipes between the function's process and a child: a line of JSON each way.

msgspec checks what comes in, since a child may write anything: its executor shares the process.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.executors.children.grants import ProgramSize

#: An answer is at most this long. More than any result that can be kept, so that a result which is
#: only a little too large is refused where the limit on results is.
ANSWER_BYTES_MAX: Final = 8_000_000
#: A message of the executor's is cut here: it ends up in an item and in a log.
MESSAGE_CHARACTERS_MAX: Final = 1_000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, asked of a child."""

    #: Counts the child's jobs from 1. The answer bears it too: a line from before is none.
    number: int
    request: TaskRequest
    #: The wall limit as the executor is told it; the parent keeps it.
    time_limit_seconds: float
    #: What this execution may use of the processor, and of memory on top of what the child has,
    #: until it is granted more.
    processor_seconds_max: float
    memory_bytes_max: int


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution may use of memory now that its needs are known, as in its job."""

    memory_bytes_max: int


class Started(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A child's first line: it is ready, or it is not and says why."""

    error: str | None = None
    #: Whether its executor says what a program needs.
    asks_for_memory: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an execution ended in the child, or what it needs: one of the first seven is set."""

    number: int
    #: It goes on when it has its grant.
    needs: ProgramSize | None = None
    result: TaskResult | None = None
    #: What an executor gave that is not a result, as JSON: a validation.
    document: str | None = None
    #: The message of a `PermanentExecutionError`, or of a `TransientExecutionError`.
    permanent: str | None = None
    transient: str | None = None
    #: It wanted more memory than it may have.
    out_of_memory: bool = False
    #: The executor raised something else: its type, and a traceback for the log.
    unexpected: str | None = None
    traceback: str = ""
    #: The child is not as it was when it started (it grew, or lacked memory): use it no more.
    must_be_replaced: bool = False


_encoder: Final = msgspec.json.Encoder()
#: Decoders check every field against the annotations above.
job_decoder: Final = msgspec.json.Decoder(Job)
grant_decoder: Final = msgspec.json.Decoder(Grant)
started_decoder: Final = msgspec.json.Decoder(Started)
answer_decoder: Final = msgspec.json.Decoder(Answer)


def line_of(message: Job | Grant | Started | Answer) -> bytes:
    """Encode as one line; JSON escapes the line ends inside a text."""
    return _encoder.encode(message) + b"\n"


def shortened(text: str) -> str:
    """Cut a text that an executor has written."""
    if len(text) <= MESSAGE_CHARACTERS_MAX:
        return text
    return text[: MESSAGE_CHARACTERS_MAX - 1] + "…"
