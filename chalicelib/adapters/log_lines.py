"""How a log line and a metric are written: short where all went well, in full where it did not."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aws_lambda_powertools.logging.formatter import RESERVED_LOG_ATTRS, LambdaPowertoolsFormatter

_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)
_RESERVED: Final = frozenset(RESERVED_LOG_ATTRS)
#: Of an invocation, which many lines share: it is said by the line that begins a delivery or ends a
#: sweep, and by warnings and errors.
FUNCTION_REQUEST_ID: Final = "function_request_id"
_UTC_SUFFIX_CHARACTERS: Final = len("+00:00")


class LineFormatter(LambdaPowertoolsFormatter):
    """Writes lines up to INFO without what all of them share.

    They are most of what a log costs. Where in the code it was said, the service's name, the
    invocation's id and the trace stand in the lines of warnings and errors, which Powertools writes
    in full.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON. A metric's document comes first, where it is looked for."""
        if record.levelno > logging.INFO or record.exc_info:
            return _encodable(super().format(record))
        given = record.__dict__
        line = {"_aws": given["_aws"]} if "_aws" in given else {}
        line |= {
            "level": record.levelname,
            "message": record.getMessage(),
            "timestamp": _timestamp(record.created),
            **self.thread_safe_get_current_keys(),
        }
        line.pop(FUNCTION_REQUEST_ID, None)
        line |= {
            name: value
            for name, value in given.items()
            if value is not None and name not in _RESERVED
        }
        try:
            return _ENCODER.encode(line).decode()
        except UnicodeEncodeError:
            return _encodable(super().format(record))


def _encodable(line: str) -> str:
    """Escape what has no UTF-8, half of a surrogate pair: the whole line would be lost with it."""
    return line.encode(errors="backslashreplace").decode()


def metrics_document(
    namespace: str, dimensions: Mapping[str, str], values: Mapping[str, float]
) -> dict[str, Any]:
    """Return metrics as members of a line of JSON: CloudWatch reads them from the log.

    A name that ends in `_ms` is in milliseconds, others count. Source: "Specification: Embedded
    metric format", CloudWatch guide.
    """
    definitions = [
        {"Name": name, "Unit": "Milliseconds"} if name.endswith("_ms") else {"Name": name}
        for name in values
    ]
    directive = {
        "Namespace": namespace,
        "Dimensions": [[*dimensions]],
        "Metrics": definitions,
    }
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": about, **dimensions, **values}


def metrics_line(document: Mapping[str, Any]) -> str:
    """Return metrics as a line of their own."""
    return _ENCODER.encode(document).decode()


def _timestamp(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return f"{at[:-_UTC_SUFFIX_CHARACTERS]}Z"
