"""What doctor says about a setting that is not what it must be."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable

from infra.doctor.live_stage import Snapshot
from infra.stage import StageSpec


class Severity(enum.IntEnum):
    """How bad it is; the worst comes first."""

    #: Accepted tasks or their messages are being lost, or strangers are let in, now.
    DANGEROUS = 0
    #: It will go wrong: under load, at the next failure, or when somebody needs it.
    WRONG = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One setting, its value, the value that it must have, and why."""

    setting: str
    value: object
    wanted: object
    why: str
    severity: Severity = Severity.WRONG

    def __str__(self) -> str:
        """Return one line for a terminal."""
        return (
            f"{self.severity.name.lower()}: {self.setting} is {self.value},"
            f" must be {self.wanted}: {self.why}"
        )


#: Looks at one thing of a live stage and yields what is not as it must be.
Rule = Callable[[StageSpec, Snapshot], Iterable[Finding]]
