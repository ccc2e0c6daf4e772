"""Each setting reaches the part that it is for, and a process has one service."""

from __future__ import annotations

import logging
import operator
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import composition
from chalicelib.adapters.telemetry import logger
from chalicelib.composition import Service
from chalicelib.domain.retry_policy import OUTAGE_GROWTH
from chalicelib.settings import EXECUTOR_START_SECONDS_MAX, InvalidSetting, Settings
from tests.support.fakes import ports_in_memory
from tests.support.new_process import as_in_a_new_process

#: No two alike, so that none can be taken for another.
SETTINGS = Settings(
    attempts_max=7,
    execution_seconds_max=12.5,
    execution_margin_seconds=3.25,
    backoff_seconds_base=4.5,
    backoff_seconds_max=600.0,
    outage_backoff_seconds_max=1_800.0,
    batch_members_at_once=9,
    sweep_grace_seconds=700.0,
    sweep_interval_seconds_max=2_400.0,
    sweep_age_seconds_max=90_000.0,
    sweep_tasks_max=1_234,
    sweep_concurrency=5,
    database_attempts_max=1,
    database_connect_timeout_seconds=0.25,
    database_read_timeout_seconds=1.5,
    queue_attempts_max=1,
    queue_connect_timeout_seconds=0.125,
    queue_read_timeout_seconds=0.5,
)


def service_of(settings: Settings = SETTINGS) -> Service:
    """Build a service in memory."""
    return composition.build(settings, ports_in_memory())


@pytest.fixture
def _no_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away this process's service, and what a build would set for all that follows."""
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    level = logger.log_level
    with as_in_a_new_process():
        yield
    logger.setLevel(level)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("submit.sweep_grace_seconds", 700.0),
        ("submit_batch.members_at_once", 9),
        ("submit_batch.begin_seconds_max", 6.0),
        ("list.begin_seconds_max", 6.0),
        ("execute.policy.attempts_max", 7),
        ("execute.policy.start_seconds_max", EXECUTOR_START_SECONDS_MAX),
        ("execute.policy.execution_seconds_max", 12.5),
        ("execute.policy.margin_seconds", 3.25),
        ("execute.policy.backoff.base_seconds", 4.5),
        ("execute.policy.backoff.seconds_max", 600.0),
        ("execute.policy.backoff.growth", 2),
        ("execute.policy.outage_backoff.base_seconds", 4.5),
        ("execute.policy.outage_backoff.seconds_max", 1_800.0),
        ("execute.policy.outage_backoff.growth", OUTAGE_GROWTH),
        ("sweep.policy.grace_seconds", 700.0),
        ("sweep.policy.interval_seconds_max", 2_400.0),
        ("sweep.policy.age_seconds_max", 90_000.0),
        ("sweep.policy.tasks_max", 1_234),
        ("sweep.policy.concurrency", 5),
        # Two calls of the database and one of the queue, each of one attempt, end a unit.
        ("sweep.policy.margin_seconds", 2 * 1.75 + 0.625),
    ],
)
def test_each_setting_reaches_the_part_that_it_is_for(place: str, value: object) -> None:
    """A policy built with its neighbour's number would keep other bounds than were set."""
    assert operator.attrgetter(place)(service_of()) == value


def test_all_parts_share_the_ports() -> None:
    """A use case with a store or a clock of its own would not see what the others do."""
    service = service_of()
    ports = service.ports
    parts = (service.submit, service.get, service.list, service.cancel, service.execute)
    assert {id(part.store) for part in (*parts, service.sweep)} == {id(ports.store)}
    assert service.submit_batch.submit is service.submit
    assert service.submit.queue is service.sweep.queue is ports.queue
    assert service.execute.executor is ports.executor
    assert service.check_health.store is ports.store
    assert service.check_health.queue is ports.queue
    assert service.settings is SETTINGS


def test_waits_are_random_and_ids_new() -> None:
    """The same wait would bring together again what was throttled together."""
    policy = service_of().execute.policy
    assert policy.backoff.random is policy.outage_backoff.random is random.random
    service = service_of()
    assert len({service.submit.new_task_id() for _ in range(3)}) == 3
    assert len({service.execute.new_token() for _ in range(3)}) == 3


@pytest.mark.usefixtures("_no_service")
def test_a_process_has_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the connections; the level of the log is set with it."""
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "quantum-tasks-prod")
    composition.warm_up()
    assert logger.log_level == logging.ERROR
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    service = composition.get_service()
    assert service is composition.get_service()
    assert service.settings.log_level == "ERROR", "the one that the function's start has built"
    other = service_of()
    composition.override_service(other)
    assert composition.get_service() is other


@pytest.mark.usefixtures("_no_service")
def test_outside_lambda_a_service_is_built_by_the_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`app.py` may be imported to be packaged, with another environment than it will run in."""
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    composition.warm_up()
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    assert composition.get_service().settings.log_level == "WARNING"


@pytest.mark.usefixtures("_no_service")
def test_without_a_region_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The SDK's own error names no variable."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(InvalidSetting, match="AWS_DEFAULT_REGION must name a region; none is set"):
        composition.get_service()
