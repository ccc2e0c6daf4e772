"""What the clients were told: the only thing that the service can be held to."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable


class Answer(enum.StrEnum):
    """How a submission was answered."""

    ACCEPTED = "202"
    KEPT_NO = "503, kept: no"
    KEPT_YES = "503, kept: yes"
    KEPT_UNKNOWN = "503, kept: unknown"
    #: The API was gone before the request was sent.
    NOT_CONNECTED = "no connection"
    #: The API died with the request in its hands.
    NO_ANSWER = "no answer"
    #: None of these may be given to a request that is in order.
    WRONG = "anything else"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request and its answer. `name` is unique per payload and stands in the task's tags."""

    name: str
    keyed: bool
    answer: Answer
    #: As the answer says; None where it does not.
    task_id: str | None
    detail: str = ""


@dataclasses.dataclass(slots=True)
class Ledger:
    """All that was asked and answered. Clients append from their threads."""

    submissions: list[Submission] = dataclasses.field(default_factory=list)
    #: The status of each answered request to cancel, by task.
    cancels: dict[str, int] = dataclasses.field(default_factory=dict)
    #: A task's document, as a client has read it when it had ended.
    ended: dict[str, bytes] = dataclasses.field(default_factory=dict)
    #: What a client saw that must never be seen.
    complaints: list[str] = dataclasses.field(default_factory=list)

    def with_answer(self, *answers: Answer) -> Iterable[Submission]:
        """Give the submissions that were answered so."""
        return (entry for entry in list(self.submissions) if entry.answer in answers)

    def accepted(self) -> list[str]:
        """Give the ids of the tasks that a client was told are accepted, each once."""
        return list(dict.fromkeys(e.task_id or "" for e in self.with_answer(Answer.ACCEPTED)))

    def promised(self) -> list[str]:
        """Give the ids of the tasks that must be there: accepted, or kept."""
        promised = self.with_answer(Answer.ACCEPTED, Answer.KEPT_YES)
        return list(dict.fromkeys(entry.task_id or "" for entry in promised))
