"""`qtasks ui`: the page in a browser on this machine, for the service that the client talks to.

What serves it is imported only when it runs, so that `qtasks --help` stays quick.
"""

from __future__ import annotations

import argparse
import sys


def register(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument(
        "--no-browser", action="store_true", help="only print the page's address, and open nothing"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C, which is its ordinary end.

    Raises:
        ConfigurationError: something given or configured cannot be used.
    """
    import webbrowser  # noqa: PLC0415

    from quantum_tasks.cli import exits, parser  # noqa: PLC0415 - they import this module
    from quantum_tasks.ui_server import PageServer, transport_for  # noqa: PLC0415

    transport = transport_for(**parser.options(arguments))
    with PageServer(transport) as server:
        print(server.address_with_token(), flush=True)
        print(
            f"qtasks: this address opens the page of {transport.base_url} once; Ctrl-C ends it",
            file=sys.stderr,
        )
        if not arguments.no_browser:
            webbrowser.open(server.address_with_token())
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("qtasks: the page is closed", file=sys.stderr)
    return exits.DONE
