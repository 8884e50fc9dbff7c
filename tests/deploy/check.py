#!/usr/bin/env python3
"""Holds examples/deploy/ to the example `cloud_run`: what only a YAML parser, a namespace of
processes or a copy of the build context can tell. The rest is in tests/it/deploy.rs.

    check.py --binary target/release/examples/cloud_run [--results FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "examples" / "deploy"
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

from report import Report  # noqa: E402

START_SECONDS = 20
#: What Cloud Run grants between SIGTERM and SIGKILL.
STOP_SECONDS = 10


class Skipped(Exception):
    """This machine cannot do it."""


@contextlib.contextmanager
def service(command: list[str], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen, int]]:
    """Start the service with this environment and nothing else; yield it and its port."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, port_of(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def port_of(process: subprocess.Popen) -> int:
    """The port in the first line of the log."""
    deadline = time.monotonic() + START_SECONDS
    printed = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while b"\n" not in printed and selector.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(process.stdout.fileno(), 4096)
            if not chunk:
                break
            printed += chunk
    line = printed.split(b"\n")[0]
    try:
        entry = json.loads(line)
        assert entry["message"] == "listening", entry
        return int(entry["addr"].rsplit(":", 1)[1])
    except (ValueError, KeyError) as error:
        raise AssertionError(f"the service did not listen: {printed!r}") from error


def ask(port: int, method: str, path: str, host: str, body: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    headers = {"Host": host}
    if body is not None:
        headers |= {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


INITIALIZE = json.dumps({
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "check", "version": "0"},
    },
})


def docker_environment() -> dict[str, str]:
    """What the last stage of the Dockerfile sets."""
    last = (DEPLOY / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1]
    return dict(re.findall(r"^ENV (\w+)=(\S+)$", last, re.MULTILINE))


def manifest_agrees_with_the_binary(binary: str) -> None:
    import yaml

    manifest = yaml.safe_load((DEPLOY / "service.yaml").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.knative.dev/v1", "Service")
    spec = manifest["spec"]["template"]["spec"]
    [container] = spec["containers"]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert all(isinstance(value, str) for value in environment.values()), environment
    annotations = [manifest["metadata"], manifest["spec"]["template"]["metadata"]]
    for value in (value for it in annotations for value in it["annotations"].values()):
        assert isinstance(value, str), f"an annotation is text: {value!r}"

    # What Cloud Run takes: FACTS, Platforms.
    assert 1 <= spec["containerConcurrency"] <= 1000
    assert 1 <= spec["timeoutSeconds"] <= 3600
    assert environment["MCP_REQUEST_TIMEOUT"] == str(spec["timeoutSeconds"])
    assert environment["MCP_CONCURRENCY"] == str(spec["containerConcurrency"])
    [port] = container["ports"]
    assert port["name"] in ("http1", "h2c")
    assert docker_environment() == {"PORT": str(port["containerPort"])}
    # Cloud Run sets it, and refuses a manifest that does.
    assert "PORT" not in environment

    given = environment | {"PORT": "0", "K_SERVICE": manifest["metadata"]["name"]}
    with service([binary], given) as (process, at):
        for name in ("startupProbe", "livenessProbe"):
            probe = container[name]["httpGet"]
            assert probe["port"] == port["containerPort"], name
            assert not probe["path"].endswith("z"), f"{name}: reserved"
            status, text = ask(at, "GET", probe["path"], "169.254.8.1:8080")
            assert (status, text) == (200, "ok"), (name, status, text)
        host = environment["MCP_ALLOWED_HOSTS"]
        status, text = ask(at, "POST", "/mcp", host, INITIALIZE)
        assert status == 200 and '"serverInfo"' in text, (status, text)
        status, _ = ask(at, "POST", "/mcp", "evil.example", INITIALIZE)
        assert status == 403, status
        ends_well(process, process.pid)


def ends_well(process: subprocess.Popen, pid: int) -> None:
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    try:
        code = process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it ran on for {STOP_SECONDS} s after SIGTERM") from None
    assert code == 0, f"it ended with {code}"
    print(f"  ended {time.monotonic() - began:.2f} s after SIGTERM")


def image_starts_as_pid_1(binary: str) -> None:
    """With the image's environment, which is empty but for PORT, and as the image starts it."""
    unshare = shutil.which("unshare")
    new = ["--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        new.append("--map-root-user")
    if unshare is None or subprocess.run([unshare, *new, "true"], capture_output=True).returncode:
        raise Skipped("no namespace of processes can be made here")
    assert list(docker_environment()) == ["PORT"]
    with service([unshare, *new, binary], {"PORT": "0"}) as (process, port):
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        [pid] = map(int, children.split())
        inner = re.search(r"^NSpid:.*\s(\d+)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
        assert inner and inner[1] == "1", inner
        assert ask(port, "GET", "/health", "169.254.8.1:8080") == (200, "ok")
        assert ask(port, "POST", "/mcp", "localhost", INITIALIZE)[0] == 200
        ends_well(process, pid)


def build_context_is_enough(_: str) -> None:
    """What the .dockerignore lets through is a package that cargo understands."""
    allowed = []
    for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines():
        if line.startswith("!"):
            allowed.append(line[1:])
    with tempfile.TemporaryDirectory() as context:
        for name in allowed:
            source, target = ROOT / name, pathlib.Path(context) / name
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.exists():
                shutil.copy(source, target)
        command = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
        read = subprocess.run(command, cwd=context, capture_output=True, text=True, timeout=120)
        assert read.returncode == 0, read.stderr
        [package] = json.loads(read.stdout)["packages"]
        examples = [it["name"] for it in package["targets"] if it["kind"] == ["example"]]
        assert "cloud_run" in examples, examples
        # What the sources include from beside them is there, too.
        for source in (pathlib.Path(context) / "src").rglob("*.rs"):
            for path in re.findall(r'include_str!\("([^"]+)"\)', source.read_text()):
                assert (source.parent / path).exists(), f"{source.name} includes {path}"


def commands_are_shell(_: str) -> None:
    """The commands of the pages can be read by a shell."""
    found = 0
    for page in sorted(DEPLOY.glob("*.md")):
        for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            read = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
            assert read.returncode == 0, f"{page.name}: {read.stderr}"
            found += 1
    assert found > 1


CHECKS = [
    manifest_agrees_with_the_binary,
    image_starts_as_pid_1,
    build_context_is_enough,
    commands_are_shell,
]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--results")
    arguments = parser.parse_args()
    report = Report(arguments.results)
    for check in CHECKS:
        name = f"deploy {check.__name__.replace('_', ' ')}"
        try:
            check(str(pathlib.Path(arguments.binary).resolve()))
        except Skipped as reason:
            report.add("skipped", name, str(reason))
        except Exception as error:  # noqa: BLE001 # one check must not hide the others
            report.add("failed", name, f"{type(error).__name__}: {error}")
        else:
            report.add("passed", name)
    return int(report.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
