"""The benches' HTTP client: many connections from one thread, requests made beforehand.

It reads what our service says (HTTP/1.1, Content-Length, the connection kept) and takes about a fiftieth of a
millisecond for an answer, so that nearly all of the machine is the service's.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from selectors import EVENT_READ, DefaultSelector
from typing import NamedTuple

CONNECTIONS = 32
TIMEOUT_S = 60
_CHUNK_BYTES = 1 << 16
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Answer(NamedTuple):
    """The answer to the request of that number, in milliseconds after it was sent."""

    number: int
    took_ms: float
    status: int
    body: bytes


def request(method: str, path: str, token: str | None, body: object = None, key: str | None = None) -> bytes:
    """The bytes of a request, with a body in JSON if there is one."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Idempotency-Key: {key}"] if key else []
    content = b"" if body is None else json.dumps(body).encode()
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*lines, "", ""]).encode() + content


def answers(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> Iterator[Answer]:
    """The answers as they come; each connection asks for the next as soon as it is answered.

    Ends early, without the answers that never came, when the service goes away. Raises OSError when it is not there.
    """
    waiting = iter(enumerate(requests))
    with DefaultSelector() as selector:
        for _ in range(min(connections, len(requests))):
            line = _Line(port)
            if line.ask(waiting):
                selector.register(line.socket, EVENT_READ, line)
        while selector.get_map():
            ready = selector.select(TIMEOUT_S)
            assert ready, "the service answers in time"
            for key, _ in ready:
                line = key.data
                answer, goes_on = line.hear()
                if answer is not None:
                    goes_on = line.ask(waiting)
                    yield answer
                if not goes_on:
                    selector.unregister(line.socket)
                    line.socket.close()


class _Line:
    """One connection, with at most one question open."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard = b""
        self._number, self._asked_s = -1, 0.0

    def ask(self, waiting: Iterator[tuple[int, bytes]]) -> bool:
        """Asks for the next; False when there is none, or nobody to ask."""
        for self._number, asked in waiting:
            self._asked_s = time.perf_counter()
            try:
                self.socket.sendall(asked)
            except ConnectionError:
                return False
            return True
        return False

    def hear(self) -> tuple[Answer | None, bool]:
        """The answer once it is whole, and whether the service is still there."""
        try:
            chunk = self.socket.recv(_CHUNK_BYTES)
        except ConnectionError:
            chunk = b""
        self._heard += chunk
        head, end, body = self._heard.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return None, bool(chunk)
        self._heard = b""
        took_ms = 1000 * (time.perf_counter() - self._asked_s)
        return Answer(self._number, took_ms, int(head[9:12]), body), True
