"""Runs the official conformance suites against the example `everything`.

    check.py --binary PATH --node PATH --env DIR [--results FILE] [--run NAME]

The suites themselves exit with 1 for a FAILURE only, and not for a scenario
that did not run. Here a scenario passes if it ran, checked something, and no
check of it is a FAILURE or a WARNING. A scenario that cannot pass yet stands
in expected-failures.toml with its reason; one that stands there and passes is
a failure too, so that the file shrinks as it should.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts" / "lib"))

from everything import ServerFailed, everything  # noqa: E402
from report import Report  # noqa: E402

RUN_SECONDS = 300
BAD = ("FAILURE", "WARNING")


@dataclass(frozen=True)
class SuiteRun:
    """One invocation of one version of the suite."""

    name: str
    suite: str
    arguments: tuple[str, ...]
    #: How to ask the suite for the scenarios that this run consists of.
    listing: tuple[str, ...]


RUNS = (
    SuiteRun("stable", "conformance-stable", ("--suite", "all"), ()),
    SuiteRun(
        "2025-11-25",
        "conformance-next",
        ("--requirements", "2025-11-25"),
        ("--requirements", "2025-11-25"),
    ),
    SuiteRun(
        "2026-07-28",
        "conformance-next",
        ("--requirements", "2026-07-28"),
        ("--requirements", "2026-07-28"),
    ),
    SuiteRun("all", "conformance-next", ("--suite", "all"), ()),
    SuiteRun(
        "2025-06-18",
        "conformance-next",
        ("--suite", "all", "--spec-version", "2025-06-18"),
        ("--spec-version", "2025-06-18"),
    ),
    SuiteRun(
        "2025-03-26",
        "conformance-next",
        ("--suite", "all", "--spec-version", "2025-03-26"),
        ("--spec-version", "2025-03-26"),
    ),
)


@dataclass
class Expected:
    """What expected-failures.toml says of a scenario in a run."""

    reason: str
    #: The checks that fail; the others must pass. None: all may fail.
    checks: frozenset[str] | None


def expected_failures() -> dict[tuple[str, str], Expected]:
    """By run and scenario. A mistake in the file ends the run."""
    known = {run.name for run in RUNS}
    table: dict[tuple[str, str], Expected] = {}
    document = tomllib.loads((HERE / "expected-failures.toml").read_text())
    for entry in document.pop("expected", []):
        unknown = set(entry) - {"runs", "scenarios", "reason", "checks"}
        if unknown or not entry["reason"].strip() or not set(entry["runs"]) <= known:
            sys.exit(f"expected-failures.toml: {entry}")
        checks = frozenset(entry["checks"]) if "checks" in entry else None
        for run in entry["runs"]:
            for scenario in entry["scenarios"]:
                if (run, scenario) in table:
                    sys.exit(f"expected-failures.toml: {scenario} twice for {run}")
                table[run, scenario] = Expected(entry["reason"], checks)
    if document:
        sys.exit(f"expected-failures.toml: unknown {list(document)}")
    return table


def conformance(options: argparse.Namespace, suite: str, *arguments: str) -> str:
    script = Path(options.env) / suite / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    done = subprocess.run(
        [options.node, str(script), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_SECONDS,
        text=True,
        check=False,  # its exit code says less than its results do
    )
    return done.stdout


def scenarios_of(options: argparse.Namespace, run: SuiteRun) -> list[str]:
    """The server scenarios that the run consists of, as the suite lists them."""
    printed = conformance(options, run.suite, "list", *([] if run.listing else ["--server"]), *run.listing)
    names: list[str] = []
    ours = True
    for line in printed.splitlines():
        # Scenarios of clients and authorization servers have headings of their own.
        if not line.startswith(" ") and line.rstrip().endswith(":"):
            ours = line.startswith(("Server scenarios", "Run and reported"))
        if (found := re.match(r"\s+- (\S+)(.*)", line)) and ours:
            if "client" not in found[2].lower():
                names.append(found[1])
    return names


def results_of(out: Path, listed: list[str]) -> dict[str, list[dict[str, str]]]:
    """checks.json by scenario; the folders are `[server-]NAME-TIMESTAMP`."""
    results: dict[str, list[dict[str, str]]] = {}
    for file in out.glob("**/checks.json"):
        base = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", str(file.parent.relative_to(out)))
        name = base if base in listed else base.removeprefix("server-")
        results[name] = json.loads(file.read_text())
    return results


def judge(run: SuiteRun, scenario: str, checks: list[dict[str, str]] | None, expected: Expected | None, report: Report) -> None:
    name = f"conformance {run.name} {scenario}"
    if checks is None:
        report.add("failed", name, "the suite left no result")
        return
    bad = [check for check in checks if check["status"] in BAD]
    passed = sum(check["status"] == "SUCCESS" for check in checks)
    said = "; ".join(
        f"{check['status']} {check['id']}: {(check.get('errorMessage') or check.get('description') or '')[:300]}"
        for check in bad
    )
    if expected is None:
        if bad:
            report.add("failed", name, said)
        elif passed == 0:
            report.add("failed", name, f"checked nothing ({len(checks)} remarks)")
        else:
            report.add("passed", name, f"{passed} checks")
        return
    if passed and not bad:
        report.add("failed", name, f"passes, but is expected to fail ({expected.reason})")
        return
    if expected.checks is not None:
        ids = {check["id"] for check in bad}
        if new := ids - expected.checks:
            report.add("failed", name, f"not expected: {', '.join(sorted(new))}; {said}")
            return
        if stale := expected.checks - ids:
            report.add("failed", name, f"expected to fail, but passed: {', '.join(sorted(stale))}")
            return
    report.add("expected", name, expected.reason)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    server = parser.add_mutually_exclusive_group(required=True)
    server.add_argument("--binary", help="the built example `everything`")
    server.add_argument("--url", help="a server that runs already")
    parser.add_argument("--node", required=True, help="Node 22 or later")
    parser.add_argument("--env", required=True, help="where the suites are installed")
    parser.add_argument("--results", help="append the results to this file")
    parser.add_argument("--run", action="append", choices=[run.name for run in RUNS])
    options = parser.parse_args()

    report = Report(options.results)
    table = expected_failures()
    for run in RUNS:
        if options.run and run.name not in options.run:
            continue
        try:
            if options.url:
                one(options, run, options.url, table, report)
            else:
                with everything(options.binary) as url:
                    one(options, run, url, table, report)
        except ServerFailed as failed:
            report.add("failed", f"conformance {run.name} server", str(failed))
        except subprocess.TimeoutExpired:
            report.add("failed", f"conformance {run.name}", f"not done in {RUN_SECONDS} s")
    return 1 if report.failed else 0


def one(options: argparse.Namespace, run: SuiteRun, url: str, table: dict[tuple[str, str], Expected], report: Report) -> None:
    listed = scenarios_of(options, run)
    with tempfile.TemporaryDirectory() as out:
        printed = conformance(options, run.suite, "server", "--url", url, *run.arguments, "-o", out)
        results = results_of(Path(out), listed)
    if not listed or not results:
        report.add("failed", f"conformance {run.name}", f"nothing ran: {printed[-2000:]}")
        return
    for scenario in sorted({*listed, *results}):
        judge(run, scenario, results.get(scenario), table.get((run.name, scenario)), report)
    for name, scenario in table:
        if name == run.name and scenario not in listed and scenario not in results:
            report.add("failed", f"conformance {run.name} {scenario}", "is expected to fail, but is not in the suite")


if __name__ == "__main__":
    sys.exit(main())
