"""`qtasks ui`: the page in a browser on this machine, for the service that the client talks to."""

from __future__ import annotations

import sys
import webbrowser
from typing import Any

from quantum_tasks.transport.config import configuration
from quantum_tasks.transport.http import HttpTransport
from quantum_tasks.ui.server import ANSWER_SECONDS_MAX, PageServer


def run(options: dict[str, Any], *, no_browser: bool) -> None:
    """Serve until Ctrl-C, which is its ordinary end. The options are those of `Client`.

    Raises:
        ConfigurationError: something given or configured cannot be used.
    """
    settings = configuration(**options)
    transport = HttpTransport.to(settings, timeout_seconds=ANSWER_SECONDS_MAX)
    with PageServer(transport) as server:
        try:
            print(server.address_with_token(), flush=True)
            text = f"this address opens the page of {settings.url} once; Ctrl-C ends it"
            print(f"qtasks: {text}", file=sys.stderr)
            if not no_browser:
                webbrowser.open(server.address_with_token())
            server.serve_forever()
        except KeyboardInterrupt:
            print("qtasks: the page is closed", file=sys.stderr)
