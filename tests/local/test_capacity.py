"""The limits of executions on a machine that all local workers share."""

from __future__ import annotations

import re

import pytest

from chalicelib.settings import InvalidSetting
from chalicelib.settings import Settings as ServiceSettings
from infra.local.settings import FUNCTION_TIMEOUT_SECONDS, ROOT, VISIBILITY_TIMEOUT_SECONDS
from infra.local.supervisor.capacity import execution_variables
from infra.stage import read_configuration, stage_variables
from infra.worker_time import seconds_needed

STAGE = {"EXECUTOR": "simulator", "EXECUTION_CONCURRENCY": "4"}
AMPLE_MB = 24_000.0


@pytest.mark.parametrize(
    ("workers", "cores", "seconds"),
    [(2, 2, "1.8"), (2, 1, "0.9"), (1, 2, "3.6"), (4, 16, "7.2"), (1, 64, "7.2")],
)
def test_the_processor_limit_follows_from_workers_and_cores(
    workers: int, cores: int, seconds: str
) -> None:
    """All executions of all workers at their limits end before the wall of 8 s."""
    chosen = execution_variables(STAGE, workers=workers, cores=cores, machine_mb=AMPLE_MB)
    assert chosen["EXECUTION_PROCESSOR_SECONDS_MAX"] == seconds


def test_the_largest_state_follows_from_the_memory() -> None:
    """A small machine simulates fewer qubits, and says so instead of running out of memory."""
    small = execution_variables(STAGE, workers=2, cores=2, machine_mb=2_000)
    large = execution_variables(STAGE, workers=2, cores=2, machine_mb=AMPLE_MB)
    assert small["EXECUTION_AMPLITUDES_MAX"] == str(1 << 21)
    assert large["EXECUTION_AMPLITUDES_MAX"] == str(1 << 24)


def test_what_the_user_has_set_stays() -> None:
    """Only what is not set is chosen."""
    user = {"EXECUTION_PROCESSOR_SECONDS_MAX": "0.5", "EXECUTION_AMPLITUDES_MAX": "1024"}
    chosen = execution_variables(STAGE | user, workers=2, cores=2, machine_mb=AMPLE_MB)
    assert chosen == {"EXECUTION_MEMORY_MB_MAX": "448"}


def test_an_invocation_in_which_nothing_would_begin_is_refused() -> None:
    """The worker would give back every message, for want of time."""
    said = "FUNCTION_TIMEOUT_SECONDS must be at least 19.5, not 12"
    with pytest.raises(InvalidSetting, match=said):
        execution_variables(
            STAGE | {"FUNCTION_TIMEOUT_SECONDS": "12"}, workers=1, cores=2, machine_mb=AMPLE_MB
        )


def test_the_local_worker_has_time_for_all_that_it_may_have_to_do() -> None:
    """Executions at their limits, pieces and a slow database; and it ends before its lease does."""
    settings = ServiceSettings.from_environment(stage_variables(read_configuration(ROOT), "local"))
    needed = seconds_needed(settings)
    assert needed <= FUNCTION_TIMEOUT_SECONDS < VISIBILITY_TIMEOUT_SECONDS
    assert read_configuration(ROOT)["stages"]["local"]["lambda_timeout"] == FUNCTION_TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("user", "workers", "said"),
    [
        (
            {"EXECUTION_PROCESSOR_SECONDS_MAX": "2.1"},
            2,
            (
                "WORKERS (2) x EXECUTION_CONCURRENCY (4) x "
                "EXECUTION_PROCESSOR_SECONDS_MAX (2.1) is "
                "16.8; it must be at most 16, which is EXECUTION_SECONDS_MAX (8) x vCPUs (2.00)"
            ),
        ),
        ({}, 64, "with 64 workers on 2 processors: EXECUTION_PROCESSOR_SECONDS_MAX must be"),
        (
            {"EXECUTION_MEMORY_MB_MAX": "4000"},
            2,
            (
                "WORKERS (2) x EXECUTION_CONCURRENCY (4) x "
                "EXECUTION_MEMORY_MB_MAX (4000, and 32 for "
                "a process), and 160 for a worker, is 32576; it must be at most 24000"
            ),
        ),
    ],
)
def test_what_cannot_fit_is_refused(user: dict[str, str], workers: int, said: str) -> None:
    """The message names the variables and what the machine has."""
    with pytest.raises(InvalidSetting, match=re.escape(said)):
        execution_variables(STAGE | user, workers=workers, cores=2, machine_mb=AMPLE_MB)


@pytest.mark.parametrize(("stage", "workers"), [({"EXECUTOR": "mock"}, 64), (STAGE, 0)])
def test_where_nothing_is_simulated_nothing_is_limited(stage: dict[str, str], workers: int) -> None:
    """The mock takes no processor, and without workers nothing is executed."""
    assert execution_variables(stage, workers=workers, cores=1, machine_mb=1_000) == {}
