"""A small HTTP client: one connection that is kept, and a report of how long an answer took."""

from __future__ import annotations

import dataclasses
import http.client
import json
import time
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:  # noqa: ANN401 - a document of any form
        """The body, parsed."""
        return json.loads(self.body)


class Http:
    """A client of one API process. Not for use by several threads at once."""

    def __init__(self, port: int, timeout_seconds: float = 30.0) -> None:
        """Connect when first used."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)

    def get(self, path: str) -> Reply:
        """Send a GET."""
        return self.send("GET", path)

    def post(self, path: str, document: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a JSON document."""
        typed = {"Content-Type": "application/json", **(headers or {})}
        return self.send("POST", path, json.dumps(document).encode(), typed)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and read its answer."""
        started = time.monotonic()
        try:
            self._connection.request(method, path, body, dict(headers or {}))
            response = self._connection.getresponse()
            content = response.read()
        except BaseException:
            self._connection.close()
            raise
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, content, time.monotonic() - started)

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()
