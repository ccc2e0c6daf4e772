"""When to try again: values in, values out."""

from __future__ import annotations

import pytest

from chalicelib.domain.retry_policy import (
    Backoff,
    poll_after_seconds,
    sweep_interval_seconds,
    visibility_timeout_seconds,
)


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
