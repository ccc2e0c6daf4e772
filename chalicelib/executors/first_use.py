"""Executor and validator, built and imported on their first use.

The API and the sweeper never execute, and most functions of the API are never asked to validate.
"""

from __future__ import annotations

import threading

from chalicelib.domain.task import TaskRequest, TaskResult
from chalicelib.domain.validation import Validation
from chalicelib.ports import Executor, Observer, Validator
from chalicelib.registry import imported
from chalicelib.settings import Settings


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
    registered = settings.registered_executor
    if not registered.in_child:
        executor: Executor = imported(registered.factory)(settings)
        return executor
    from chalicelib.executors.children.child_process import JobLimits  # noqa: PLC0415 - first use
    from chalicelib.executors.children.pool import ProcessPool  # noqa: PLC0415 - first use

    return ProcessPool(
        registered.factory,
        limits=JobLimits(
            processor_seconds_max=settings.execution_processor_seconds_max,
            memory_bytes_max=settings.execution_memory_mb_max << 20,
        ),
        reporter=observer,
        environment={"EXECUTION_AMPLITUDES_MAX": str(settings.execution_amplitudes_max)},
    )
