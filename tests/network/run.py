"""Runs the real clients against the server through real proxies and a real NAT.

    run.py --binary PATH --env DIR [--everything PATH] [--node PATH]
           [--results FILE] [--full] [--only TEXT]

`--binary` is the load tests' server `subject`, `--everything` the example of
that name. The figures stand in a table at the end.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts" / "lib"))

from everything import ServerFailed  # noqa: E402
from programs import Debs, ProgramFailed  # noqa: E402
from report import Report  # noqa: E402

import ages  # noqa: E402
import deploy  # noqa: E402
import streams  # noqa: E402
import table  # noqa: E402


@dataclass
class Run:
    """What every part is given."""

    binary: str
    everything: str | None
    env: Path
    node: str | None
    full: bool
    debs: Debs
    report: Report
    _figures: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, name: str, holds: bool, why: str) -> None:
        """One line of the report: `why` says what was seen."""
        self.report.add("passed" if holds else "failed", f"network {name}", "" if holds else why)

    def skip(self, name: str, why: str) -> None:
        self.report.add("skipped", f"network {name}", why)

    def figure(self, name: str, text: str) -> None:
        with self._lock:
            self._figures.append((name, text))

    def show(self) -> None:
        width = max((len(name) for name, _ in self._figures), default=0)
        print(f"\nfigures, with {self.debs.versions()}:")
        for name, text in sorted(self._figures):
            print(f"  {name:<{width}}  {text}")


#: `ages` mostly waits; the rest computes, and two at a time are enough for that.
PARTS: dict[str, Callable[[Run], None]] = {
    "ages": ages.run,
    "table through proxies": table.through_proxies,
    "table through the NAT": table.through_nat,
    "streams": streams.run,
    "deploy": deploy.run,
}
AT_ONCE = 3


def part(run: Run, name: str, body: Callable[[Run], None]) -> None:
    try:
        body(run)
    except (ProgramFailed, ServerFailed, OSError) as why:
        run.check(name, False, str(why))
    except Exception as error:
        traceback.print_exc()
        run.check(name, False, f"{type(error).__name__}: {error}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", required=True, help="the built server `subject`")
    parser.add_argument("--everything", help="the built example `everything`")
    parser.add_argument("--env", required=True, help="where the clients and the proxies are installed")
    parser.add_argument("--node", help="Node 22 or later")
    parser.add_argument("--results", help="append the results to this file")
    parser.add_argument("--full", action="store_true", help="each part three times")
    parser.add_argument("--only", default="", help="the parts whose name contains this")
    options = parser.parse_args()

    env = Path(options.env)
    report = Report(options.results)
    debs = Debs(env / "debs")
    run = Run(options.binary, options.everything, env, options.node, options.full, debs, report)
    if not run.debs.ready:
        run.skip("everything", "the proxies could not be unpacked")
        return 0
    wanted = {name: body for name, body in PARTS.items() if options.only in name}
    for _ in range(3 if options.full else 1):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for future in [pool.submit(part, run, name, body) for name, body in wanted.items()]:
                future.result()
    run.show()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
