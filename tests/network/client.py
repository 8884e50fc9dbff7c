"""What the real Python client does behind the proxies, on command.

    client.py --revision REVISION

Reads one command a line (JSON) and answers each with a line. Runs under `mcp`
1.x and 2.x. The client's code is unchanged; what it connects with counts each
connection for the session that opened it, and gives up after a few seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from drive import MODERN, connect, reason  # noqa: E402

#: Where the connections of the session at hand are counted.
opened: contextvars.ContextVar[list[int]] = contextvars.ContextVar("opened")
connect_seconds = 5.0
connect_tcp = anyio.connect_tcp


async def counted(*arguments: Any, **options: Any) -> Any:
    """`anyio.connect_tcp` as the HTTP client calls it."""
    if (count := opened.get(None)) is not None:
        count[0] += 1
    # The HTTP client takes a TimeoutError from here for its own ConnectTimeout.
    with anyio.fail_after(connect_seconds):
        return await connect_tcp(*arguments, **options)


anyio.connect_tcp = counted


async def ready(_: str) -> dict[str, Any]:
    """Load now what the first connection would load."""
    import mcp.client.streamable_http
    from mcp.shared._httpx_utils import create_mcp_http_client

    async with create_mcp_http_client():
        return {"ready": mcp.client.streamable_http.__name__}


async def session(url: str, revision: str, calls: int, outcome: dict[str, Any]) -> None:
    count = [0]
    opened.set(count)
    try:
        async with connect(url, revision) as client:
            for number in range(calls):
                answer = await asyncio.wait_for(client.call("echo", {"text": str(number)}), 60)
                if answer.is_error or answer.text != str(number):
                    raise AssertionError(f"call {number} answered {answer}")
                outcome["completed"] += 1
    except Exception as error:
        outcome["errors"].append(reason(error) or type(error).__name__)
    finally:
        outcome["connections"].append(count[0])


async def row(revision: str, url: str, sessions: int, calls: int, seconds: float) -> dict[str, Any]:
    """A row of the table: sessions at the same time, each with its calls."""
    outcome: dict[str, Any] = {"completed": 0, "errors": [], "connections": []}
    started = time.monotonic()
    tasks = [asyncio.create_task(session(url, revision, calls, outcome)) for _ in range(sessions)]
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        outcome["errors"].append(f"a session was not done in {seconds} s")
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    outcome["seconds"] = round(time.monotonic() - started, 2)
    return outcome


def number_of(data: Any) -> Any:
    return data.get("n") if isinstance(data, dict) else data


async def burst(revision: str, url: str, count: int, every_ms: int, seconds: float) -> dict[str, Any]:
    """One call that sends numbered messages; what of them came, and the answer."""
    async with connect(url, revision, log_level="info" if revision == MODERN else None) as client:
        if revision != MODERN:
            await client.set_log_level("debug")
        call = client.call("burst", {"count": count, "every_us": every_ms * 1000})
        answer = await asyncio.wait_for(call, seconds)
        # The session is as good as before.
        again = await asyncio.wait_for(client.call("echo", {"text": "again"}), 60)
        return {
            "version": client.version,
            "seen": [number_of(data) for data in client.logs],
            "answer": answer.text,
            "again": again.text,
        }


async def gate(revision: str, url: str, release: str, count: int, seconds: float) -> dict[str, Any]:
    """Read message n, only then let the tool send n + 1; `late` is the one that did not come."""
    async with connect(url, revision, log_level="info" if revision == MODERN else None) as client:
        if revision != MODERN:
            await client.set_log_level("debug")
        name = release.rpartition("=")[2]
        call = asyncio.create_task(client.call("gate", {"name": name, "count": count}))
        late = None
        for number in range(1, count + 1):
            try:
                while len(client.logs) < number:
                    client.log_arrived.clear()
                    await asyncio.wait_for(client.log_arrived.wait(), seconds)
            except TimeoutError:
                late = number
                break
            await let_go(release)
        seen = [number_of(data) for data in client.logs]
        if late is not None:
            # What was held back comes when the tool is done, which it may be now.
            for _ in range(count - late + 1):
                await let_go(release)
        answer = await asyncio.wait_for(call, 60)
        return {"seen": seen, "late": late, "answer": answer.text}


async def idle(revision: str, url: str, name: str) -> dict[str, Any]:
    """A call that says one thing, and nothing more until someone else releases it."""
    async with connect(url, revision, log_level="info" if revision == MODERN else None) as client:
        if revision != MODERN:
            await client.set_log_level("debug")
        answer = await asyncio.wait_for(client.call("gate", {"name": name, "count": 1}), 100)
        return {"answer": answer.text}


async def let_go(release: str) -> None:
    def request() -> None:
        with urllib.request.urlopen(release, timeout=5) as response:
            response.read()

    await asyncio.to_thread(request)


COMMANDS = {"ready": ready, "row": row, "burst": burst, "gate": gate, "idle": idle}


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--revision", required=True)
    options = parser.parse_args()
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        do = COMMANDS[command.pop("do")]
        try:
            answer = await do(options.revision, **command)
        except Exception as error:
            answer = {"failed": reason(error)}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
