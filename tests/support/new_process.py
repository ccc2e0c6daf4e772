"""What the service keeps for as long as its process lives, as in a process that has just begun."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from chalicelib import composition
from chalicelib.adapters import aws_clients


@contextlib.contextmanager
def as_in_a_new_process() -> Iterator[None]:
    """Build the service and the SDK's session when they are next needed, in the block and after.

    A session keeps the environment that it was made in, and the credentials that it has read.
    `chalice.test` puts a copy of the environment in its place for a while, so a session made then
    would keep that copy for all tests that follow.
    """
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    composition.override_service(None)
    aws_clients.session.cache_clear()
