"""A browser for all tests of the page, and for each test a tab and a service of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from quantum_tasks.transport.http import HttpTransport
from quantum_tasks.ui.server import PageServer
from tests.page.browser import Connection, Tab, chromium, find_chromium, new_tab
from tests.page.stub import Service
from tests.page.stub_server import serving
from tests.page.ui_requests import send, token_target

HERE = Path(__file__).parent
WATCH = (HERE / "watch.js").read_text()
CLOCK = (HERE / "clock.js").read_text()
MISSING = "Chromium is not installed; on Debian as root: apt-get install chromium"

#: Opens a tab, with more scripts that run before the page's own.
OpenTab = Callable[..., Tab]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Run Chromium."""
    program = find_chromium()
    if program is None:
        pytest.skip(MISSING)
    with chromium(program, tmp_path_factory.mktemp("chromium") / "profile") as connection:
        yield connection


@pytest.fixture
def service() -> Service:
    """Return a service without tasks."""
    return Service()


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    """Serve it, with the page at its root."""
    with serving(service) as address:
        yield address


@pytest.fixture
def open_tab(browser: Connection) -> Iterator[OpenTab]:
    """Return a function that opens tabs; what went wrong on any of them fails the test."""
    with contextlib.ExitStack() as stack:
        opened: list[Tab] = []

        def open_one(*scripts: str) -> Tab:
            opened.append(stack.enter_context(new_tab(browser, WATCH, *scripts)))
            return opened[-1]

        yield open_one
        for tab in opened:
            assert_clean(tab)


@pytest.fixture
def tab(open_tab: OpenTab) -> Tab:
    """Open one tab."""
    return open_tab()


@pytest.fixture
def timed(open_tab: OpenTab) -> Tab:
    """Open one tab whose time passes only when the test says so."""
    return open_tab(CLOCK)


def assert_clean(tab: Tab) -> None:
    """Hold that nothing was refused by the policy, nothing raised, no other server asked."""
    assert tab.run("window.refused ?? []") == []
    assert [e["exceptionDetails"]["text"] for e in tab.events("Runtime.exceptionThrown")] == []
    errors = [e for e in tab.events("Runtime.consoleAPICalled") if e["type"] == "error"]
    assert errors == []
    logged = [e["entry"] for e in tab.events("Log.entryAdded")]
    # That an answer was a 4xx or 5xx is logged by the browser, whatever the page does with it.
    assert [entry["text"] for entry in logged if entry["source"] != "network"] == []
    for event in tab.events("Network.requestWillBeSent"):
        address = urlsplit(event["request"]["url"])
        assert address.scheme == "data" or address.hostname == "127.0.0.1"
        assert address.scheme == "data" or event["type"] in {"Document", "Fetch"}


@pytest.fixture
def ui(url: str) -> Iterator[PageServer]:
    """Serve the page for the service of the test."""
    transport = HttpTransport(base_url=url, timeout_seconds=10)
    with PageServer(transport) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cookie(ui: PageServer) -> str:
    """Open the page once, and return the cookie that it has got."""
    reply = send(ui, "GET", token_target(ui), Origin=None)
    assert reply.status == 303
    return reply.headers["set-cookie"].partition(";")[0]
