"""Runs the example `everything` for a test, and notices when it misbehaves."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

START_SECONDS = 20
STOP_SECONDS = 15
#: What the tool `panic` says; any other panic is a defect.
ASKED_PANIC = "asked to panic"


class ServerFailed(Exception):
    """The server did not start, did not stop, died or panicked."""


@contextlib.contextmanager
def everything(binary: str, **env: str) -> Iterator[str]:
    """Start the server on a free port with this environment, yield its URL, stop it by its pid."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [binary],
            env={**os.environ, "PORT": "0", **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            yield _url(process, errors)
            if process.poll() is not None:
                raise ServerFailed(f"the server died with {process.returncode}: {_tail(errors)}")
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                raise ServerFailed(f"the server ran on for {STOP_SECONDS} s after SIGTERM") from None
            if code != 0:
                raise ServerFailed(f"the server ended with {code}: {_tail(errors)}")
            panics = re.findall(r"panicked at .*\n(.*)", _tail(errors, 1 << 20))
            if unasked := [said for said in panics if said != ASKED_PANIC]:
                raise ServerFailed(f"the server panicked: {unasked[:3]}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _url(process: subprocess.Popen[bytes], errors) -> str:
    """The URL that the server prints when it listens."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    printed = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(process.stdout.fileno(), 4096)
            if not chunk:
                break
            printed += chunk
            if found := re.search(rb"(http://\S+)\s", printed):
                return found[1].decode()
    raise ServerFailed(f"the server printed no URL: {printed!r} {_tail(errors)}")


def _tail(errors, size: int = 2000) -> str:
    errors.seek(0)
    return errors.read()[-size:].strip()
