"""What the executions of all local workers may take of this machine together.

On Lambda each worker has a processor and memory of its own; here they share the machine's. What the
user has not set is chosen so that it fits, and what the user has set must fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import psutil

from chalicelib.registry import AMPLITUDE_BYTES
from chalicelib.runtime_checks import CHILD_MB, FUNCTION_MB, excessive_demands
from chalicelib.settings import CIRCUIT_MB, InvalidSetting
from chalicelib.settings import Settings as ServiceSettings
from infra.local.settings import function_timeout_seconds
from infra.worker_time import seconds_to_begin

PROCESSOR_SECONDS = "EXECUTION_PROCESSOR_SECONDS_MAX"
MEMORY_MB = "EXECUTION_MEMORY_MB_MAX"
AMPLITUDES = "EXECUTION_AMPLITUDES_MAX"
#: Kept free of the processors for emulator and API, and of the memory for everything else.
_PROCESSORS_SHARE = 0.9
_MEMORY_SHARE = 0.75
_MB = 1 << 20
#: 16 qubits; with less it is no simulator.
_AMPLITUDES_MIN = 1 << 16
#: With these, what the user has set can be read by itself.
_LEAST = {PROCESSOR_SECONDS: "0.1", AMPLITUDES: "2"}


def processors() -> int:
    """How many processors there are."""
    return psutil.cpu_count() or 1


def memory_mb() -> float:
    """How much memory the machine has."""
    total: int = psutil.virtual_memory().total
    return total / _MB


def execution_variables(
    environment: Mapping[str, str], *, workers: int, cores: int, machine_mb: float
) -> dict[str, str]:
    """Return the limits of one execution that the user has not set.

    Raises:
        InvalidSetting: executions at their limits would starve each other; it names the variables.
    """
    given = {name: value for name, value in environment.items() if value}
    try:
        settings = ServiceSettings.from_environment(_LEAST | given)
        _check_invocation(settings, given)
        if not settings.registered_executor.in_child or workers == 0:
            return {}
        chosen = _processor(settings, workers, cores) | _memory(settings, workers, machine_mb)
        chosen = {name: value for name, value in chosen.items() if name not in given}
        settings = ServiceSettings.from_environment(given | chosen)
    except InvalidSetting as exc:
        raise InvalidSetting(f"with {workers} workers on {cores} processors: {exc}") from exc
    for demand in excessive_demands(settings, vcpus=cores, memory_mb=machine_mb, workers=workers):
        raise InvalidSetting(str(demand))
    return chosen


def _check_invocation(settings: ServiceSettings, given: Mapping[str, str]) -> None:
    """Refuse an invocation in which no execution would ever begin."""
    timeout, least = function_timeout_seconds(given), seconds_to_begin(settings)
    if timeout < least:
        message = (
            f"must be at least {least:g}, not {timeout:g}: EXECUTION_SECONDS_MAX "
            f"({settings.execution_seconds_max:g}), EXECUTION_MARGIN_SECONDS "
            f"({settings.execution_margin_seconds:g}) and the start of a process "
            f"({settings.execution_start_seconds_max:g})"
        )
        raise InvalidSetting(f"FUNCTION_TIMEOUT_SECONDS {message}")


def _processor(settings: ServiceSettings, workers: int, cores: int) -> dict[str, str]:
    wall = _PROCESSORS_SHARE * settings.execution_seconds_max
    seconds = wall * min(1.0, cores / (workers * settings.execution_concurrency))
    return {PROCESSOR_SECONDS: f"{math.floor(seconds * 100) / 100:g}"}


def _memory(settings: ServiceSettings, workers: int, machine_mb: float) -> dict[str, str]:
    """Halve the largest state until the executions fit."""
    room = _MEMORY_SHARE * machine_mb - workers * FUNCTION_MB
    each = room / (workers * settings.execution_concurrency) - CHILD_MB
    each = min(each, settings.execution_memory_mb_max)
    amplitudes = ServiceSettings().execution_amplitudes_max
    while amplitudes > _AMPLITUDES_MIN and amplitudes * AMPLITUDE_BYTES / _MB + CIRCUIT_MB > each:
        amplitudes //= 2
    return {MEMORY_MB: str(math.floor(each)), AMPLITUDES: str(amplitudes)}
