"""The configurations in examples/deploy, in the programs that they are for.

Ports are substituted, and where files go; nothing else. Then the real client
goes through a part of its scenarios: calls, a stream, a resume, cancellations.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING

from clients import PYTHON_2, PYTHON_2_MODERN, Client, driver
from everything import everything
from programs import Debs, Proxy, haproxy_example, nginx_example, subject
from watch import port_of

if TYPE_CHECKING:
    from run import Run

ROOT = Path(__file__).resolve().parent.parent.parent
Start = Callable[[Debs, Path, int], AbstractContextManager[Proxy]]
EXAMPLES: dict[str, Start] = {
    "nginx.conf": nginx_example,
    "haproxy.cfg": haproxy_example,
}
SCENARIOS = ("connect", "call", "progress", "resume", "cancel", "cancel_stream", "connections")
DRIVE = ROOT / "tests" / "clients" / "python" / "drive.py"
MESSAGES = 5
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "deploy", "version": "1"}},
}


def run(run: Run) -> None:
    for file, started in EXAMPLES.items():
        example = ROOT / "examples" / "deploy" / file
        _full(run, file, example, started)
        _once(run, file, example, started)
        for client in (PYTHON_2, PYTHON_2_MODERN):
            if (command := client.command(run.env, run.node)) is None:
                run.skip(f"deploy {file} {client}", "the client is not installed")
                continue
            with subject(run.binary) as server, started(run.debs, example, server.port) as proxy:
                with driver(command) as asked:
                    release = server.release_url("deploy")
                    said = asked.ask(60, do="gate", url=proxy.url, release=release, count=MESSAGES, seconds=5)
                run.check(f"deploy {file} {client} passes events on", said.get("late", 0) is None, str(said))
            if run.everything is None:
                run.skip(f"deploy {file} {client}", "the example `everything` was not built")
                continue
            with everything(run.everything) as url, started(run.debs, example, port_of(url)) as proxy:
                _scenarios(run, file, client, command[0], proxy.url)


def _full(run: Run, file: str, example: Path, started: Start) -> None:
    """That the server is full comes through as the server says it: status, header and body."""
    with subject(run.binary, "--max-sessions", "1") as server, started(run.debs, example, server.port) as proxy:
        first, second = _initialize(proxy.url), _initialize(proxy.url)
    status, headers, body = second
    spoken = int(headers.get("Retry-After", "0")) > 0 and "error" in json.loads(body)
    holds = (first[0], status) == (200, 503) and spoken
    run.check(f"deploy {file} 503 with Retry-After", holds, f"{first[0]}, then {status} {dict(headers)} {body[:200]!r}")


def _once(run: Run, file: str, example: Path, started: Start) -> None:
    """A call whose connection breaks is not sent again: it may have been carried out."""
    received = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            nonlocal received
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    received += b"POST" in connection.recv(65536)

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        with started(run.debs, example, listener.getsockname()[1]) as proxy:
            status, _, _ = _initialize(proxy.url)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    run.check(f"deploy {file} sends a call once", (status, received) == (502, 1), f"{status}, sent {received} times")


def _initialize(url: str) -> tuple[int, Message, bytes]:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    request = urllib.request.Request(url, json.dumps(INITIALIZE).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read()


def _scenarios(run: Run, file: str, client: Client, python: str, url: str) -> None:
    chosen = [argument for name in SCENARIOS for argument in ("--scenario", name)]
    done = subprocess.run(
        [python, "-W", "ignore", str(DRIVE), "--url", url, "--revision", client.revision, *chosen],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=120,
        text=True,
        check=False,
    )
    said = {}
    for line in done.stdout.splitlines():
        status, _, rest = line.partition(" ")
        scenario, _, detail = rest.partition(": ")
        said[scenario] = (status, detail)
    for scenario in SCENARIOS:
        status, detail = said.get(scenario, ("FAIL", f"the driver ended with {done.returncode}: {done.stderr[-500:]}"))
        name = f"deploy {file} {client} {scenario}"
        if status == "n/a":
            run.report.add("n/a", f"network {name}", detail)
        else:
            run.check(name, status == "ok", detail)
