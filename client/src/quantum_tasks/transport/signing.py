"""Signs requests for API Gateway (AWS Signature Version 4), each one when it is sent.

botocore does it, from the extra `aws`; it is imported only by who signs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from quantum_tasks.errors import ConfigurationError
from quantum_tasks.transport.config import Configuration

#: What IAM calls API Gateway.
SERVICE: Final = "execute-api"

#: `{id}.execute-api.{region}.amazonaws.com`, in China with `.cn` after it.
_EXECUTE_API: Final = re.compile(
    r"[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", re.IGNORECASE
)


class Signer(Protocol):
    """Adds to a request's headers what shows who sends it."""

    def sign(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> dict[str, str]:
        """Return all headers to send."""


class SigV4Signer:
    """Signs with credentials of AWS; botocore renews them while they are used."""

    def __init__(self, *, credentials: Any, region: str) -> None:  # noqa: ANN401 - botocore's
        self._credentials = credentials
        self._region = region

    def sign(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> dict[str, str]:
        """Return the headers with `Authorization`, `X-Amz-Date` and, for a session, its token."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - the extra, and slow to import
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body or b"")
        SigV4Auth(self._credentials.get_frozen_credentials(), SERVICE, self._region).add_auth(
            request
        )
        return dict(request.headers.items())


def region_of(url: str) -> str | None:
    """Return the region in an API Gateway's own host name; other hosts have none."""
    match = _EXECUTE_API.fullmatch(urlsplit(url).hostname or "")
    return None if match is None else match.group(1).lower()


def signer_for(configuration: Configuration) -> Signer | None:
    """Return what signs, if anything: with "auto", only for API Gateway's own host names.

    Raises:
        ConfigurationError: signing is wanted, but botocore, credentials or region are missing.
    """
    gateway_region = region_of(configuration.url)
    if configuration.auth == "none" or (configuration.auth == "auto" and gateway_region is None):
        return None
    try:
        import botocore.exceptions  # noqa: PLC0415 - the extra, and slow to import
        import botocore.session  # noqa: PLC0415
    except ImportError as exc:
        message = "signing needs botocore: pip install 'quantum-tasks[aws]'"
        raise ConfigurationError(message) from exc
    try:
        session = botocore.session.Session(profile=configuration.aws_profile)
        region = configuration.region or gateway_region or session.get_config_variable("region")
        credentials = session.get_credentials()
    except botocore.exceptions.BotoCoreError as exc:
        raise ConfigurationError(str(exc)) from exc
    if credentials is None:
        raise ConfigurationError("signing needs AWS credentials, and none were found")
    if not region:
        raise ConfigurationError("signing needs a region: give one, or set AWS_REGION")
    return SigV4Signer(credentials=credentials, region=region)
