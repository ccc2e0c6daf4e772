"""A headless Chromium, driven through the Chrome DevTools Protocol over its websocket.

Source: the protocol's own pages, "Chrome DevTools Protocol" (domains Target, Page, Runtime, Input,
Network, Emulation).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

#: Debian's first by its path: the script of that name needs other programs.
NAMES: Final = (
    "/usr/lib/chromium/chromium",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
)
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
    # Whatever a page asks for: no name is looked up, and no other address is reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
START_SECONDS_MAX: Final = 60
WAIT_SECONDS_MAX: Final = 20
LOOK_SECONDS: Final = 0.02

KEYS: Final = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Space": (32, " "),
    "ArrowDown": (40, ""),
}
SHIFT: Final = 8
#: Where an element is, once it does not move any more and nothing lies over it.
STEADY: Final = """async (element) => {
  if (!element) return null;
  element.scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'});
  const place = () => { const r = element.getBoundingClientRect();
    return [r.x + r.width / 2, r.y + r.height / 2]; };
  const before = place();
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
  const [x, y] = place(), top = document.elementFromPoint(x, y);
  const hit = top && (element.contains(top) || top.contains(element));
  return hit && x === before[0] && y === before[1] ? [x, y] : null;
}"""


def find_chromium() -> str | None:
    """Return where Chromium is, if it is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclasses.dataclass(slots=True)
class Connection:
    """One websocket to the browser; commands are answered in order, events come between."""

    socket: ClientConnection
    #: Events by session.
    events: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    last_id: int = 0

    def command(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        """Send one command and return its result; raise what the browser says of a bad one."""
        self.last_id += 1
        message: dict[str, object] = {"id": self.last_id, "method": method, "params": params}
        self.socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            received = json.loads(self.socket.recv(timeout=WAIT_SECONDS_MAX))
            if received.get("id") == self.last_id:
                break
            self.events.setdefault(received.get("sessionId", ""), []).append(received)
        if "error" in received:
            raise RuntimeError(f"{method}: {received['error']['message']}")
        result: dict[str, Any] = received["result"]
        return result


@contextlib.contextmanager
def chromium(program: str, profile: Path) -> Iterator[Connection]:
    """Run a browser with an empty profile until the end of the block."""
    with (profile.parent / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        port, path = _debugging_address(profile / "DevToolsActivePort", process)
        url = f"ws://127.0.0.1:{port}{path}"
        with connect(url, max_size=None, proxy=None, compression=None) as socket:
            yield Connection(socket)
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)


def _debugging_address(file: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert process.poll() is None, "Chromium ended: see chromium.log"
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:  # port and path
            return lines[0], lines[1]
        threading.Event().wait(LOOK_SECONDS)
    raise TimeoutError("Chromium did not start: see chromium.log")


@dataclasses.dataclass(slots=True)
class Tab:
    """One page of the browser, with cookies and cache of its own."""

    connection: Connection
    session: str

    def command(self, method: str, **params: object) -> dict[str, Any]:
        """Send one command for this page."""
        return self.connection.command(method, self.session, **params)

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return what has happened on this page, oldest first."""
        self.run("1")  # whatever came before its answer is read with it
        seen = self.connection.events.get(self.session, [])
        return [event["params"] for event in seen if event["method"] == method]

    def run(self, expression: str, *, by_value: bool = True) -> Any:  # noqa: ANN401 - any JSON
        """Evaluate JavaScript, wait for it if it is a promise, and return its value."""
        answer = self.command(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=by_value,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            text = details.get("exception", {}).get("description", details["text"])
            raise AssertionError(f"{expression}: {text}")
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = WAIT_SECONDS_MAX) -> Any:  # noqa: ANN401
        """Wait until an expression is true, and return its value."""
        deadline = time.monotonic() + seconds
        while True:
            if value := self.run(expression):
                return value
            if time.monotonic() > deadline:
                text = self.run("document.body?.innerText")
                raise AssertionError(f"not within {seconds} s: {expression}\n{text}")
            threading.Event().wait(LOOK_SECONDS)

    def open(self, url: str) -> None:
        """Load an address again and wait until the page has drawn its heading."""
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && !!document.querySelector('h1')")

    def wait_for_text(
        self, text: str, selector: str = "body", seconds: float = WAIT_SECONDS_MAX
    ) -> None:
        """Wait until an element shows a text."""
        where = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"({where}?.innerText ?? '').includes({json.dumps(text)})", seconds)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that a selector finds."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})]"
        texts: list[str] = self.run(f"{found}.map(e => (e.innerText ?? e.textContent).trim())")
        return texts

    def click(self, selector: str, text: str = "") -> None:
        """Click the first element that a selector finds and that shows a text, with the mouse."""
        found = (
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".find(e => e.innerText.includes({json.dumps(text)}) && e.getClientRects().length)"
        )
        self.wait(f"!!{found}")
        x, y = self.wait(f"({STEADY})({found})")
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def key(self, name: str, modifiers: int = 0) -> None:
        """Press one key and let it go."""
        code, text = KEYS[name]
        key = " " if name == "Space" else name
        common = {"key": key, "code": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        down = {"text": text} if text else {}
        self.command("Input.dispatchKeyEvent", type="keyDown", **common, **down)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.command("Input.insertText", text=text)

    def fill(self, selector: str, text: str) -> None:
        """Replace the text of a field, as a person would."""
        self.wait(f"!!document.querySelector('{selector}')")
        self.run(f"(e => {{ e.focus(); e.select?.(); }})(document.querySelector('{selector}'))")
        self.type(text)


@contextlib.contextmanager
def new_tab(connection: Connection, *scripts: str) -> Iterator[Tab]:
    """Open a page with nothing from any other; `scripts` run before its own."""
    context = connection.command("Target.createBrowserContext")["browserContextId"]
    target = connection.command(
        "Target.createTarget", url="about:blank", browserContextId=context, width=1280, height=900
    )["targetId"]
    attached = connection.command("Target.attachToTarget", targetId=target, flatten=True)
    tab = Tab(connection, attached["sessionId"])
    try:
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.command(f"{domain}.enable")
        for script in scripts:
            tab.command("Page.addScriptToEvaluateOnNewDocument", source=script)
        yield tab
    finally:
        connection.command("Target.disposeBrowserContext", browserContextId=context)
        connection.events.pop(tab.session, None)
