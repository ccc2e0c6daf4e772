"""The clients of DynamoDB and SQS, made from one session: one loader, one chain of credentials."""

from __future__ import annotations

import functools
import sys
from typing import Any, Final

import botocore
import botocore.session
from botocore.config import Config

#: botocore builds this text from a dozen parts, four times a call, unless it is given one.
USER_AGENT: Final = f"quantum-tasks Botocore/{botocore.__version__} Python/{sys.version.split()[0]}"


@functools.cache
def session() -> botocore.session.Session:
    """Return this process's session. A second one would read the SDK's data again (50 ms)."""
    return botocore.session.get_session()


def make_client(
    service: str,
    *,
    connect_timeout_seconds: float,
    read_timeout_seconds: float,
    pool_connections_max: int,
) -> Any:  # noqa: ANN401 - a client's class is made from the service's model
    """Return a client that fails within a known time and tries once: `AwsCalls` retries."""
    return session().create_client(
        service,
        config=Config(
            connect_timeout=connect_timeout_seconds,
            read_timeout=read_timeout_seconds,
            max_pool_connections=pool_connections_max,
            retries={"total_max_attempts": 1, "mode": "standard"},
            user_agent=USER_AGENT,
            # A twelfth of a call. `tests/functional/test_calls.py` validates every call instead.
            parameter_validation=False,
        ),
    )
