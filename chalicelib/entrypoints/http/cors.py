"""Which web page of another origin may call. Off by default.

Read from `CORS_ORIGIN`, a stage-level variable like `STAGE`: it decides which routes API Gateway is
given (Chalice adds an `OPTIONS` to each), so it is read when the app is imported to be packaged.
"""

from __future__ import annotations

import os
import re
from typing import Final

from chalice.app import CORSConfig

from chalicelib.entrypoints.http.caller import LOCAL_STAGE
from chalicelib.settings import InvalidSetting

#: Beyond those of SigV4, which Chalice always allows.
ALLOWED_HEADERS: Final = (
    "Idempotency-Key",
    "If-None-Match",
    "Prefer",
    "X-Amz-Content-Sha256",
    "X-Correlation-ID",
)
EXPOSED_HEADERS: Final = (
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "X-Correlation-ID",
)
#: How long a browser may keep the answer to a preflight.
_MAX_AGE_SECONDS: Final = 600
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,253}")


def cors_config() -> CORSConfig | None:
    """Return what the routes are given, or None if no other origin may call.

    Raises:
        InvalidSetting: it is no origin; or it is `*` on the local stage, which has no
            authentication: any page that is open in a browser could submit and cancel.
    """
    origin = os.environ.get("CORS_ORIGIN", "").strip()
    if not origin:
        return None
    is_local = os.environ.get("STAGE", LOCAL_STAGE) == LOCAL_STAGE
    if origin == "*" and is_local:
        raise InvalidSetting("CORS_ORIGIN must name one origin on the local stage, not '*'")
    if origin != "*" and not _ORIGIN.fullmatch(origin):
        message = f"must be an origin such as https://example.org, not {origin[:100]!r}"
        raise InvalidSetting(f"CORS_ORIGIN {message}")
    return CORSConfig(
        allow_origin=origin,
        allow_headers=list(ALLOWED_HEADERS),
        expose_headers=list(EXPOSED_HEADERS),
        max_age=_MAX_AGE_SECONDS,
    )
