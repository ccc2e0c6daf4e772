"""The page at `/`, for the local stage only: the client's own file, as it is on disk.

It is no route of the app, so it is never deployed. Its policy allows the scripts and the style
that are in the file, by their hashes, and calls to this address; nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

from infra.local.settings import ROOT

FILE: Final = ROOT / "client" / "src" / "quantum_tasks" / "page.html"
#: Where it is served. Whatever follows `#` stays in the browser.
PATHS: Final = frozenset({"/", "/index.html"})

Headers = tuple[tuple[str, str], ...]


def is_page(method: str, target: str) -> bool:
    """Whether a request is for the page and not for the app."""
    return method in {"GET", "HEAD"} and target.partition("?")[0] in PATHS


def page(file: Path = FILE) -> tuple[Headers, bytes]:
    """Return the page and the headers to send with it.

    Raises:
        OSError: the file cannot be read.
    """
    content = file.read_bytes()
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", content_security_policy(content)),
        ("Cache-Control", "no-cache"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    ), content


def content_security_policy(content: bytes) -> str:
    """Return the policy under which this page runs and nothing that was put into it does.

    Source: Content Security Policy Level 3, section 2.3.1 (hash sources); Trusted Types.
    """
    scripts, styles = (" ".join(_hashes(content, tag)) for tag in (b"script", b"style"))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {styles}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hashes(content: bytes, tag: bytes) -> list[str]:
    """Return the hash of each element's text, as a browser sees it."""
    texts = re.findall(b"<%b>(.*?)</%b>" % (tag, tag), content, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text).digest()) for text in texts)
    return [f"'sha256-{digest.decode()}'" for digest in digests]
