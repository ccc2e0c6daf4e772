"""The page at `/`, for the local stage only: the client's own file, as it is on disk.

It is no route of the app, so it is never deployed. What is sent with it, such as the policy that
allows the file's own scripts and calls to this address, the client says in one place. That is run
by its path: the client is a package of its own, and nothing here imports it.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from typing import Final

from infra.local.settings import ROOT

#: Where it is served. Whatever follows `#` stays in the browser.
PATHS: Final = frozenset({"/", "/index.html"})

Headers = tuple[tuple[str, str], ...]

_MODULE: Final = runpy.run_path(str(ROOT / "client" / "src" / "quantum_tasks" / "ui" / "page.py"))
_page: Final[Callable[[], tuple[dict[str, str], bytes]]] = _MODULE["page"]


def is_page(method: str, target: str) -> bool:
    """Whether a request is for the page and not for the app."""
    return method in {"GET", "HEAD"} and target.partition("?")[0] in PATHS


def page() -> tuple[Headers, bytes]:
    """Return the page and the headers to send with it.

    Raises:
        OSError: the file cannot be read.
    """
    headers, content = _page()
    return (*headers.items(), ("Cache-Control", "no-cache")), content
