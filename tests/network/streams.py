"""What proxies do to a stream: hold it back, or drop it when it is idle."""

from __future__ import annotations

import concurrent.futures
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clients import PYTHON_2, PYTHON_2_MODERN, Client, Driver, driver
from programs import haproxy, nginx, subject
from watch import Watch

if TYPE_CHECKING:
    from run import Run

CLIENTS = (PYTHON_2, PYTHON_2_MODERN)
MESSAGES = 5
#: Long enough for an event that is passed on, and far from what a buffer waits for.
EVENT_SECONDS = 5
IDLE_SECONDS = 2
PERIODS = 5


def run(run: Run) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        waiting = []
        for client in CLIENTS:
            if (command := client.command(run.env, run.node)) is None:
                run.skip(f"streams {client}", "the client is not installed")
                continue
            for body in (_passed_on, _held_back, _kept, _dropped):
                waiting.append(pool.submit(body, run, client, command))
        for done in waiting:
            done.result()


def _passed_on(run: Run, client: Client, command: list[str]) -> None:
    """The client reads event n before the tool is released to send n + 1."""
    name = f"buffering nginx passes events on, {client}"
    with subject(run.binary) as server, nginx(run.debs, server.port) as proxy, driver(command) as asked:
        said = _gate(asked, proxy.url, server.release_url("on"))
    wanted = {"seen": list(range(1, MESSAGES + 1)), "late": None, "answer": str(MESSAGES)}
    run.check(name, said == wanted, str(said))


def _held_back(run: Run, client: Client, command: list[str]) -> None:
    """The control: the same nginx, told to overlook `X-Accel-Buffering`."""
    name = f"control, nginx that ignores X-Accel-Buffering holds events back, {client}"
    with (
        subject(run.binary) as server,
        nginx(run.debs, server.port, "proxy_ignore_headers X-Accel-Buffering;") as proxy,
        driver(command) as asked,
    ):
        said = _gate(asked, proxy.url, server.release_url("off"))
    # All of it came, when the response was over.
    run.check(name, said.get("late") == 1 and said.get("answer") == str(MESSAGES), str(said))


def _gate(asked: Driver, url: str, release: str) -> dict[str, Any]:
    return asked.ask(120, do="gate", url=url, release=release, count=MESSAGES, seconds=EVENT_SECONDS)


def _kept(run: Run, client: Client, command: list[str]) -> None:
    """A stream with nothing but heartbeats outlives haproxy's idle time."""
    name = f"idle stream through haproxy's {IDLE_SECONDS} s for {PERIODS} periods, {client}"
    beats = PERIODS * IDLE_SECONDS * 2

    def whole(watch: Watch | Seen) -> bool:
        # Each stream beats; the standalone one is idle as well.
        return watch.comments >= beats * max(watch.streams, 1) or watch.cut > 0

    seen, answer = _idle(run, command, "0.5", whole)
    run.figure(name, seen.text)
    run.check(name, whole(seen) and (seen.cut, answer) == (0, "1"), f"{seen.text}, answer {answer}")


def _dropped(run: Run, client: Client, command: list[str]) -> None:
    """The control: heartbeats that are slower than haproxy's idle time."""
    name = f"control, heartbeats slower than haproxy's {IDLE_SECONDS} s, {client}"
    seen, _ = _idle(run, command, "30", lambda watch: watch.cut > 0)
    run.figure(name, seen.text)
    run.check(name, seen.cut > 0, "the stream was not dropped")


@dataclass(frozen=True)
class Seen:
    """What had passed when the call was released."""

    streams: int
    comments: int
    cut: int

    @property
    def text(self) -> str:
        return f"{self.streams} streams, {self.comments} heartbeats, {self.cut} cut"


def _idle(
    run: Run, command: list[str], heartbeat: str, until: Callable[[Watch | Seen], bool]
) -> tuple[Seen, str]:
    """A call that stays silent until `until` holds: what was seen by then, and its answer."""
    with (
        subject(run.binary, "--heartbeat", heartbeat, "--retry", "200") as server,
        haproxy(run.debs, server.port, f"{IDLE_SECONDS}s") as proxy,
        Watch(proxy.port) as watch,
        driver(command) as asked,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(asked.ask, 120, do="idle", url=watch.url, name="idle")
        watch.wait(until, 60)
        seen = Seen(watch.streams, watch.comments, watch.cut)
        with urllib.request.urlopen(server.release_url("idle"), timeout=5) as response:
            response.read()
        said = call.result()
    return seen, str(said.get("answer", said))
