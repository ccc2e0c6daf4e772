"""MiniStack as the local stage runs it: on loopback, and with state that survives `kill -9`.

Runs on the emulator's interpreter:
`.venv-emulator/bin/python -m infra.local.emulator.server emulator DATA_DIR`,
with `EMULATOR_PORT` and `AUTOSAVE_SECONDS` in the environment.

Every `AUTOSAVE_SECONDS` (2) what changed is saved as of one instant. A kill loses at most the last
`AUTOSAVE_SECONDS` plus the time that writing takes, about 0.05 s per thousand tasks that changed.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

import uvicorn

from infra.local.emulator.autosave import App, Autosave
from infra.local.emulator.memory import Memory
from infra.local.emulator.saved_state import SavedState, StateDamaged, StateInUse
from infra.local.listening import listening_socket


def configure_environment(port: int, directory: Path) -> None:
    """Set what MiniStack reads when it is imported."""
    os.environ.update(
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",  # queue URLs name the address that is bound
        GATEWAY_PORT=str(port),
        PERSIST_STATE="1",  # without it MiniStack neither asks for a saved state nor says its end
        STATE_DIR=str(directory),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL="WARNING",
    )


def serve(directory: Path, port: int, interval_seconds: float) -> None:
    """Load what was saved and serve until SIGTERM, which saves once more."""
    saved = SavedState(directory)
    state = saved.read()
    configure_environment(port, directory)

    import ministack.app as server  # noqa: PLC0415  reads the environment when imported

    memory = Memory(server)
    autosave = Autosave(saved, memory, interval_seconds)
    server.save_all = autosave.save_now
    server._load_persisted_state = lambda: None  # noqa: SLF001  loaded before it serves, or not at all
    memory.restore(state)
    run_server(autosave.beginning_with(server.app), port)


def run_server(app: App, port: int) -> None:
    """Serve on loopback until SIGTERM. uvicorn takes half of the time of MiniStack's own server.

    A connection is kept for longer than the SDK's clients keep theirs.

    Raises:
        OSError: the port is taken.
    """
    listening = listening_socket("127.0.0.1", port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises again what ended it, for handlers that were there before.
        signal.signal(number, _has_been_handled)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _has_been_handled(number: int, frame: object) -> None:
    """Do nothing: the server has ended for this signal."""


def main() -> int:
    """Run until stopped. What prevents a start is one line on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("kms").setLevel(logging.ERROR)  # warns of a package that is not needed here
    directory = Path(sys.argv[2]) / "emulator"
    port = int(os.environ.get("EMULATOR_PORT", "4566"))
    try:
        serve(directory, port, float(os.environ.get("AUTOSAVE_SECONDS", "2")))
    except StateDamaged as exc:
        print(f"emulator: {exc}; `make reset` starts empty", file=sys.stderr)
        return 1
    except StateInUse as exc:
        print(f"emulator: {exc}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(
            f"emulator: cannot listen on 127.0.0.1:{port} (EMULATOR_PORT): {exc}", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
