"""Starts the server under test and the real proxies, and ends them by their pid."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
START_SECONDS = 20
STOP_SECONDS = 15


class ProgramFailed(Exception):
    """A program did not start, or died."""


@dataclass(frozen=True)
class Debs:
    """The packages that scripts/test unpacked."""

    root: Path

    @property
    def ready(self) -> bool:
        return (self.root / ".stamp").exists()

    def path(self, program: str) -> str:
        for folder in ("usr/sbin", "usr/bin", "sbin", "bin"):
            if (self.root / folder / program).exists():
                return str(self.root / folder / program)
        raise ProgramFailed(f"{program} is not among the packages")

    @property
    def environment(self) -> dict[str, str]:
        folders = [self.root / "usr/lib/trafficserver"]
        folders += [*self.root.glob("usr/lib/*-linux-gnu"), *self.root.glob("lib/*-linux-gnu")]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, folders))}

    def versions(self) -> str:
        """What runs, in the programs' own words."""
        said = []
        for program, flag in (("nginx", "-v"), ("haproxy", "-v"), ("traffic_server", "-V"), ("nft", "-v")):
            done = subprocess.run(
                [self.path(program), flag],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=START_SECONDS,
                check=False,
            )
            found = re.search(r"\d+\.\d+\.\d+", done.stdout)
            said.append(f"{program} {found[0] if found else '?'}")
        return ", ".join(said)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fill(template: Path, **values: object) -> str:
    """The template with each @name@ replaced."""
    return re.sub(r"@(\w+)@", lambda found: str(values[found[1]]), template.read_text())


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own, open to the user that a proxy becomes."""
    with tempfile.TemporaryDirectory(prefix="mcp-network-") as name:
        os.chmod(name, 0o777)
        yield Path(name)


@contextlib.contextmanager
def program(
    command: list[str], ready: Callable[[], bool], log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; it is ready when `ready` says so."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ProgramFailed(f"{Path(command[0]).name} did not start: {said_in(log)}")
            time.sleep(0.02)
        yield process
        if process.poll() is not None:
            raise ProgramFailed(f"{Path(command[0]).name} died with {process.returncode}: {said_in(log)}")
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def said_in(log: Path) -> str:
    """What a program said first, which is why it failed, and last."""
    text = log.read_text(errors="replace").strip()
    return text if len(text) < 1500 else f"{text[:700]} … {text[-700:]}"


def listens(port: int) -> Callable[[], bool]:
    def connects() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    return connects


@dataclass(frozen=True)
class Subject:
    """The server under test; `url` is reached from where it runs."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def release_url(self, gate: str) -> str:
        return f"http://127.0.0.1:{self.port}/control/release?name={gate}"


@contextlib.contextmanager
def subject(binary: str, *knobs: str, within: tuple[str, ...] = ()) -> Iterator[Subject]:
    """The load tests' server with these knobs; `within` leads into a namespace."""
    with folder() as where:
        log = where / "subject.log"
        found: list[int] = []

        def said() -> bool:
            match = re.search(r"http://127\.0\.0\.1:(\d+)/mcp", log.read_text(errors="replace"))
            found.extend([int(match[1])] if match else [])
            return bool(found)

        with program([*within, binary, "--port", "0", *knobs], said, log) as process:
            yield Subject(found[0], process)
        if process.returncode != 0:
            raise ProgramFailed(f"the server ended with {process.returncode}: {said_in(log)}")
        if "panicked" in (text := log.read_text(errors="replace")):
            raise ProgramFailed(f"the server panicked: {text[-1500:]}")


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"


def _temporary(where: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {where}/{kind};" for kind in kinds)


@contextlib.contextmanager
def nginx_with(debs: Debs, configuration: Callable[[Path, int], str]) -> Iterator[Proxy]:
    with folder() as where:
        port = free_port()
        file = where / "nginx.conf"
        file.write_text(configuration(where, port))
        # nginx's master leaves root behind for its workers.
        user = "user nobody nogroup;" if os.getuid() == 0 else ""
        command = [debs.path("nginx"), "-p", str(where), "-c", str(file), "-e", str(where / "error.log")]
        command += ["-g", f"daemon off; {user}"]
        with program(command, listens(port), where / "nginx.log", debs.environment):
            yield Proxy(port, where / "access.log")


def nginx(debs: Debs, upstream: int, extra: str = "") -> contextlib.AbstractContextManager[Proxy]:
    """nginx as it comes; `extra` goes into the location."""
    return nginx_with(
        debs,
        lambda where, port: fill(
            TEMPLATES / "nginx-default.conf",
            dir=where,
            port=port,
            upstream=upstream,
            extra=extra,
            temporary=_temporary(where),
        ),
    )


def nginx_example(debs: Debs, example: Path, upstream: int) -> contextlib.AbstractContextManager[Proxy]:
    """nginx with the configuration that the project recommends.

    What is substituted: the ports, and where nginx puts its files.
    """

    def configuration(where: Path, port: int) -> str:
        text = example.read_text()
        text = replaced(text, "listen 8080;", f"listen 127.0.0.1:{port};")
        text = replaced(text, "server 127.0.0.1:3000;", f"server 127.0.0.1:{upstream};")
        text = replaced(text, "access_log /dev/stdout", f"access_log {where}/access.log")
        return replaced(text, "http {", f"pid {where}/nginx.pid;\nhttp {{ {_temporary(where)}")

    return nginx_with(debs, configuration)


def replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ProgramFailed(f"{old!r} stands {text.count(old)} times in the configuration, not once")
    return text.replace(old, new)


@contextlib.contextmanager
def haproxy_with(debs: Debs, configuration: Callable[[int], str]) -> Iterator[Proxy]:
    with folder() as where:
        port = free_port()
        file = where / "haproxy.cfg"
        file.write_text(configuration(port))
        command = [debs.path("haproxy"), "-db", "-f", str(file)]
        with program(command, listens(port), where / "haproxy.log", debs.environment):
            yield Proxy(port, where / "haproxy.log")


def haproxy(debs: Debs, upstream: int, idle: str) -> contextlib.AbstractContextManager[Proxy]:
    return haproxy_with(
        debs, lambda port: fill(TEMPLATES / "haproxy.cfg", port=port, upstream=upstream, idle=idle)
    )


def haproxy_example(debs: Debs, example: Path, upstream: int) -> contextlib.AbstractContextManager[Proxy]:
    """haproxy with the configuration that the project recommends; the ports are substituted."""

    def configuration(port: int) -> str:
        text = replaced(example.read_text(), "bind :8080", f"bind 127.0.0.1:{port}")
        return replaced(text, "127.0.0.1:3000", f"127.0.0.1:{upstream}")

    return haproxy_with(debs, configuration)


@contextlib.contextmanager
def trafficserver(debs: Debs, upstream: int, total: int) -> Iterator[Proxy]:
    """trafficserver that gives each exchange `total` seconds, live streams too."""
    with folder() as where:
        port = free_port()
        # It refuses to serve as root, and becomes whom it is told.
        user = "nobody" if os.getuid() == 0 else getpass.getuser()
        etc = where / "etc"
        shutil.copytree(debs.root / "etc/trafficserver", etc)
        (where / "var").mkdir()
        values = {"dir": where, "port": port, "total": total, "user": user, "debs": debs.root}
        (etc / "records.config").write_text(fill(TEMPLATES / "records.config", **values))
        (etc / "remap.config").write_text(f"map / http://127.0.0.1:{upstream}/\n")
        (etc / "storage.config").write_text("")
        (where / "runroot.yaml").write_text(fill(TEMPLATES / "runroot.yaml", **values))
        for path in where.rglob("*"):
            path.chmod(0o777 if path.is_dir() else 0o666)
        command = [debs.path("traffic_server"), f"--run-root={where}/runroot.yaml"]
        # It accepts before it serves: only an answer shows that it is ready.
        with program(command, _answers(port), where / "trafficserver.log", debs.environment):
            yield Proxy(port, where / "trafficserver.log")


def _answers(port: int) -> Callable[[], bool]:
    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(2)
            connection.sendall(b"OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(12).startswith(b"HTTP/1.1 ")
        return False

    return answers
