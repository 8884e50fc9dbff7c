"""A proxy that ends each exchange after a total time, and streams that live longer.

With an age limit below that time the server ends its streams first: no client
sees a connection break. Without, the proxy cuts them, and what was sent
meanwhile comes when the client resumes. Clients come back by themselves.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

from clients import PYTHON_1, PYTHON_2, TYPESCRIPT, Client, driver
from programs import subject, trafficserver
from watch import Watch

if TYPE_CHECKING:
    from run import Run

TOTAL_SECONDS = 5
EVERY_MS = 100
#: Three of the proxy's total times, and some.
BELOW = 160
#: Two of them: the Python clients give up at the third stream in a row that breaks.
ABOVE = 120
OLDER = ("2025-06-18", "2025-03-26")
CLIENTS = (
    PYTHON_2,
    PYTHON_1,
    TYPESCRIPT,
    *(dataclasses.replace(client, revision=old) for client in (PYTHON_2, TYPESCRIPT) for old in OLDER),
)


def run(run: Run) -> None:
    # Every client has a watch of its own, so they can go side by side.
    below = ("--stream-age", "3000", "--retry", "200", "--standalone", "serve")
    with (
        subject(run.binary, *below) as young,
        subject(run.binary, "--retry", "200", "--standalone", "serve") as old,
        trafficserver(run.debs, young.port, TOTAL_SECONDS) as to_young,
        trafficserver(run.debs, old.port, TOTAL_SECONDS) as to_old,
        concurrent.futures.ThreadPoolExecutor(7) as pool,
    ):
        waiting = []
        for client in CLIENTS:
            if (command := client.command(run.env, run.node)) is None:
                run.skip(f"ages {client}", "the client is not installed")
                continue
            waiting.append(pool.submit(_below, run, client, command, to_young.port))
            waiting.append(pool.submit(_above, run, client, command, to_old.port))
        for done in waiting:
            done.result()


def _below(run: Run, client: Client, command: list[str], port: int) -> None:
    name = f"ages below the proxy's {TOTAL_SECONDS} s, {client}"
    with Watch(port) as watch:
        said = _burst(command, watch.url, BELOW)
        _figure(run, name, BELOW, said, watch)
    _answered(run, name, client, BELOW, said)
    seen = said.get("seen")
    run.check(f"{name}: each once, in order", seen == list(range(1, BELOW + 1)), _difference(BELOW, seen))
    # 16 s of messages on streams of 3 s at most.
    run.check(f"{name}: streams end and go on", watch.resumes >= 4, f"{watch.resumes} resumes")
    run.check(f"{name}: no reset", watch.cut == 0, f"{watch.cut} connections cut, {watch.statuses}")


def _above(run: Run, client: Client, command: list[str], port: int) -> None:
    name = f"ages above the proxy's {TOTAL_SECONDS} s, {client}"
    with Watch(port) as watch:
        said = _burst(command, watch.url, ABOVE)
        _figure(run, name, ABOVE, said, watch)
    _answered(run, name, client, ABOVE, said)
    seen = said.get("seen") or []
    run.check(f"{name}: nothing lost", _complete(client, ABOVE, seen), _difference(ABOVE, seen))
    # The control of the age limit: where there is none the proxy does cut.
    # 12 s of messages: the call's stream at least once.
    holds = watch.cut >= 1 and watch.resumes >= 1
    run.check(f"{name}: the proxy cuts", holds, f"{watch.cut} cuts, {watch.resumes} resumes")


def _burst(command: list[str], url: str, count: int) -> dict[str, Any]:
    with driver(command) as asked:
        return asked.ask(120, do="burst", url=url, count=count, every_ms=EVERY_MS, seconds=100)


def _answered(run: Run, name: str, client: Client, count: int, said: dict[str, Any]) -> None:
    got = {key: said.get(key) for key in ("version", "answer", "again")}
    wanted = {"version": client.revision, "answer": str(count), "again": "again"}
    run.check(f"{name}: answered", got == wanted, f"{said.get('failed', '')} {got}")


def _complete(client: Client, count: int, seen: list[int]) -> bool:
    """All of them, in order, and once where the client asks from where it was.

    When a resumed stream breaks the Python clients ask again from the id of the
    break before (`_handle_reconnection` passes the old `last_event_id` on), so
    what came in between comes twice, as asked.
    """
    if client.env == "ts":
        return seen == list(range(1, count + 1))
    firsts = list(dict.fromkeys(seen))
    steps_back = sum(after != before + 1 for before, after in itertools.pairwise(seen))
    return firsts == list(range(1, count + 1)) and steps_back <= 1


def _difference(count: int, seen: list[int] | None) -> str:
    seen = seen or []
    missing = sorted(set(range(1, count + 1)) - set(seen))
    repeated = len(seen) - len(set(seen))
    return f"{len(seen)} of {count}, missing {missing[:8]}, in order: {seen == sorted(seen)}, repeated: {repeated}"


def _figure(run: Run, name: str, count: int, said: dict[str, Any], watch: Watch) -> None:
    seen = said.get("seen") or []
    run.figure(
        name,
        f"{len(set(seen))}/{count} messages, {len(seen) - len(set(seen))} twice; {watch.streams} streams, "
        f"{watch.resumes} resumes, {watch.cut} cut, {watch.connections} connections",
    )
