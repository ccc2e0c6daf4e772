"""What Chalice cannot do after `chalice deploy`: the mapping, its setting, the API's own answers.

Each step can be done again, and a stage is safe between any two of them: the setting that makes
the worker return failures is turned on only once the mapping is seen to take them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from infra.aws import Aws, none_if
from infra.errors import UserError
from infra.package.access_log import ACCESS_LOG_FORMAT
from infra.package.gateway_responses import gateway_responses
from infra.package.template import REPORT_FAILURES
from infra.package.throttling import as_patches
from infra.stage import StageSpec
from infra.waiting import wait_for

_T = TypeVar("_T")
_IN_FORCE_SECONDS_MAX: Final = 120.0
#: Another change of the same thing is under way; the SDK does not try again.
_IN_USE: Final = frozenset({"ResourceInUseException"})


class PostDeployFailed(UserError):
    """AWS did not take a setting."""


class PostDeploy:
    """The last steps of a deployment."""

    def __init__(self, aws: Aws, spec: StageSpec, *, poll_seconds: float = 2.0) -> None:
        """Take the account, the stage, and how often to look whether a change is in force."""
        self._aws = aws
        self._spec = spec
        self._poll_seconds = poll_seconds
        self._worker = spec.functions["worker"].function_name

    def report_failures(self) -> None:
        """Set the mapping's flag, and wait until it is in force."""
        # Chalice has just made it: until it is there AWS refuses every change.
        self._wait(self._mapping_is_settled, "the worker's mapping to be made")
        mapping = self._mapping()
        if mapping.get("FunctionResponseTypes") != [REPORT_FAILURES]:
            self._wait(lambda: self._take_flag(mapping["UUID"]), "the worker's mapping to change")

        def in_force() -> bool:
            found = self._mapping()
            return found["State"] == "Enabled" and found.get("FunctionResponseTypes") == [
                REPORT_FAILURES
            ]

        self._wait(in_force, f"the worker's mapping to report failures (UUID {mapping['UUID']})")

    def _mapping_is_settled(self) -> bool:
        return not self._mapping()["State"].endswith("ing")

    def _take_flag(self, uuid: str) -> bool:
        """Ask for the flag; False while the mapping is in use by another change."""
        client = self._aws.client("lambda")
        changed = none_if(
            _IN_USE,
            lambda: client.update_event_source_mapping(
                UUID=uuid, FunctionResponseTypes=[REPORT_FAILURES]
            ),
        )
        return changed is not None

    def rely_on_reported_failures(self) -> None:
        """Turn the worker's setting on; only where the flag is seen on the mapping."""
        if self._mapping().get("FunctionResponseTypes") != [REPORT_FAILURES]:
            message = "the worker's mapping does not report failures; its setting stays off"
            raise PostDeployFailed(message)
        client = self._aws.client("lambda")
        configuration = client.get_function_configuration(FunctionName=self._worker)
        variables = configuration["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=self._worker,
            Environment={"Variables": {**variables, "PARTIAL_BATCH_RESPONSES": "true"}},
        )

        def in_force() -> bool:
            found = client.get_function_configuration(FunctionName=self._worker)
            return bool(found["LastUpdateStatus"] == "Successful")

        self._wait(in_force, "the worker's new setting")

    def finish_api(self, access_log_arn: str) -> str:
        """Give the API its throttling, access log and problem documents; return its id."""
        client = self._aws.client("apigateway")
        found = self._aws.apis(self._spec.name)
        api_id = str(_only(found, f"API with the name {self._spec.name}")["id"])
        for response in gateway_responses(self._spec.cors_origin):
            status = {} if response.status is None else {"statusCode": str(response.status)}
            client.put_gateway_response(
                restApiId=api_id,
                responseType=response.response_type,
                responseParameters=response.parameters,
                responseTemplates=response.templates,
                **status,
            )
        # They count from the next deployment of the API on.
        client.create_deployment(restApiId=api_id, stageName=self._spec.api_stage)
        client.update_stage(
            restApiId=api_id,
            stageName=self._spec.api_stage,
            patchOperations=[
                *as_patches(self._spec),
                {
                    "op": "replace",
                    "path": "/accessLogSettings/destinationArn",
                    "value": access_log_arn,
                },
                {"op": "replace", "path": "/accessLogSettings/format", "value": ACCESS_LOG_FORMAT},
            ],
        )
        return api_id

    def _mapping(self) -> dict[str, Any]:
        mappings = self._aws.mappings(self._worker)
        living = [mapping for mapping in mappings if mapping["State"] != "Deleting"]
        return _only(living, f"event source mapping of {self._worker}")

    def _wait(self, in_force: Callable[[], bool], what: str) -> None:
        wait_for(
            in_force,
            what,
            seconds_max=_IN_FORCE_SECONDS_MAX,
            poll_seconds=self._poll_seconds,
            failing_as=PostDeployFailed,
        )


def _only(found: list[_T], what: str) -> _T:
    if len(found) != 1:
        message = f"there must be one {what}, there are {len(found)}"
        raise PostDeployFailed(message)
    return found[0]
