"""Clients of the account that is deployed to, as the AWS SDKs' own settings name it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeVar

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

_T = TypeVar("_T")

#: Control planes throttle; the SDK waits and tries again.
_CONFIG: Final = Config(retries={"mode": "standard", "total_max_attempts": 8})


class Aws:
    """One account and region."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Find region and credentials as every AWS SDK does."""
        self._session = boto3.Session()
        self._clients: dict[str, Any] = {}
        self.endpoint_url: str | None = environment.get("AWS_ENDPOINT_URL") or None
        self.ca_bundle: str | None = environment.get("AWS_CA_BUNDLE") or None

    @property
    def region(self) -> str | None:
        """The region, or None where none is configured."""
        region: str | None = self._session.region_name
        return region

    @property
    def credentials(self) -> Credentials | None:
        """Who we are, or None."""
        found: Credentials | None = self._session.get_credentials()
        return found

    def client(self, service: str) -> Any:  # noqa: ANN401 - every service's client
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, config=_CONFIG)
        return self._clients[service]

    def pages(self, service: str, operation: str, key: str, **parameters: object) -> list[Any]:
        """Return all that a listing gives, page by page."""
        pages = self.client(service).get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page.get(key, [])]

    def apis(self, name: str) -> list[dict[str, Any]]:
        """Return the APIs of this name."""
        return [
            api for api in self.pages("apigateway", "get_rest_apis", "items") if api["name"] == name
        ]

    def mappings(self, function_name: str) -> list[dict[str, Any]]:
        """Return a function's event source mappings."""
        return self.pages(
            "lambda",
            "list_event_source_mappings",
            "EventSourceMappings",
            FunctionName=function_name,
        )


def none_if(codes: Collection[str], call: Callable[[], _T]) -> _T | None:
    """Return AWS's answer, or None where it is an error with one of these codes."""
    try:
        return call()
    except ClientError as exc:
        if exc.response["Error"]["Code"] in codes:
            return None
        raise
