"""How the databases run a search: index look-ups in the order written, one member or many."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence

import asyncpg
import pytest
import pytest_asyncio

from fhirhub import settings
from fhirhub.access import EVERYTHING, Access, Rule
from fhirhub.auth import scopes
from fhirhub.auth.policy import Standing, access_of
from fhirhub.auth.principal import Principal
from fhirhub.store import plan as plans
from fhirhub.store import request as requests
from fhirhub.store import search as searching
from fhirhub.store import statistics
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.opening import open_database
from fhirhub.store.plan import Plan
from fhirhub.store.postgresql.connections import SESSION
from fhirhub.store.postgresql.reads import grouped
from fhirhub.store.search import search
from fhirhub.store.sql import Dialect, Kind, PostgresqlDialect, SqliteDialect
from fhirhub.store.sqlite import numbered
from fhirhub.store.visible import visible
from tests.postgres import PostgresServer
from tests.store.finding import Hub, coded, observation, patient, plan, resource, task, to

PARAMETERS = Parameters()
BOUNDED = [
    "CarePlan?patient=Patient/p1&status=active",
    "CarePlan?patient=Patient/p1&status=active&_sort=-date",
    "Observation?patient=p1&code=http://loinc.org|hr&_sort=-date&_count=5",
    "Observation?code=hr&_sort=-date&_count=5",
    "Patient?identifier=urn:bsn|1",
    "Patient?name=jan&birthdate=1950-01-01&_count=10",
    "CarePlan?patient.identifier=urn:bsn|1",
    "CarePlan?_id=c1&_include=CarePlan:patient&_include=CarePlan:care-team&_include=CarePlan:goal",
    "Patient?_id=p1&_revinclude=CarePlan:patient",
    "Patient?identifier=1&_has:CarePlan:patient:status=active",
    "Patient?_count=50",
]
SLOW = ("Seq Scan", "Hash Join", "Merge Join", "Materialize", "Bitmap", "hashed SubPlan")
OTHERS = [
    "CarePlan?patient.gender=female&_count=10",
    "CarePlan?status=active&patient._has:Condition:patient:code=x",
    "Patient?_sort=-family&gender=male",
    "Patient?name=jan&birthdate=ge1950&_count=10",
    "Task?owner=Organization/o1&status=requested,accepted&_sort=-authored-on&_count=20",
    "Task?owner=Organization/o1&status=requested,accepted&_sort=-modified&_count=20",
    "Task?status=requested&_sort=-_lastUpdated",
    "Task?status=requested&_sort=authored-on",
    "CarePlan?patient.name=jan&status=active",
    "CarePlan?patient.general-practitioner:Practitioner.name=jan",
    "Patient?_has:Observation:patient:code=hr",
    "Patient?_has:CarePlan:patient:_has:Task:focus:status=accepted",
    "Observation?value-quantity=gt5|http://unitsofmeasure.org|mg",
    "Observation?component-code-value-quantity=bp$gt140",
    "Patient?gender:not=male",
    "Patient?name:contains=an",
    "ValueSet?url=http://x",
    "Patient/p1/*",
    "Encounter?location:below=1",
]


def statement(
    query: str, dialect: Dialect, access: Access = EVERYTHING, tied: bool = False
) -> tuple[Plan, list[Kind]]:
    path, _, parameters = query.partition("?")
    compartment = None
    type: str | None = path
    if "/" in path:
        name, id, _ = path.split("/")
        compartment, type = (name, id), None
    asked = requests.parse(type, parameters, PARAMETERS, compartment=compartment)
    seen = visible(access, dialect)
    shape = searching.shape(asked, asked.page, joins=asked.includes)
    made = plans.page(shape, dialect, seen)
    if not tied:
        return made, ["int", *asked.kinds, *seen.given(made.slots)[1]]
    position: list[Kind] = [*made.order, *(["text"] * len(made.ties))]  # type: ignore[list-item]
    shape = shape._replace(joins=(), position=(False,) * len(made.order), tied=True)
    made = plans.page(shape, dialect, seen)
    return made, ["int", *asked.kinds, *position, *seen.given(made.slots)[1]]


def planned(url: str, made: Plan, kinds: Sequence[Kind]) -> list[str]:
    """How SQLite runs a statement."""
    values = ["[]" if kind.endswith("[]") else 1 for kind in kinds]
    connection = sqlite3.connect(url.removeprefix("sqlite://"))
    try:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {numbered(made.sql)}", values)]
    finally:
        connection.close()


@pytest.mark.parametrize("query", BOUNDED + OTHERS)
@pytest.mark.parametrize("access", [EVERYTHING, Access(frozenset({Rule(patients=frozenset({"p1"}))}))])
def test_sqlite_searches_by_index(sqlite_url: str, query: str, access: Access) -> None:
    made, kinds = statement(query, SqliteDialect(), access)
    lines = planned(sqlite_url, made, kinds)
    tables = re.compile(r"(SCAN|SEARCH) (\w+)( USING .*)?$")
    for line in lines:
        found = tables.match(line)
        if found is None or re.fullmatch(r"[mfxugli]\d*|page|h\d+|z|c", found[2]):
            continue  # a sub-SELECT, not a table
        assert found[1] == "SEARCH", lines
        bound = len(re.findall(r"\w+[=<>]\?|\w+ AND|\(\w+,", found[3] or ""))
        assert bound >= 2, lines


@pytest.fixture(scope="module")
def filled_url(postgres: PostgresServer) -> Iterator[str]:
    """A database with rows of a likely shape, and what the planner learns from them."""
    url = postgres.create_database("plans", "template_hub")
    for statement in statistics.seed():
        if not statement.startswith("TRUNCATE"):
            postgres.execute(statement, "plans")
    yield url
    postgres.drop_database("plans")


@pytest_asyncio.fixture
async def connection(filled_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    opened = await asyncpg.connect(filled_url, server_settings=SESSION)
    yield opened
    await opened.close()


_CASTS = {"int": "int", "text": "text", "bigint": "bigint", "double": "float8", "text[]": "text[]"}


async def explained(
    connection: asyncpg.Connection[asyncpg.Record], sql: str, kinds: Sequence[str], values: Sequence[str]
) -> str:
    types = ", ".join(kinds)
    await connection.execute(f"PREPARE asked({types}) AS {sql}")
    rows = await connection.fetch(f"EXPLAIN EXECUTE asked({', '.join(values)})")
    await connection.execute("DEALLOCATE asked")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("query", BOUNDED + OTHERS)
async def test_postgresql_searches_by_index(
    connection: asyncpg.Connection[asyncpg.Record], query: str
) -> None:
    made, kinds = statement(query, PostgresqlDialect())
    text = await explained(
        connection,
        made.sql,
        [_CASTS[kind] for kind in kinds],
        ["'{}'" if "[" in kind else "'1'" for kind in kinds],
    )
    for word in SLOW:
        assert word not in text, text


@pytest.mark.parametrize("query", [query for query in BOUNDED + OTHERS if "_sort=" in query])
async def test_what_has_equal_sort_values_is_looked_up_by_index(
    connection: asyncpg.Connection[asyncpg.Record], sqlite_url: str, query: str
) -> None:
    made, kinds = statement(query, PostgresqlDialect(), tied=True)
    values = ["'{}'" if "[" in kind else "'1'" for kind in kinds]
    text = await explained(connection, made.sql, [_CASTS[kind] for kind in kinds], values)
    for word in SLOW:
        assert word not in text, text
    made, kinds = statement(query, SqliteDialect(), tied=True)
    for line in planned(sqlite_url, made, kinds):
        assert not re.match(r"SCAN (?![mfxugliz]\d*\b|page\b)", line), line


def care_team() -> Access:
    """What a huisarts sees by registration, participation and own Tasks."""
    asked = scopes.parse("user/*.rs").resources
    principal = Principal(
        "person", "default", "client", "token", asked, fhir_user="Practitioner/a",
        organization="Organization/b", role="huisarts",
    )  # fmt: skip
    standing = Standing(frozenset({"Z3"}), ("PractitionerRole/c",), ("Practitioner/a",))
    chosen = settings.read({}, database="sqlite:////nowhere.db")
    return access_of(principal, standing, PARAMETERS, chosen).to("s")


@pytest.mark.parametrize("query", BOUNDED + OTHERS)
async def test_postgresql_looks_relations_up_by_index(
    connection: asyncpg.Connection[asyncpg.Record], query: str
) -> None:
    made, kinds = statement(query, PostgresqlDialect(), care_team())
    assert not any("[" in kind for kind in kinds), "a list could not be answered together with others"
    text = await explained(connection, made.sql, [_CASTS[kind] for kind in kinds], ["'1'" for _ in kinds])
    for word in SLOW:
        assert word not in text, text


@pytest.mark.parametrize("members", [1, 2, 64])
@pytest.mark.parametrize("query", BOUNDED)
async def test_many_members_are_looked_up_like_one(
    connection: asyncpg.Connection[asyncpg.Record], query: str, members: int
) -> None:
    made, kinds = statement(query, PostgresqlDialect())
    assert made.bounded
    if len(kinds) == 1:
        return
    sql = grouped(made.sql, tuple(kinds))
    values = ["1"] + ["'{" + ",".join(["1"] * members) + "}'" for _ in kinds[1:]]
    text = await explained(connection, sql, ["int", *[f"{_CASTS[kind]}[]" for kind in kinds[1:]]], values)
    for word in SLOW:
        assert word not in text, text


async def test_members_of_a_group_get_their_own_answers(database: Database) -> None:
    hub = Hub(database)
    for n in range(12):
        person = f"Patient/p{n}"
        await hub.put(
            patient(f"p{n}", identifier=[{"system": "urn:bsn", "value": str(n)}]),
            *[plan(f"c{n}-{k}", person, status=("active", "draft")[k % 2]) for k in range(n % 4)],
            observation(
                f"o{n}", subject=to(person), code=coded(f"k{n % 3}"), effectiveDateTime=f"2024-01-{n + 1:02}"
            ),
        )

    async def asked(query: str) -> list[str]:
        return [
            f"{m.type}/{m.id}" for page in [await hub.page(query)] for m in (*page.matches, *page.includes)
        ]

    queries = [
        query.replace("N", str(n))
        for n in range(14)
        for query in (
            "Patient?identifier=urn:bsn|N",
            "CarePlan?patient=Patient/pN&status=active",
            "CarePlan?patient.identifier=urn:bsn|N&_include=CarePlan:patient",
            "Patient?_id=pN&_revinclude=CarePlan:patient",
            "Observation?code=kN&_sort=-date&_count=5",
        )
    ]
    together = await asyncio.gather(*[asked(query) for query in queries])
    alone = [await asked(query) for query in queries]
    assert together == alone
    one = Access(frozenset({Rule(patients=frozenset({"p3"}))}))
    own, other = await asyncio.gather(
        hub.found("CarePlan?patient=p3", one), hub.found("CarePlan?patient=p7", one)
    )
    assert (own, other) == ("c3-0 c3-1 c3-2", "")


async def test_grouping_changes_nothing(postgresql_url: str) -> None:
    alone, together = open_database(postgresql_url, grouping=False), open_database(postgresql_url)
    hub = Hub(together)
    await hub.put(
        *[task(f"t{n}", identifier=[{"value": f"v{n % 5}"}]) for n in range(30)], resource("Group", "g")
    )
    requested = [requests.parse("Task", f"identifier=v{n % 6}&_count=4", hub.parameters) for n in range(40)]
    found = await asyncio.gather(*[search(together, 1, one, EVERYTHING, key=b"k") for one in requested])
    for one, page in zip(requested, found, strict=True):
        assert await search(alone, 1, one, EVERYTHING, key=b"k") == page
    await alone.close()
    await together.close()
