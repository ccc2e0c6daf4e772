"""What is sent: HTTP requests, and what you may say in them."""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypedDict, Unpack

from quantum_tasks.contract import KEY_CHARACTERS_MAX, SHOTS_DEFAULT, SHOTS_MAX
from quantum_tasks.errors import FieldError, InvalidRequest
from quantum_tasks.protocol.circuits import text_of

Query = tuple[tuple[str, str], ...]

#: A batch adds its members' places to its key.
_PLACE_CHARACTERS_MAX: Final = 15
#: Less strict than the service, which has the last word.
_TASK_ID: Final = re.compile(r"[0-9A-Za-z-]{1,100}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, relative to the service's address."""

    method: str
    #: Starts with a slash.
    path: str
    #: In this order, not yet encoded.
    query: Query = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes | None = None
    #: If shorter than the client's own timeout.
    timeout_seconds: float | None = None

    @classmethod
    def post(cls, path: str, document: object, **headers: str) -> Request:
        """Return a request with a JSON body; header names have underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        typed = {"Content-Type": "application/json", **named}
        return cls(method="POST", path=path, headers=typed, body=encoded(document))


#: Means the same as none, and is not sent.
_NO_TAGS: Final[tuple[str, object]] = ("tags", {})

Inputs = Mapping[str, float | int | bool]


class SubmissionFields(TypedDict, total=False):
    """What you may say about a circuit's execution; None leaves it to the service.

    Each is an argument of `submit` and `run`, a name in the mappings that `submit_many` takes, and
    an option of `qtasks`, which the text here explains.
    """

    shots: Annotated[int | None, f"1 to {SHOTS_MAX} ({SHOTS_DEFAULT})"]
    seed: Annotated[int | None, "makes the counts repeatable"]
    tags: Annotated[Mapping[str, str] | None, "a tag of the task; may be repeated"]
    inputs: Annotated[
        Inputs | Sequence[Inputs] | None,
        "values for the circuit's inputs as JSON, an object or a list of objects; @FILE reads them",
    ]


def submission(circuit: object, **fields: Unpack[SubmissionFields]) -> dict[str, Any]:
    """Return the body of a submission for a circuit of any kind.

    Raises:
        UnsupportedCircuit: the circuit cannot be written as OpenQASM.
    """
    for name in sorted(fields.keys() - SubmissionFields.__annotations__.keys()):
        raise TypeError(f"a submission has no {name!r}")
    given = {name: _plain(value) for name, value in fields.items()}
    kept = {
        name: value
        for name, value in given.items()
        if value is not None and (name, value) != _NO_TAGS
    }
    return {"circuit": text_of(circuit), **kept}


def _plain(value: object) -> object:
    """Return mappings and sequences as JSON has them."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def submission_of(given: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    """Return the body for one of the mappings that `submit_many` takes.

    Raises:
        InvalidRequest: it has a name that `submit` does not take, or no circuit.
    """
    names = sorted(["circuit", *SubmissionFields.__annotations__])
    for name in sorted(given.keys() - set(names)):
        raise _invalid(place, f"has {name!r}, which is not one of {', '.join(names)}")
    if "circuit" not in given:
        raise _invalid(place, "has no circuit")
    return submission(**given)


def encoded(document: object) -> bytes:
    """Return JSON as it is sent: UTF-8, no blanks, circuits not made longer by escapes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def new_key() -> str:
    """Return a key that no submission had before."""
    return str(uuid.uuid4())


def checked_key(key: str | None, *, for_batch: bool = False) -> str:
    """Return the key given, which must be one that can be sent, or a new one."""
    if key is None:
        return new_key()
    characters_max = KEY_CHARACTERS_MAX - (_PLACE_CHARACTERS_MAX if for_batch else 0)
    if not re.fullmatch(rf"[\x21-\x7e]{{1,{characters_max}}}", key):
        raise _invalid("key", f"must be 1 to {characters_max} visible ASCII characters")
    return key


def task_path(task_id: str) -> str:
    """Return a task's path; what cannot be an id could be another path, and is not sent."""
    if not _TASK_ID.fullmatch(task_id):
        wrong = f"the task's id must be 8-4-4-4-12 hexadecimal digits (a UUID), not {task_id!r}"
        raise _invalid("task_id", wrong, text=wrong)
    return f"/tasks/{task_id}"


def list_query(
    *,
    status: str | Iterable[str],
    tags: Mapping[str, str] | None,
    since: datetime | str | None,
    until: datetime | str | None,
    page_size: int,
) -> Query:
    """Return a list's filters as query parameters."""
    for name in tags or {}:
        if ":" in name:
            wrong = f"a tag whose name has a colon cannot be searched for: {name!r}"
            raise _invalid("tags", wrong, text=wrong)
    statuses = status if isinstance(status, str) else ",".join(status)
    query = [("status", statuses)] if statuses else []
    query += [("tag", f"{name}:{value}") for name, value in (tags or {}).items()]
    if since is not None:
        query.append(("submitted_after", _time(since)))
    if until is not None:
        query.append(("submitted_before", _time(until)))
    return (*query, ("limit", str(page_size)))


def _time(value: datetime | str) -> str:
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        wrong = f"a time needs its zone: {value.isoformat()}"
        raise _invalid("time", wrong, text=wrong)
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _invalid(field: str, wrong: str, *, text: str | None = None) -> InvalidRequest:
    error = InvalidRequest(text or f"{field} {wrong}")
    error.errors = (FieldError(field=field, message=wrong),)
    return error
