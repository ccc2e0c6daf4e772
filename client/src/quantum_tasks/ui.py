"""`qtasks ui`: the page in a browser on this machine, for the service that the client talks to.

What serves it is imported only when it runs, so that `qtasks --help` stays quick.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any


def register(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument(
        "--no-browser", action="store_true", help="only print the page's address, and open nothing"
    )


def run(options: dict[str, Any], *, no_browser: bool) -> None:
    """Serve until Ctrl-C, which is its ordinary end. The options are those of `Client`.

    Raises:
        ConfigurationError: something given or configured cannot be used.
    """
    import webbrowser  # noqa: PLC0415

    from quantum_tasks.ui_server import PageServer, transport_for  # noqa: PLC0415

    transport = transport_for(**options)
    with PageServer(transport) as server:
        try:
            print(server.address_with_token(), flush=True)
            print(
                f"qtasks: this address opens the page of {transport.base_url} once; Ctrl-C ends it",
                file=sys.stderr,
            )
            if not no_browser:
                webbrowser.open(server.address_with_token())
            server.serve_forever()
        except KeyboardInterrupt:
            print("qtasks: the page is closed", file=sys.stderr)
