"""Validates circuits in a child process that is started on the first use and kept warm.

No text can hold up the API: a child that needs more than its bounds is killed, and the answer says
that the circuit was not analysed completely.
"""

from __future__ import annotations

import threading
from typing import Final

import msgspec

from chalicelib.domain.task import TaskRequest
from chalicelib.domain.validation import VALIDATION_SECONDS_MAX, Finding, Severity, Validation
from chalicelib.errors import ExecutionError, TransientExecutionError
from chalicelib.executors.children.child_process import JobLimits
from chalicelib.executors.children.failures import LimitReached
from chalicelib.executors.children.grants import READING_BYTES_MAX
from chalicelib.executors.children.pool import ProcessPool
from chalicelib.ports import Observer
from chalicelib.settings import Settings

#: Validations under way at the same time in one process. A function's handles one request; the
#: local API has a thread for each, and its machine would be filled.
_AT_ONCE_MAX: Final = 2
#: What one validation may take of the processor and of memory.
LIMITS: Final = JobLimits(
    processor_seconds_max=VALIDATION_SECONDS_MAX, memory_bytes_max=READING_BYTES_MAX
)
_FACTORY: Final = "chalicelib.executors.validator:build"

_decoder: Final = msgspec.json.Decoder(Validation)


class ChildValidator:
    """Validates circuits (`Validator`)."""

    def __init__(
        self,
        settings: Settings,
        observer: Observer,
        *,
        limits: JobLimits = LIMITS,
        seconds_max: float = VALIDATION_SECONDS_MAX,
    ) -> None:
        """Build the pool, with a wall limit of `seconds_max`; no child is started yet."""
        self._observer = observer
        self._turns = threading.Semaphore(_AT_ONCE_MAX)
        self._seconds_max = seconds_max
        self._pool = ProcessPool(
            _FACTORY,
            limits=limits,
            reporter=observer,
            environment={"EXECUTION_AMPLITUDES_MAX": str(settings.execution_amplitudes_max)},
        )

    def validate(self, request: TaskRequest) -> Validation:
        """See `Validator`."""
        try:
            with self._turns:
                document = self._pool.ask(request, time_limit_seconds=self._seconds_max).document
            return _decoder.decode(document or "")
        except LimitReached as exc:
            bounds = f"{VALIDATION_SECONDS_MAX:g} s or {READING_BYTES_MAX >> 20} MB"
            why = f"it takes more than {bounds} to analyse"
            return self._incomplete(why, exc)
        except TransientExecutionError as exc:
            return self._incomplete("the service could not finish the analysis this time", exc)
        except ExecutionError as exc:
            finding = Finding(severity=Severity.ERROR, message=str(exc))
            return Validation(valid=False, findings=(finding,))

    def _incomplete(self, why: str, error: ExecutionError) -> Validation:
        """Return a validation that claims nothing, and tell an operator of the error."""
        message = (
            f"the circuit was not analysed completely: {why};"
            " when it runs it is checked all the same"
        )
        finding = Finding(severity=Severity.WARNING, message=message)
        self._observer.problem("validate a circuit", error)
        return Validation(valid=True, complete=False, findings=(finding,))
