"""Requests that are nearly right: JSON documents with a few values changed, and bytes."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any, Final

from tests.support import byte_mutations

_CIRCUIT: Final = "OPENQASM 3.0;\nqubit q;\nbit c;\nc = measure q;\n"
_TASK: Final[dict[str, Any]] = {"circuit": _CIRCUIT, "shots": 10, "tags": {"a": "b"}, "seed": 7}
_UUID: Final = "01234567-89ab-4def-8123-456789abcdef"
#: What is changed: body by path.
DOCUMENTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("/tasks", _TASK),
    ("/tasks", {"circuit": _CIRCUIT}),
    ("/batches", {"tasks": [{**_TASK, "idempotency_key": "k"}, {"circuit": _CIRCUIT}]}),
    ("/validations", _TASK),
)
#: Values that mean something to a parser, a store or a renderer.
VALUES: Final[tuple[object, ...]] = (
    *(None, True, 0, -1, 1, 1.0, 1e300, -0.0, 2**53, 2**63, 10**400, float("nan"), float("inf")),
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\udfff\ud800",
        "\u2028",
        "é",
        "\U0001d4b3",
        "a" * 300,
        "a" * 70_000,
    ),
    *([], {}, [[]], [None], {"": ""}, {"a": None}, {"a": "b" * 3_000}, [0] * 1_000, "1", "null"),
    *("{}", "../..", "%00", "'; --", "<script>", "qubit[2000000000] q;", "OPENQASM 2.0;"),
)
#: Targets of requests without a body, and what queries are made of.
TARGETS: Final = (
    "/tasks", f"/tasks/{_UUID}", f"/tasks/{_UUID}/cancel", "/openapi.json", "/health", "/nowhere",
    "/tasks/", "/tasks/%00", "/tasks/..%2f..", "//tasks", "/tasks/" + "a" * 3_000,
)  # fmt: skip
QUERIES: Final = (
    "limit=1", "limit=0", "limit=%31", "limit=1e1", "status=failed,pending", "status=,", "tag=a:b",
    "tag=:", "tag=a%3Ab&tag=c%3Ad", "cursor=", "cursor=W10", "cursor=WzEsIiIsIiIsIiJd", "x=y",
    "submitted_after=2026-01-01T00:00:00Z", "submitted_before=0001-01-01T00:00:00%2B23:59",
    "submitted_after=9999-12-31T23:59:59-23:59", "%ff=%fe", "a=%ed%a0%80", "limit=1&limit=2", "&=&",
)  # fmt: skip
HEADERS: Final = (
    ("If-None-Match", "*"), ("If-None-Match", 'W/"2.1.3", "x"'), ("Idempotency-Key", "k"),
    ("Idempotency-Key", ""), ("Idempotency-Key", "\xff"), ("Idempotency-Key", "k" * 300),
    ("X-Correlation-ID", "c\t"), ("X-Correlation-ID", "\xe9"), ("Content-Type", "text/plain"),
    ("Content-Type", "application/json; charset=utf-16"), ("Content-Encoding", "gzip"),
    ("Accept", "application/xml"), ("Origin", "https://example.org"), ("Authorization", "x"),
    ("X-HTTP-Method-Override", "DELETE"), ("Expect", "x"), ("Range", "bytes=0-1"),
)  # fmt: skip

Path = tuple[Any, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None


def structured(choice: random.Random) -> Sent:
    """Change a request in its values; it stays HTTP."""
    headers = {"Content-Type": "application/json"}
    for _ in range(choice.choice((0, 0, 1, 2))):
        headers |= [choice.choice(HEADERS)]
    if choice.randrange(4) == 0:
        query = "&".join(choice.choices(QUERIES, k=choice.randrange(4)))
        target = choice.choice(TARGETS) + (f"?{query}" if query else "")
        method = choice.choice(("GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE", "PATCH"))
        return Sent(method=method, target=target, headers=headers, body=None)
    target, document = choice.choice(DOCUMENTS)
    changed: Any = copy.deepcopy(document)
    for _ in range(choice.randint(1, 3)):
        changed = choice.choice(_CHANGES)(choice, changed)
    return Sent(method="POST", target=target, headers=headers, body=_text(choice, changed))


def raw(choice: random.Random) -> bytes:
    """Change a request in its bytes; it may be HTTP no more."""
    return byte_mutations.mutated(choice, _REQUESTS)


def _places(value: object, at: Path = ()) -> list[Path]:
    """Return where there is a value, itself first."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))[:10]
    return [at, *(place for key, part in inside for place in _places(part, (*at, key)))]


def _put(document: Any, place: Path, value: object) -> Any:  # noqa: ANN401 - JSON
    if not place:
        return value
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return document


def _exchange(choice: random.Random, document: Any) -> Any:  # noqa: ANN401 - JSON
    """Another value somewhere."""
    value = copy.deepcopy(choice.choice(VALUES))
    return _put(document, choice.choice(_places(document)), value)


def _rename(choice: random.Random, document: Any) -> Any:  # noqa: ANN401 - JSON
    """A name more: one that is unknown, hostile or nearly right."""
    if isinstance(document, dict):
        name = choice.choice(
            ("Circuit", "circuit ", "", "__class__", "\ud800", "n" * 5_000, "tasks")
        )
        document[name] = copy.deepcopy(choice.choice(VALUES))
    return document


def _drop(choice: random.Random, document: Any) -> Any:  # noqa: ANN401 - JSON
    """A name less."""
    if isinstance(document, dict) and document:
        del document[choice.choice(list(document))]
    return document


def _nest(choice: random.Random, document: Any) -> Any:  # noqa: ANN401 - JSON
    """A value deep in lists or objects."""
    value: object = 1
    for _ in range(choice.choice((1, 10, 150))):
        value = [value] if choice.random() < 0.5 else {"a": value}
    return _put(document, choice.choice(_places(document)), value)


def _multiply(choice: random.Random, document: Any) -> Any:  # noqa: ANN401 - JSON
    """More members than there may be, or just as many."""
    if isinstance(document, dict) and isinstance(document.get("tasks"), list):
        document["tasks"] = document["tasks"][:1] * choice.choice((0, 3, 20, 101, 1_000))
    return document


_CHANGES: Final[tuple[Callable[[random.Random, Any], Any], ...]] = (
    *(_exchange, _exchange, _exchange, _rename, _drop, _nest, _multiply),
)


def _text(choice: random.Random, document: object) -> bytes:
    """Write it as JSON that is right, nearly right, or in another encoding."""
    text = json.dumps(document, ensure_ascii=choice.random() < 0.5)
    way = choice.randrange(12)
    if way == 0:
        return text.encode("utf-16", "surrogatepass")
    if way == 1:
        return text.encode("utf-8-sig", "surrogatepass")
    if way == 2:
        return (text[:-1] + ', "circuit": "x", "circuit": "y"}').encode("utf-8", "surrogatepass")
    if way == 3:
        return byte_mutations.mutated(choice, [text.encode("utf-8", "surrogatepass")])
    if way == 4:
        return b"[" * choice.choice((100, 100_000))
    return text.encode("utf-8", "surrogatepass")


def _request(method: str, target: str, document: object | None = None) -> bytes:
    body = b"" if document is None else json.dumps(document).encode()
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


_REQUESTS: Final = (
    *(_request("POST", path, document) for path, document in DOCUMENTS),
    _request("GET", "/tasks?limit=2&status=failed,pending&tag=a%3Ab"),
    _request("GET", f"/tasks/{_UUID}"),
    _request("HEAD", "/openapi.json"),
    _request("OPTIONS", "/tasks"),
    _request("POST", f"/tasks/{_UUID}/cancel"),
)
