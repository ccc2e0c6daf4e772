"""Serves the page and the stub of the service to a browser."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from infra.local.stand_ins.page import is_page, page
from tests.page.stub import BROKEN, Asked, Service


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        if is_page(method, self.path):
            named, content = page()
            self._send(200, dict(named), content)
            return
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.service.answer(Asked(method, url.path, parse_qs(url.query), headers, body))
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        if answer is BROKEN:
            self.close_connection = True
            self._send(200, {"Content-Length": "100"}, b"{")
        else:
            self._send(answer.status, answer.headers, content)

    def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        named = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in (named | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output to themselves."""


@contextlib.contextmanager
def serving(service: Service) -> Iterator[str]:
    """Serve until the end of the block, and give the address."""
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
