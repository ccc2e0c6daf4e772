"""What a mutant is, and what a guard is that is kept though nothing breaks without it."""

from __future__ import annotations

import dataclasses

from tests.proof.explorer.code import Code
from tests.proof.explorer.configuration import Configuration


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """The service without one guard."""

    name: str
    #: What is taken out, and the place that states it.
    removes: str
    code: Code
    configuration: Configuration
    #: The property that must be found violated.
    breaks: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Redundant:
    """A guard without which nothing breaks, and why it is kept all the same."""

    name: str
    code: Code
    #: Where nothing was found without it.
    configuration: Configuration
    kept_for: str
