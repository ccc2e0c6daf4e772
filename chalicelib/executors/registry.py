"""Which executors there are, and how each is built. A new one gets its line here.

An executor whose work is not harmless, whatever the text, is named by its import path and runs in
child processes: only they import it. Nothing here is built or imported but in a worker, on its
first execution.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.domain.validation import Validation
from chalicelib.ports import Executor, Observer, Validator
from chalicelib.settings import Settings

#: Name (`EXECUTOR`) to `module:factory`. The factory takes nothing; what it has to know is in the
#: environment of its process.
IN_CHILDREN: Final[Mapping[str, str]] = {"simulator": "chalicelib.executors.simulator:build"}


class BuiltOnFirstUse:
    """The executor that the settings name (`Executor`); the API and the sweeper never use it."""

    def __init__(self, settings: Settings, observer: Observer) -> None:
        """Take what it is built from."""
        self._settings = settings
        self._observer = observer
        self._lock = threading.Lock()
        self._executor: Executor | None = None

    def execute(self, request: TaskRequest, *, time_limit_seconds: float) -> TaskResult:
        """See `Executor`."""
        return self._built().execute(request, time_limit_seconds=time_limit_seconds)

    def _built(self) -> Executor:
        if self._executor is None:
            with self._lock:
                if self._executor is None:
                    self._executor = build_executor(self._settings, self._observer)
        return self._executor


class ValidatorOnFirstUse:
    """The validator (`Validator`). The API imports and starts nothing of it before it is asked."""

    def __init__(self, settings: Settings, observer: Observer) -> None:
        """Take what it is built from."""
        self._settings = settings
        self._observer = observer
        self._lock = threading.Lock()
        self._validator: Validator | None = None

    def validate(self, request: TaskRequest) -> Validation:
        """See `Validator`."""
        with self._lock:
            if self._validator is None:
                from chalicelib.executors.validation import ChildValidator  # noqa: PLC0415

                self._validator = ChildValidator(self._settings, self._observer)
        return self._validator.validate(request)


def build_executor(settings: Settings, observer: Observer) -> Executor:
    """Build the executor that the settings name."""
    if settings.executor == "mock":
        from chalicelib.executors.mock import MockExecutor  # noqa: PLC0415 - see above

        return MockExecutor(settings)
    from chalicelib.executors.children.child_process import JobLimits  # noqa: PLC0415
    from chalicelib.executors.children.pool import ProcessPool  # noqa: PLC0415

    return ProcessPool(
        IN_CHILDREN[settings.executor],
        children_max=settings.execution_concurrency,
        limits=JobLimits(
            processor_seconds_max=settings.execution_processor_seconds_max,
            memory_bytes_max=settings.execution_memory_mb_max << 20,
        ),
        reporter=observer,
        environment={"EXECUTION_AMPLITUDES_MAX": str(settings.execution_amplitudes_max)},
    )
