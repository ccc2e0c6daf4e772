"""Reading an item as it lies there: each attribute by its type, and what is said of a bad one."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters.dynamodb import decoding
from chalicelib.domain import payloads
from chalicelib.domain.task import SCHEMA_VERSION, Lease, Task, TaskStatus

AT = "2026-01-01T12:00:00.000001+0000"
ENTRY = {"event": {"S": "submit"}, "status": {"S": "pending"}, "at": {"S": AT}}
ITEM: dict[str, Any] = {
    "task_id": {"S": "t"},
    "owner": {"S": "me"},
    "shots": {"N": "7"},
    "request_fingerprint": {"S": "f"},
    "correlation_id": {"S": "c"},
    "status": {"S": "pending"},
    "submitted_at": {"S": AT},
    "attempt": {"N": "0"},
    "history": {"L": [{"M": ENTRY}]},
    "sweeps": {"N": "0"},
    "schema_version": {"N": "1"},
}


def task_of(**changed: Any) -> Task:  # noqa: ANN401 - attribute values
    """Read the item with other attributes."""
    return decoding.to_task({**ITEM, **changed})


def refused(**changed: Any) -> str:  # noqa: ANN401 - attribute values
    """Return what is said of such an item."""
    with pytest.raises(ValueError, match=r".") as caught:
        task_of(**changed)
    return str(caught.value)


def test_what_may_be_missing_has_its_default() -> None:
    """Missing or null alike."""
    task = task_of(tags={"NULL": True}, seed={"NULL": True})
    assert task.request.tags == {}
    assert (task.request.seed, task.lease, task.due_at) == (None, None, None)
    assert (task.status, task.request.shots) == (TaskStatus.PENDING, 7)
    assert task == task_of(an_attribute_of_the_future={"S": "is ignored"})


def test_what_is_there_is_read() -> None:
    """Tags, a seed, a lease that is whole, and an entry's notes."""
    entry = {"M": {**ENTRY, "notes": {"S": "why"}}}
    task = task_of(
        tags={"S": '{"a":"b"}'},
        seed={"N": "9007199254740991"},
        lease_owner={"S": "w"},
        lease_expires_at={"S": AT},
        history={"L": [entry]},
    )
    assert (task.request.tags, task.request.seed) == ({"a": "b"}, 2**53 - 1)
    assert task.lease == Lease(holder="w", expires_at=decoding.parse_time(AT))
    assert [each.notes for each in task.history] == ["why"]
    assert task_of(lease_owner={"S": "w"}).lease is None
    assert task_of(lease_expires_at={"S": AT}).lease is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("owner", None, "owner is missing"),
        ("owner", {"NULL": True}, "owner is missing"),
        ("owner", {"N": "1"}, "owner: it is of the type N, not S"),
        ("shots", {"N": "1.5"}, "shots: 1.5 is not an integer"),
        ("shots", {"N": "x"}, "shots: "),
        ("status", {"S": "lost"}, "status: 'lost' is not a valid TaskStatus"),
        ("submitted_at", {"S": "soon"}, "submitted_at: 'soon' is not a time of the form YYYY-"),
        ("submitted_at", {"S": AT[:-5] + "+0100"}, "submitted_at: "),
        ("tags", {"S": "[]"}, "tags: not an object of strings"),
        ("tags", {"S": '{"a":1}'}, "tags: not an object of strings"),
        ("history", {"L": []}, "history: it is empty"),
        ("history", {"L": [{"S": "x"}]}, "history: 'M'"),
    ],
)
def test_an_attribute_that_cannot_be_read_is_named(name: str, value: Any, said: str) -> None:  # noqa: ANN401
    """With its type or its value."""
    changed = {key: held for key, held in {**ITEM, name: value}.items() if held is not None}
    with pytest.raises(ValueError, match=r"^" + said.replace(".", r"\.")):
        decoding.to_task(changed)


def test_an_integer_may_be_written_as_json_has_it() -> None:
    """With a sign; a boolean is none."""
    assert task_of(attempt={"N": "-1"}).attempt == -1
    assert "true is not an integer" in refused(attempt={"N": "true"}).lower()


def test_a_newer_schema_is_not_guessed() -> None:
    """The one that is known here is read."""
    known = {"N": str(SCHEMA_VERSION)}
    assert task_of(schema_version=known).schema_version == SCHEMA_VERSION
    newer = {"N": str(SCHEMA_VERSION + 1)}
    assert refused(schema_version=newer) == (
        f"schema_version {SCHEMA_VERSION + 1} is newer than {SCHEMA_VERSION}, the one known here"
    )
    stored = decoding.stored_task("t", {**ITEM, "schema_version": newer}, ValueError("x"))
    assert (stored.is_newer, decoding.stored_task("t", ITEM, ValueError("x")).is_newer) == (
        True,
        False,
    )


def test_of_an_unreadable_item_all_that_can_be_told_is_told() -> None:
    """The reason is cut after 200 characters; an error without words has its name."""
    raw = {**ITEM, "lease_expires_at": {"S": AT}, "due_at": {"S": AT}}
    stored = decoding.stored_task("t", raw, ValueError("x" * 201))
    at = decoding.parse_time(AT)
    assert (stored.reason, stored.owner, stored.status) == ("x" * 200, "me", "pending")
    assert (stored.attempt, stored.due_at, stored.submitted_at) == (0, at, at)
    assert stored.lease == Lease(holder="", expires_at=at)
    assert stored.correlation_id == "c"
    bare = decoding.stored_task(
        "t", {"attempt": {"N": "x"}, "history": ITEM["history"]}, KeyError()
    )
    assert (bare.reason, bare.owner, bare.attempt, bare.lease) == ("KeyError", None, None, None)
    assert bare.submitted_at == at, "the first entry tells it"
    histories: list[dict[str, Any]] = [{"L": []}, {"S": "x"}, {"L": [{"S": "x"}]}]
    for history in histories:
        odd = {"submitted_at": {"S": "2026-01-01T12:00:00"}, "history": history}
        assert decoding.stored_task("t", odd, ValueError("x")).submitted_at is None
    assert decoding.stored_task("t", {"attempt": {"N": '"1"'}}, ValueError("x")).attempt is None


def test_payloads_are_read_where_they_are_given() -> None:
    """And what is wrong says of which."""
    task = task_of()
    read = decoding.with_payloads(task, circuit=payloads.pack("x q;"), result=None)
    assert (read.request.circuit, read.result) == ("x q;", None)
    assert decoding.with_payloads(task, circuit=None, result=None) == task
    for part in ("circuit", "result"):
        given: dict[str, bytes | None] = {"circuit": None, "result": None, part: b"?"}
        with pytest.raises(ValueError, match=f"^its {part} cannot be read: unknown packing"):
            decoding.with_payloads(task, circuit=given["circuit"], result=given["result"])
    for text in ("[]", "{}", '{"counts": 1}', "x"):
        with pytest.raises(ValueError, match=r"^its result cannot be read: "):
            decoding.with_payloads(task, circuit=None, result=payloads.pack(text))


def test_only_the_one_form_that_sorts_is_a_time() -> None:
    """Six digits of a second, and UTC."""
    assert decoding.is_time({"S": AT})
    for typed in ({"N": "1"}, {"S": "soon"}, {"S": None}, {"S": AT.replace(".000001", "")}):
        assert not decoding.is_time(typed)
