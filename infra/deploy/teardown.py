"""`make destroy`: removes a stage's service, however it was deployed. Never its data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from infra.aws import Aws, none_if
from infra.cloudformation import Stacks
from infra.doctor.live_stage import chalice_record
from infra.errors import UserError
from infra.stage import StageSpec
from infra.waiting import wait_for

_MISSING: Final = frozenset({"NoSuchEntity", "NotFoundException", "ResourceNotFoundException"})


class TeardownFailed(UserError):
    """Something could not be removed."""


class Teardown:
    """Removes what `make deploy` or a pipeline has made, by name.

    By name and not by Chalice's record, so that it also removes a deployment that stopped half-way
    or was made elsewhere. The order stops the intake first.
    """

    def __init__(
        self,
        aws: Aws,
        root: Path,
        spec: StageSpec,
        *,
        poll_seconds: float = 2.0,
        say: Callable[[str], None] = print,
    ) -> None:
        """Take the account, the checkout and the stage."""
        self._aws = aws
        self._root = root
        self._spec = spec
        self._stacks = Stacks(aws.client("cloudformation"), poll_seconds=poll_seconds)
        self._poll_seconds = poll_seconds
        self._say = say

    def run(self) -> None:
        """Remove all but the data stack."""
        if self._stacks.delete(self._spec.app_stack):
            self._say(f"stack {self._spec.app_stack} is deleted")
        self._delete_apis()
        self._delete_mappings()
        self._delete_schedule()
        for name in self._spec.functions:
            self._delete_function(name)
            self._delete_role(name)
        if self._stacks.delete(self._spec.messaging_stack):
            self._say(f"stack {self._spec.messaging_stack} is deleted")
        chalice_record(self._root, self._spec).unlink(missing_ok=True)
        if self._stacks.described(self._spec.data_stack) is not None:
            self._say(
                f"stack {self._spec.data_stack} and its table stay; after a new deployment the"
                " sweeper brings every open task back"
            )

    def _delete_apis(self) -> None:
        client = self._aws.client("apigateway")
        for api in self._aws.apis(self._spec.name):
            client.delete_rest_api(restApiId=api["id"])
            self._say(f"API {api['id']} is deleted")

    def _delete_mappings(self) -> None:
        client = self._aws.client("lambda")
        for mapping in self._aws.mappings(self._spec.functions["worker"].function_name):
            if mapping["State"] == "Deleting":
                continue
            wait_for(
                functools.partial(_delete_mapping, client, mapping["UUID"]),
                f"event source mapping {mapping['UUID']} to be deleted",
                poll_seconds=self._poll_seconds,
                failing_as=TeardownFailed,
            )
            self._say(f"event source mapping {mapping['UUID']} is deleted")

    def _delete_schedule(self) -> None:
        client = self._aws.client("events")
        rule = f"{self._spec.name}-sweeper-event"  # Chalice's name for it
        if none_if(_MISSING, lambda: client.describe_rule(Name=rule)) is None:
            return
        targets = client.list_targets_by_rule(Rule=rule)["Targets"]
        if targets:
            client.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
        client.delete_rule(Name=rule)
        self._say(f"schedule {rule} is deleted")

    def _delete_function(self, name: str) -> None:
        client = self._aws.client("lambda")
        function = self._spec.functions[name].function_name
        if none_if(_MISSING, lambda: client.delete_function(FunctionName=function)) is not None:
            self._say(f"function {function} is deleted")

    def _delete_role(self, name: str) -> None:
        client = self._aws.client("iam")
        role = f"{self._spec.name}-{name}"  # Chalice's name for it
        policies = none_if(
            _MISSING, lambda: client.list_role_policies(RoleName=role)["PolicyNames"]
        )
        if policies is None:
            return
        for policy in policies:
            client.delete_role_policy(RoleName=role, PolicyName=policy)
        client.delete_role(RoleName=role)
        self._say(f"role {role} is deleted")


def _delete_mapping(client: Any, uuid: str) -> bool:  # noqa: ANN401 - a client of Lambda
    """Ask for a mapping's end; False while it is in use by another change."""
    try:
        client.delete_event_source_mapping(UUID=uuid)
    except client.exceptions.ResourceInUseException:
        return False
    except client.exceptions.ResourceNotFoundException:
        return True
    return True
