"""The page, and the headers with which a browser may have it.

The service's local stage serves the same page. It runs this file by its path and imports nothing
of the client, so nothing but Python's own library is needed here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("page.html")
#: For every answer of a server that has the page, besides its own policy and caching.
SAFE_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page() -> tuple[dict[str, str], bytes]:
    """Return the page as it was installed, and its headers.

    Raises:
        OSError: the file cannot be read.
    """
    content = FILE.read_bytes()
    policy = content_security_policy(content)
    html = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return html | SAFE_HEADERS, content


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
