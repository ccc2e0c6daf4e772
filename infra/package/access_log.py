"""What API Gateway writes of each request: to where, and what.

Refusals of the gateway carry its request id as their correlation id, and reach no function: this
log is where such an id leads. The API's lines carry the same id as `request_id`, or as the
correlation id of a client that gave none.
"""

from __future__ import annotations

import json
from typing import Final

#: The output of the messaging stack that says where to; its group forgets with the others.
ACCESS_LOG: Final = "AccessLogArn"
#: Our names for API Gateway's ("API Gateway mapping template and access logging variable
#: reference"). Neither query nor headers nor body: they may hold what no log should.
_FIELDS: Final = {
    "request_id": "$context.requestId",
    "requested_at": "$context.requestTime",
    "caller": "$context.identity.caller",
    "method": "$context.httpMethod",
    "path": "$context.resourcePath",
    "status": "$context.status",
    "response_type": "$context.error.responseType",
    "integration_status": "$context.integration.status",
    "integration_error": "$context.integration.error",
    "response_bytes": "$context.responseLength",
    "duration_ms": "$context.responseLatency",
}
#: One line for each request.
ACCESS_LOG_FORMAT: Final = json.dumps(_FIELDS, separators=(",", ":"))
