"""Drives the official Python SDK against the example `everything`.

    drive.py --url http://127.0.0.1:PORT/mcp --revision REVISION [--paged URL] [--full]

Runs under `mcp` 1.x (legacy revisions) and 2.x (both eras). REVISION is a
protocol revision, or `auto` for the client's own negotiation. Prints a line
for each scenario (`ok NAME`, `FAIL NAME: why`, `n/a NAME: why`) and exits
with 1 if one failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import traceback
from typing import Any

from asking import Asking
from proxy import Proxy
from sdk import LEGACY, MODERN, SDK, CallError, Client, NotApplicable, Started, connect, expect, ignore
from surface import Surface

SCENARIO_SECONDS = 30


class Run(Asking, Surface):
    """The scenarios of the transport and of tools, beside those of the base classes."""

    async def connect(self) -> None:
        async with connect(self.url, self.revision) as client:
            expect(
                client.version == self.expected_version,
                f"negotiated {client.version}, not {self.expected_version}",
            )

    async def list_tools(self) -> None:
        async with connect(self.url, self.revision) as client:
            tools = await client.list_tools()
            names = [tool["name"] for tool in tools]
            for name in ("test_simple_text", "emit", "slow", "probe"):
                expect(name in names, f"{name} is not listed")
            expect(len(set(names)) == len(names), "a tool is listed twice")
            expect(
                all(tool["inputSchema"].get("type") == "object" for tool in tools),
                "an input schema is not of type object",
            )
            again = [tool["name"] for tool in await client.list_tools()]
            expect(names == again, "two lists differ")

    async def call(self) -> None:
        wanted = {
            "test_simple_text": ["text"],
            "test_image_content": ["image"],
            "test_audio_content": ["audio"],
            "test_embedded_resource": ["resource"],
            "test_multiple_content_types": ["text", "image", "resource"],
        }
        async with connect(self.url, self.revision) as client:
            for tool, kinds in wanted.items():
                answer = await client.call(tool, {})
                got = [block["type"] for block in answer.content]
                expect(got == kinds and not answer.is_error, f"{tool} answered {answer}")
            answer = await client.call("test_simple_text")
            expect(
                answer.text == "This is a simple text response for testing.",
                f"test_simple_text said {answer.text!r}",
            )

    async def progress(self) -> None:
        count = 1000 if self.full else 100
        async with connect(self.url, self.revision) as client:
            await self._emit(client, count, interval_ms=0, size=64)
            # One at a time too: what coalesces must not hide what does not.
            await self._emit(client, 5, interval_ms=20, size=0)

    async def _emit(self, client: Client, count: int, interval_ms: int, size: int) -> None:
        seen: list[tuple[float, float | None, int]] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            seen.append((progress, total, len(message or "")))

        answer = await client.call(
            "emit", {"count": count, "interval_ms": interval_ms, "bytes": size}, on_progress
        )
        expect(not answer.is_error, f"emit answered {answer}")
        want = [(float(i), float(count), size) for i in range(1, count + 1)]
        if seen != want:
            numbers = [int(progress) for progress, _, _ in seen]
            missing = sorted(set(range(1, count + 1)) - set(numbers))
            raise AssertionError(
                f"{len(seen)} of {count} progress messages, missing {missing[:5]}, "
                f"in order: {numbers == sorted(numbers)}, "
                f"repeated: {len(numbers) - len(set(numbers))}"
            )

    async def progress_unasked(self) -> None:
        async with connect(self.url, self.revision) as client:
            answer = await client.call("emit", {"count": 3, "interval_ms": 0, "bytes": 10})
            expect(not answer.is_error, f"emit answered {answer}")

    async def tool_error(self) -> None:
        async with connect(self.url, self.revision) as client:
            answer = await client.call("test_error_handling", {})
            expect(answer.is_error, f"answered {answer}")
            expect(
                answer.text == "This tool intentionally returns an error for testing",
                f"said {answer.text!r}",
            )

    async def unknown_tool(self) -> None:
        async with connect(self.url, self.revision) as client:
            try:
                answer = await client.call("no_such_tool", {})
            except CallError as error:
                expect(error.code == -32602, f"error {error}")
            else:
                raise AssertionError(f"answered {answer}")
            await client.call("test_simple_text", {})

    async def bad_arguments(self) -> None:
        """A result from 2025-11-25 on, -32602 before (the tools page of each revision)."""
        async with connect(self.url, self.revision) as client:
            try:
                answer = await client.call("emit", {"count": "many"})
            except CallError as error:
                expect(self.revision in LEGACY[:2], f"an error: {error}")
                expect(error.code == -32602, f"error {error}")
                text = str(error)
            else:
                expect(self.revision not in LEGACY[:2], f"a result: {answer}")
                expect(answer.is_error, f"answered {answer}")
                text = answer.text
            expect("count" in text, f"does not name the field: {text!r}")

    async def panic(self) -> None:
        """A handler that panics is answered, before and after its answer became a stream."""
        async with Proxy(self.url) as proxy, connect(proxy.url, self.revision) as client:
            for arguments, on_progress in (({}, None), ({"progress": True}, ignore)):
                try:
                    answer = await client.call("panic", arguments, on_progress)
                except CallError as error:
                    expect(error.code == -32603, f"error {error}")
                else:
                    raise AssertionError(f"answered {answer}")
            # A client must not be led to ask for that stream again and again.
            await self._emit(client, 20, interval_ms=50, size=0)
            expect(proxy.resumes <= 3, f"{proxy.resumes} requests with Last-Event-ID")

    async def cancel(self) -> None:
        """While the answer's framing is still open: nothing has been sent."""
        async with connect(self.url, self.revision) as client:
            base = await self._probe(client)
            call = client.start("slow", {})
            await self._probe(client, started_at_least=base["started"] + 1)
            await self._cancelled(client, call, base)

    async def cancel_stream(self) -> None:
        """After the answer has become a stream."""
        async with connect(self.url, self.revision) as client:
            base = await self._probe(client)
            streaming = asyncio.Event()

            async def on_progress(*_: Any) -> None:
                streaming.set()

            call = client.start("slow", {"progress": True}, on_progress)
            await streaming.wait()
            await self._cancelled(client, call, base)

    async def _cancelled(self, client: Client, call: Started, base: dict[str, int]) -> None:
        await client.cancel(call)
        now = await self._probe(client, dropped_at_least=base["dropped"] + 1)
        expect(now["dropped"] == base["dropped"] + 1, f"not dropped: {base} then {now}")
        expect(now["finished"] == base["finished"], f"ran to its end: {base} then {now}")
        answer = await client.call("test_simple_text", {})
        expect(not answer.is_error, "the session does not work any more")

    async def _probe(self, client: Client, **until: int) -> dict[str, int]:
        """The server's counters; it waits (5 s) for those that are asked for."""
        answer = await client.call("probe", until)
        counters = json.loads(answer.text)
        for name, least in until.items():
            counter = name.removesuffix("_at_least")
            expect(counters[counter] >= least, f"{counter} stayed below {least}: {counters}")
        return counters

    async def logging(self) -> None:
        want = ["Tool execution started", "Tool processing data", "Tool execution completed"]
        level = "info" if self.modern else None
        async with connect(self.url, self.revision, log_level=level) as client:
            if not self.modern:
                await client.set_log_level("debug")
            await client.call("test_tool_with_logging", {})
            while len(client.logs) < len(want):
                client.log_arrived.clear()
                await asyncio.wait_for(client.log_arrived.wait(), 2)
            expect(client.logs == want, f"logs {client.logs}")
            if not self.modern:
                client.logs.clear()
                await client.set_log_level("error")
                await client.call("test_tool_with_logging", {})
                # The answer came after them on the same stream, or they never came.
                await client.call("test_simple_text", {})
                expect(client.logs == [], f"below the level: {client.logs}")
        if self.modern:
            # Without the opt-in of the request nothing may be sent.
            async with connect(self.url, self.revision) as client:
                await client.call("test_tool_with_logging", {})
                await client.call("test_simple_text", {})
                expect(client.logs == [], f"not asked for: {client.logs}")

    async def header_parameters(self) -> None:
        if not self.modern:
            raise NotApplicable("Mcp-Param-* headers are of 2026-07-28")
        async with connect(self.url, self.revision) as client:
            # The client learns from the list which arguments go into headers.
            await client.list_tools()
            for region in ("eu-west1", "Zürich", " padded ", "=?base64?SGVsbG8=?="):
                answer = await client.call("test_header_parameters", {"region": region})
                expect(answer.text == f"region: {region}", f"{region!r} came as {answer.text!r}")

    async def resume(self) -> None:
        if self.modern:
            raise NotApplicable("streams of 2026-07-28 are not resumable")
        async with Proxy(self.url) as proxy, connect(proxy.url, self.revision) as client:
            proxy.cut_after(5)
            await self._emit(client, 20, interval_ms=30, size=200)
            expect(proxy.cuts == 1, f"{proxy.cuts} cuts")
            expect(proxy.resumes >= 1, "no request with Last-Event-ID")
            answer = await client.call("test_simple_text", {})
            expect(not answer.is_error, "the session does not work any more")

    async def resume_twice(self) -> None:
        """The stream that resumes is a stream that can break.

        Both SDKs then ask again from the id of the first break
        (`_handle_reconnection` passes the old `last_event_id` on), so what came
        in between comes twice, as asked. Nothing may be missing.
        """
        if self.modern:
            raise NotApplicable("streams of 2026-07-28 are not resumable")
        count = 30
        async with Proxy(self.url) as proxy, connect(proxy.url, self.revision) as client:
            proxy.cut_after(5, 12)
            seen: list[int] = []

            async def on_progress(progress: float, *_: Any) -> None:
                seen.append(int(progress))

            answer = await client.call("emit", {"count": count, "interval_ms": 30}, on_progress)
            expect(not answer.is_error, f"emit answered {answer}")
            expect(proxy.cuts == 2, f"{proxy.cuts} cuts")
            expect(
                seen in (list(range(1, 13)) + list(range(again, count + 1)) for again in (6, 13)),
                f"progress {seen}",
            )

    async def connections(self) -> None:
        await self._fifty("test_simple_text", {})

    async def connections_progress_unasked(self) -> None:
        await self._fifty("emit", {"count": 3, "interval_ms": 0, "bytes": 10})

    async def _fifty(self, tool: str, arguments: dict[str, Any]) -> None:
        async with Proxy(self.url) as proxy, connect(proxy.url, self.revision) as client:
            for _ in range(50):
                answer = await client.call(tool, arguments)
                expect(not answer.is_error, f"answered {answer}")
            expect(proxy.connections <= 3, f"50 calls took {proxy.connections} connections")


SCENARIOS = [
    "connect",
    "list_tools",
    "call",
    "progress",
    "progress_unasked",
    "tool_error",
    "unknown_tool",
    "bad_arguments",
    "panic",
    "cancel",
    "cancel_stream",
    "logging",
    "header_parameters",
    "resume",
    "resume_twice",
    "connections",
    "connections_progress_unasked",
    *Surface.SCENARIOS,
    *Asking.SCENARIOS,
]


class Complaints(logging.Handler):
    """What the client complains of in its log counts as a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().splitlines()[0])


def reason(error: BaseException) -> str:
    """The root of what the SDKs wrap in nested exception groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if not isinstance(error, AssertionError) else str(error)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--revision", required=True, choices=[*LEGACY, MODERN, "auto"])
    parser.add_argument("--paged", help="the URL of a server whose pages are small")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--full", action="store_true", help="larger amounts")
    parser.add_argument("--trace", action="store_true", help="print tracebacks")
    options = parser.parse_args()
    if SDK.startswith("1.") and options.revision not in LEGACY:
        print(f"mcp {SDK} speaks the legacy revisions only", file=sys.stderr)
        return 2

    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    run = Run(options.url, options.revision, options.full, options.paged)
    failed = False
    for name in options.scenario or SCENARIOS:
        complaints.lines.clear()
        try:
            await asyncio.wait_for(getattr(run, name)(), SCENARIO_SECONDS)
            expect(not complaints.lines, f"the client logged: {'; '.join(complaints.lines[:3])}")
        except NotApplicable as why:
            print(f"n/a {name}: {why}", flush=True)
        except Exception as error:
            failed = True
            print(f"FAIL {name}: {reason(error)}", flush=True)
            if options.trace:
                traceback.print_exc()
        else:
            print(f"ok {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
