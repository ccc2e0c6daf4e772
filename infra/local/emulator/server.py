"""MiniStack as the local stage runs it: on loopback, and with state that survives ``kill -9``.

Runs on the emulator's interpreter:
``.venv-emulator/bin/python -m infra.local.emulator.server emulator DATA_DIR``,
with ``EMULATOR_PORT`` and ``AUTOSAVE_SECONDS`` in the environment.

Every ``AUTOSAVE_SECONDS`` (2) in which a request changed something, the process forks between two
turns of the event loop, where no request is half applied. The child has all services' memory as of
that one instant and writes it while the parent goes on serving. A kill loses at most the last
``AUTOSAVE_SECONDS`` plus the time that writing takes (about 0.1 s per thousand tasks).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import filelock

from infra.local.emulator.saved_state import (
    SAVING_SECONDS_MAX,
    DamagedSnapshotError,
    current_snapshot,
    remove_all_but,
    sole_access,
    write_snapshot,
)

#: How often the event loop looks whether a child has ended.
REAP_INTERVAL_SECONDS = 0.05
#: Operations that change nothing, by the verb that their name begins with (the part after the dot
#: of X-Amz-Target).
READING_VERBS = (b"BatchGet", b"Describe", b"Get", b"List", b"Query", b"Scan")

#: An ASGI application, and a service's memory.
App = Callable[[Any, Any, Any], Awaitable[None]]
States = Mapping[str, Callable[[], object]]

logger = logging.getLogger("infra.local.emulator.server")


def configure_environment(port: int, state: Path) -> None:
    """Set what MiniStack reads when it is imported."""
    os.environ.update(
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",  # queue URLs name the address that is bound
        GATEWAY_PORT=str(port),
        PERSIST_STATE="1",
        STATE_DIR=str(state),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL=os.environ.get("EMULATOR_LOG_LEVEL", "WARNING"),
    )


class Autosave:
    """Saves on a timer what changed, in a child; and at the end in this process."""

    def __init__(
        self, directory: Path, interval_seconds: float, states: Callable[[], States]
    ) -> None:
        """Take what to save from ``states``, called when saving: services load lazily."""
        self._directory = directory
        self._interval_seconds = interval_seconds
        self._states = states
        self._changed = False
        self._child: int | None = None
        self._child_started = 0.0

    def watching(self, app: App) -> App:
        """Wrap an ASGI application so that a request that may change something is noted.

        At its end and not at its beginning: a change made while a snapshot is taken must cause
        another one.
        """

        async def watched(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's
            if scope["type"] == "lifespan":
                asyncio.get_running_loop().call_later(self._interval_seconds, self._tick)
            try:
                await app(scope, receive, send)
            finally:
                self._changed = self._changed or _may_change(scope)

        return watched

    def save_now(self, _states: object = None) -> None:
        """Save in this process, the last thing before it ends.

        A child that is still saving has an older state, so it goes.
        """
        self._end_child()
        self._save()

    def _save(self) -> None:
        with sole_access(self._directory):
            write_snapshot(self._directory, self._states(), encode)

    @property
    def is_saving(self) -> bool:
        """Whether a child is at work."""
        return self._child is not None

    def _tick(self) -> None:
        delay = self._interval_seconds
        if self._child is not None:
            self._reap()
            delay = REAP_INTERVAL_SECONDS if self.is_saving else self._rest_of_interval()
        elif self._changed:
            self._changed = False
            self._fork()
            delay = REAP_INTERVAL_SECONDS
        asyncio.get_running_loop().call_later(delay, self._tick)

    def _rest_of_interval(self) -> float:
        """From one fork to the next it is one interval, however long the writing took."""
        return max(0.0, self._child_started + self._interval_seconds - time.monotonic())

    def _fork(self) -> None:
        self._child_started = time.monotonic()
        with warnings.catch_warnings():
            # "fork in a threaded process": see SAVING_SECONDS_MAX.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if self._child == 0:
            code = 1
            try:
                # The listening socket too: were it kept, the port would stay taken when the parent
                # is killed now.
                os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
                self._save()
                code = 0
            except BaseException:
                logger.exception("saving failed; the snapshot before it stays current")
            finally:
                os._exit(code)

    def _reap(self) -> None:
        if self._child is None:
            return
        pid, status = os.waitpid(self._child, os.WNOHANG)
        if pid:
            self._child = None
            if status:
                self._changed = True
                logger.error("autosave ended with status %d; trying again", status)
        elif time.monotonic() - self._child_started > SAVING_SECONDS_MAX:
            logger.error("autosave hangs; ending it")
            self._end_child()
            self._changed = True

    def _end_child(self) -> None:
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            self._child = None


def encode(service: str, state: object) -> str:
    """Give a service's state in MiniStack's own form, version included."""
    from ministack.core import persistence  # noqa: PLC0415  reads the environment when imported

    version = persistence._state_format_version(service)  # noqa: SLF001
    wrapped = {"__ministack_format__": version, "payload": state}
    return json.dumps(wrapped, default=persistence._json_default)  # noqa: SLF001


def load_or_fail(server: Any) -> None:  # noqa: ANN401  MiniStack's module
    """Restore every saved service, or raise.

    MiniStack itself would log the failure and go on without the data.
    """
    for service, module in server._state_map.items():  # noqa: SLF001
        saved = Path(os.environ["STATE_DIR"], f"{service}.json")
        if saved.exists():
            state = server.load_state(service)
            if state is None:
                message = f"{saved} was refused (see the line above)"
                raise DamagedSnapshotError(message)
            server._get_module(module).load_persisted_state(state)  # noqa: SLF001


def _may_change(scope: Any) -> bool:  # noqa: ANN401  ASGI's own type
    if scope["type"] != "http" or scope["path"].startswith("/_ministack/"):
        return False
    target = next(
        (value for name, value in scope["headers"] if name.lower() == b"x-amz-target"), b""
    )
    return not target.partition(b".")[2].startswith(READING_VERBS)


def serve(directory: Path, port: int, interval_seconds: float) -> None:
    """Load the current snapshot and serve until SIGTERM, which saves once more."""
    with sole_access(directory):
        snapshot = current_snapshot(directory)
        remove_all_but(directory, snapshot)
    configure_environment(port, snapshot or directory / "nothing-saved-yet")

    import ministack.app as server  # noqa: PLC0415  reads the environment when imported
    from hypercorn.asyncio import (  # type: ignore[import-not-found]  # noqa: PLC0415
        serve as run_server,
    )
    from hypercorn.config import Config  # type: ignore[import-not-found]  # noqa: PLC0415

    states = server._build_persistence_save_dict  # noqa: SLF001
    autosave = Autosave(directory, interval_seconds, states)
    server.save_all = autosave.save_now
    server._load_persisted_state = lambda: load_or_fail(server)  # noqa: SLF001
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
    logging.getLogger("kms").setLevel(logging.ERROR)  # warns of a package that nobody needs here
    raise_descriptor_limit()
    directory = Path(sys.argv[2]) / "emulator"
    port = int(os.environ.get("EMULATOR_PORT", "4566"))
    try:
        serve(directory, port, float(os.environ.get("AUTOSAVE_SECONDS", "2")))
    except DamagedSnapshotError as error:
        print(f"emulator: {error}; `make reset` starts empty", file=sys.stderr)
        return 1
    except filelock.Timeout:
        print(f"emulator: another one still saves to {directory}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"emulator: cannot listen on 127.0.0.1:{port} (EMULATOR_PORT): {error}", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
