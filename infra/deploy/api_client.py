"""Calls a deployed API as a client with AWS credentials does: signed, by SigV4."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

#: API Gateway waits for 29 s.
_READ_SECONDS: Final = 35.0
_CONNECT_SECONDS: Final = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:  # noqa: ANN401 - any JSON
        """The content as JSON."""
        return json.loads(self.content)


def api_url(api_id: str, stage: str, *, region: str, endpoint_url: str | None) -> str:
    """Return where an API answers; emulators serve all of them under their own address."""
    if endpoint_url is not None:
        return f"{endpoint_url.rstrip('/')}/restapis/{api_id}/{stage}/_user_request_"
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{api_id}.execute-api.{region}.{suffix}/{stage}"


class ApiClient:
    """One caller of one API."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials | None,
        *,
        region: str,
        ca_bundle: str | None = None,
    ) -> None:
        """Take the API's address and who calls; without a caller nothing is signed."""
        self._base_url = base_url
        self._credentials = credentials
        self._region = region
        self._pool = urllib3.PoolManager(
            ca_certs=ca_bundle,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        )

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and return its answer, whatever its status. Nothing is retried."""
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        url = f"{self._base_url}{path}"
        request = AWSRequest(method, url, data=content, headers=sent)
        if self._credentials is not None:
            SigV4Auth(self._credentials, "execute-api", self._region).add_auth(request)
        answer = self._pool.request(method, url, body=content, headers=dict(request.headers))
        received = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, received, answer.data)
