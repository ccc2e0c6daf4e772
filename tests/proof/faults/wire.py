"""The layer between botocore's clients and the backend: it sees, fails and delays real requests.

It hangs on botocore's events, below everything of the service's own, so a call that the service
comes to make is seen, and failed, without being listed anywhere.
"""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from chalicelib.ports import Clock
from tests.proof.faults.kinds import Fate, Kind

#: What sends a request to the backend and returns its answer.
Transport = Callable[[str, AWSPreparedRequest], AWSResponse]

#: They change nothing, so whether one is applied or not is the same.
_READS: Final = frozenset(
    {"GetItem", "BatchGetItem", "Query", "Scan", "GetQueueAttributes", "GetQueueUrl"}
)


class ProcessDied(BaseException):
    """The process has ended here. Not an `Exception`: no error handling outlives its process."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class CallName:
    """A call within one step: the n-th of its operation, from 1."""

    service: str
    operation: str
    number: int

    def __str__(self) -> str:
        return f"{self.operation} {self.number}"

    @classmethod
    def parse(cls, text: str) -> CallName:
        """Read what `str` gives; an operation's name tells its service."""
        operation, _, number = text.partition(" ")
        service = "sqs" if "Message" in operation or "Queue" in operation else "dynamodb"
        return cls(service, operation, int(number))

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.operation in _READS


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """One request that the backend has answered."""

    service: str
    operation: str
    #: The request's parameters.
    parameters: Mapping[str, Any]
    applied: bool
    #: It arrived after its operation had been answered.
    late: bool
    #: Who made it.
    role: str
    #: The attempts that its maker had claimed by then, by task.
    attempts: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """One request as its client made it; kept where it is on its way and given up."""

    call: CallName
    event_name: str
    request: AWSPreparedRequest
    made_at: datetime
    role: str
    attempts: Mapping[str, int]

    @property
    def body(self) -> bytes:
        """What it says."""
        return _body(self.request)


@dataclasses.dataclass(slots=True)
class _Current:
    name: CallName
    kind: Kind | None
    requests: int = 0


class Wire:
    """The layer. One step of a scenario at a time: `begin`, the step, then its `calls`."""

    def __init__(self, transport: Transport, clock: Clock, on_sent: Callable[[Sent], None]) -> None:
        self._transport = transport
        self._clock = clock
        self._on_sent = on_sent
        self._current = threading.local()
        self._lock = threading.Lock()
        self._plan: Mapping[CallName, Kind] = {}
        self._dead = False
        #: Who acts in this step.
        self.role = "none"
        #: The attempts that were claimed in this step, by task.
        self.attempts: dict[str, int] = {}
        #: The calls of this step, in their order.
        self.calls: list[CallName] = []
        #: The faults of the plan that came to pass in this step.
        self.struck: list[tuple[CallName, Kind]] = []
        #: Requests that arrive late.
        self.held: list[Held] = []
        self._before: dict[str, Callable[[], object]] = {}

    def before_next(self, operation: str, act: Callable[[], object]) -> None:
        """Have another process act just before the next call of this operation in this step."""
        self._before[operation] = act

    def begin(self, role: str, plan: Mapping[CallName, Kind]) -> None:
        """Begin a step of a living process, with the faults that are to strike it."""
        self._plan = plan
        self._dead = False
        self._before = {}
        self.role = role
        self.attempts = {}
        self.calls = []
        self.struck = []

    def attach(self, client: Any) -> None:  # noqa: ANN401 - a botocore client of any service
        """Stand between this client and the backend."""
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register_last(f"provide-client-params.{service}.*", self._on_call)
        # Last of the handlers, in the place of the connection: all others see the request first.
        client.meta.events.register_last(f"before-send.{service}.*", self._on_request)

    def let_arrive(self, held: Held) -> None:
        """Apply a request that was on its way."""
        self.held.remove(held)
        self._send(held, late=True)

    def _on_call(self, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's model
        if self._dead:
            raise ProcessDied
        if (act := self._before.pop(model.name, None)) is not None:
            act()
        service = model.service_model.service_id.hyphenize()
        with self._lock:
            number = 1 + sum(call.operation == model.name for call in self.calls)
            name = CallName(service, model.name, number)
            self.calls.append(name)
            kind = self._plan.get(name)
            if kind is not None:
                self.struck.append((name, kind))
        self._current.call = _Current(name, kind)

    def _on_request(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        if self._dead:
            raise ProcessDied
        call: _Current = self._current.call
        fates = call.kind.fates if call.kind else ()
        fate = fates[call.requests] if call.requests < len(fates) else Fate.PASSES
        call.requests += 1
        return self._meet(fate, call.name, event_name, request)

    def _meet(
        self, fate: Fate, call: CallName, event_name: str, request: AWSPreparedRequest
    ) -> AWSResponse:
        made = Held(call, event_name, request, self._clock.now(), self.role, dict(self.attempts))
        if fate is Fate.REFUSED:
            raise EndpointConnectionError(endpoint_url=request.url)
        if fate is Fate.TIMES_OUT:
            raise ReadTimeoutError(endpoint_url=request.url)
        if fate is Fate.ARRIVES_LATE:
            self.held.append(made)
            raise ReadTimeoutError(endpoint_url=request.url)
        if fate is Fate.DIES_BEFORE:
            self._die()
        if fate in _ERRORS and fate is not Fate.ANSWERED_500:
            return _error(fate, call.service, request)
        if fate is Fate.TAKES_SOME:
            return self._take_some(made)
        response = self._send(made, late=False)
        if fate is Fate.LOSES_REPLY:
            raise ConnectionClosedError(endpoint_url=request.url)
        if fate is Fate.ANSWERED_500:
            return _error(fate, call.service, request)
        if fate is Fate.DIES_AFTER:
            self._die()
        return response

    def _take_some(self, made: Held) -> AWSResponse:
        """Hand on every second entry of a batch, from the second one, and refuse the others."""
        asked = json.loads(made.body)
        request = copy.copy(made.request)
        request.body = json.dumps({**asked, "Entries": asked["Entries"][1::2]}).encode()
        answer: dict[str, Any] = {}
        if asked["Entries"][1::2]:
            response = self._send(dataclasses.replace(made, request=request), late=False)
            answer = json.loads(response.content)
        answer["Failed"] = [
            {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"}
            for entry in asked["Entries"][::2]
        ]
        return _answer(200, json.dumps(answer), made.request)

    def _die(self) -> None:
        self._dead = True
        raise ProcessDied

    def _send(self, made: Held, *, late: bool) -> AWSResponse:
        response = self._transport(made.event_name, made.request)
        self._on_sent(
            Sent(
                service=made.call.service,
                operation=made.call.operation,
                parameters=json.loads(made.body),
                applied=response.status_code < 300,
                late=late,
                role=made.role,
                attempts=made.attempts,
            )
        )
        return response


def _body(request: AWSPreparedRequest) -> bytes:
    body = request.body
    return body if isinstance(body, bytes) else str(body).encode()


#: HTTP status and error code of what a service answers, by service.
_ERRORS: Final[Mapping[Fate, Mapping[str, tuple[int, str]]]] = {
    Fate.DENIED: {
        "dynamodb": (400, "AccessDeniedException"),
        "sqs": (403, "AccessDenied"),
    },
    Fate.THROTTLED: {
        "dynamodb": (400, "ThrottlingException"),
        "sqs": (403, "RequestThrottled"),
    },
    Fate.FULL: {"dynamodb": (400, "ItemCollectionSizeLimitExceededException")},
    Fate.STALE: {"sqs": (400, "InvalidParameterValue")},
    Fate.ANSWERED_500: {
        "dynamodb": (500, "InternalServerError"),
        "sqs": (500, "InternalFailure"),
    },
}


def _error(fate: Fate, service: str, request: AWSPreparedRequest) -> AWSResponse:
    status, code = _ERRORS[fate][service]
    body = json.dumps({"__type": f"com.amazonaws.{service}#{code}", "message": fate.name.lower()})
    return _answer(status, body, request)


def _answer(status: int, body: str, request: AWSPreparedRequest) -> AWSResponse:
    headers: Any = {"Content-Type": "application/x-amz-json-1.0"}
    return AWSResponse(request.url, status, headers, _Raw(body.encode()))


class _Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: object) -> Any:  # noqa: ANN401 - as urllib3 has it
        """Give all of it."""
        yield self.read()
