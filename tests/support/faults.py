"""Ports that fail when a test says so.

`FailBefore` is a call that was never applied; `FailAfter` one that was, and lost its reply.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class FailBefore:
    """The call is not applied and raises."""

    error: Exception


@dataclasses.dataclass(frozen=True, slots=True)
class FailAfter:
    """The call is applied and raises all the same."""

    error: Exception


class Faulty:
    """Wraps a port; a fault that is lined up for a method meets its next call."""

    def __init__(self, port: object, **faults: FailBefore | FailAfter) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute
        return self._with_fault(name, attribute)

    def _with_fault(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the method's own
            fault = self._faults.pop(name, None)
            if isinstance(fault, FailBefore):
                raise fault.error
            result = method(*args, **kwargs)
            if isinstance(fault, FailAfter):
                raise fault.error
            return result

        return call
