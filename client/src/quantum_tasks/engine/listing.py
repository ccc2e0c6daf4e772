"""Reading a list to its end, page by page."""

from __future__ import annotations

from quantum_tasks.engine import calls
from quantum_tasks.engine.effects import Emit, Program, Response
from quantum_tasks.engine.retrying import RetryPolicy, exchange
from quantum_tasks.errors import BadAnswer
from quantum_tasks.values import Page


def pages(query: calls.Query, *, policy: RetryPolicy) -> Program[None]:
    """Emit one page after the other. An empty page is not the end; a missing cursor is.

    Raises:
        BadAnswer: the service gives a cursor twice in a row, which would never end.
    """
    cursor: str | None = None
    while True:
        at = () if cursor is None else (("cursor", cursor),)
        page = yield from exchange(calls.list_tasks(query + at), read=_read, policy=policy)
        yield Emit(page)
        if page.next_cursor is None:
            return
        if page.next_cursor == cursor:
            message = "the list does not go on: the service gives the same cursor again"
            raise BadAnswer(message)
        cursor = page.next_cursor


def _read(response: Response) -> Page:
    return Page.read(response.document())
