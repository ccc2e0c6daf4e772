"""When to try again: values in, values out."""

from __future__ import annotations

import pytest

from chalicelib.domain.retry_policy import (
    OUTAGE_GROWTH,
    Backoff,
)
from chalicelib.settings import Settings
from infra.local.settings import ROOT
from infra.stage import read_configuration


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
