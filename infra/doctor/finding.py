"""What doctor says about a setting that is not what it must be."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from infra.doctor.live_stage import Snapshot
from infra.stage import StageSpec


class Severity(enum.IntEnum):
    """How bad it is; the worst comes first."""

    #: Accepted tasks or their messages are being lost, or strangers are let in, now.
    DANGEROUS = 0
    #: It will go wrong: under load, at the next failure, or when it is needed.
    WRONG = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One setting, its value, the value that it must have, and why."""

    setting: str
    value: object
    wanted: object
    why: str
    severity: Severity = Severity.WRONG
    #: The rule that found it; the rule itself sets it.
    rule: str = ""

    def __str__(self) -> str:
        """Return one line for a terminal."""
        return (
            f"{self.severity.name.lower()} {self.rule}: {self.setting} is {self.value},"
            f" must be {self.wanted}: {self.why}"
        )


#: Checks one thing of a live stage and yields what is not as it must be.
Judge = Callable[[StageSpec, Snapshot], Iterable[Finding]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Something that must hold of a live stage."""

    #: What it is called in reports and in the docs; it stays the same when its words change.
    id: str
    #: What must hold, in one sentence.
    says: str
    judge: Judge

    def __call__(self, spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield what breaks the rule."""
        for finding in self.judge(spec, snapshot):
            yield dataclasses.replace(finding, rule=self.id)


#: Every rule, in the order of the modules and of their lines.
REGISTERED: Final[list[Rule]] = []


def rule(identifier: str) -> Callable[[Judge], Rule]:
    """Make a function that judges a rule of the doctor; its docstring says what must hold."""

    def make(judge: Judge) -> Rule:
        says = (judge.__doc__ or "").partition("\n")[0].rstrip(".")
        REGISTERED.append(Rule(id=identifier, says=says, judge=judge))
        return REGISTERED[-1]

    return make
