"""A made-up OpenAI-compatible endpoint on this machine, for tests of what asks one."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class ChatServer:
    """Keeps what it was sent; `reply` says what it answers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.reply: Callable[[str], tuple[int, bytes]] = lambda _: (200, b"{}")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                outer.keys.append(self.headers.get("Authorization"))
                status, content = outer.reply(body["messages"][0]["content"])
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.http.server_port}/v1/chat/completions"

    def close(self) -> None:
        """Stop answering."""
        self.http.shutdown()
        self.http.server_close()


def said(text: str) -> tuple[int, bytes]:
    """A reply as such endpoints give it."""
    return 200, json.dumps({"choices": [{"message": {"content": text}}], "usage": {"prompt_tokens": 7}}).encode()
