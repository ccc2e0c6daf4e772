"""What each function may do: exactly what it does, on exactly what it does it to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.local.settings import ROOT
from infra.package.botocore_data import OPERATIONS
from infra.stage import StageSpec, read_configuration, stage_spec

#: What an SQS event source needs of its function's role ("Using Lambda with Amazon SQS",
#: Lambda guide). MiniStack does not ask for it.
OF_THE_MAPPING = frozenset({"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"})
#: What writing a log needs in a group that exists.
OF_THE_LOG = frozenset({"logs:CreateLogStream", "logs:PutLogEvents"})

TABLE, QUEUE = "dynamodb:*:*:table/quantum-tasks-{}", "sqs:*:*:quantum-tasks-{}"
LOG = "logs:*:*:log-group:/aws/lambda/quantum-tasks-{}"
ALLOWED = {
    "api_handler": {
        TABLE: {
            *("dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem"),
            *("dynamodb:PutItem", "dynamodb:UpdateItem"),
        },
        f"{TABLE}/index/tasks_by_owner": {"dynamodb:Query"},
        QUEUE: {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"},
        f"{LOG}:*": OF_THE_LOG,
    },
    "worker": {
        TABLE: {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        QUEUE: OF_THE_MAPPING | {"sqs:ChangeMessageVisibility", "sqs:GetQueueUrl"},
        f"{LOG}-worker:*": OF_THE_LOG,
    },
    "sweeper": {
        TABLE: {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        f"{TABLE}/index/open_tasks": {"dynamodb:Query"},
        QUEUE: {"sqs:GetQueueUrl", "sqs:SendMessage"},
        f"{LOG}-sweeper:*": OF_THE_LOG,
    },
}


def policy(spec: StageSpec, function: str) -> dict[str, Any]:
    """Read a function's policy as it lies in the repository."""
    path = ROOT / ".chalice" / spec.functions[function].policy_file
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("function", ALLOWED)
def test_a_function_may_do_this_and_nothing_else(stage: str, function: str) -> None:
    """Each action by name, on its own stage's resources; only account and region are left open."""
    found: dict[str, set[str]] = {}
    document = policy(stage_spec(read_configuration(ROOT), stage), function)
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        found.setdefault(statement["Resource"], set()).update(statement["Action"])
    assert found == {
        f"arn:aws:{resource.format(stage)}": actions
        for resource, actions in ALLOWED[function].items()
    }
    assert not any("*" in action for actions in found.values() for action in actions)


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
