"""MiniStack as an account to deploy to: IAM enforced, over TLS, with what its API Gateway lacks.

Runs on the emulator's interpreter: `.venv-emulator/bin/python tests/deploy/ministack_server.py`.

MiniStack 1.5.33 can import OpenAPI documents, but only CloudFormation reaches that: here
`ImportRestApi` and `PutRestApi`, which `chalice deploy` calls, reach it too. The importer gives
the gateway responses of a document to the API as well, and those of each integration, which answer
a browser's preflight; a minimum compression size that Chalice sends as text is a number.

Its CloudFormation makes tables without three of the properties that AWS gives them: point-in-time
recovery, encryption and the state of the indexes; and stages of an API without their access log.

AWS knows no permission for SQS's batches: deleting one allows ten. MiniStack
asks for one that no policy can be written for, and here does not.

`ministack_strict` makes it as strict as AWS where a deployment has to cope with that.

Serves TLS at `GATEWAY_PORT`, since the queues' policies refuse all else, and plain HTTP at
`PLAIN_PORT`, to show that they do.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any

from ministack_strict import (  # type: ignore[import-not-found]  # in this script's folder
    DeadEnds,
    SlowMappings,
    block_names_of_deleted_queues,
)

GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"


class CompleteApiGateway:
    """What is missing in MiniStack's module, put into it."""

    def __init__(self, gateway: Any) -> None:  # noqa: ANN401  MiniStack's module
        """Take the place of four of the module's functions, and call them."""
        self._gateway = gateway
        self._import_operation = gateway._import_operation  # noqa: SLF001
        gateway._import_operation = self.import_operation  # noqa: SLF001
        self._import, self._update = gateway._import_rest_api, gateway._update_rest_api  # noqa: SLF001
        self._handle = gateway.handle_request
        gateway._import_rest_api = self.import_api  # noqa: SLF001
        gateway._update_rest_api = self.update_api  # noqa: SLF001
        gateway.handle_request = self.handle_request

    def import_api(self, document: Mapping[str, Any], data: Any = None) -> str:  # noqa: ANN401
        """Make an API of a document, its gateway responses included."""
        api_id: str = self._import(document, data)
        self._add_gateway_responses(api_id, document)
        return api_id

    def import_operation(
        self,
        api_id: str,
        resource_id: str,
        method: str,
        operation: Mapping[str, Any] | None,
        *rest: Any,  # noqa: ANN401  MiniStack's own
        **named: Any,  # noqa: ANN401
    ) -> None:
        """Make a method of an operation, the responses of its integration included."""
        self._import_operation(api_id, resource_id, method, operation, *rest, **named)
        integration = (operation or {}).get("x-amazon-apigateway-integration") or {}
        for response in integration.get("responses", {}).values():
            status = str(response["statusCode"])
            self._gateway._put_integration_response(  # noqa: SLF001
                api_id, resource_id, method, status, response
            )

    def overwrite_api(self, api_id: str, document: Mapping[str, Any]) -> None:
        """Make an API what a document says and nothing else, as `PutRestApi` does."""
        gateway = self._gateway
        resources = gateway._resources.get(api_id, {})  # noqa: SLF001
        for resource_id in [key for key, value in resources.items() if value.get("path") != "/"]:
            del resources[resource_id]
        for root in resources.values():
            root["resourceMethods"] = {}
        gateway._gateway_responses.pop(api_id, None)  # noqa: SLF001
        gateway._rest_apis[api_id]["name"] = document["info"]["title"]  # noqa: SLF001
        schemes = gateway._import_security_schemes(api_id, document)  # noqa: SLF001
        for path, item in document.get("paths", {}).items():
            gateway._import_path_item(  # noqa: SLF001
                api_id, path, item, schemes, document.get("security")
            )
        self._add_gateway_responses(api_id, document)

    def update_api(self, api_id: str, data: Any) -> Any:  # noqa: ANN401
        """Update an API; what AWS has as a number is one."""
        updated = self._update(api_id, data)
        api = self._gateway._rest_apis.get(api_id) or {}  # noqa: SLF001
        size = api.get("minimumCompressionSize")
        if not isinstance(size, str):
            return updated
        api["minimumCompressionSize"] = int(size) if size.isdigit() else None
        return self._gateway._get_rest_api(api_id)  # noqa: SLF001

    async def handle_request(
        self,
        method: str,
        path: str,
        headers: Any,  # noqa: ANN401
        body: bytes,
        query: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Answer `ImportRestApi` and `PutRestApi`, and leave the others to MiniStack."""
        parts = path.strip("/").split("/")
        if parts == ["restapis"] and method == "POST" and "mode" in (query or {}):
            kind = (query.get("endpointConfigurationTypes") or ["EDGE"])[0]
            api_id = self.import_api(json.loads(body), {"endpointConfiguration": {"types": [kind]}})
            return self._gateway._get_rest_api(api_id)  # noqa: SLF001
        if parts[0] == "restapis" and method == "PUT" and len(parts) == 2:
            self.overwrite_api(parts[1], json.loads(body))
            return self._gateway._get_rest_api(parts[1])  # noqa: SLF001
        return await self._handle(method, path, headers, body, query)

    def _add_gateway_responses(self, api_id: str, document: Mapping[str, Any]) -> None:
        for response_type, response in document.get(GATEWAY_RESPONSES, {}).items():
            self._gateway._put_gateway_response(api_id, response_type, response)  # noqa: SLF001


def permit_batches_as_aws_does(actions: Any) -> None:  # noqa: ANN401  MiniStack's module
    """Ask for `sqs:DeleteMessage` where messages are deleted in a batch, and so on.

    Source: "Actions, resources, and condition keys for Amazon SQS", Service Authorization
    Reference, which lists no batch.
    """
    extract = actions.extract_iam_action

    def extract_as_aws(service: str, *rest: Any) -> str | None:  # noqa: ANN401
        action: str | None = extract(service, *rest)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    actions.extract_iam_action = extract_as_aws


def complete_tables(provisioners: Any, dynamodb: Any) -> None:  # noqa: ANN401  MiniStack's modules
    """Give the tables that CloudFormation makes what their templates say."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]  # noqa: SLF001
    create = handlers["create"]

    def create_complete(logical_id: str, properties: Any, stack: str) -> Any:  # noqa: ANN401
        created = create(logical_id, properties, stack)
        table = dynamodb._tables[created[0]]  # noqa: SLF001
        for index in table["GlobalSecondaryIndexes"]:
            index["IndexStatus"] = "ACTIVE"
        if (properties.get("SSESpecification") or {}).get("SSEEnabled") in {True, "true"}:
            table["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS"}
        recovery = properties.get("PointInTimeRecoverySpecification") or {}
        enabled = recovery.get("PointInTimeRecoveryEnabled") in {True, "true"}
        dynamodb._pitr_settings[created[0]] = enabled  # noqa: SLF001
        return created

    handlers["create"] = create_complete


def complete_stages(provisioners: Any, gateway: Any) -> None:  # noqa: ANN401  MiniStack's modules
    """Give the stages that CloudFormation makes their access log, on AWS's condition.

    Source: "Set up CloudWatch logging for REST APIs", API Gateway's developer guide: without a role
    in the account's settings a stage takes no log.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::Stage"]  # noqa: SLF001
    create, update = handlers["create"], gateway._update_stage  # noqa: SLF001
    refusal = "CloudWatch Logs role ARN must be set in account settings to enable logging"

    def has_role() -> bool:
        settings = gateway._account_settings.get("settings") or {}  # noqa: SLF001
        return bool(settings.get("cloudwatchRoleArn"))

    def create_complete(logical_id: str, properties: Any, stack: str) -> Any:  # noqa: ANN401
        log = properties.get("AccessLogSetting")
        if log and not has_role():
            raise ValueError(refusal)
        created = create(logical_id, properties, stack)
        stage = gateway._stages_v1[properties["RestApiId"]][properties["StageName"]]  # noqa: SLF001
        # One key for a method, whether CloudFormation sets it or `UpdateStage`, as with AWS.
        stage["methodSettings"] = {
            key.replace("/~1", "/"): value for key, value in stage["methodSettings"].items()
        }
        if log:
            stage["accessLogSettings"] = {
                "destinationArn": log["DestinationArn"],
                "format": log["Format"],
            }
        return created

    def update_strictly(api_id: str, stage: str, data: Any) -> Any:  # noqa: ANN401
        paths = [patch["path"] for patch in data.get("patchOperations", [])]
        if any(path.startswith("/accessLogSettings") for path in paths) and not has_role():
            return gateway._v1_error("BadRequestException", refusal, 400)  # noqa: SLF001
        return update(api_id, stage, data)

    handlers["create"], gateway._update_stage = create_complete, update_strictly  # noqa: SLF001


def main() -> None:
    """Serve until killed."""
    # They read the environment when imported.
    import ministack.app  # noqa: PLC0415
    from hypercorn.asyncio import serve  # type: ignore[import-not-found]  # noqa: PLC0415
    from hypercorn.config import Config  # type: ignore[import-not-found]  # noqa: PLC0415
    from ministack.core import iam_actions  # noqa: PLC0415
    from ministack.services import apigateway_v1, dynamodb, lambda_svc, sqs  # noqa: PLC0415
    from ministack.services.cloudformation import _stacks, provisioners  # noqa: PLC0415

    # A function is changed at once: Chalice looks every 5 s whether it is, and changes many.
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0.0  # noqa: SLF001
    CompleteApiGateway(apigateway_v1)
    complete_tables(provisioners, dynamodb)
    complete_stages(provisioners, apigateway_v1)
    permit_batches_as_aws_does(iam_actions)
    SlowMappings(lambda_svc)
    block_names_of_deleted_queues(sqs, provisioners)
    config = Config()
    config.bind = [f"127.0.0.1:{os.environ['GATEWAY_PORT']}"]
    config.insecure_bind = [f"127.0.0.1:{os.environ['PLAIN_PORT']}"]
    config.certfile = os.environ["MINISTACK_SSL_CERT"]
    config.keyfile = os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    asyncio.run(serve(DeadEnds(ministack.app.app, _stacks), config))


if __name__ == "__main__":
    main()
