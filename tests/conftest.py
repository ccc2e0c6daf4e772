"""Safety for every test: dummy credentials, no setting of this machine, no way off this machine.

In force from before the first test module is imported until pytest ends, so that a client made
at import time is as harmless as one made in a test.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

#: What a shell, make or a developer's AWS configuration may have set, and no test may depend on.
FOREIGN_PREFIXES = ("AWS_", "MAKE", "MFLAGS", "POWERTOOLS_")
FOREIGN_NAMES = frozenset({"DATA_DIR", "EMULATOR_PORT", "PORT", "WORKERS", "YES"})
#: Proxies would carry requests for loopback addresses away.
FOREIGN_SUFFIXES = ("_PROXY", "_proxy")

SAFE_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def _is_foreign(name: str) -> bool:
    return (
        name in FOREIGN_NAMES
        or name.startswith(FOREIGN_PREFIXES)
        or name.endswith(FOREIGN_SUFFIXES)
    )


def _is_on_this_machine(host: str | bytes | None) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if not host or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse(what: str) -> None:
    """Fail the test. Not an `Exception`, so that no error handling of the service answers it."""
    pytest.fail(f"{what}: tests reach loopback addresses only", pytrace=True)


def _guard_network(patch: pytest.MonkeyPatch) -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def check(sock: socket.socket, address: Any) -> None:  # noqa: ANN401 as typeshed has it
        if sock.family in {socket.AF_INET, socket.AF_INET6} and not _is_on_this_machine(address[0]):
            _refuse(f"connection to {address[0]} port {address[1]}")

    def guarded_connect(sock: socket.socket, address: Any) -> None:  # noqa: ANN401
        check(sock, address)
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:  # noqa: ANN401
        check(sock, address)
        return connect_ex(sock, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        try:
            ipaddress.ip_address(host)
        except ValueError:  # a name: only resolving it would already leave the machine
            if not _is_on_this_machine(host):
                _refuse(f"look-up of {host}")
        return getaddrinfo(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


FIGURE = "figure"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that takes what a test has measured, to be shown when all have run."""
    return lambda text: request.node.user_properties.append((FIGURE, text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured, also of tests that passed and in whichever process."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    measured = [
        str(text)
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == FIGURE
    ]
    if measured:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(measured))


def pytest_configure(config: pytest.Config) -> None:
    """Put environment and guard in place; both are undone when pytest ends."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name in [name for name in os.environ if _is_foreign(name)]:
        patch.delenv(name)
    for name, value in SAFE_ENVIRONMENT.items():
        patch.setenv(name, value)
    _guard_network(patch)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background of a shell. Processes that tests interrupt would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)


#: What shares one account, one package and one deployed stage; it runs in one process.
DEPLOYED = "tests/deploy/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes longest first: at the end it would keep one process busy and two waiting."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, str]:
    """Modules of the one deployed stage go on from each other, so they run by their names."""
    module = item.nodeid.partition("::")[0]
    if module.startswith(DEPLOYED):
        return 0, module
    return (1 if module.startswith("tests/proof/") else 2), ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:  # noqa: ANN401
    """With `--dist loadscope`, give a process one module at a time, or all that is deployed."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import (  # type: ignore[import-untyped]  # noqa: PLC0415
        LoadScopeScheduling,
    )

    class OneStage(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            scope: str = super()._split_scope(nodeid)
            return DEPLOYED if nodeid.startswith(DEPLOYED) else scope

    return OneStage(config, log)
