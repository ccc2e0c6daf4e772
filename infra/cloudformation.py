"""Makes CloudFormation stacks what their templates say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import ClientError

from infra.errors import UserError
from infra.waiting import wait_for

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ParameterTypeDef,
        ResourceToImportTypeDef,
        StackTypeDef,
    )

_T = TypeVar("_T")

#: Index and table creation take a minute or two, a rollback as long again.
_SETTLED_SECONDS_MAX: Final = 900.0
_DONE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_ADOPTION: Final = "adopt"
#: Nothing came of its creation, or not all of its deletion: it can only be deleted. What it
#: retains stays. REVIEW_IN_PROGRESS is a stack of which only a change set was made.
_DEAD_ENDS: Final = frozenset(
    {
        *("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"),
        *("DELETE_FAILED", "REVIEW_IN_PROGRESS"),
    }
)

#: An update failed, and so did its rollback.
_HALF_ROLLED_BACK: Final = "UPDATE_ROLLBACK_FAILED"


class StackFailed(UserError):
    """CloudFormation would not make what the template says."""


class Stacks:
    """The stacks of one account and region."""

    def __init__(
        self,
        client: CloudFormationClient,
        *,
        poll_seconds: float = 3.0,
        seconds_max: float = _SETTLED_SECONDS_MAX,
    ) -> None:
        """Take the client, how often to look whether a stack is ready, and how long at most."""
        self._client = client
        self._poll_seconds = poll_seconds
        self._seconds_max = seconds_max

    def deploy(
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str],
        capabilities: Sequence[CapabilityType] = (),
    ) -> dict[str, str]:
        """Create or update a stack and return its outputs. Nothing is done where nothing is to be.

        Raises:
            StackFailed: with CloudFormation's first reason.
        """
        self.remove_dead_end(name)
        present = self.described(name)
        if present is not None and self._is_as_wanted(present, template, parameters):
            return _outputs_of(present)
        change = self._client.create_stack if present is None else self._client.update_stack
        try:
            change(
                StackName=name,
                TemplateBody=template,
                Parameters=_parameters(parameters, present),
                Capabilities=list(capabilities),
            )
        except ClientError as exc:
            if "No updates are to be performed" not in str(exc):
                message = f"stack {name}: {exc}"
                raise StackFailed(message) from exc
            return self.outputs(name) or {}
        return _outputs_of(self._done(name))

    def adopt(
        self,
        name: str,
        template: str,
        parameters: Mapping[str, str],
        resource: ResourceToImportTypeDef,
    ) -> None:
        """Make a stack around a resource that a stack has retained.

        An import may not add outputs ("Resource import", CloudFormation guide): they come with the
        next `deploy`. Our templates have them last.

        Raises:
            StackFailed: CloudFormation does not take it.
        """

        def prepared() -> DescribeChangeSetOutputTypeDef | None:
            found = self._client.describe_change_set(StackName=name, ChangeSetName=_ADOPTION)
            return None if found["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"} else found

        refusal = f"stack {name} cannot take {resource['LogicalResourceId']}"
        try:
            self._client.create_change_set(
                StackName=name,
                ChangeSetName=_ADOPTION,
                ChangeSetType="IMPORT",
                TemplateBody=template.partition("\nOutputs:\n")[0],
                Parameters=_parameters(parameters, None),
                ResourcesToImport=[resource],
            )
            change_set = self._wait(prepared, f"the import into stack {name}")
            if change_set["Status"] != "CREATE_COMPLETE":
                reason = change_set.get("StatusReason", "no reason given")
                raise StackFailed(f"{refusal}: {reason}")
            self._client.execute_change_set(StackName=name, ChangeSetName=_ADOPTION)
        except ClientError as exc:
            raise StackFailed(f"{refusal}: {exc}") from exc
        self._done(name)

    def remove_dead_end(self, name: str) -> None:
        """Bring a stack out of a state that takes no update, once nothing is under way.

        What can only be deleted is deleted, so that it can be made again; what it retains stays. A
        rollback that stopped half-way is continued.

        Raises:
            StackFailed: it cannot even be deleted; its reason is told.
        """
        present = self._settled(name)
        if present is not None and present["StackStatus"] in _DEAD_ENDS:
            self.delete(name)
        elif present is not None and present["StackStatus"] == _HALF_ROLLED_BACK:
            self._client.continue_update_rollback(StackName=name)
            self._settled(name)

    def outputs(self, name: str) -> dict[str, str] | None:
        """Return the outputs of a stack, or None if there is no such stack."""
        present = self.described(name)
        return None if present is None else _outputs_of(present)

    def delete(self, name: str) -> bool:
        """Delete a stack if there is one, and tell whether there was.

        Raises:
            StackFailed: something of it cannot be deleted.
        """
        if self.described(name) is None:
            return False
        self._client.delete_stack(StackName=name)
        left = self._settled(name)
        if left is not None:
            message = f"stack {name} is {self._complaint(name, left)}"
            raise StackFailed(message)
        return True

    def described(self, name: str) -> StackTypeDef | None:
        """Return what CloudFormation says of a stack, or None if there is none."""
        try:
            stacks = self._client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as exc:
            if "does not exist" in str(exc):
                return None
            raise
        return next((stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"), None)

    def _is_as_wanted(
        self, present: StackTypeDef, template: str, parameters: Mapping[str, str]
    ) -> bool:
        """Whether a stack was made of just this; an update would find nothing to do, slowly."""
        if present["StackStatus"] not in _DONE:
            return False
        values = {
            parameter.get("ParameterKey"): parameter.get("ParameterValue")
            for parameter in present.get("Parameters", [])
        }
        if any(values.get(key) != value for key, value in parameters.items()):
            return False
        name = present["StackName"]
        return str(self._client.get_template(StackName=name)["TemplateBody"]) == template

    def _done(self, name: str) -> StackTypeDef:
        """Wait for a stack and return it if it is as its template says."""
        settled = self._settled(name)
        if settled is None or settled["StackStatus"] not in _DONE:
            message = f"stack {name} is {self._complaint(name, settled)}"
            raise StackFailed(message)
        return settled

    def _settled(self, name: str) -> StackTypeDef | None:
        """Wait until nothing is in progress any more."""

        def is_settled() -> bool:
            present = self.described(name)
            return present is None or (
                present["StackStatus"] in _DEAD_ENDS
                or not present["StackStatus"].endswith("_IN_PROGRESS")
            )

        self._wait(is_settled, f"stack {name} to settle: check its events")
        return self.described(name)

    def _wait(self, look: Callable[[], _T | None], what: str) -> _T:
        return wait_for(
            look,
            what,
            seconds_max=self._seconds_max,
            poll_seconds=self._poll_seconds,
            failing_as=StackFailed,
        )

    def _complaint(self, name: str, stack: StackTypeDef | None) -> str:
        """Say what state it is in, and why: the first failure, all others follow from it."""
        if stack is None:
            return "gone"
        events = self._client.describe_stack_events(StackName=stack.get("StackId", name))
        reasons = [
            f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
            for event in reversed(events["StackEvents"])
            if event.get("ResourceStatus", "").endswith("_FAILED")
        ]
        reason = reasons[0] if reasons else stack.get("StackStatusReason", "no reason given")
        return f"{stack['StackStatus']} ({reason})"


def _parameters(given: Mapping[str, str], present: StackTypeDef | None) -> list[ParameterTypeDef]:
    """Return all parameters: those that a person has set and we do not (a topic) stay."""
    changed: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
    ]
    kept: list[ParameterTypeDef] = [
        {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
        for parameter in (present.get("Parameters", []) if present is not None else [])
        if parameter["ParameterKey"] not in given
    ]
    return changed + kept


def _outputs_of(stack: StackTypeDef) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
