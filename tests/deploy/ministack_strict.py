"""Where MiniStack is more lenient than AWS, and a deployment would not show that it copes.

Runs on the emulator's interpreter, in the process of `ministack_server.py`.
"""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs

#: On AWS tens of seconds; long enough here to be met by a caller that does not wait.
CREATING_SECONDS = 3.0
DELETING_SECONDS = 1.5
#: On AWS 60 s ("DeleteQueue", SQS API reference).
BLOCKED_SECONDS = 3.0
_BLOCKED = "You must wait 60 seconds after deleting a queue before you can create another with the"
_BLOCKED += " same name."


class SlowMappings:
    """Event source mappings that take their time, and refuse changes meanwhile.

    Source: "CreateEventSourceMapping" and "UpdateEventSourceMapping", Lambda API reference: the
    states `Creating` and `Deleting`, and `ResourceInUseException`.
    """

    def __init__(self, functions: Any) -> None:  # noqa: ANN401  MiniStack's module
        """Take the place of the module's functions, and call them."""
        self._functions = functions
        self._busy_until: dict[str, float] = {}
        self._deleted: list[tuple[float, dict[str, Any]]] = []
        for name in ("_create_esm", "_update_esm", "_delete_esm", "_list_esms", "_esm_response"):
            setattr(self, f"_plain{name}", getattr(functions, name))
        functions._create_esm = self.create  # noqa: SLF001
        functions._update_esm = self.update  # noqa: SLF001
        functions._delete_esm = self.delete  # noqa: SLF001
        functions._list_esms = self.list_all  # noqa: SLF001
        functions._esm_response = self.response  # noqa: SLF001

    def create(self, data: Any) -> Any:  # noqa: ANN401
        """Make a mapping that is `Creating` for a while."""
        before = set(self._functions._esms)  # noqa: SLF001
        answer = self._plain_create_esm(data)  # type: ignore[attr-defined]
        until = time.monotonic() + CREATING_SECONDS
        new = {key: until for key in self._functions._esms if key not in before}  # noqa: SLF001
        self._busy_until |= new
        if not new:
            return answer
        status, headers, body = answer
        return status, headers, json.dumps({**json.loads(body), "State": "Creating"}).encode()

    def response(self, mapping: Any) -> Any:  # noqa: ANN401
        """Show a mapping in its state."""
        shown = self._plain_esm_response(mapping)  # type: ignore[attr-defined]
        return {**shown, "State": "Creating"} if self._is_busy(mapping["UUID"]) else shown

    def update(self, uuid: str, data: Any) -> Any:  # noqa: ANN401
        """Refuse what is being made, or deleted."""
        return self._refusal(uuid) or self._plain_update_esm(uuid, data)  # type: ignore[attr-defined]

    def delete(self, uuid: str) -> Any:  # noqa: ANN401
        """Delete a mapping; it is listed for a while."""
        mapping = self._functions._esms.get(uuid)  # noqa: SLF001
        answer = self._refusal(uuid) or self._plain_delete_esm(uuid)  # type: ignore[attr-defined]
        if mapping is not None and mapping["State"] == "Deleting":
            self._deleted.append((time.monotonic() + DELETING_SECONDS, mapping))
        return answer

    def list_all(self, query: Any) -> Any:  # noqa: ANN401
        """List mappings, those that are being deleted among them."""
        status, headers, body = self._plain_list_esms(query)  # type: ignore[attr-defined]
        content = json.loads(body)
        wanted = str(query.get("FunctionName", [""]))
        content["EventSourceMappings"] += [
            self._plain_esm_response(mapping)  # type: ignore[attr-defined]
            for mapping in self._deleting()
            if mapping["FunctionName"] in wanted
        ]
        return status, headers, json.dumps(content, default=str).encode()

    def _refusal(self, uuid: str) -> Any:  # noqa: ANN401
        if not self._is_busy(uuid) and all(m["UUID"] != uuid for m in self._deleting()):
            return None
        return self._functions.error_response_json(
            "ResourceInUseException",
            "Cannot change the event source mapping because it is in use.",
            400,
        )

    def _is_busy(self, uuid: str) -> bool:
        return self._busy_until.get(uuid, 0.0) > time.monotonic()

    def _deleting(self) -> list[dict[str, Any]]:
        self._deleted = [entry for entry in self._deleted if entry[0] > time.monotonic()]
        return [mapping for _, mapping in self._deleted]


def block_names_of_deleted_queues(sqs: Any, provisioners: Any) -> None:  # noqa: ANN401
    """Refuse to make a queue of a name that was deleted a moment ago: once, however slow all is."""
    blocked: dict[str, float] = {}
    refused: set[str] = set()
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SQS::Queue"]  # noqa: SLF001
    make, delete = handlers["create"], handlers["delete"]

    def create(logical_id: str, properties: Any, stack: str) -> Any:  # noqa: ANN401
        name = properties.get("QueueName", "")
        if name in blocked and (name not in refused or blocked[name] > time.monotonic()):
            refused.add(name)
            raise ValueError(_BLOCKED)
        blocked.pop(name, None)
        return make(logical_id, properties, stack)

    def remove(physical_id: str, *rest: Any) -> Any:  # noqa: ANN401
        queue = sqs._queues.get(physical_id)  # noqa: SLF001
        if queue is not None:
            blocked[queue["name"]] = time.monotonic() + BLOCKED_SECONDS
            refused.discard(queue["name"])
        return delete(physical_id, *rest)

    handlers["create"], handlers["delete"] = create, remove


class DeadEnds:
    """Lets a test put a stack into any state: `POST /_test/stack?name=…&status=…`.

    MiniStack reaches few of those in which AWS may leave a stack.
    """

    def __init__(self, app: Any, stacks: Any) -> None:  # noqa: ANN401  ASGI's and MiniStack's
        """Wrap MiniStack's application."""
        self._app = app
        self._stacks = stacks

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        """Answer the one path, and leave the others to MiniStack."""
        if scope["type"] != "http" or scope["path"] != "/_test/stack":
            await self._app(scope, receive, send)
            return
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode()).items()}
        self._stacks[query["name"]]["StackStatus"] = query["status"]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
