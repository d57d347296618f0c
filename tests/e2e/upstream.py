"""A provider on loopback that notes the key it is called with, and quotes it in whatever it answers."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuotingProvider:
    """Answers every request with `status` and an error that has the caller's key in it. Use it as a context."""

    def __init__(self) -> None:
        self.status = 500
        self.keys: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                key = self.headers["authorization"]
                provider.keys.append(key)
                self.rfile.read(int(self.headers["content-length"]))
                body = json.dumps({"error": {"message": f"key {key} is wrong", "type": "x", "code": key}}).encode()
                self.send_response(provider.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> QuotingProvider:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
