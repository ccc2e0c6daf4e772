"""The bounds of what is stored and sent: usable at the bound, refused past it."""

from __future__ import annotations

import json
import re
import zlib

import pytest
from msgspec import structs

from chalicelib.domain import payloads, retry_policy
from chalicelib.domain.message import TaskMessage
from chalicelib.errors import PayloadTooLarge
from infra.local.settings import ROOT
from tests.support.in_memory import T0, a_request, a_result, a_task

#: What Lambda carries each way, in bytes ("Lambda quotas").
LAMBDA_BYTES = 6_291_556


def a_body(**changed: object) -> str:
    """Return a message's body with other fields."""
    fields = {"v": 1, "task_id": "t", "correlation_id": "c", "enqueued_at": T0.isoformat()}
    return json.dumps(fields | changed)


def test_what_lambda_can_carry_is_unpacked_and_a_byte_more_is_not() -> None:
    """A bound on every loop: a small item may claim to be gigabytes."""
    assert len(payloads.unpack(b"z" + zlib.compress(b"x" * LAMBDA_BYTES))) == LAMBDA_BYTES
    with pytest.raises(ValueError, match="unpacks to more than 6291556 bytes"):
        payloads.unpack(b"z" + zlib.compress(b"x" * (LAMBDA_BYTES + 1)))
    with pytest.raises(ValueError, match="incorrect header check"):
        payloads.unpack(b"zabc")
    with pytest.raises(ValueError, match=r"unknown packing b'\?'"):
        payloads.unpack(b"?abc")


def test_the_largest_circuit_and_result_are_those_of_the_page() -> None:
    """A client reads the two limits there; an answer leaves room for what else it holds."""
    page = (ROOT / "docs" / "api.md").read_text()
    for limit in (payloads.CIRCUIT_ENCODED_BYTES_MAX, payloads.ENCODED_BYTES_MAX):
        assert re.search(rf"\b{limit:,}\b", page)
    assert payloads.ENCODED_BYTES_MAX + 190_000 < LAMBDA_BYTES


def test_a_result_may_take_what_its_circuit_leaves() -> None:
    """To the byte, in the words of the error too."""
    circuit = "x" * 3_000_000
    counts = {f"{number:040b}": 1 for number in range(40_000)}
    result = structs.replace(a_result(), counts=counts)
    taken = payloads.encoded_bytes(payloads.result_to_json(result))
    room = payloads.ENCODED_BYTES_MAX - payloads.encoded_bytes(circuit)
    executor = result.executor + "y" * (room - taken)
    fits = structs.replace(result, executor=executor)
    payloads.check_result_size(fits, request=a_request(circuit))
    larger = structs.replace(fits, executor=executor + "y")
    with pytest.raises(PayloadTooLarge) as caught:
        payloads.check_result_size(larger, request=a_request(circuit))
    assert str(caught.value) == (
        f"the result takes {room + 1:,} bytes in a response; with its circuit of 3,000,006 "
        f"the limit is {room:,}"
    )


def test_text_that_may_be_long_in_json_is_measured() -> None:
    """A character outside the basic plane takes up to twelve bytes in JSON inside JSON."""
    payloads.check_encoded_size("circuit", "x" * 8, 96)
    with pytest.raises(PayloadTooLarge):
        payloads.check_encoded_size("circuit", "𝛙" * 9, 100)


@pytest.mark.parametrize("name", ["task_id", "correlation_id"])
def test_an_id_in_a_message_has_1_to_128_printable_characters(name: str) -> None:
    """It is a key of the table, and stands in log lines."""
    longest = TaskMessage.from_json(a_body(**{name: "~" * 128}))
    assert getattr(longest, name) == "~" * 128
    assert getattr(TaskMessage.from_json(a_body(**{name: "!"})), name) == "!"
    for wrong in ("", "~" * 129, "a b", "a\n", "ä", 1, None):
        with pytest.raises(ValueError, match=r"or one of its ids is not valid$"):
            TaskMessage.from_json(a_body(**{name: wrong}))


@pytest.mark.parametrize(
    "body", [a_body(v=2), a_body(v=0), a_body(enqueued_at="x"), "[]", "{}", "x"]
)
def test_what_is_no_task_message_is_refused(body: str) -> None:
    """Another version may mean something else by the same fields."""
    with pytest.raises(ValueError, match=r"^not a task message: "):
        TaskMessage.from_json(body)


def test_a_message_is_of_its_owners_group() -> None:
    """The same for all tasks of an owner and another for each, in what SQS takes as a group."""
    groups = {
        owner: TaskMessage.about(structs.replace(a_task(), owner=owner), enqueued_at=T0).group
        for owner in ("a", "b", "an owner with blanks ä")
    }
    assert len(set(groups.values())) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", str(group)) for group in groups.values())


@pytest.mark.parametrize(
    ("age", "seconds"), [(0, 1), (7.9, 1), (8, 2), (239, 59), (240, 60), (10_000, 60)]
)
def test_a_client_is_told_to_wait_a_quarter_of_a_tasks_age(age: float, seconds: int) -> None:
    """From a second to a minute."""
    assert retry_policy.poll_after_seconds(age) == seconds


@pytest.mark.parametrize(
    ("seconds", "timeout"),
    [(-1, 1), (0, 1), (1, 1), (1.01, 2), (43_199.5, 43_200), (43_200, 43_200), (1e9, 43_200)],
)
def test_a_message_is_hidden_from_a_second_to_twelve_hours(seconds: float, timeout: int) -> None:
    """Rounded up: a message must not come back before its time."""
    assert retry_policy.visibility_timeout_seconds(seconds) == timeout


def test_a_backoff_grows_from_its_base_and_never_overflows() -> None:
    """The first try has the base itself; after a thousand there is still a number."""
    backoff = retry_policy.Backoff(base_seconds=2, seconds_max=900, random=lambda: 1.0)
    assert [backoff.delay_seconds(tries) for tries in (1, 2, 3)] == [2, 4, 8]
    assert backoff.delay_seconds(1_000_000) == 900
    tiny = structs.replace(backoff, base_seconds=2.0**-61, seconds_max=43_200)
    assert tiny.delay_seconds(64) == tiny.delay_seconds(1_000_000) == 2
    interval = retry_policy.sweep_interval_seconds
    assert [interval(n, first_seconds=3, seconds_max=100) for n in (0, 1, 5, 6)] == [3, 6, 96, 100]
    assert interval(1_000_000, first_seconds=2.0**-62, seconds_max=100) == 1
