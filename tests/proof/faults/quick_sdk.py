"""botocore, remembering what it has worked out before.

Scenarios make the same calls hundreds of thousands of times. How a request is written and how an
answer is read depends on nothing but the request and the answer; its events, its judgement of
errors and its exceptions run each time.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, Final

import botocore.client
import botocore.endpoint
import botocore.httpsession
import botocore.loaders
import botocore.parsers
import botocore.serialize
import pytest

#: So many are remembered, some 2 KB each.
_REMEMBERED_MAX: Final = 20_000


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Let botocore remember for as long as the patch lasts."""
    for owner, name, remembering in (
        (botocore.loaders.JSONFileLoader, "load_file", _loading),
        (botocore.loaders.Loader, "list_available_services", _loading),
        (botocore.client.ClientCreator, "_create_client_class", _making),
        (botocore.client.BaseClient, "_resolve_endpoint_ruleset", _resolving),
        (botocore.serialize.JSONSerializer, "serialize_to_request", _serializing),
        (botocore.parsers.BaseJSONParser, "parse", _parsing),
    ):
        patch.setattr(owner, name, remembering(getattr(owner, name)))
    # A process is started very often here, and none ever opens a connection.
    patch.setattr(botocore.httpsession.URLLib3Session, "__init__", lambda _self, **_: None)
    patch.setattr(botocore.endpoint, "get_environ_proxies", lambda _url: {})


def _loading(method: Callable[..., Any]) -> Callable[..., Any]:
    """Remember what a loader found, for all loaders with the same paths."""
    found: dict[object, Any] = {}

    def load(loader: Any, *args: str, **named: str) -> Any:  # noqa: ANN401 - botocore's
        key = args, tuple(named.values()), tuple(getattr(loader, "search_paths", ()))
        if key not in found:
            found[key] = method(loader, *args, **named)
        return found[key]

    return load


def _making(method: Callable[..., Any]) -> Callable[..., Any]:
    """Remember the class that a service's clients are of."""
    made: dict[str, Any] = {}

    def make(creator: object, service: str, model: object) -> Any:  # noqa: ANN401 - botocore's
        if service not in made:
            made[service] = method(creator, service, model)
        return made[service]

    return make


def _serializing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Remember requests by operation and parameters; headers are added to them later."""
    written: dict[object, dict[str, Any]] = {}

    def serialize(serializer: object, parameters: object, model: Any) -> dict[str, Any]:  # noqa: ANN401
        key = model.service_model.service_name, model.name, repr(parameters)
        request = written.get(key)
        if request is None:
            if len(written) >= _REMEMBERED_MAX:
                written.clear()
            request = written[key] = method(serializer, parameters, model)
        return {**request, "headers": dict(request["headers"])}

    return serialize


def _parsing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Remember answers by their bytes; who gets one may change it."""
    read: dict[object, bytes] = {}

    def parse(parser: object, response: Any, shape: Any) -> dict[str, Any]:  # noqa: ANN401
        key = response["status_code"], response["body"], shape and shape.name
        known = read.get(key)
        if known is None:
            if len(read) >= _REMEMBERED_MAX:
                read.clear()
            known = read[key] = pickle.dumps(method(parser, response, shape))
        parsed: dict[str, Any] = pickle.loads(known)  # noqa: S301 - written three lines above
        return parsed

    return parse


def _resolving(method: Callable[..., Any]) -> Callable[..., Any]:
    """Remember endpoints: here a service has one."""
    resolved: dict[str, Any] = {}

    def resolve(client: Any, model: Any, params: object, context: object, **_: object) -> Any:  # noqa: ANN401
        service = model.service_model.service_name
        if service not in resolved:
            resolved[service] = method(client, model, params, context)
        url, headers, properties = resolved[service]
        return url, dict(headers), dict(properties)

    return resolve
