"""How long a code system of 500,000 concepts takes to answer, on a database it was loaded into.

    python -m bench.snomed FOLDER
    fhirhub terminology load FOLDER --database URL
    python -m bench.terminology URL        (on PostgreSQL with FHIRHUB_SECRET_FILE)

The invented release of `bench.snomed` has no identifiers of the real one, so the questions draw theirs from it.
Times are of whole requests in one process, without a network; `database` conditions are stored first.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from urllib.parse import quote

import httpx

from fhirhub import settings
from fhirhub.app import create_app
from fhirhub.store.database import Database
from fhirhub.store.sql import Statement

SNOMED = "http://snomed.info/sct"
CONDITIONS = 20_000
TIMES = 200
WORDS = (
    "hart",
    "har",
    "hartf",
    "nier",
    "diab",
    "hart links",
    "acuut hart",
    "longitis",
    "oog rechts",
    "h",
    "zz",
)


async def measure(url: str) -> None:
    app = create_app(settings.read(database=url, auth="none"))
    async with (
        app.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hub.test/fhir") as client,
    ):
        assert app.database is not None
        await _measure(client, app.database)


async def _measure(client: httpx.AsyncClient, database: Database) -> None:
    draw = random.Random(5)
    rows = await database.fetch(
        Statement(
            "SELECT code FROM concept WHERE tenant = 0 AND active AND n % 25 = 3 ORDER BY n LIMIT 20000"
        )
    )
    leaves = [str(row[0]) for row in rows]
    rows = await database.fetch(
        Statement(
            "SELECT c.code, sum(i.high - i.low + 1) s, count(*) FROM concept_interval i CROSS JOIN concept c "
            "WHERE i.tenant = 0 AND i.high > i.low + 20 AND c.tenant = 0 AND c.edition = i.edition AND c.n = i.n "
            "GROUP BY c.code ORDER BY 2 DESC LIMIT 300"
        )
    )
    broad, middle = [str(row[0]) for row in rows[1:9]], [str(row[0]) for row in rows[100:300]]
    print(f"  the broadest hierarchy has {int(rows[0][1]):,} concepts, the 300th {int(rows[-1][1]):,}")
    await _store(client, draw, leaves)
    every = quote(f"{SNOMED}?fhir_vs", safe="")

    def within(code: str) -> str:
        return quote(f"{SNOMED}?fhir_vs=isa/{code}", safe="")

    await _time(
        client, "$expand?filter=hart&count=20", lambda: f"ValueSet/$expand?url={every}&filter=hart&count=20"
    )
    await _time(
        client,
        "$expand?filter= of other words",
        lambda: f"ValueSet/$expand?url={every}&filter={draw.choice(WORDS)}&count=20",
    )
    await _time(
        client,
        "$expand?filter= within a hierarchy",
        lambda: f"ValueSet/$expand?url={within(draw.choice(broad))}&filter=hart&count=20",
    )
    await _time(
        client,
        "$expand of a hierarchy, 20",
        lambda: f"ValueSet/$expand?url={within(draw.choice(broad))}&count=20",
    )
    await _time(client, "$lookup", lambda: f"CodeSystem/$lookup?system={SNOMED}&code={draw.choice(leaves)}")
    await _time(
        client,
        "$subsumes",
        lambda: (
            f"CodeSystem/$subsumes?system={SNOMED}&codeA={draw.choice(middle)}&codeB={draw.choice(leaves)}"
        ),
    )
    await _time(
        client,
        "ValueSet $validate-code, is-a",
        lambda: (
            f"ValueSet/$validate-code?url={within(draw.choice(broad))}&system={SNOMED}&code={draw.choice(leaves)}"
        ),
    )
    system = quote(SNOMED, safe="")
    await _time(
        client,
        "Condition?code:below=, broad",
        lambda: f"Condition?code:below={system}%7C{draw.choice(broad)}&_count=20",
    )
    await _time(
        client,
        "Condition?code:below=, narrow",
        lambda: f"Condition?code:below={system}%7C{draw.choice(middle)}&_count=20",
    )
    await _time(
        client,
        "the same of one patient",
        lambda: f"Condition?patient=p{draw.randrange(200)}&code:below={system}%7C{draw.choice(broad)}",
    )


async def _store(client: httpx.AsyncClient, draw: random.Random, leaves: list[str]) -> None:
    """Patients with conditions, where they are not there."""
    if (await client.get("Condition?_count=1")).json().get("entry"):
        return
    used = draw.sample(leaves, min(4000, len(leaves)))
    patients = [
        {
            "resource": {"resourceType": "Patient", "id": f"p{n}"},
            "request": {"method": "PUT", "url": f"Patient/p{n}"},
        }
        for n in range(200)
    ]
    await client.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": patients})
    for _ in range(CONDITIONS // 500):
        entries = [
            {
                "resource": {
                    "resourceType": "Condition",
                    "subject": {"reference": f"Patient/p{draw.randrange(200)}"},
                    "code": {"coding": [{"system": SNOMED, "code": draw.choice(used)}]},
                },
                "request": {"method": "POST", "url": "Condition"},
            }
            for _ in range(500)
        ]
        made = await client.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert made.status_code == 200, made.text[:300]


async def _time(client: httpx.AsyncClient, name: str, path: object) -> None:
    times = []
    assert callable(path)
    for number in range(TIMES + 10):
        asked = str(path())
        start = time.perf_counter()
        response = await client.get(asked)
        if number >= 10:
            times.append(time.perf_counter() - start)
        assert response.status_code == 200, response.text[:300]
    times.sort()
    p50, p99 = times[TIMES // 2] * 1000, times[int(TIMES * 0.99)] * 1000
    print(f"  {name:36} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms", flush=True)


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1]))
