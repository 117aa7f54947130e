"""Serves a bus for tests of the real salobj until standard input is closed; prints where it is, as JSON.

Started as ``python bus_server.py``; the first line of its output is ``{"broker": ..., "registry": ...}``.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from broker import Broker
from registry import NotFound, Registry

BROKER = Broker()
REGISTRY = Registry()


def _create_topics(body: Any) -> Any:
    BROKER.create(body)
    return {}


ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("POST", r"/subjects/([^/]+)/versions"): lambda body, subject: REGISTRY.register(subject, body["schema"]),
    ("POST", r"/subjects/([^/]+)"): lambda body, subject: REGISTRY.look_up(subject, body["schema"]),
    ("GET", r"/subjects/([^/]+)/versions/(\w+)"): lambda _, subject, which: REGISTRY.version(subject, which),
    ("GET", r"/schemas/ids/(\d+)"): lambda _, number: REGISTRY.schema(int(number)),
    ("POST", r"/topics"): _create_topics,
}
"""What is done by method and path; the last one is no part of a registry, see ``site/admin_client.py``."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request in JSON."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for each other

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        try:
            status, answer = 200, self._dispatch(body)
        except NotFound as error:
            status, answer = 404, {"error_code": 40403, "message": f"not found: {error}"}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", f"{len(content)}")
        self.end_headers()
        self.wfile.write(content)

    def _dispatch(self, body: Any) -> Any:
        path = urlsplit(self.path).path
        for (method, pattern), action in ROUTES.items():
            match = re.fullmatch(pattern, path)
            if match is not None and method == self.command:
                return action(body, *map(unquote, match.groups()))
        raise NotFound(f"{self.command} {path}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = {"broker": BROKER.address, "registry": f"http://127.0.0.1:{server.server_port}"}
    print(json.dumps(where), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
