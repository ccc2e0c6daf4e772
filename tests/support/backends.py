"""The backends that tests run on; moto and MiniStack are in `tools/backends.py`."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support import external_backends
from tools.backends import ENDPOINT_URL, Backend

#: The backend that is not of this process: MiniStack, unless the suites are told to run elsewhere.
REAL_BACKEND: Final = (
    "endpoint"
    if ENDPOINT_URL
    else "dynamodb_local"
    if external_backends.DYNAMODB_LOCAL_DIR
    else "ministack"
)


@contextlib.contextmanager
def endpoint(url: str) -> Iterator[Backend]:
    """Use an endpoint that runs already; leave it as it was."""
    with external_backends.endpoint_outputs(url) as outputs:
        yield Backend.of(url, outputs)


@contextlib.contextmanager
def dynamodb_local(directory: Path) -> Iterator[Backend]:
    """Run AWS DynamoDB Local, which has a table and no queues."""
    with external_backends.dynamodb_local(directory) as (url, table_name):
        yield Backend(
            endpoint_url=url, table_name=table_name, queue_url="", dead_letter_queue_url=""
        )


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """Accept connections on a port and never answer, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener.getsockname()[1]
