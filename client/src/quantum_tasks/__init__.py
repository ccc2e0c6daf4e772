"""Submit quantum circuits, wait for them and read their results.

`Client().run(circuit)` is all of it in one call. Names are imported when they are first used, so
that the command line starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from quantum_tasks import version

if TYPE_CHECKING:
    from quantum_tasks.aio import AsyncClient as AsyncClient
    from quantum_tasks.aio import AsyncListing as AsyncListing
    from quantum_tasks.aio import AsyncTask as AsyncTask
    from quantum_tasks.async_batch import AsyncBatch as AsyncBatch
    from quantum_tasks.batch import Batch as Batch
    from quantum_tasks.client import Client as Client
    from quantum_tasks.client import Listing as Listing
    from quantum_tasks.client import Task as Task
    from quantum_tasks.errors import BadAnswer as BadAnswer
    from quantum_tasks.errors import CallerUnknown as CallerUnknown
    from quantum_tasks.errors import ConfigurationError as ConfigurationError
    from quantum_tasks.errors import ConnectionFailed as ConnectionFailed
    from quantum_tasks.errors import FieldError as FieldError
    from quantum_tasks.errors import IdempotencyConflict as IdempotencyConflict
    from quantum_tasks.errors import InternalError as InternalError
    from quantum_tasks.errors import InvalidRequest as InvalidRequest
    from quantum_tasks.errors import NotAuthorized as NotAuthorized
    from quantum_tasks.errors import NotFound as NotFound
    from quantum_tasks.errors import PayloadTooLarge as PayloadTooLarge
    from quantum_tasks.errors import ProblemError as ProblemError
    from quantum_tasks.errors import QuantumTasksError as QuantumTasksError
    from quantum_tasks.errors import ServiceUnavailable as ServiceUnavailable
    from quantum_tasks.errors import StoreFull as StoreFull
    from quantum_tasks.errors import TaskAlreadyEnded as TaskAlreadyEnded
    from quantum_tasks.errors import TaskCancelled as TaskCancelled
    from quantum_tasks.errors import TaskError as TaskError
    from quantum_tasks.errors import TaskFailed as TaskFailed
    from quantum_tasks.errors import TaskNotFound as TaskNotFound
    from quantum_tasks.errors import TaskUnreadable as TaskUnreadable
    from quantum_tasks.errors import Throttled as Throttled
    from quantum_tasks.errors import UnknownStatus as UnknownStatus
    from quantum_tasks.errors import UnsupportedCircuit as UnsupportedCircuit
    from quantum_tasks.errors import UnsupportedMediaType as UnsupportedMediaType
    from quantum_tasks.errors import WaitTimeout as WaitTimeout
    from quantum_tasks.result import Register as Register
    from quantum_tasks.result import Result as Result
    from quantum_tasks.values import Finding as Finding
    from quantum_tasks.values import Health as Health
    from quantum_tasks.values import HistoryEntry as HistoryEntry
    from quantum_tasks.values import Page as Page
    from quantum_tasks.values import TaskData as TaskData
    from quantum_tasks.values import Usage as Usage
    from quantum_tasks.values import Validation as Validation

__version__: Final = version.VERSION

#: Where each public name lives.
_HOMES: Final = {
    "AsyncBatch": "async_batch",
    "AsyncClient": "aio",
    "AsyncListing": "aio",
    "AsyncTask": "aio",
    "BadAnswer": "errors",
    "Batch": "batch",
    "CallerUnknown": "errors",
    "Client": "client",
    "ConfigurationError": "errors",
    "ConnectionFailed": "errors",
    "FieldError": "errors",
    "Finding": "values",
    "Health": "values",
    "HistoryEntry": "values",
    "IdempotencyConflict": "errors",
    "InternalError": "errors",
    "InvalidRequest": "errors",
    "Listing": "client",
    "NotAuthorized": "errors",
    "NotFound": "errors",
    "Page": "values",
    "PayloadTooLarge": "errors",
    "ProblemError": "errors",
    "QuantumTasksError": "errors",
    "Register": "result",
    "Result": "result",
    "ServiceUnavailable": "errors",
    "StoreFull": "errors",
    "Task": "client",
    "TaskAlreadyEnded": "errors",
    "TaskCancelled": "errors",
    "TaskData": "values",
    "TaskError": "errors",
    "TaskFailed": "errors",
    "TaskNotFound": "errors",
    "TaskUnreadable": "errors",
    "Throttled": "errors",
    "UnknownStatus": "errors",
    "UnsupportedCircuit": "errors",
    "UnsupportedMediaType": "errors",
    "Usage": "values",
    "Validation": "values",
    "WaitTimeout": "errors",
}

__all__ = [
    "AsyncBatch",
    "AsyncClient",
    "AsyncListing",
    "AsyncTask",
    "BadAnswer",
    "Batch",
    "CallerUnknown",
    "Client",
    "ConfigurationError",
    "ConnectionFailed",
    "FieldError",
    "Finding",
    "Health",
    "HistoryEntry",
    "IdempotencyConflict",
    "InternalError",
    "InvalidRequest",
    "Listing",
    "NotAuthorized",
    "NotFound",
    "Page",
    "PayloadTooLarge",
    "ProblemError",
    "QuantumTasksError",
    "Register",
    "Result",
    "ServiceUnavailable",
    "StoreFull",
    "Task",
    "TaskAlreadyEnded",
    "TaskCancelled",
    "TaskData",
    "TaskError",
    "TaskFailed",
    "TaskNotFound",
    "TaskUnreadable",
    "Throttled",
    "UnknownStatus",
    "UnsupportedCircuit",
    "UnsupportedMediaType",
    "Usage",
    "Validation",
    "WaitTimeout",
    "__version__",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name's module (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
