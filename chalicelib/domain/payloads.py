"""How large texts are packed for the store, and how large they get on their way to a client."""

from __future__ import annotations

import json
import zlib
from typing import Final

import msgspec
from msgspec import structs

from chalicelib.domain.task import Inputs, PointResult, Register, TaskRequest, TaskResult
from chalicelib.errors import PayloadTooLarge

#: Lambda carries 6,291,556 bytes each way ("Lambda quotas"); an answer holds more than a circuit
#: and its result.
ENCODED_BYTES_MAX: Final = 6_100_000
CIRCUIT_ENCODED_BYTES_MAX: Final = 5_000_000
#: An item holds 400 KB, names included ("Quotas in Amazon DynamoDB"); the rest takes some. What is
#: larger when packed is kept in pieces of this size.
PACKED_BYTES_MAX: Final = 390 * 1024
#: An item with several pieces is not for readers of schema 1.
SCHEMA_WITH_PIECES: Final = 2
#: How long putting or reading all pieces of a circuit or a result may take.
PIECES_SECONDS_MAX: Final = 8.0
#: A circuit of more characters may take several pieces: UTF-8 has up to four bytes for one.
LARGE_CHARACTERS: Final = PACKED_BYTES_MAX // 4

_RAW: Final = b"r"
_ZLIB: Final = b"z"
_ZLIB_LEVEL: Final = 6
#: Nothing that was accepted is larger, so nothing larger is unpacked (a bound on every loop).
_UNPACKED_BYTES_MAX: Final = 6_291_556
#: The most bytes that one character of a text can become in JSON inside JSON.
_ENCODED_BYTES_PER_CHARACTER_MAX: Final = 12


def pack(text: str) -> bytes:
    """Return the text as bytes to store: its first byte tells whether the rest is compressed."""
    raw = text.encode()
    compressed = zlib.compress(raw, _ZLIB_LEVEL)
    return _ZLIB + compressed if len(compressed) < len(raw) else _RAW + raw


def unpack(packed: bytes) -> str:
    """Return the text that `pack` was given.

    Raises:
        ValueError: if these bytes do not come from `pack`, or unpack to more than was accepted.
    """
    kind, data = packed[:1], packed[1:]
    if kind == _RAW:
        return data.decode()
    if kind != _ZLIB:
        reason = f"unknown packing {kind!r}"
        raise ValueError(reason)
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, _UNPACKED_BYTES_MAX)
    except zlib.error as exc:
        raise ValueError(str(exc)) from exc
    if not inflater.eof:
        reason = f"packed data is truncated or unpacks to more than {_UNPACKED_BYTES_MAX} bytes"
        raise ValueError(reason)
    return raw.decode()


def encoded_bytes(text: str) -> int:
    """Return how many bytes the text takes as a JSON string inside a Lambda's JSON response.

    The response's body is JSON, and Lambda sends it as a string inside JSON, so quotes, line
    ends and characters outside ASCII are escaped twice. This is the longer of the forms that
    Lambda's Python runtimes produce (they differ in whether they escape characters outside ASCII).
    """
    inner = json.dumps(text, ensure_ascii=False)
    return len(json.dumps(inner))


def check_encoded_size(what: str, text: str, limit: int) -> None:
    """Refuse a text that a response could not carry.

    Raises:
        PayloadTooLarge: naming the size and the limit.
    """
    if len(text) * _ENCODED_BYTES_PER_CHARACTER_MAX <= limit:
        return
    size = encoded_bytes(text)
    if size > limit:
        message = f"the {what} takes {size:,} bytes in a response; the limit is {limit:,}"
        raise PayloadTooLarge(message)


def check_result_size(result: TaskResult, *, request: TaskRequest) -> None:
    """Refuse a result that a response could not carry with its circuit and inputs.

    Raises:
        PayloadTooLarge: naming the sizes and the limit.
    """
    text, circuit = result_to_json(result), circuit_to_text(request)
    if (len(text) + len(circuit)) * _ENCODED_BYTES_PER_CHARACTER_MAX <= ENCODED_BYTES_MAX:
        return
    taken, size = encoded_bytes(circuit), encoded_bytes(text)
    limit = ENCODED_BYTES_MAX - taken
    if size > limit:
        message = (
            f"the result takes {size:,} bytes in a response; with its circuit of {taken:,} "
            f"the limit is {limit:,}"
        )
        raise PayloadTooLarge(message)


def circuit_to_text(request: TaskRequest) -> str:
    """Return a request's circuit as it is stored: with inputs, both as one JSON document."""
    if request.inputs is None:
        return request.circuit
    document = {"circuit": request.circuit, "inputs": request.inputs}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def with_circuit(request: TaskRequest, text: str, *, has_inputs: bool) -> TaskRequest:
    """Return the request with its circuit, and inputs if it has them, from what is stored.

    Raises:
        ValueError: it is no such document.
    """
    if not has_inputs:
        return structs.replace(request, circuit=text)
    document = msgspec.json.decode(text, type=_CircuitAndInputs)
    return structs.replace(request, circuit=document.circuit, inputs=document.inputs)


class _CircuitAndInputs(msgspec.Struct):
    circuit: str
    inputs: Inputs | tuple[Inputs, ...]


def result_to_json(result: TaskResult) -> str:
    """Encode a result as it is stored."""
    fields = structs.asdict(result)
    if result.points is None:
        del fields["points"]
    return json.dumps(fields, default=structs.asdict, separators=(",", ":"))


def result_from_json(text: str) -> TaskResult:
    """Decode a stored result. Names that are not known here are a newer writer's."""
    given = json.loads(text)
    known = {name: given[name] for name in TaskResult.__struct_fields__ if name in given}
    registers = known.get("registers")
    if registers is not None:
        known["registers"] = tuple(
            Register(name=register["name"], size=register["size"]) for register in registers
        )
    points = known.get("points")
    if points is not None:
        known["points"] = tuple(
            PointResult(counts=point["counts"], seed=point["seed"]) for point in points
        )
    return TaskResult(**known)
