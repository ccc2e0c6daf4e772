"""Bounds of settings: each is usable itself, and what is past it is refused by name."""

from __future__ import annotations

import math
import re
from typing import Any, get_args

import pytest
from msgspec import structs

from chalicelib.settings import InvalidSetting, Settings, parse_setting

NUMBERS = {
    field.name: field.type
    for field in structs.fields(Settings)
    if get_args(field.type) and get_args(field.type)[0] in (int, float)
}


def refused(**given: str) -> str:
    """Return what is said against settings."""
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment(given)
    return str(caught.value)


@pytest.mark.parametrize("name", NUMBERS)
def test_both_bounds_of_a_number_are_usable_and_what_is_past_them_is_not(name: str) -> None:
    """An integer's next one, a float's next one; the message has both bounds."""
    kind: Any = NUMBERS[name]
    base, meta = get_args(kind)
    for bound in (meta.ge, meta.le):
        assert parse_setting(name, kind, str(bound)) == bound
    below = meta.ge - 1 if base is int else math.nextafter(meta.ge, -math.inf)
    above = meta.le + 1 if base is int else math.nextafter(meta.le, math.inf)
    for wrong in (below, above):
        with pytest.raises(InvalidSetting) as caught:
            parse_setting(name, kind, str(wrong))
        assert re.fullmatch(
            rf"{name} must be an? (integer|number) from {meta.ge:g} to \d+, not '{wrong}'",
            str(caught.value),
        )


def test_the_longest_call_is_all_attempts_and_the_pauses_between_them() -> None:
    """A pause is a tenth of a second at most; there is none after the last attempt."""
    settings = Settings(
        database_attempts_max=3,
        database_connect_timeout_seconds=0.25,
        database_read_timeout_seconds=0.5,
        queue_attempts_max=1,
        queue_connect_timeout_seconds=0.25,
        queue_read_timeout_seconds=1.5,
    )
    assert settings.database_call_seconds_max == pytest.approx(2.45)
    assert settings.queue_call_seconds_max == pytest.approx(1.75)


def test_an_executor_in_processes_may_take_ten_seconds_to_start_and_the_mock_none() -> None:
    """It comes on top of the execution's own time."""
    assert Settings().execution_start_seconds_max == 10
    assert Settings(executor="mock").execution_start_seconds_max == 0


def test_the_largest_state_must_fit_the_memory_of_one_execution() -> None:
    """24 bytes for each amplitude and 64 MB: 2^24 of them fit 448 MB, and not a byte less."""
    Settings.from_environment({"EXECUTION_MEMORY_MB_MAX": "448"})
    assert refused(EXECUTION_MEMORY_MB_MAX="447") == (
        "EXECUTION_AMPLITUDES_MAX takes 448 MB (24 bytes each, 64 MB more), "
        "more than EXECUTION_MEMORY_MB_MAX (447 MB)"
    )
    mock = {"EXECUTOR": "mock", "EXECUTION_MEMORY_MB_MAX": "447"}
    assert Settings.from_environment(mock).execution_memory_mb_max == 447


def test_values_that_must_be_ordered_may_be_equal() -> None:
    """And rates may add up to one."""
    equal = {"BACKOFF_SECONDS_BASE": "900", "SWEEP_GRACE_SECONDS": "3600"}
    assert Settings.from_environment(equal).backoff_seconds_base == 900
    rates = {"MOCK_PERMANENT_FAILURE_RATE": "0.5", "MOCK_TRANSIENT_FAILURE_RATE": "0.5"}
    assert Settings.from_environment({"EXECUTOR": "mock", **rates}).executor == "mock"
    with pytest.raises(InvalidSetting, match="OUTAGE_BACKOFF_SECONDS_MAX"):
        Settings.from_environment({"OUTAGE_BACKOFF_SECONDS_MAX": "1"})
    said = refused(EXECUTION_PROCESSOR_SECONDS_MAX="8.5")
    assert said == (
        "EXECUTION_PROCESSOR_SECONDS_MAX must be at most EXECUTION_SECONDS_MAX (8), not 8.5"
    )
    both = {"EXECUTOR": "mock", "EXECUTION_PROCESSOR_SECONDS_MAX": "8.5"}
    assert Settings.from_environment(both).execution_processor_seconds_max == 8.5


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), ("no", False), ("TRUE", True), ("False", False), ("1", True), ("0", False)],
)
def test_a_switch_is_read_as_people_write_it(text: str, value: bool) -> None:  # noqa: FBT001
    """In either case, or as a number."""
    settings = Settings.from_environment({"PARTIAL_BATCH_RESPONSES": text})
    assert settings.partial_batch_responses is value


def test_a_wrong_value_is_repeated_up_to_a_hundred_characters() -> None:
    """A placeholder of a template as well."""
    assert refused(STAGE="!" * 101).endswith(f", not '{'!' * 100}'")
    placeholder = "${" + "x" * 100
    assert refused(TASKS_TABLE_NAME=placeholder) == (
        f"TASKS_TABLE_NAME must be filled in: '{placeholder[:100]}' is a placeholder"
    )


def test_names_are_taken_up_to_their_length() -> None:
    """A stage of 64 characters, a name or URL of 1,024."""
    assert Settings.from_environment({"STAGE": "s" * 64}).resource_name.endswith("s" * 64)
    assert "1 to 64 letters" in refused(STAGE="s" * 65)
    assert len(Settings.from_environment({"TASKS_QUEUE_URL": "u" * 1_024}).tasks_queue_url) == 1_024
    assert refused(TASKS_QUEUE_URL="u" * 1_025).startswith(
        "TASKS_QUEUE_URL must be at most 1024 characters, not 'uuu"
    )
