"""Watches every call that a botocore client makes: logs it, and knows whether it is in doubt.

It listens to botocore's own events, so that a new call is covered by itself.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
)
from botocore.retries.standard import RetryEventAdapter, StandardRetryConditions

from chalicelib.adapters.telemetry import logger
from chalicelib.errors import ConditionFailed, ServiceUnavailable, StoreFull
from chalicelib.settings import RETRY_DELAY_SECONDS_MAX

if TYPE_CHECKING:
    from botocore.client import BaseClient

#: Nothing reached the service: the connection was never made.
_NEVER_SENT: Final = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_HTTP_BAD_REQUEST: Final = 400
_HTTP_SERVER_ERROR: Final = 500
_CONDITION_FAILED: Final = "ConditionalCheckFailedException"
_FULL: Final = frozenset({"ItemCollectionSizeLimitExceededException", "LimitExceededException"})
#: Not the called service's state but the request is wrong: a bug, to be seen as one.
_BUGS: Final = frozenset({"ValidationException", "SerializationException", "InvalidAddress"})
#: Parameters of calls whose values a line may hold: names and expressions of the service's own, and
#: ids. An expression's values stand in `ExpressionAttributeValues`.
_SHOWN: Final = frozenset(
    {
        *("TableName", "IndexName", "QueueUrl", "Key", "Limit", "ConsistentRead"),
        *("ConditionExpression", "UpdateExpression", "KeyConditionExpression", "ReturnValues"),
        *("ProjectionExpression", "ReturnConsumedCapacity", "VisibilityTimeout", "AttributeNames"),
    }
)
#: An item's attribute is a mapping of its type to its value.
_ITEM_DEPTH: Final = 2


class _AwsCall(msgspec.Struct):
    operation: str
    resource: str
    parameters: Mapping[str, Any]
    started: float
    #: Requests put on the wire, the SDK's retries included.
    sent: int = 0
    #: Those of them that the service surely did not apply.
    refused: int = 0


class AwsCalls:
    """The calls of one client. Calls of different threads do not mix.

    It also decides on retries, so the client must be made with one attempt: botocore's own retries
    sleep up to a second after a throttle, and up to five more where the answer has
    `x-amz-retry-after` (`botocore.retries.standard`). What is retried is botocore's judgement, how
    often and how soon is decided here: a call never sleeps longer than
    `RETRY_DELAY_SECONDS_MAX` between two attempts.
    """

    def __init__(
        self,
        client: BaseClient,
        *,
        service: str,
        slow_call_ms: float,
        attempts_max: int,
        logs_success: bool = True,
    ) -> None:
        """Listen to the client's events.

        Calls that went well are logged where `logs_success`, else on the level DEBUG only.
        """
        self._conditions = StandardRetryConditions(max_attempts=attempts_max)
        self._logs_success = logs_success
        self._service = service
        self._slow_call_ms = slow_call_ms
        self._current = threading.local()
        self._reachable = True
        events = client.meta.events
        listeners: tuple[tuple[str, Callable[..., Any]], ...] = (
            ("provide-client-params", self._on_call),
            ("before-send", self._on_send),
            ("needs-retry", self._on_reply),
            ("after-call", self._on_end),
        )
        for event, listener in listeners:
            events.register(f"{event}.{service}.*", listener)

    def succeeded_after_doubt(self) -> bool:
        """Whether an earlier attempt of this thread's last call, which succeeded, is in doubt."""
        call = self._call()
        return call.sent - call.refused > 1

    @contextlib.contextmanager
    def failing_as(self, unavailable: type[ServiceUnavailable]) -> Iterator[None]:
        """Turn what botocore and PynamoDB raise into the service's own errors.

        Raises:
            ConditionFailed: the condition of a write did not hold.
            StoreFull: the account or the item collection has reached a limit, and no attempt of
                the call was applied.
            ServiceUnavailable: of the given kind, for everything else that is not a bug.
        """
        self._current.call = None
        try:
            yield
        except Exception as exc:
            failure = _root_of(exc)
            if failure is None:
                raise
            code = _code_of(failure)
            if code == _CONDITION_FAILED:
                raise ConditionFailed from exc
            self._log_failure(failure)
            if code in _BUGS:
                raise
            call = self._call()
            in_doubt = call.sent > call.refused
            if code in _FULL and not in_doubt:
                raise StoreFull from exc
            raise unavailable(in_doubt=in_doubt) from exc

    def _call(self) -> _AwsCall:
        call: _AwsCall | None = getattr(self._current, "call", None)
        return call or _AwsCall("none", "none", {}, time.perf_counter())

    def _on_call(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params.setdefault("ReturnConsumedCapacity", "TOTAL")  # else no line could say the cost
        resource = params.get("TableName") or params.get("QueueUrl", "").rpartition("/")[2]
        resource = resource or next(iter(params.get("RequestItems", ())), "")
        self._current.call = _AwsCall(model.name, resource, params, time.perf_counter())

    def _on_send(self, **_: object) -> None:
        self._call().sent += 1

    def _on_reply(
        self,
        attempts: int,
        response: tuple[Any, Mapping[str, Any]] | None = None,
        caught_exception: Exception | None = None,
        **event: Any,  # noqa: ANN401 - what else botocore says
    ) -> float | None:
        """Judge one attempt; return after how many seconds another follows, or None."""
        if self._note_reply(attempts, response, caught_exception):
            return None  # of a success there is nothing to judge, which is almost every reply
        context = RetryEventAdapter().create_retry_context(
            attempts=attempts, response=response, caught_exception=caught_exception, **event
        )
        if not self._conditions.is_retryable(context):
            return None
        # Full jitter, so that what was throttled together does not come back together.
        return random.uniform(0, RETRY_DELAY_SECONDS_MAX)  # noqa: S311 - no secret

    def _note_reply(
        self,
        attempts: int,
        response: tuple[Any, Mapping[str, Any]] | None,
        caught_exception: Exception | None,
    ) -> bool:
        """Note what an attempt came to, and say whether it was a success."""
        call = self._call()
        status = response[0].status_code if response else None
        if status is not None and status < _HTTP_BAD_REQUEST:
            if not self._reachable:
                self._reachable = True
                logger.info("%s can be reached again", self._service)
            return True
        if status is None:
            refused = isinstance(caught_exception, _NEVER_SENT)
        else:
            refused = status < _HTTP_SERVER_ERROR
        call.refused += refused
        if status is None or status >= _HTTP_SERVER_ERROR:
            self._reachable = False
        parsed = response[1].get("Error", {}) if response else {}
        if parsed.get("Code") != _CONDITION_FAILED:
            logger.warning(
                "%s: attempt %d of %s failed",
                self._service,
                attempts,
                call.operation,
                extra={
                    "operation": call.operation,
                    "resource": call.resource,
                    "failed_attempt": attempts,
                    "may_be_applied": not refused,
                    "error_code": parsed.get("Code"),
                    "error": str(caught_exception or parsed.get("Message")),
                },
            )
        return False

    def _on_end(self, parsed: Mapping[str, Any], **_: object) -> None:
        call = self._call()
        duration_ms = (time.perf_counter() - call.started) * 1000
        slow = duration_ms > self._slow_call_ms
        error_code = parsed.get("Error", {}).get("Code")
        log = (
            logger.warning
            if slow
            else logger.info
            if self._logs_success or error_code
            else logger.debug
        )
        log(
            "%s call%s",
            self._service,
            " was slow" if slow else "",
            extra={
                "operation": call.operation,
                "resource": call.resource if slow or error_code else None,
                "duration_ms": round(duration_ms, 1),
                "capacity_units": _capacity_units(parsed.get("ConsumedCapacity")),
                "attempts": call.sent if call.sent > 1 else None,
                "error_code": error_code,
            },
        )

    def _log_failure(self, failure: Exception) -> None:
        call = self._call()
        logger.error(
            "%s call failed: %s",
            self._service,
            failure,
            extra={
                "operation": call.operation,
                "resource": call.resource,
                "duration_ms": round((time.perf_counter() - call.started) * 1000, 1),
                "attempts": call.sent,
                "may_be_applied": call.sent > call.refused,
                "parameters": _described(call.parameters),
            },
            exc_info=failure,
        )


def _capacity_units(consumed: Any) -> float | None:  # noqa: ANN401 - of one table, or of a list
    """Return what a call consumed; a call on many tables says it for each."""
    if consumed is None:
        return None
    tables = consumed if isinstance(consumed, list) else [consumed]
    return float(sum(table.get("CapacityUnits", 0.0) for table in tables))


def _root_of(exc: BaseException | None) -> Exception | None:
    """Find what botocore raised, however PynamoDB has wrapped it."""
    while exc is not None:
        if isinstance(exc, (ClientError, BotoCoreError)):
            return exc
        exc = getattr(exc, "cause", None) or exc.__cause__
    return None


def _code_of(failure: Exception) -> str:
    if isinstance(failure, ClientError):
        return str(failure.response.get("Error", {}).get("Code", ""))
    return type(failure).__name__


def _described(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as a line may hold them: values of an allow list, of the others the size.

    What a user sends (circuit, tags, owner, results) never stands in the log.
    """
    return {
        name: value if name in _SHOWN else _size_of(value) for name, value in parameters.items()
    }


def _size_of(value: Any, *, depth: int = 0) -> Any:  # noqa: ANN401 - parameters are any JSON
    """Return a value's size; of an item, of its attributes by name and type."""
    if isinstance(value, Mapping) and depth < _ITEM_DEPTH:
        return {name: _size_of(inner, depth=depth + 1) for name, inner in value.items()}
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, str):
        return f"{len(value):,} characters"
    return f"{len(value):,} entries" if isinstance(value, (Mapping, list, tuple)) else "a value"
