"""The tests' service with the real simulator behind it: what is counted is quantum mechanics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from chalicelib.domain.task import TaskRequest
from chalicelib.errors import PermanentExecutionError
from chalicelib.executors import simulator
from tests.client.service import Service
from tests.client.serving import Running, serve


def simulating_service() -> Iterator[Running]:
    """Run a service whose results are the real simulator's."""
    executor = simulator.build()

    def execute(request: Mapping[str, Any]) -> Mapping[str, Any]:
        names = TaskRequest.__struct_fields__
        asked = msgspec.convert({n: request[n] for n in names if n in request}, TaskRequest)
        result = executor.execute(asked, time_limit_seconds=30)
        document: dict[str, Any] = msgspec.to_builtins(result)
        return document

    service = Service()
    service.execute = execute
    service.refusals = (PermanentExecutionError,)
    yield from serve(service)
