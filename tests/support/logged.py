"""What the service logs, as it is formatted on Lambda."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from chalicelib.adapters import telemetry

Lines = Callable[[], list[dict[str, Any]]]


@contextlib.contextmanager
def logged_lines() -> Iterator[Lines]:
    """Give a function that returns every line logged so far, parsed."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(telemetry.logger.registered_formatter)
    underneath = logging.getLogger(telemetry.SERVICE)
    underneath.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    underneath.removeHandler(handler)
