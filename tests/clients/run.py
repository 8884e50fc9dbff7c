"""Runs every client driver in every revision that its client speaks.

    run.py --binary PATH --env DIR [--node PATH] [--results FILE] [--full] [--only TEXT]

Each run has servers of its own, because the scenarios read its counters; so
runs can go side by side.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts" / "lib"))

from everything import ServerFailed, everything  # noqa: E402
from report import Report  # noqa: E402

RUN_SECONDS = 240
#: Of a second server, whose lists make clients follow cursors. The scenarios know it. Not of the
#: first: the Python SDKs look for a tool's output schema on the first page alone.
PAGE_SIZE = "7"
LEGACY = ("2025-03-26", "2025-06-18", "2025-11-25")
BOTH = (*LEGACY, "2026-07-28", "auto")


@dataclass(frozen=True)
class Client:
    name: str
    #: The folder of the installed client.
    env: str
    driver: str
    revisions: tuple[str, ...]

    def command(self, options: argparse.Namespace) -> list[str] | None:
        """The driver's command, or None where the client is not installed."""
        env = Path(options.env) / self.env
        if not (env / ".stamp").exists():
            return None
        if self.driver.endswith(".py"):
            # The SDKs deprecate at run time what older revisions need.
            return [str(env / "bin" / "python"), "-W", "ignore", str(HERE / "python" / self.driver)]
        return [options.node, str(env / self.driver)] if options.node else None


CLIENTS = (
    Client("python 1.30", "python-1.30.0", "drive.py", LEGACY),
    Client("python 2.3", "python-2.3.0", "drive.py", BOTH),
    Client("typescript sdk 1.32", "ts", "drive_sdk.mjs", LEGACY),
    Client("typescript client 2.4", "ts", "drive_client.mjs", BOTH),
)


def drive(options: argparse.Namespace, client: Client, revision: str, report: Report) -> None:
    name = f"{client.name} @ {revision}"
    command = client.command(options)
    if command is None:
        report.add("skipped", name, "the client is not installed")
        return
    try:
        with everything(options.binary) as url, everything(options.binary, PAGE_SIZE=PAGE_SIZE) as paged:
            command += ["--url", url, "--paged", paged, "--revision", revision]
            done = subprocess.run(
                command + ["--full"] * options.full,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=RUN_SECONDS,
                text=True,
                check=False,
            )
            ran = failed = 0
            for line in done.stdout.splitlines():
                status, _, rest = line.partition(" ")
                scenario, _, detail = rest.partition(": ")
                if status in ("ok", "FAIL", "n/a"):
                    ran += status == "ok"
                    failed += status == "FAIL"
                    known = {"ok": "passed", "FAIL": "failed", "n/a": "n/a"}
                    report.add(known[status], f"{name} {scenario}", detail)
            # A driver that dies, or passes without doing anything, has failed.
            if done.returncode != (1 if failed else 0) or not (ran or failed):
                report.add("failed", name, f"the driver ended with {done.returncode}: {done.stderr[-1500:].strip()}")
    except ServerFailed as why:
        report.add("failed", f"{name} server", str(why))
    except subprocess.TimeoutExpired:
        report.add("failed", name, f"not done in {RUN_SECONDS} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", required=True, help="the built example `everything`")
    parser.add_argument("--env", required=True, help="where the clients are installed")
    parser.add_argument("--node", help="Node 22 or later")
    parser.add_argument("--results", help="append the results to this file")
    parser.add_argument("--full", action="store_true", help="larger amounts")
    parser.add_argument("--only", default="", help="the runs whose name contains this")
    options = parser.parse_args()

    report = Report(options.results)
    # Node finds the packages beside the script, so the drivers go to them.
    ts = Path(options.env) / "ts"
    if ts.is_dir():
        for script in (HERE / "ts").glob("*.mjs"):
            shutil.copy(script, ts)
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        runs = [
            pool.submit(drive, options, client, revision, report)
            for client in CLIENTS
            for revision in client.revisions
            if options.only in f"{client.name} @ {revision}"
        ]
        for run in runs:
            run.result()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
