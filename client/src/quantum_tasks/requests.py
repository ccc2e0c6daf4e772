"""What a caller asks for, as the engine takes it; shared by both clients."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from quantum_tasks.circuits import text_of
from quantum_tasks.engine import batching, calls
from quantum_tasks.errors import FieldError, InvalidRequest

#: What `submit_many` takes of each request.
NAMES: Final = frozenset({"circuit", "shots", "seed", "tags"})

#: The service takes 255 characters; a batch adds its members' places to its key.
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_BATCH_KEY: Final = re.compile(r"[\x21-\x7e]{1,240}")


def new_key() -> str:
    """Return a key that no submission had before."""
    return str(uuid.uuid4())


def submission_key(key: str | None) -> str:
    """Return the key given, or a new one.

    Raises:
        InvalidRequest: it cannot be sent as a header.
    """
    return _checked(key, _KEY, length_max=255)


def task_document(
    circuit: object,
    *,
    shots: int | None = None,
    seed: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the body of a submission for a circuit of any kind.

    Raises:
        UnsupportedCircuit: the circuit cannot be written as OpenQASM.
    """
    return calls.task_document(text_of(circuit), shots=shots, seed=seed, tags=tags)


def batch_members(
    requests: Iterable[Mapping[str, Any]], *, key: str
) -> tuple[batching.Member, ...]:
    """Return the members of a batch, in order.

    Raises:
        InvalidRequest: a request has a name that `submit` does not take, or no circuit.
        UnsupportedCircuit: a circuit cannot be written as OpenQASM.
    """
    documents = []
    for index, request in enumerate(requests):
        place = f"requests[{index}]"
        for name in sorted(request.keys() - NAMES):
            raise _invalid(place, f"has {name!r}, which is not one of {', '.join(sorted(NAMES))}")
        if "circuit" not in request:
            raise _invalid(place, "has no circuit")
        documents.append(task_document(**request))
    return batching.members(documents, key=key)


def batch_key(key: str | None) -> str:
    """Return a batch's key, given or new.

    Raises:
        InvalidRequest: it leaves no room for the members' places, or cannot be sent.
    """
    return _checked(key, _BATCH_KEY, length_max=240)


def _checked(key: str | None, pattern: re.Pattern[str], *, length_max: int) -> str:
    if key is None:
        return new_key()
    if not pattern.fullmatch(key):
        raise _invalid("key", f"must be 1 to {length_max} visible ASCII characters")
    return key


def _invalid(field: str, wrong: str) -> InvalidRequest:
    error = InvalidRequest(f"{field} {wrong}")
    error.errors = (FieldError(field=field, message=wrong),)
    return error
