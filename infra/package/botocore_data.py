"""botocore's descriptions of AWS's services, cut to what the functions call.

botocore ships 30 MB of them and reads the two that we use whenever a function starts: without the
documentation and the operations that are not called they are a tenth of their size, and so is the
time to parse them.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

#: What the adapters call, and what botocore looks for when it makes a client. The policies in
#: `.chalice/` allow the same and nothing else (a test compares the two).
OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb": frozenset(
        {
            "BatchGetItem",
            "DeleteItem",
            "DescribeEndpoints",
            "GetItem",
            "PutItem",
            "Query",
            "UpdateItem",
        }
    ),
    "sqs": frozenset(
        {
            *("ChangeMessageVisibility", "DeleteMessageBatch", "GetQueueAttributes"),
            *("GetQueueUrl", "SendMessage", "SendMessageBatch"),
        }
    ),
}
#: Read by every client: partitions and regions, the retry handlers, the `defaults_mode` tables.
_COMMON: Final = (
    "_retry.json",
    "endpoints.json",
    "partitions.json",
    "sdk-default-configuration.json",
)
_OF_A_SERVICE: Final = ("service-2.json", "endpoint-rule-set-1.json")
_DOCUMENTATION: Final = frozenset({"documentation", "documentationUrl"})


def slim(data: Path) -> None:
    """Replace `botocore/data` in a package by what is needed of it."""
    full = data.with_name("data.full")
    data.rename(full)
    data.mkdir()
    for name in _COMMON:
        content = _read(full / name)
        _write(data / name, _cut_endpoints(content) if name == "endpoints.json" else content)
    for service, operations in OPERATIONS.items():
        version = max((full / service).iterdir())
        for name in _OF_A_SERVICE:
            content = _read(version / name)
            if name == "service-2.json":
                content = cut_model(content, operations)
            _write(data / service / version.name / name, content)
    shutil.rmtree(full)


def cut_model(model: Mapping[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """Keep these operations of a service and the shapes that they are made of."""
    kept = {name: model["operations"][name] for name in sorted(operations)}
    shapes: dict[str, Any] = {}
    wanted = [reference["shape"] for operation in kept.values() for reference in _parts(operation)]
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += [reference["shape"] for reference in _members(shapes[name])]
    cut: dict[str, Any] = _undocumented(
        {**model, "operations": kept, "shapes": {name: shapes[name] for name in sorted(shapes)}}
    )
    return cut


def _parts(operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what an operation takes, gives and raises."""
    return [operation[key] for key in ("input", "output") if key in operation] + list(
        operation.get("errors", ())
    )


def _members(shape: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [shape[key] for key in ("member", "key", "value") if key in shape] + list(
        shape.get("members", {}).values()
    )


def _undocumented(value: Any, *, names: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Drop documentation. `names`: the keys are chosen names, not botocore's words."""
    if isinstance(value, dict):
        return {
            key: _undocumented(item, names=key in {"members", "operations", "shapes"} and not names)
            for key, item in value.items()
            if names or key not in _DOCUMENTATION
        }
    if isinstance(value, list):
        return [_undocumented(item) for item in value]
    return value


def _cut_endpoints(endpoints: dict[str, Any]) -> dict[str, Any]:
    for partition in endpoints["partitions"]:
        partition["services"] = {
            service: value
            for service, value in partition["services"].items()
            if service in OPERATIONS
        }
    return endpoints


def _read(path: Path) -> dict[str, Any]:
    packed = path.with_name(f"{path.name}.gz")
    content: dict[str, Any] = json.loads(
        gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    )
    return content


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":"), sort_keys=True))
