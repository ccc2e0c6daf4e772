"""What each function may do: exactly what it does, on exactly what it does it to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.package.botocore_data import OPERATIONS
from infra.stage import StageSpec
from tests.support.backends import ROOT

#: What an SQS event source needs of its function's role ("Using Lambda with Amazon SQS",
#: Lambda guide). MiniStack does not ask for it.
OF_THE_MAPPING = frozenset({"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"})
#: What writing a log needs in a group that exists.
OF_THE_LOG = frozenset({"logs:CreateLogStream", "logs:PutLogEvents"})

ALLOWED = {
    "api_handler": {
        "${TableArn}": {
            *("dynamodb:DeleteItem", "dynamodb:GetItem"),
            *("dynamodb:PutItem", "dynamodb:UpdateItem"),
        },
        "${QueueArn}": {"sqs:GetQueueAttributes", "sqs:SendMessage"},
        "${ApiLogArn}": OF_THE_LOG,
    },
    "worker": {
        "${TableArn}": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "${QueueArn}": OF_THE_MAPPING | {"sqs:ChangeMessageVisibility"},
        "${WorkerLogArn}": OF_THE_LOG,
    },
    "sweeper": {
        "${TableArn}": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        "${TableArn}/index/open_tasks": {"dynamodb:Query"},
        "${QueueArn}": {"sqs:SendMessage"},
        "${SweeperLogArn}": OF_THE_LOG,
    },
}


def policy(spec: StageSpec, function: str) -> dict[str, Any]:
    """Read a function's policy as it lies in the repository."""
    path = ROOT / ".chalice" / spec.functions[function].policy_file
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.parametrize("function", ALLOWED)
def test_a_function_may_do_this_and_nothing_else(spec: StageSpec, function: str) -> None:
    """Each action by name, each resource by the output of a stack; no asterisk, no denial."""
    found: dict[str, set[str]] = {}
    for statement in policy(spec, function)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        found.setdefault(statement["Resource"], set()).update(statement["Action"])
    assert found == ALLOWED[function]
    assert "*" not in json.dumps(policy(spec, function))


def test_botocores_data_holds_what_the_policies_allow(spec: StageSpec) -> None:
    """An operation that a function gets permission for is in the package, and no other."""
    actions = {
        action
        for function in ALLOWED
        for statement in policy(spec, function)["Statement"]
        for action in statement["Action"]
    }
    called = {a for a in actions if not a.startswith("logs:")} - {"sqs:ReceiveMessage"}
    shipped = {
        f"{service}:{re.sub('Batch$', '', operation)}"
        for service, operations in OPERATIONS.items()
        for operation in operations
    }
    # botocore asks every service that has it where to call it.
    assert shipped - {"dynamodb:DescribeEndpoints"} == called
