"""How the databases read a plan's timeline: by index, whoever asks."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

import pytest

from fhirhub.access import EVERYTHING, Access
from fhirhub.store import timeline
from fhirhub.store.database import Database
from fhirhub.store.sql import Dialect, Row, SqliteDialect, Statement
from fhirhub.store.sqlite import numbered
from tests.auth.test_leaks import CALLERS, access

REQUESTS = (
    timeline.TimelineRequest(1, "plan", "anna"),
    timeline.TimelineRequest(1, "plan", "anna", since=1, after=(1, 1, 1), before=(2, 2, 2)),
    timeline.TimelineRequest(1, "plan", "anna", types=("Communication",)),
)
WHO = [EVERYTHING, *(access(caller).to("s") for caller in CALLERS[:3])]


@dataclass
class Asked:
    """Takes a statement and answers nothing."""

    dialect: Dialect

    async def fetch(self, statement: Statement) -> list[Row]:
        return []


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("who", WHO)
def test_sqlite_reads_a_timeline_by_index(
    sqlite_url: str, request_: timeline.TimelineRequest, who: Access
) -> None:
    made = timeline.statement(Asked(SqliteDialect()), 1, who, request_)
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite://"))
    rows = connection.execute(f"EXPLAIN QUERY PLAN {numbered(made.sql)}", made.values)
    lines = [str(row[3]) for row in rows]
    connection.close()
    for line in lines:
        found = re.match(r"(SCAN|SEARCH) (\w+)(.*)", line)
        if found is None or re.fullmatch(r"p|n|h|b\d+|xs|value|json_each", found[2]):
            continue  # what the statement itself made
        assert found[1] == "SEARCH", lines
        assert len(re.findall(r"\w+[=<>]\?", found[3])) >= 2, lines


@pytest.mark.parametrize("request_", REQUESTS)
async def test_both_databases_take_the_statement(
    database: Database, request_: timeline.TimelineRequest
) -> None:
    for who in WHO:
        assert await timeline.timeline(database, 1, who, request_) == []
        assert await timeline.provenance(database, 1, who, []) == []
