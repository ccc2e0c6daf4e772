"""When to try again: values in, values out."""

from __future__ import annotations

import pytest

from chalicelib.domain.retry_policy import (
    OUTAGE_GROWTH,
    Backoff,
    poll_after_seconds,
    sweep_interval_seconds,
    visibility_timeout_seconds,
)
from chalicelib.settings import Settings
from infra.stage import read_configuration
from tests.support.backends import ROOT


@pytest.mark.parametrize(
    ("tries", "random", "delay"),
    [(1, 0.5, 1), (3, 0.5, 4), (4, 0.99, 16), (10, 0.5, 50), (10_000, 0.999, 100), (5, 0.0, 1)],
)
def test_a_backoff_is_a_random_time_below_a_bound_that_doubles(
    tries: int, random: float, delay: int
) -> None:
    """From 1 second up to the maximum, in whole seconds."""
    backoff = Backoff(base_seconds=2, seconds_max=100, random=lambda: random)
    assert backoff.delay_seconds(tries) == delay


def test_the_receives_of_a_message_outlast_an_outage_of_hours() -> None:
    """All receives that the stages allow, added up: two hours on average, four at most.

    With the backoff of task retries it would be a quarter of an hour. The first tries come back
    within seconds, since most failures of a database are short.
    """
    settings = Settings()
    stages = read_configuration(ROOT)["stages"]
    receives = min(stages[stage]["deployment"]["max_receive_count"] for stage in ("dev", "prod"))

    def hidden(random: float) -> list[int]:
        backoff = Backoff(
            base_seconds=settings.backoff_seconds_base,
            seconds_max=settings.outage_backoff_seconds_max,
            random=lambda: random,
            growth=OUTAGE_GROWTH,
        )
        return [backoff.delay_seconds(receive) for receive in range(1, receives + 1)]

    assert hidden(0.5)[:4] == [1, 4, 16, 64]
    assert 2 * 3600 < sum(hidden(0.5)) < 3 * 3600
    assert sum(hidden(1.0)) < 5 * 3600


@pytest.mark.parametrize(
    ("seconds", "timeout"), [(-5, 1), (0, 1), (0.2, 1), (1.0, 1), (1.01, 2), (1e9, 43_200)]
)
def test_a_visibility_timeout_is_what_sqs_takes(seconds: float, timeout: int) -> None:
    """Whole seconds, rounded up, within its limits."""
    assert visibility_timeout_seconds(seconds) == timeout


def test_a_sweep_interval_has_a_maximum_however_often_it_doubles() -> None:
    """Also where two to the power of the count would overflow."""
    assert sweep_interval_seconds(10**6, first_seconds=15, seconds_max=3600) == 3600


def test_a_client_polls_less_the_older_a_task_is() -> None:
    """From a second to a minute."""
    polls = [poll_after_seconds(age) for age in (0, 1, 8, 60, 600)]
    assert polls == [1, 1, 2, 15, 60]
