"""MiniStack as the local stage runs it: on loopback, and with state that survives `kill -9`.

Runs on the emulator's interpreter:
`.venv-emulator/bin/python -m infra.local.emulator.server emulator DATA_DIR`,
with `EMULATOR_PORT` and `AUTOSAVE_SECONDS` in the environment.

Every `AUTOSAVE_SECONDS` (2) in which a request changed something, what changed is saved as of one
instant. A kill loses at most the last `AUTOSAVE_SECONDS` plus the time that writing takes, which
is that of what changed in them (about 0.05 s per thousand tasks), however much is there already.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys
from pathlib import Path

from infra.local.emulator.autosave import Autosave
from infra.local.emulator.memory import Memory
from infra.local.emulator.saved_state import SavedState, StateDamaged, StateInUse


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
        LOG_LEVEL=os.environ.get("EMULATOR_LOG_LEVEL", "WARNING"),
    )


def serve(directory: Path, port: int, interval_seconds: float) -> None:
    """Load what was saved and serve until SIGTERM, which saves once more."""
    saved = SavedState(directory)
    state = saved.read()
    configure_environment(port, directory)

    import ministack.app as server  # noqa: PLC0415  reads the environment when imported
    from hypercorn.asyncio import (  # type: ignore[import-not-found]  # noqa: PLC0415
        serve as run_server,
    )
    from hypercorn.config import Config  # type: ignore[import-not-found]  # noqa: PLC0415

    memory = Memory(server)
    autosave = Autosave(saved, memory, interval_seconds)
    server.save_all = autosave.save_now
    server._load_persisted_state = lambda: None  # noqa: SLF001  loaded before it serves, or not at all
    memory.restore(state)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.backlog = 1024
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000_000
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    asyncio.run(run_server(autosave.watching(server.app), config))


def raise_descriptor_limit() -> None:
    """Allow as many open connections as the system grants; the usual soft limit is 256 on macOS."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    """Run until stopped. What prevents a start is one line on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("kms").setLevel(logging.ERROR)  # warns of a package that is not needed here
    raise_descriptor_limit()
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
