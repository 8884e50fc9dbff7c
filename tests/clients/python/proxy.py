"""A TCP proxy on loopback that counts connections and cuts them on purpose.

The drivers put it between the real client and the server, so that what is
counted and cut is what the client really opened, not what it says it did.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit, urlunsplit

PROGRESS = b"notifications/progress"
RESUME = b"last-event-id:"


class Proxy:
    """Use as `async with Proxy(url) as proxy: connect to proxy.url`."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._plan: list[int] = []
        self._seen = 0
        self._needle = PROGRESS
        #: The connections on which what is looked for was sent to the client.
        self._carrying: set[asyncio.Task[None]] = set()
        self._resumed = asyncio.Event()
        #: TCP connections that the client has opened.
        self.connections = 0
        #: Requests that carried `Last-Event-ID`.
        self.resumes = 0
        #: Connections that this proxy has cut.
        self.cuts = 0

    def cut_after(self, *counts: int, of: bytes = PROGRESS) -> None:
        """Cut once after each of these numbers of messages (of progress).

        The connection breaks inside the next message, after its `id:` line: a
        client that took the id of an event it never saw whole would lose it.
        """
        self._plan = list(counts)
        self._seen = 0
        self._needle = of

    def watch(self, needle: bytes) -> None:
        """Let `cut_now` find the connections on which this comes."""
        self._needle = needle

    def cut_now(self) -> None:
        """Cut the connections on which what is watched for has come."""
        for connection in self._carrying:
            self.cuts += 1
            connection.cancel()

    async def resumed(self) -> None:
        """Wait for a request with `Last-Event-ID`."""
        await self._resumed.wait()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return urlunsplit(self._target._replace(netloc=f"127.0.0.1:{port}"))

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._carrying.discard)
        up_writer: asyncio.StreamWriter | None = None
        pumps: list[asyncio.Task[None]] = []
        try:
            up_reader, up_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port
            )
            pumps = [
                asyncio.ensure_future(self._upstream(reader, up_writer)),
                asyncio.ensure_future(self._downstream(up_reader, writer, task)),
            ]
            # Either direction's end is the connection's end: HTTP/1.1 clients
            # do not half-close, and a cut must reach both sides at once.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            # Cancelled by `cut_now`, or by `__aexit__`, which waits for this task and
            # for nothing of it.
            pass
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.transport.abort()
            if up_writer is not None:
                up_writer.transport.abort()

    async def _upstream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tail = b""
        while chunk := await reader.read(65536):
            window = tail + chunk.lower()
            if RESUME in window:
                self.resumes += window.count(RESUME)
                self._resumed.set()
            tail = window[-(len(RESUME) - 1) :]
            writer.write(chunk)
            await writer.drain()

    async def _downstream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        tail = b""
        while chunk := await reader.read(65536):
            window = tail + chunk
            at = -1
            while (at := window.find(self._needle, at + 1)) >= 0:
                if self._plan and self._seen == self._plan[0]:
                    self._plan.pop(0)
                    self.cuts += 1
                    writer.write(chunk[: max(0, at - len(tail))])
                    await writer.drain()
                    writer.close()  # what was forwarded arrives before the end
                    return
                self._seen += 1
                self._carrying.add(task)
            tail = window[-(len(self._needle) - 1) :]
            writer.write(chunk)
            await writer.drain()
