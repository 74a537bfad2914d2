"""Run every judge against a hub: `python -m conformance [--url URL] [options of pytest]`.

Without `--url` the judges start hubs of their own, one on SQLite and one on PostgreSQL, and what they say is
written into RESULTS.md and RESULTS.html: each judge's own section, and the list of all.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conformance import results

SEEN = {"passed": "passed", "failed": "FAILED", "skipped": "not run"}


class Record:
    """What became of each test, as pytest tells it."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or (report.when == "setup" and not report.passed):
            judge, _, name = report.nodeid.rpartition("::")
            told = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self.rows.append(
                [
                    Path(judge).stem.removeprefix("test_").replace("_", "-"),
                    name.removeprefix("test_").replace("_", " "),
                    SEEN[report.outcome],
                    told.removeprefix("Skipped: "),
                ]
            )

    def section(self) -> str:
        counted = {word: sum(row[2] == word for row in self.rows) for word in SEEN.values()}
        summary = ", ".join(f"{count} {word}" for word, count in counted.items() if count)
        table = results.table(["judge", "what", "outcome", ""], sorted(self.rows))
        return f"## All judges\n\n{summary}.\n\n{table}"


def main() -> int:
    """The status of the run."""
    options = sys.argv[1:]
    given = options[:1] == ["--url"] and len(options) > 1
    if given:
        os.environ["CONFORMANCE_URL"] = options[1].rstrip("/")
        options = options[2:]
    record = Record()
    folder = str(Path(__file__).parent)
    status = int(pytest.main([folder, "-v", "-p", "no:cacheprovider", *options], plugins=[record]))
    if not given and not options:
        results.write("judges", record.section())
    return status


if __name__ == "__main__":
    sys.exit(main())
