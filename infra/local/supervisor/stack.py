"""Creates table and queues, from the templates that are deployed to AWS.

At any endpoint that is not AWS. Idempotent, and quick when nothing is to be done: after a restart
the stacks are found in the emulator's state and only compared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from infra.cloudformation import Stacks
from infra.local.settings import MAX_RECEIVE_COUNT, REGION, ROOT, STAGE, VISIBILITY_TIMEOUT_SECONDS
from infra.waiting import POLL_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

#: An emulator makes a stack within a second; this is for a machine that does much else.
DEPLOY_SECONDS_MAX = 30.0
#: The emulators take any. The user's own are never used.
CREDENTIALS: Final[dict[str, Any]] = {
    "region_name": REGION,
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


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
    """Create or update the stacks; return their outputs, queue URLs as this endpoint has them.

    Raises:
        StackFailed: the endpoint would not make what the templates say.
    """
    deployer = _stacks(endpoint_url)
    outputs: dict[str, str] = {}
    for stack in stacks:
        outputs |= deployer.deploy(stack.name, stack.template, stack.parameters)
    return {
        key: _at(endpoint_url, value) if key.endswith("Url") else value
        for key, value in outputs.items()
    }


def remove_all(endpoint_url: str, stacks: Sequence[Stack] = STACKS) -> None:
    """Delete the stacks, and the table that its stack retains.

    The last one first: it imports from the ones before it, and they cannot go while it does.
    """
    deployer = _stacks(endpoint_url)
    for stack in reversed(stacks):
        outputs = deployer.outputs(stack.name)
        if outputs is None:
            continue
        deployer.delete(stack.name)
        if "TableName" in outputs:
            _delete_table(endpoint_url, outputs["TableName"])


def _delete_table(endpoint_url: str, table: str) -> None:
    client = boto3.Session().client("dynamodb", endpoint_url=endpoint_url, **CREDENTIALS)
    try:
        client.delete_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return


def _stacks(endpoint_url: str) -> Stacks:
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
    return Stacks(client, poll_seconds=POLL_SECONDS, seconds_max=DEPLOY_SECONDS_MAX)


def _at(endpoint_url: str, url: str) -> str:
    """Move a queue's URL to the endpoint in use.

    The emulator keeps the address under which a queue was made, and its port may be another one
    after a restart.
    """
    endpoint = urlsplit(endpoint_url)
    return urlsplit(url)._replace(scheme=endpoint.scheme, netloc=endpoint.netloc).geturl()
