"""Packing, and the sizes that responses and items can carry."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import structs

from chalicelib.domain import payloads
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Register
from chalicelib.errors import PayloadTooLarge
from tests.support.in_memory import T0, a_result


@pytest.mark.parametrize("text", ["", "x", "ψ" * 10, "cx q[0], q[1];\n" * 1000, "\x00\x1f"])
def test_what_is_packed_is_unpacked(text: str) -> None:
    """Whether compressed or not."""
    assert payloads.unpack(payloads.pack(text)) == text


def test_text_is_compressed_only_when_that_is_smaller() -> None:
    """A short circuit would grow."""
    assert payloads.pack("x") == b"rx"
    assert len(payloads.pack("x" * 10_000)) < 100


@pytest.mark.parametrize("text", ["plain", 'a "quoted"\nline\t\\', "ψ and 𝛙", "\x00\x7f"])
def test_the_encoded_size_is_that_of_json_inside_json(text: str) -> None:
    """It is never less than what either form of Lambda's own encoder makes of our JSON."""
    body = msgspec.json.encode(text).decode()
    longest = max(len(json.dumps(body)), len(json.dumps(body, ensure_ascii=False).encode()))
    assert payloads.encoded_bytes(text) >= longest
    assert payloads.encoded_bytes(text) <= longest + 12 * len(text)


@pytest.mark.parametrize(("length", "fits"), [(94, True), (95, False)])
def test_the_limit_is_exact(
    length: int,
    fits: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Quotes around JSON inside JSON take six bytes; a text at the limit is taken."""
    if fits:
        payloads.check_encoded_size("circuit", "x" * length, 100)
        assert payloads.encoded_bytes("x" * length) == 100
    else:
        with pytest.raises(PayloadTooLarge, match=r"circuit takes 101 bytes .* limit is 100"):
            payloads.check_encoded_size("circuit", "x" * length, 100)


def test_a_message_is_written_as_every_version_reads_it() -> None:
    """To the character: during a deployment the reader may be an older one, or a newer one."""
    message = TaskMessage(task_id="t", correlation_id="c", enqueued_at=T0, group="g")
    assert message.to_json() == (
        '{"v":1,"task_id":"t","correlation_id":"c",'
        '"enqueued_at":"2026-01-01T12:00:00.000001+00:00"}'
    )


def test_a_result_is_decoded_as_it_was_encoded() -> None:
    """Its registers included; their order and the counts' order is kept."""
    registers = (Register(name="a", size=2), Register(name="b", size=1))
    result = structs.replace(a_result(), counts={"1 01": 3, "0 11": 5}, registers=registers)
    decoded = payloads.result_from_json(payloads.result_to_json(result))
    assert decoded == result
    assert list(decoded.counts) == ["1 01", "0 11"]


def test_results_of_other_writers_are_decoded() -> None:
    """An older one has no registers; names that a newer one added are ignored, inside too."""
    old = {"counts": {"0": 8}, "shots": 8, "executor": "t", "executor_version": "1", "seed": 1}
    assert payloads.result_from_json(json.dumps(old)) == a_result()
    new = {**old, "registers": [{"name": "c", "size": 1, "basis": "z"}], "duration_ms": 3}
    registers = payloads.result_from_json(json.dumps(new)).registers
    assert registers == (Register(name="c", size=1),)
