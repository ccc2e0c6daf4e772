"""Creates table and queues, from the templates that are deployed to AWS.

At any endpoint that is not AWS. Idempotent, and quick when nothing is to be done: after a restart
the stacks are found in the emulator's state and only compared.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.settings import MAX_RECEIVE_COUNT, REGION, ROOT, STAGE, VISIBILITY_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

DEPLOY_SECONDS_MAX = 30.0
POLL_INTERVAL_SECONDS = 0.05
#: The emulators take any. The user's own are never used.
CREDENTIALS: Final[dict[str, Any]] = {
    "region_name": REGION,
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


class StackError(Exception):
    """CloudFormation would not make what the template says."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stack:
    """One template with the values of its parameters."""

    name: str
    template_name: str
    parameters: Mapping[str, str]

    @property
    def template(self) -> str:
        """The template's text."""
        return (ROOT / "infra" / "templates" / self.template_name).read_text()

    @property
    def parameter_list(self) -> list[ParameterTypeDef]:
        """The parameters as the API takes them."""
        return [
            {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
        ]


#: Emptying the data is a feature here, so the table is not protected against deletion.
STACKS = (
    Stack("quantum-tasks-local-data", "data.yaml", {"Stage": STAGE, "DeletionProtection": "false"}),
    Stack(
        "quantum-tasks-local-messaging",
        "messaging.yaml",
        {
            "Stage": STAGE,
            "VisibilityTimeoutSeconds": str(VISIBILITY_TIMEOUT_SECONDS),
            "MaxReceiveCount": str(MAX_RECEIVE_COUNT),
        },
    ),
)


def deploy_all(endpoint_url: str, stacks: Sequence[Stack] = STACKS) -> dict[str, str]:
    """Create or update the stacks; return their outputs, queue URLs as this endpoint has them."""
    client = _cloudformation(endpoint_url)
    outputs: dict[str, str] = {}
    for stack in stacks:
        described = _deploy(client, stack)
        outputs |= {
            output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])
        }
    return {
        key: _at(endpoint_url, value) if key.endswith("Url") else value
        for key, value in outputs.items()
    }


def remove_all(endpoint_url: str, stacks: Sequence[Stack] = STACKS) -> None:
    """Delete the stacks, and the table that its stack retains.

    The last one first: it imports from the ones before it, and they cannot go while it does.
    """
    client = _cloudformation(endpoint_url)
    for stack in reversed(stacks):
        present = _described(client, stack.name)
        if present is None:
            continue
        outputs = {o["OutputKey"]: o["OutputValue"] for o in present.get("Outputs", [])}
        client.delete_stack(StackName=stack.name)
        _settled(client, stack.name)
        if "TableName" in outputs:
            _delete_table(endpoint_url, outputs["TableName"])


def _delete_table(endpoint_url: str, table: str) -> None:
    client = boto3.Session().client("dynamodb", endpoint_url=endpoint_url, **CREDENTIALS)
    try:
        client.delete_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return


def _cloudformation(endpoint_url: str) -> CloudFormationClient:
    client: CloudFormationClient = boto3.Session().client(
        "cloudformation",
        endpoint_url=endpoint_url,
        config=Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
        **CREDENTIALS,
    )
    return client


def _deploy(client: CloudFormationClient, stack: Stack) -> StackTypeDef:
    present = _described(client, stack.name)
    if present is not None and _is_as_wanted(client, stack, present):
        return present
    if present is not None and present["StackStatus"] in {
        "CREATE_FAILED",
        "ROLLBACK_COMPLETE",
        "DELETE_FAILED",
    }:
        client.delete_stack(StackName=stack.name)
        _settled(client, stack.name)
        present = None
    try:
        change = client.create_stack if present is None else client.update_stack
        change(StackName=stack.name, TemplateBody=stack.template, Parameters=stack.parameter_list)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            message = f"stack {stack.name}: {error}"
            raise StackError(message) from error
    settled = _settled(client, stack.name)
    if settled is None or settled["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        state = (
            "gone"
            if settled is None
            else f"{settled['StackStatus']} {settled.get('StackStatusReason', '')}"
        )
        message = f"stack {stack.name} is {state}"
        raise StackError(message)
    return settled


def _is_as_wanted(client: CloudFormationClient, stack: Stack, present: StackTypeDef) -> bool:
    if present["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return False
    values = {
        item.get("ParameterKey"): item.get("ParameterValue")
        for item in present.get("Parameters", [])
    }
    if any(values.get(key) != value for key, value in stack.parameters.items()):
        return False
    return str(client.get_template(StackName=stack.name)["TemplateBody"]) == stack.template


def _described(client: CloudFormationClient, name: str) -> StackTypeDef | None:
    try:
        stacks = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return next((stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"), None)


def _settled(client: CloudFormationClient, name: str) -> StackTypeDef | None:
    """Wait until nothing is in progress any more."""
    deadline = time.monotonic() + DEPLOY_SECONDS_MAX
    while True:
        present = _described(client, name)
        if present is None or not present["StackStatus"].endswith("_IN_PROGRESS"):
            return present
        if time.monotonic() > deadline:
            message = (
                f"stack {name} is still {present['StackStatus']} after {DEPLOY_SECONDS_MAX:.0f} s"
            )
            raise StackError(message)
        time.sleep(POLL_INTERVAL_SECONDS)


def _at(endpoint_url: str, url: str) -> str:
    """Move a queue's URL to the endpoint in use.

    The emulator keeps the address under which a queue was made, and its port may be another one
    after a restart.
    """
    endpoint = urlsplit(endpoint_url)
    return urlsplit(url)._replace(scheme=endpoint.scheme, netloc=endpoint.netloc).geturl()
