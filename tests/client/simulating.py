"""The tests' service with the real simulator behind it: what is counted is quantum mechanics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.task import TaskRequest
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors import simulator
from tests.client.service import Service
from tests.client.serving import Running, serve


def simulating_service() -> Iterator[Running]:
    """Run a service whose results are the real simulator's."""
    executor = simulator.build()

    def execute(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = TaskRequest(
            circuit=request["circuit"],
            shots=request["shots"],
            tags=request["tags"],
            seed=request.get("seed"),
        )
        result = executor.execute(asked, time_limit_seconds=30)
        registers = [{"name": r.name, "size": r.size} for r in result.registers or ()]
        return {
            "counts": dict(result.counts),
            "registers": registers,
            "shots": result.shots,
            "executor": result.executor,
            "executor_version": result.executor_version,
            "seed": result.seed,
        }

    service = Service()
    service.execute = execute
    service.refusals = (PermanentExecutionError,)
    yield from serve(service)
