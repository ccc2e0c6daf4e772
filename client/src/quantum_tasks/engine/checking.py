"""Asking about a circuit, and about the service itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quantum_tasks.engine import calls
from quantum_tasks.engine.answers import problem_error
from quantum_tasks.engine.effects import Program, Response
from quantum_tasks.engine.retrying import RetryPolicy, exchange
from quantum_tasks.values import Health, Validation

_UNAVAILABLE: Final = 503


def validate(document: Mapping[str, Any], *, policy: RetryPolicy) -> Program[Validation]:
    """Have a circuit checked without executing it."""
    request = calls.post_validation(document)
    return (yield from exchange(request, read=_read_validation, policy=policy))


def health(*, policy: RetryPolicy) -> Program[Health]:
    """Ask whether the service can be used. A 503 that says that it cannot is an answer."""
    accepted = frozenset({_UNAVAILABLE})
    request = calls.get_health()
    return (yield from exchange(request, read=_read_health, policy=policy, accepted=accepted))


def _read_validation(response: Response) -> Validation:
    return Validation.read(response.document())


def _read_health(response: Response) -> Health:
    if response.status == _UNAVAILABLE:
        unreachable = problem_error(response)
        if unreachable.type or b"database_status" not in response.body:
            raise unreachable
    return Health.read(response.document())
