"""Submit quantum circuits, wait for them and read their results.

`Client().run(circuit)` is all of it in one call. Each name is imported when you first use it, so
that the command line starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from quantum_tasks import version

if TYPE_CHECKING:  # for type checkers, which do not run `__getattr__`
    from quantum_tasks.aio.client import *
    from quantum_tasks.aio.tasks import *
    from quantum_tasks.errors import *
    from quantum_tasks.sync.client import *
    from quantum_tasks.sync.tasks import *
    from quantum_tasks.values.result import *
    from quantum_tasks.values.service import *
    from quantum_tasks.values.task import *

__version__: Final = version.VERSION

#: The public names, by the module that each one lives in.
_NAMES: Final = {
    "aio.client": ("AsyncClient",),
    "aio.tasks": ("AsyncBatch", "AsyncListing", "AsyncTask"),
    "errors": (
        *("BadAnswer", "CallerUnknown", "ConfigurationError", "ConnectionFailed", "FieldError"),
        *("IdempotencyConflict", "InternalError", "InvalidRequest", "NotAuthorized", "NotFound"),
        *("PayloadTooLarge", "ProblemError", "QuantumTasksError", "ServiceUnavailable"),
        *("StoreFull", "TaskAlreadyEnded", "TaskNotFound", "TaskUnreadable", "Throttled"),
        *("UnsupportedCircuit", "UnsupportedMediaType"),
    ),
    "sync.client": ("Client",),
    "sync.tasks": ("Batch", "Listing", "Task"),
    "values.result": ("Register", "Result"),
    "values.service": ("Finding", "Health", "Validation"),
    "values.task": (
        *("HistoryEntry", "Page", "TaskCancelled", "TaskData", "TaskError", "TaskFailed"),
        *("UnknownStatus", "Usage", "WaitTimeout"),
    ),
}
_HOMES: Final = {name: home for home, names in _NAMES.items() for name in names}

__all__ = [*sorted(_HOMES), "__version__"]  # noqa: PLE0604 - the names stand above


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import a public name's module (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
