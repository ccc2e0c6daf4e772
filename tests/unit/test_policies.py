"""Policies and settings: values in, values out."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from chalicelib.domain.retry_policy import (
    Backoff,
    poll_after_seconds,
    sweep_interval_seconds,
    visibility_timeout_seconds,
)
from chalicelib.settings import InvalidSetting, Settings

ROOT = Path(__file__).parents[2]


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


def test_settings_have_defaults_and_are_read_from_variables_of_their_names() -> None:
    """What is not set, or blank, has its default."""
    settings = Settings.from_environment(
        {"ATTEMPTS_MAX": "7", "STAGE": "prod", "PARTIAL_BATCH_RESPONSES": "True", "LOG_LEVEL": " "}
    )
    changed = dataclasses.replace(
        Settings(), attempts_max=7, stage="prod", partial_batch_responses=True
    )
    assert settings == changed


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ATTEMPTS_MAX", "0", "ATTEMPTS_MAX must be a whole number from 1 to 50, not '0'"),
        ("ATTEMPTS_MAX", "1.5", "must be a whole number"),
        ("MOCK_TRANSIENT_FAILURE_RATE", "1.1", "must be a number from 0 to 1, not '1.1'"),
        ("DATABASE_READ_TIMEOUT_SECONDS", "nan", "must be a number"),
        ("PARTIAL_BATCH_RESPONSES", "maybe", "must be true or false, not 'maybe'"),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_its_limit(
    name: str, value: str, said: str
) -> None:
    """Nobody has to guess which variable was wrong."""
    with pytest.raises(InvalidSetting, match=re.escape(said)):
        Settings.from_environment({name: value})


def test_the_readme_lists_every_setting_with_its_default() -> None:
    """A setting that a reader cannot find is none."""
    table = (ROOT / "README.md").read_text()
    for field in dataclasses.fields(Settings):
        row = re.search(rf"^\| `{field.name.upper()}` \|\s*([^|]*?)\s*\|", table, re.MULTILINE)
        assert row, f"{field.name.upper()} is missing in the README's table of settings"
        default = field.default
        shown = f"{default:g}" if isinstance(default, float) else str(default).lower()
        assert row[1].lower().replace(",", "") == shown, field.name


def test_the_defaults_answer_a_503_within_three_seconds() -> None:
    """All attempts and their backoff, for either service, stay below what is promised."""
    settings = Settings()
    for service in ("database", "queue"):
        attempts = getattr(settings, f"{service}_attempts_max")
        read = getattr(settings, f"{service}_read_timeout_seconds")
        connect = getattr(settings, f"{service}_connect_timeout_seconds")
        backoff = 0.05 * 2 ** (attempts - 1)  # botocore, standard mode, not throttled
        assert attempts * max(read, connect) + backoff < 2.5
