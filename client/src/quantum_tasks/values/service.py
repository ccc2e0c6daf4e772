"""What the service says of a circuit, and of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quantum_tasks.values.result import Register


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a validation found in a circuit."""

    #: "error" makes the circuit invalid; anything else does not.
    severity: str
    message: str
    #: Counted from 1; None where the place is not known.
    line: int | None = None
    column: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What the service says of a circuit without executing it."""

    valid: bool = False
    findings: tuple[Finding, ...] = ()
    #: The classical registers that a result would have.
    registers: tuple[Register, ...] = ()
    qubits: int | None = None
    #: What an execution would need, as the service says it.
    estimate: Mapping[str, Any] | None = None
    document: Mapping[str, Any] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the service can be used: `healthy`, `degraded` or `unavailable`."""

    status: str
    database_status: str
    queue_status: str
    timestamp: datetime
    document: Mapping[str, Any] = dataclasses.field(repr=False)
