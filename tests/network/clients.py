"""The real clients as processes that take commands."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import ProgramFailed, stop

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Client:
    name: str
    #: The folder of the installed client.
    env: str
    revision: str

    def command(self, env: Path, node: str | None) -> list[str] | None:
        """The driver's command, or None where the client is not installed."""
        folder = env / self.env
        if not (folder / ".stamp").exists():
            return None
        if self.env == "ts":
            if not node:
                return None
            # Node finds the packages beside the script.
            script = shutil.copy(HERE / "client.mjs", folder / "network.mjs")
            return [node, script, "--revision", self.revision]
        python = folder / "bin" / "python"
        return [str(python), "-W", "ignore", str(HERE / "client.py"), "--revision", self.revision]

    def __str__(self) -> str:
        return f"{self.name} @ {self.revision}"


#: Starting a client is work for a core, so not all do it at once: a wait that is bounded by a
#: timeout is to measure the network, not the machine.
STARTS = threading.Semaphore(2)
READY_SECONDS = 120

MODERN = "2026-07-28"
PYTHON_2 = Client("python 2.3", "python-2.3.0", "2025-11-25")
PYTHON_2_MODERN = Client("python 2.3", "python-2.3.0", MODERN)
PYTHON_1 = Client("python 1.30", "python-1.30.0", "2025-11-25")
TYPESCRIPT = Client("typescript sdk 1.32", "ts", "2025-11-25")


class Driver:
    """A client's process; one command at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._said = b""

    def ask(self, limit: float, **command: Any) -> dict[str, Any]:
        """Its answer within `limit` seconds, without which the process is of no more use."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + limit
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._said:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise ProgramFailed(f"the client was not done in {limit} s")
                chunk = os.read(self._process.stdout.fileno(), 65536)
                if not chunk:
                    raise ProgramFailed(f"the client died with {self._process.wait()}")
                self._said += chunk
        line, _, self._said = self._said.partition(b"\n")
        return json.loads(line)


@contextlib.contextmanager
def driver(command: list[str], within: tuple[str, ...] = ()) -> Iterator[Driver]:
    with STARTS:
        process = subprocess.Popen(
            [*within, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        asked = Driver(process)
        try:
            asked.ask(READY_SECONDS, do="ready")
        except BaseException:
            stop(process)
            raise
    try:
        yield asked
    finally:
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        # It ends with its input; what waits for a server that is gone does not.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)
        stop(process)
        process.stdout.close()
