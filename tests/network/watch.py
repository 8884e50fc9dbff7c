"""A relay that tells how each response ended.

It stands between the real client and a proxy, changes nothing, and reads the
HTTP/1.1 responses that pass. A client hides it when a stream breaks; here a
response that was cut and one that came to its end are told apart.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

RESUME = re.compile(rb"^last-event-id:", re.IGNORECASE | re.MULTILINE)
CHUNKED = re.compile(rb"^transfer-encoding:.*chunked", re.IGNORECASE | re.MULTILINE)
LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
STREAM = re.compile(rb"^content-type:\s*text/event-stream", re.IGNORECASE | re.MULTILINE)


class Responses:
    """Reads the responses of one connection as their bytes come."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._bytes = b""
        self._state: Callable[[], bool] = self._head
        self._left = 0
        self._stream = False
        #: Between a response's first byte and its last.
        self.inside = False

    def feed(self, data: bytes) -> None:
        self._bytes += data
        while self._state():
            pass

    def _head(self) -> bool:
        self.inside = bool(self._bytes)
        head, found, rest = self._bytes.partition(b"\r\n\r\n")
        if not found:
            return False
        self._bytes = rest
        status = int(head.split(b" ", 2)[1])
        length = LENGTH.search(head)
        self._stream = bool(STREAM.search(head))
        self._watch.note(statuses=status, streams=self._stream)
        if CHUNKED.search(head):
            self._state = self._size
        elif length and status not in (204, 304):
            self._left = int(length[1])
            self._state = self._rest
        else:
            self.inside = False
        return True

    def _rest(self) -> bool:
        taken = min(self._left, len(self._bytes))
        self._bytes, self._left = self._bytes[taken:], self._left - taken
        if self._left:
            return False
        self._ended()
        return True

    def _size(self) -> bool:
        size, found, rest = self._bytes.partition(b"\r\n")
        if not found:
            return False
        self._left, self._bytes = int(size.partition(b";")[0], 16), rest
        self._state = self._chunk
        return True

    def _chunk(self) -> bool:
        if len(self._bytes) < self._left + 2:
            return False
        data, self._bytes = self._bytes[: self._left], self._bytes[self._left + 2 :]
        if self._left == 0:
            self._ended()
            return True
        self._watch.note(comments=sum(line.startswith(b":") for line in data.split(b"\n")))
        self._state = self._size
        return True

    def _ended(self) -> None:
        self.inside = False
        self._state = self._head
        self._watch.note(ended=self._stream)


class Watch:
    """Use as `with Watch(port) as watch: connect to watch.url`."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.connections = 0
        #: Requests that carried `Last-Event-ID`.
        self.resumes = 0
        #: Responses that are event streams, and those of them that came to their end.
        self.streams = self.ended = 0
        #: Connections that broke inside a response, and not by the client.
        self.cut = 0
        #: Comment lines, which are the heartbeats.
        self.comments = 0
        self.statuses: dict[int, int] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/mcp"

    def note(self, statuses: int | None = None, **counts: int) -> None:
        with self._changed:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)
            if statuses:
                self.statuses[statuses] = self.statuses.get(statuses, 0) + 1
            self._changed.notify_all()

    def wait(self, holds: Callable[[Watch], bool], seconds: float) -> bool:
        """Wait until it holds, and say whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self), seconds)

    def __enter__(self) -> Watch:
        self._start(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        # Closing alone would leave `accept` waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for connection in self._open:
            connection.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.note(connections=1)
            try:
                server = socket.create_connection(self._target, 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for connection in (client, server):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [client, server]
            client_left = threading.Event()
            self._start(self._upstream, client, server, client_left)
            self._start(self._downstream, server, client, client_left)

    def _upstream(self, client: socket.socket, server: socket.socket, client_left: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                self.note(resumes=len(RESUME.findall(data)))
                server.sendall(data)
        client_left.set()
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _downstream(self, server: socket.socket, client: socket.socket, client_left: threading.Event) -> None:
        responses = Responses(self)
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                responses.feed(data)
                client.sendall(data)
        if responses.inside and not client_left.is_set():
            self.note(cut=1)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
