"""The stacks that a stage stands on: its data, its messaging, and what the account must have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.aws import Aws, none_if
from infra.cloudformation import StackFailed, Stacks
from infra.stage import StageSpec
from infra.waiting import comes_true

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ResourceToImportTypeDef

#: How SQS says that a queue of this name was deleted a moment ago ("CreateQueue", SQS API
#: reference: QueueDeletedRecently).
_NAME_IS_BLOCKED: Final = ("QueueDeletedRecently", "You must wait 60 seconds")
_BLOCKED_SECONDS_MAX: Final = 180.0


class StageStacks:
    """Makes and updates the stacks of one stage."""

    def __init__(
        self,
        aws: Aws,
        root: Path,
        spec: StageSpec,
        *,
        poll_seconds: float = 3.0,
        say: Callable[[str], None] = print,
    ) -> None:
        """Take the account, the checkout and the stage."""
        self._aws = aws
        self._templates = root / "infra" / "templates"
        self._spec = spec
        self._poll_seconds = poll_seconds
        self._say = say
        self._stacks = Stacks(aws.client("cloudformation"), poll_seconds=poll_seconds)

    def deploy_account(self) -> None:
        """Let API Gateway write logs, if it may not yet: a role for the whole account and region.

        Raises:
            StackFailed: with CloudFormation's reason.
        """
        if self._aws.client("apigateway").get_account().get("cloudwatchRoleArn"):
            return
        self._say("  API Gateway has no role for its logs in this account, and gets one")
        template = (self._templates / "account.yaml").read_text()
        self._stacks.deploy(self._spec.account_stack, template, {}, ["CAPABILITY_IAM"])

    def deploy_data(self) -> dict[str, str]:
        """Make the table, or take up one whose stack is gone; return the stack's outputs.

        Raises:
            StackFailed: with CloudFormation's reason.
        """
        spec, template = self._spec, (self._templates / "data.yaml").read_text()
        self._stacks.remove_dead_end(spec.data_stack)
        if self._stacks.described(spec.data_stack) is None and self._has_table():
            self._say(f"  table {spec.name} is there without its stack, which takes it up")
            table: ResourceToImportTypeDef = {
                "ResourceType": "AWS::DynamoDB::Table",
                "LogicalResourceId": "TasksTable",
                "ResourceIdentifier": {"TableName": spec.name},
            }
            self._stacks.adopt(spec.data_stack, template, spec.data_parameters, table)
        return self._stacks.deploy(spec.data_stack, template, spec.data_parameters)

    def deploy_messaging(self) -> dict[str, str]:
        """Make queues, logs and alarms; return the stack's outputs.

        For a minute after `make destroy` SQS refuses queues of the same names: that is waited for.

        Raises:
            StackFailed: with CloudFormation's reason.
        """
        spec, template = self._spec, (self._templates / "messaging.yaml").read_text()
        made: dict[str, str] = {}
        refusal: StackFailed | None = None

        def attempt() -> bool:
            nonlocal refusal
            try:
                made.update(
                    self._stacks.deploy(spec.messaging_stack, template, spec.messaging_parameters)
                )
            except StackFailed as exc:
                if not any(words in str(exc) for words in _NAME_IS_BLOCKED):
                    raise
                if refusal is None:
                    self._say("  the queues' names are blocked for a minute after their deletion")
                refusal = exc
                return False
            return True

        if not comes_true(
            attempt, seconds_max=_BLOCKED_SECONDS_MAX, poll_seconds=5 * self._poll_seconds
        ):
            raise refusal or StackFailed(f"stack {spec.messaging_stack} was not made")
        return made

    def _has_table(self) -> bool:
        describe = self._aws.client("dynamodb").describe_table
        missing = {"ResourceNotFoundException"}
        return none_if(missing, lambda: describe(TableName=self._spec.name)) is not None
