"""Every search can be asked under every role's access: the statements are ones that the databases take."""

from __future__ import annotations

import sqlite3

import pytest

from fhirhub.store import plan as plans
from fhirhub.store import request as requests
from fhirhub.store import search as searching
from fhirhub.store.sql import SqliteDialect
from fhirhub.store.sqlite import numbered
from fhirhub.store.visible import visible
from tests.auth.test_leaks import CALLERS, PARAMETERS, SEARCHES, access


@pytest.mark.parametrize("caller", range(len(CALLERS)))
def test_every_search_is_one_that_sqlite_takes(sqlite_url: str, caller: int) -> None:
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite://"))
    seen = visible(access(CALLERS[caller]).to("s"), SqliteDialect())
    for query in SEARCHES:
        path, _, parameters = query.partition("?")
        compartment = tuple(path.split("/")[:2]) if "/" in path else None
        type = path.split("/")[2].replace("*", "") if compartment else path
        asked = requests.parse(type or None, parameters, PARAMETERS, compartment=compartment)  # type: ignore[arg-type]
        made = plans.page(searching.shape(asked, asked.page, joins=asked.includes), SqliteDialect(), seen)
        values = [1] * (1 + len(asked.kinds)) + list(seen.given(made.slots)[0])
        connection.execute(f"EXPLAIN {numbered(made.sql)}", values)
    connection.close()
