"""Settings: from variables to values, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import structs

from chalicelib.settings import InvalidSetting, Settings

ROOT = Path(__file__).parents[2]


def test_settings_have_defaults_and_are_read_from_variables_of_their_names() -> None:
    """What is not set, or blank, has its default."""
    settings = Settings.from_environment(
        {"ATTEMPTS_MAX": "7", "STAGE": "prod", "PARTIAL_BATCH_RESPONSES": "True", "LOG_LEVEL": " "}
    )
    changed = structs.replace(
        Settings(), attempts_max=7, stage="prod", partial_batch_responses=True
    )
    assert settings == changed


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ATTEMPTS_MAX", "0", "ATTEMPTS_MAX must be an integer from 1 to 50, not '0'"),
        ("ATTEMPTS_MAX", "1.5", "must be an integer"),
        ("ATTEMPTS_MAX", "1_0", "must be an integer"),
        ("DATABASE_READ_TIMEOUT_SECONDS", "inf", "must be a number"),
        ("ATTEMPTS_MAX", "9" * 5_000, "must be an integer from 1 to 50, not '99999"),
        ("MOCK_TRANSIENT_FAILURE_RATE", "1.1", "must be a number from 0 to 1, not '1.1'"),
        ("DATABASE_READ_TIMEOUT_SECONDS", "nan", "must be a number"),
        ("PARTIAL_BATCH_RESPONSES", "maybe", "must be true or false, not 'maybe'"),
        ("LOG_LEVEL", "verbose", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("STAGE", "a b", "STAGE must be 1 to 64 letters, digits, - and _, not 'a b'"),
        ("TASKS_TABLE_NAME", "x" * 2_000, "TASKS_TABLE_NAME must be at most 1024 characters"),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_its_limit(
    name: str, value: str, said: str
) -> None:
    """The message says which variable is wrong, and what it must be."""
    with pytest.raises(InvalidSetting, match=re.escape(said)) as caught:
        Settings.from_environment({name: value})
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"BACKOFF_SECONDS_BASE": "901"},
            "BACKOFF_SECONDS_BASE must be at most BACKOFF_SECONDS_MAX (900), not 901",
        ),
        (
            {"SWEEP_GRACE_SECONDS": "3601"},
            "SWEEP_GRACE_SECONDS must be at most SWEEP_INTERVAL_SECONDS_MAX (3600), not 3601",
        ),
        (
            {"SWEEP_AGE_SECONDS_MAX": "600"},
            "SWEEP_INTERVAL_SECONDS_MAX must be at most SWEEP_AGE_SECONDS_MAX (600), not 3600",
        ),
        (
            {"EXECUTOR": "mock"}
            | {"MOCK_EXECUTION_SECONDS": "3", "MOCK_EXECUTION_SECONDS_MAX": "2"},
            "MOCK_EXECUTION_SECONDS must be at most MOCK_EXECUTION_SECONDS_MAX (2), not 3",
        ),
        (
            {"EXECUTOR": "mock"}
            | {"MOCK_PERMANENT_FAILURE_RATE": "0.6", "MOCK_TRANSIENT_FAILURE_RATE": "0.6"},
            "MOCK_TRANSIENT_FAILURE_RATE must add up to at most 1, not 1.2",
        ),
        (
            {"MOCK_TRANSIENT_FAILURE_RATE": "0.6"},
            "MOCK_TRANSIENT_FAILURE_RATE is 0.6, which EXECUTOR=simulator does not use",
        ),
        (
            {"EXECUTOR": "simulator", "MOCK_EXECUTION_SECONDS": "2"},
            "MOCK_EXECUTION_SECONDS is 2, which EXECUTOR=simulator does not use; set EXECUTOR",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, str], said: str) -> None:
    """Each is within its own bounds; together they make no sense."""
    with pytest.raises(InvalidSetting, match=re.escape(said)):
        Settings.from_environment(given)


def test_the_bounds_themselves_are_usable() -> None:
    """A mock without a longest time, a level in lower case, and the largest interval."""
    given = {"EXECUTOR": "mock", "MOCK_EXECUTION_SECONDS": "3", "LOG_LEVEL": "debug"}
    given |= {"ATTEMPTS_MAX": "50"}
    settings = Settings.from_environment(given)
    assert (settings.mock_execution_seconds, settings.log_level) == (3.0, "DEBUG")
    assert settings.attempts_max == 50


def test_the_page_lists_every_setting_with_its_default() -> None:
    """A setting that a reader cannot find is none."""
    table = (ROOT / "docs" / "configuration.md").read_text()
    for field in structs.fields(Settings):
        row = re.search(rf"^\| `{field.name.upper()}` \|\s*([^|]*?)\s*\|", table, re.MULTILINE)
        assert row, f"{field.name.upper()} is missing in the table of settings"
        default = field.default
        shown = f"{default:g}" if isinstance(default, float) else str(default).lower()
        assert row[1].lower().replace(",", "") == shown, field.name


def test_the_defaults_answer_a_503_within_three_seconds() -> None:
    """All attempts and their backoff, for either service, stay below what is promised."""
    assert Settings().database_call_seconds_max < 3
    assert Settings().queue_call_seconds_max < 3


def test_the_simulator_is_the_default_and_the_mocks_defaults_disturb_it_not() -> None:
    """A variable that says what holds anyway is no contradiction."""
    settings = Settings.from_environment({"MOCK_EXECUTION_SECONDS": "0"})
    assert settings.executor == "simulator"
