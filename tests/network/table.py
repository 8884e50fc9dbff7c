"""The first user's table: sessions at the same time, each with rapid calls.

Every call succeeds, with at most three connections a session, however the
server is reached. With SSE framing the client closes the connection after each
answer, and the NAT runs out of ports: that is the control.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients import PYTHON_1, PYTHON_2, PYTHON_2_MODERN, Client, driver
from nat import PORTS, Nat, NoNat, nat
from programs import haproxy, nginx, subject

if TYPE_CHECKING:
    from run import Run

ROWS = ((1, 10), (1, 50), (5, 3), (10, 3), (20, 3), (1, 200))
CLIENTS = (PYTHON_2, PYTHON_2_MODERN, PYTHON_1)
CONNECTIONS = 3
ROW_SECONDS = 120
#: The rows that run out of ports with SSE framing, as was measured of servers that answer so.
STARVED = {PYTHON_2: ((10, 3), (20, 3), (1, 200)), PYTHON_2_MODERN: ((20, 3), (1, 200))}


def through_proxies(run: Run) -> None:
    for way in ("direct", "nginx", "haproxy"):
        with subject(run.binary) as server, _way(run, way, server.port) as (url, seen):
            for client in CLIENTS:
                if (command := client.command(run.env, run.node)) is None:
                    run.skip(f"table {way} {client}", "the client is not installed")
                    continue
                with driver(command) as asked:
                    for sessions, calls in ROWS:
                        before = seen() if seen else 0
                        said = _ask(asked, url, sessions, calls)
                        _whole(run, f"table {way} {client} {sessions}×{calls}", sessions, calls, said)
                        if seen:
                            _counted(run, f"table {way} {client} {sessions}×{calls} counted", before, seen, said)


@contextlib.contextmanager
def _way(run: Run, way: str, port: int) -> Iterator[tuple[str, Callable[[], int] | None]]:
    """Where the client connects to, and how many connections were seen to come there."""
    match way:
        case "nginx":
            with nginx(run.debs, port) as proxy:
                yield proxy.url, lambda: _distinct(proxy.log, "")
        case "haproxy":
            with haproxy(run.debs, port, "30s") as proxy:
                yield proxy.url, lambda: _distinct(proxy.log, "request ")
        case _:
            yield f"http://127.0.0.1:{port}/mcp", None


def _distinct(log: Path, start: str) -> int:
    """The connections that the proxy's log names."""
    lines = log.read_text(errors="replace").splitlines()
    return len({line.removeprefix(start).split()[0] for line in lines if line.strip() and line.startswith(start)})


def _counted(run: Run, name: str, before: int, seen: Callable[[], int], said: dict[str, Any]) -> None:
    """The proxy saw the connections that the client says it opened, and no more."""
    opened = sum(said.get("connections", []))
    deadline = time.monotonic() + 5
    # A request is logged when its connection is done, which is after the client is.
    while (counted := seen() - before) < opened and time.monotonic() < deadline:
        time.sleep(0.05)
    # A connection that carried nothing is not in a log.
    holds = len(said.get("connections", [])) <= counted <= opened
    run.check(name, holds, f"the proxy logged {counted} connections, the client opened {opened}")


def _ask(asked: Any, url: str, sessions: int, calls: int) -> dict[str, Any]:
    limit = ROW_SECONDS + 20
    return asked.ask(limit, do="row", url=url, sessions=sessions, calls=calls, seconds=ROW_SECONDS)


def _whole(run: Run, name: str, sessions: int, calls: int, said: dict[str, Any]) -> None:
    most = max(said.get("connections", [0]), default=0)
    holds = said.get("completed") == sessions * calls and not said["errors"] and most <= CONNECTIONS
    run.check(name, holds, f"{_summary(sessions * calls, said)} {said.get('failed', '')} {said.get('errors', [])[:2]}")
    run.figure(name, _summary(sessions * calls, said))


def _summary(total: int, said: dict[str, Any]) -> str:
    opened = said.get("connections", [])
    return (
        f"{said.get('completed', 0)}/{total} calls, {sum(opened)} connections, "
        f"{max(opened, default=0)} the most of a session, {said.get('seconds')} s"
    )


def through_nat(run: Run) -> None:
    try:
        with nat(run.debs) as made:
            _adaptive(run, made)
            _control(run, made)
    except NoNat as why:
        for client in CLIENTS:
            run.skip(f"table nat {client}", str(why))
        for client in STARVED:
            run.skip(f"table nat control, SSE framing, {client}", str(why))


def _adaptive(run: Run, made: Nat) -> None:
    for client, sessions, calls, said in _rows(run, made, CLIENTS, "adaptive"):
        name = f"table nat {client} {sessions}×{calls}"
        _whole(run, name, sessions, calls, said)
        figures = made.figures()
        opened = sum(said.get("connections", []))
        run.check(
            f"{name} counted",
            sessions <= figures.ports <= opened and figures.refused == 0,
            f"the NAT holds {figures.ports} ports and dropped {figures.refused}, the client opened {opened}",
        )


def _control(run: Run, made: Nat) -> None:
    for client, sessions, calls, said in _rows(run, made, STARVED, "sse"):
        total, figures = sessions * calls, made.figures()
        name = f"table nat control, SSE framing, {client} {sessions}×{calls}"
        starved = (sessions, calls) in STARVED[client]
        holds = (said.get("completed", 0) < total and figures.refused > 0) if starved else said["completed"] == total
        seen = f"{_summary(total, said)}; {figures.ports} of {PORTS} ports held, {figures.refused} packets dropped"
        run.check(name, holds, f"{'was to starve' if starved else 'was to be whole'}: {seen}")
        run.figure(name, seen)


def _rows(
    run: Run, made: Nat, clients: Any, framing: str
) -> Iterator[tuple[Client, int, int, dict[str, Any]]]:
    knobs = ("--framing", framing, "--allow-any-host")
    with subject(run.binary, *knobs, within=made.within("server")) as server:
        # The server listens on its loopback alone.
        made.open_door(server.port)
        for client in clients:
            if (command := client.command(run.env, run.node)) is None:
                run.skip(f"table nat {framing} {client}", "the client is not installed")
                continue
            for sessions, calls in ROWS:
                # A process for each row: what a starved client still holds ends with it.
                made.clear()
                with driver(command, made.within("client")) as asked:
                    said = _ask(asked, made.url(server.port), sessions, calls)
                    yield client, sessions, calls, said
