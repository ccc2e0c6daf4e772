"""The ports of a service, all in this process's memory."""

from __future__ import annotations

from typing import Any

from chalicelib.composition import Ports
from tests.support.fakes import RecordingObserver, ScriptedExecutor, TrustingValidator
from tests.support.in_memory import FakeClock, InMemoryTaskQueue, InMemoryTaskStore


def ports_in_memory(**given: Any) -> Ports:  # noqa: ANN401 - any port, by its name
    """Return ports in memory; those that are given take the places of the simplest ones."""
    clock = given.setdefault("clock", FakeClock())
    simplest = {
        "store": InMemoryTaskStore(),
        "queue": InMemoryTaskQueue(clock),
        "executor": ScriptedExecutor(),
        "validator": TrustingValidator(),
        "observer": RecordingObserver(),
    }
    return Ports(**{**simplest, **given})
