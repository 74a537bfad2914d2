"""Run every judge against a hub: `python -m conformance [--url URL] [options of pytest]`.

Without `--url` the judges start hubs of their own, one on SQLite and one on PostgreSQL.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


def main() -> int:
    """The status of the run."""
    options = sys.argv[1:]
    if options[:1] == ["--url"] and len(options) > 1:
        os.environ["CONFORMANCE_URL"] = options[1].rstrip("/")
        options = options[2:]
    return int(pytest.main([str(Path(__file__).parent), "-v", "-p", "no:cacheprovider", *options]))


if __name__ == "__main__":
    sys.exit(main())
