"""One line a result, to the screen and to the file that scripts/test adds up."""

from __future__ import annotations

import threading


class Report:
    """Statuses: passed, failed, skipped; and expected, n/a, which are not counted."""

    SHOWN = {"passed": "ok", "failed": "FAIL", "skipped": "SKIP"}

    def __init__(self, path: str | None) -> None:
        self._file = open(path, "a") if path else None
        self._lock = threading.Lock()
        self.failed = 0

    def add(self, status: str, name: str, detail: str = "") -> None:
        with self._lock:
            self.failed += status == "failed"
            line = f"{self.SHOWN.get(status, status)} {name}" + (f": {detail}" if detail else "")
            print(line, flush=True)
            if self._file:
                detail = detail.replace("\t", " ").replace("\n", " ")
                self._file.write(f"{status}\t{name}\t{detail}\n")
                self._file.flush()
