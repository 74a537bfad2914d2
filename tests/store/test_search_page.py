"""Sorting, paging, totals and includes (https://hl7.org/fhir/R4/search.html#return)."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
import pytest_asyncio

from fhirhub.access import EVERYTHING, NOTHING, Access, Rule
from fhirhub.errors import FhirError
from fhirhub.store import including
from fhirhub.store import request as requests
from fhirhub.store import search as searching
from fhirhub.store.database import Database, Reader
from fhirhub.store.sql import Row, Statement
from tests.store import finding
from tests.store.finding import KEY, Hub, Json, coded, observation, patient, plan, resource, task, to


@pytest_asyncio.fixture
async def hub(database: Database) -> Hub:
    return Hub(database)


async def pages(hub: Hub, query: str, access: Access = EVERYTHING) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = await hub.page(query, access, cursor)
        found.append([match.id for match in page.matches])
        cursor = page.next
        if cursor is None:
            return found


# sort


async def test_the_order_is_by_the_lowest_value_ascending_and_the_highest_descending(hub: Hub) -> None:
    for id, values in {"a": ("0.1", "0.9"), "b": ("0.5",), "c": ()}.items():
        predictions: list[Json] = [{"probabilityDecimal": Decimal(value)} for value in values]
        await hub.put(resource("RiskAssessment", id, status="final", prediction=predictions))
    assert await hub.ids("RiskAssessment?_sort=probability") == ["a", "b", "c"]
    assert await hub.ids("RiskAssessment?_sort=-probability") == ["a", "b", "c"]


@pytest.mark.parametrize("count", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("family", "adams bakker jansen zoë none"),
        ("-family", "zoë jansen bakker adams none"),
        ("birthdate", "jansen zoë adams bakker none"),
        ("-birthdate", "bakker adams zoë jansen none"),
        ("_id", "adams bakker jansen none zoë"),
        ("-_id", "zoë none jansen bakker adams"),
        ("_lastUpdated", "adams bakker jansen none zoë"),
        ("-_lastUpdated", "zoë none jansen bakker adams"),
        ("gender,-birthdate", "bakker adams jansen zoë none"),
        ("-gender,family", "zoë adams bakker jansen none"),
        ("general-practitioner,_id", "jansen adams bakker none zoë"),
    ],
)
async def test_pages_follow_the_order_with_absent_values_last(
    hub: Hub, sort: str, expected: str, count: int
) -> None:
    people: dict[str, Json] = {
        "adams": {"birthDate": "1990-06-15", "gender": "female"},
        "bakker": {"birthDate": "1991", "gender": "female"},
        "jansen": {"birthDate": "1950", "gender": "female", "generalPractitioner": [to("Practitioner/1")]},
        "none": {},
        "zoe": {"birthDate": "1980-01-01", "gender": "male"},
    }
    for id, elements in people.items():
        name = [{"family": "Zoë" if id == "zoe" else id.title()}] if id != "none" else []
        await hub.put(patient(id, **{**elements, "name": name} if name else elements))
    found = await pages(hub, f"Patient?_sort={sort}&_count={count}")
    assert [id for page in found for id in page] == expected.replace("ë", "e").split()
    assert all(len(page) <= count for page in found)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("way", ["", "-"])
@pytest.mark.parametrize(
    ("query", "last"),
    [
        ("Observation?_sort=@date", "x"),
        ("Observation?code=hr&_sort=@date", "x"),
        ("Observation?code=hr&status=final&_sort=@date", "x"),
        ("Observation?performer=Practitioner/1&_sort=@date", "x"),
        ("Observation?date=2024-01-01&_sort=@date", ""),
        ("Observation?_sort=@status", ""),
        ("Observation?code=hr&_sort=@value-string", "x"),
        ("Observation?_sort=@value-string", "x"),
        ("Observation?_sort=@status,@code,value-string", "x"),
        ("Observation?_sort=@subject", "x"),
        ("Observation?_sort=@_lastUpdated", ""),
        ("Observation?code=hr&_sort=@_lastUpdated", ""),
        ("?_type=Observation&_sort=@_lastUpdated", ""),
        ("?_type=Observation,Patient&_sort=@_lastUpdated", ""),
    ],
)
async def test_equal_values_come_in_the_order_of_their_ids(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, query: str, last: str, way: str, count: int
) -> None:
    monkeypatch.setattr(finding, "MILLISECOND", 0)
    ids = ["o5", "x3", "o1", "x1", "o9", "o3", "x2", "o7"]
    for id in ids:
        elements: Json = {"code": coded("hr"), "performer": [to("Practitioner/1")]}
        if id[0] == "o":
            elements |= {"effectiveDateTime": "2024-01-01", "valueString": "a", "subject": to("Patient/1")}
        await hub.put(observation(id, **elements))
    if "date=" in query:
        ids = [id for id in ids if id[0] != "x"]
    found = [id for page in await pages(hub, f"{query.replace('@', way)}&_count={count}") for id in page]
    assert found == sorted(ids, key=lambda id: (last != "" and id[0] == last, id))


async def test_equal_ids_of_two_types_come_in_the_order_of_their_types(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MILLISECOND", 0)
    await hub.put(patient("b"), observation("c"), patient("a"), observation("b"), patient("c"))
    for count in (1, 2, 10):
        found, cursor = [], None
        while True:
            page = await hub.page(
                f"?_type=Patient,Observation&_sort=-_lastUpdated&_count={count}", cursor=cursor
            )
            found += [f"{match.type}/{match.id}" for match in page.matches]
            cursor = page.next
            if cursor is None:
                break
        assert " ".join(found) == "Patient/a Observation/b Patient/b Observation/c Patient/c"


async def test_a_page_that_ends_within_equal_values_has_the_includes_of_its_matches(hub: Hub) -> None:
    for id in ("c", "a", "b"):
        await hub.put(patient(f"p{id}"), observation(id, subject=to(f"Patient/p{id}")))
    query = "Observation?_sort=status,code&_include=Observation:subject&_count=1"
    assert await hub.included(query) == "Patient/pa"


@pytest.mark.parametrize("sort", ["-date", "date"])
async def test_a_long_list_by_date_is_paged_with_those_without_a_date_last(hub: Hub, sort: str) -> None:
    await hub.put(
        *[
            observation(f"o{n:02}", code=coded("hr"), effectiveDateTime=f"2024-01-{n % 7 + 1:02}")
            for n in range(20)
        ],
        *[observation(f"x{n}", code=coded("hr")) for n in range(4)],
        observation("other", code=coded("bp"), effectiveDateTime="2024-01-01"),
    )
    for criteria in ("code=hr", "code=hr&status=final", "status=final", "category:missing=true&code=hr"):
        found = await pages(hub, f"Observation?{criteria}&_sort={sort}&_count=6")
        ids = [id for page in found for id in page if id != "other"]
        assert len(ids) == len(set(ids)) == 24, criteria
        assert all(id.startswith("x") for id in ids[20:]), criteria
        days = [int(id[1:]) % 7 for id in ids[:20]]
        assert days == sorted(days, reverse=sort == "-date"), criteria


@pytest.mark.parametrize(
    "query",
    [
        "Patient?_has:Observation:patient:code=hr&",
        "Patient?_has:Observation:patient:code=urn:s|hr&",
        "Patient?_has:Observation:performer:code=hr&",
        "Patient?name=jan&",
        "Patient?name=jan&active=true&",
        "Patient?_sort=name&",
        "Patient?_sort=-name&active=true&",
        "Observation?patient.active=true&",
        "Observation?patient.name=jan&",
    ],
)
async def test_long_lists_are_paged_without_gaps_or_doubles(hub: Hub, query: str) -> None:
    twice = {"coding": [{"system": "urn:s", "code": "hr"}, {"system": "urn:t", "code": "hr"}]}
    for n in range(7):
        who = to(f"Patient/p{n}")
        name = [{"family": "Jansen", "given": ["Jan", "jan", f"Jan{n}"]}] if n != 3 else []
        await hub.put(patient(f"p{n}", active=True, **({"name": name} if name else {})))
        for k in range(3):
            await hub.put(observation(f"o{n}-{k}", subject=who, performer=[who], code=twice))
    whole = sorted(await hub.ids(query + "_count=100"))
    assert whole
    for count in (1, 2, 5):
        ids = [id for page in await pages(hub, f"{query}_count={count}") for id in page]
        assert sorted(ids) == whole, count


async def test_a_work_list_is_sorted_by_its_date(hub: Hub) -> None:
    owner = to("Organization/o")
    await hub.put(
        *[
            task(
                f"t{n}",
                owner=owner,
                authoredOn=f"2024-01-0{n + 1}",
                status=("requested", "accepted", "draft")[n % 3],
            )
            for n in range(9)
        ],
        task("other", owner=to("Organization/x"), authoredOn="2024-02-01"),
    )
    query = "Task?owner=Organization/o&status=requested,accepted&_sort=-authored-on&_count=4"
    assert await pages(hub, query) == [["t7", "t6", "t4", "t3"], ["t1", "t0"]]
    assert await pages(hub, query.replace("=-auth", "=auth")) == [["t0", "t1", "t3", "t4"], ["t6", "t7"]]


@pytest.mark.parametrize(
    "query", ["Patient?_sort=nonsense", "Observation?_sort=code-value-quantity", "Patient?_sort=_score"]
)
async def test_what_cannot_be_sorted_by_is_refused(hub: Hub, query: str) -> None:
    with pytest.raises(FhirError) as error:
        await hub.page(query)
    assert error.value.status == 400


# paging


@pytest.mark.parametrize(
    "query",
    [
        "Patient?",
        "Patient?active=true&",
        "?_type=Patient&",
        "Patient?birthdate=ge1950&",
        "Patient?gender:missing=true&",
        "Patient?_sort=birthdate&",
        "Patient?_sort=-birthdate&",
        "Patient?_sort=family&",
        "Patient?_sort=active,-gender&",
    ],
)
async def test_every_match_comes_once_while_others_write(hub: Hub, query: str) -> None:
    await hub.put(*[patient(f"p{n:02}", active=True, birthDate="1990-01-01") for n in range(12)])
    seen: list[str] = []
    cursor = None
    for turn in range(20):
        page = await hub.page(f"{query}_count=3", cursor=cursor)
        seen += [match.id for match in page.matches]
        # One that was seen and one that was not are written again; one is added, one goes.
        await hub.put(patient("p00", active=True, birthDate="1990-01-01"))
        await hub.put(patient("p10", active=True, birthDate="1990-01-01", language="nl"))
        if turn == 1:
            await hub.put(patient("a-new", active=True, birthDate="1990-01-01"))
            await hub.delete("Patient", "p05")
        cursor = page.next
        if cursor is None:
            break
    stayed = {f"p{n:02}" for n in range(12)} - {"p05"}
    assert stayed <= set(seen)
    assert len(seen) == len(set(seen))


async def test_a_cursor_is_for_its_caller_and_query_only(hub: Hub) -> None:
    await hub.put(*[patient(f"p{n}", active=True) for n in range(5)])
    first = await hub.page("Patient?active=true&_count=2")
    assert first.next is not None
    for query, access, cursor in (
        ("Patient?active=false&_count=2", EVERYTHING, first.next),
        ("Patient?_count=2", EVERYTHING, first.next),
        ("Patient?active=true&_count=2", Access(frozenset({Rule(types=frozenset({"Patient"}))})), first.next),
        ("Patient?active=true&_count=2", EVERYTHING, first.next[:-2] + "AA"),
        ("Patient?active=true&_count=2", EVERYTHING, "nonsense"),
        ("Patient?active=true&_count=2", EVERYTHING, "é"),
    ):
        with pytest.raises(FhirError) as error:
            await hub.page(query, access, cursor)
        assert error.value.status == 400
    assert len((await hub.page("Patient?active=true&_count=2", cursor=first.next)).matches) == 2
    assert len((await hub.page("Patient?active=true&_count=4", cursor=first.next)).matches) == 3


async def test_totals_are_told_when_asked_or_known(hub: Hub) -> None:
    await hub.put(*[patient(f"p{n}", active=n < 4, name=[{"family": "X", "given": ["X"]}]) for n in range(5)])
    assert (await hub.page("Patient?active=true&_count=2")).total is None
    assert (await hub.page("Patient?active=true&_count=2&_total=accurate")).total == 4
    assert (await hub.page("Patient?active=true")).total == 4
    assert (await hub.page("Patient?name=x&_count=2&_total=accurate")).total == 5
    assert (await hub.page("Patient?_count=2&_total=estimate")).total == 5
    for query in ("Patient?active=true&_summary=count", "Patient?active=true&_count=0"):
        page = await hub.page(query)
        assert (page.total, page.matches, page.next) == (4, [], None)


# includes


@pytest_asyncio.fixture
async def region(hub: Hub) -> Hub:
    await hub.put(
        resource("Organization", "root"),
        resource("Organization", "clinic", partOf=to("Organization/root")),
        resource("Practitioner", "d"),
        patient(
            "a", generalPractitioner=[to("Practitioner/d")], managingOrganization=to("Organization/clinic")
        ),
        patient("b"),
        resource(
            "CareTeam",
            "ct",
            subject=to("Patient/a"),
            participant=[{"member": to("Practitioner/d")}, {"member": to("Patient/a")}],
        ),
        plan("p1", "Patient/a", careTeam=[to("CareTeam/ct")], instantiatesCanonical=["http://x/dm|1.0"]),
        plan("p2", "Patient/a", basedOn=[to("CarePlan/p1")]),
        plan("p3", "Patient/b", subject={"display": "iemand"}),
        plan("p4", "http://elsewhere.example/fhir/Patient/a"),
        task("t", focus=to("CarePlan/p1"), **{"for": to("Patient/a")}),
        resource("PlanDefinition", "old", status="active", url="http://x/dm", version="1.0"),
        resource("PlanDefinition", "new", status="active", url="http://x/dm", version="2.0"),
    )
    return hub


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("CarePlan?_id=p1&_include=CarePlan:patient", "Patient/a"),
        ("CarePlan?_id=p1&_include=CarePlan:subject:Group", ""),
        ("CarePlan?_id=p1,p2&_include=CarePlan:based-on", ""),
        ("CarePlan?_id=p2&_include=CarePlan:based-on", "CarePlan/p1"),
        ("CarePlan?_id=p3,p4&_include=CarePlan:subject", ""),
        ("CarePlan?_id=p1&_include=CarePlan:patient&_include=CarePlan:care-team", "CareTeam/ct Patient/a"),
        ("CarePlan?_id=p1&_include=CarePlan:*", "CareTeam/ct Patient/a PlanDefinition/old"),
        ("CarePlan?_id=p1&_include=*", "CareTeam/ct Patient/a PlanDefinition/old"),
        (
            "CarePlan?_id=p1&_include:iterate=*",
            "CareTeam/ct Organization/clinic Organization/root Patient/a PlanDefinition/old Practitioner/d",
        ),
        ("CarePlan?_id=p1&_include=CarePlan:instantiates-canonical", "PlanDefinition/old"),
        ("PlanDefinition?_id=old&_revinclude=CarePlan:instantiates-canonical", "CarePlan/p1"),
        ("PlanDefinition?_id=new&_revinclude=CarePlan:instantiates-canonical", ""),
        ("CarePlan?_id=p1&_include=CarePlan:care-team&_include=CareTeam:participant", "CareTeam/ct"),
        (
            "CarePlan?_id=p1&_include=CarePlan:care-team&_include:iterate=CareTeam:participant",
            "CareTeam/ct Patient/a Practitioner/d",
        ),
        (
            "CarePlan?_id=p1&_include=CarePlan:care-team&_include:iterate=CareTeam:participant:Practitioner",
            "CareTeam/ct Practitioner/d",
        ),
        (
            "Patient?_id=a&_include=Patient:organization&_include:iterate=Organization:partof",
            "Organization/clinic Organization/root",
        ),
        ("Patient?_id=a&_revinclude=CarePlan:patient", "CarePlan/p1 CarePlan/p2"),
        (
            "Patient?_id=a&_revinclude=CarePlan:subject&_revinclude=Task:patient",
            "CarePlan/p1 CarePlan/p2 Task/t",
        ),
        (
            "Patient?_id=a&_revinclude=CarePlan:patient&_revinclude:iterate=Task:focus",
            "CarePlan/p1 CarePlan/p2 Task/t",
        ),
        (
            "Patient?_id=a&_revinclude=Task:patient&_include:iterate=Task:focus&_include:iterate=CarePlan:care-team",
            "CarePlan/p1 CareTeam/ct Task/t",
        ),
        ("Patient?_id=a&_revinclude=Task:*", "Task/t"),
        ("Patient?_id=a&_revinclude=*", "CarePlan/p1 CarePlan/p2 CareTeam/ct Task/t"),
        ("CarePlan?patient=a&_include=CarePlan:patient&_revinclude=Task:focus", "Patient/a Task/t"),
        ("CarePlan?patient=a&_sort=-date&_include=CarePlan:patient", "Patient/a"),
        ("CarePlan?patient=a&_sort=status&_include=CarePlan:patient", "Patient/a"),
    ],
)
async def test_resources_are_included(region: Hub, query: str, expected: str) -> None:
    assert await region.included(query) == expected


async def test_each_page_has_the_includes_of_its_own_matches(hub: Hub) -> None:
    await hub.put(*[patient(f"p{n}") for n in range(3)])
    await hub.put(*[plan(f"c{n}", f"Patient/p{n}") for n in range(3)])
    cursor = None
    for n in range(3):
        page = await hub.page("CarePlan?status=active&_count=1&_include=CarePlan:patient", cursor=cursor)
        assert [match.id for match in page.matches] == [f"c{n}"]
        assert [match.id for match in page.includes] == [f"p{n}"]
        cursor = page.next
    assert cursor is None


async def test_the_version_referred_to_is_included(hub: Hub) -> None:
    await hub.put(plan("p", title="Eerste"))
    await hub.put(plan("p", title="Tweede"))
    for id, version in {"old": 1, "current": 2, "never": 3}.items():
        target = [to(f"CarePlan/p/_history/{version}")]
        await hub.put(resource("Provenance", id, target=target, recorded="2024-01-01T00:00:00Z", agent=[]))
    for id, title in {"old": b"Eerste", "current": b"Tweede"}.items():
        page = await hub.page(f"Provenance?_id={id}&_include=Provenance:target")
        assert [title in match.body for match in page.includes] == [True]
    assert await hub.included("Provenance?_id=never&_include=Provenance:target") == ""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("CarePlan?_include=CarePlan:nonsense", "no search parameter `nonsense`"),
        ("CarePlan?_include=CarePlan:status", "no reference parameter"),
        ("CarePlan?_include=Plan:subject", "no resource type `Plan`"),
        ("CarePlan?_include=CarePlan", "Type:parameter"),
        ("CarePlan?_include:repeat=CarePlan:subject", "`:iterate` only"),
        ("CarePlan?_include=CarePlan:patient&_summary=text", "cannot be mixed"),
    ],
)
async def test_an_include_that_cannot_be_is_refused(hub: Hub, query: str, said: str) -> None:
    with pytest.raises(FhirError) as error:
        await hub.page(query)
    assert error.value.status == 400
    assert said in error.value.issues[0].text


# what a caller may see


def of(*patients: str) -> Access:
    return Access(frozenset({Rule(patients=frozenset(patients)), Rule(types=frozenset({"Organization"}))}))


@pytest_asyncio.fixture
async def two(hub: Hub) -> Hub:
    """Two patients, with plans of each, one that is about both, and tasks."""
    await hub.put(
        resource("Organization", "o", name="Linde"),
        patient("a", name=[{"family": "Jansen"}], managingOrganization=to("Organization/o")),
        patient("b", name=[{"family": "Bakker"}], managingOrganization=to("Organization/o")),
        plan("pa", "Patient/a"),
        plan("pb", "Patient/b"),
        task("ta", focus=to("CarePlan/pa"), **{"for": to("Patient/a")}),
        task("tb", focus=to("CarePlan/pb"), **{"for": to("Patient/b")}),
        resource(
            "Communication", "both", status="completed", sender=to("Patient/a"), recipient=[to("Patient/b")]
        ),
    )
    return hub


@pytest.mark.parametrize(
    ("query", "a", "both"),
    [
        ("CarePlan", "pa", "pa pb"),
        ("CarePlan?status=active", "pa", "pa pb"),
        ("CarePlan?_sort=_lastUpdated", "pa", "pa pb"),
        ("CarePlan?status=active&_sort=-date", "pa", "pa pb"),
        ("CarePlan?status:not=draft", "pa", "pa pb"),
        ("CarePlan?patient.family=jansen,bakker", "pa", "pa pb"),
        ("CarePlan?status=active&patient.family=jansen,bakker", "pa", "pa pb"),
        ("Organization?_has:Patient:organization:family=bakker", "", "o"),
        ("Organization?_has:Patient:organization:_has:CarePlan:patient:status=active", "o", "o"),
        ("Organization?name=linde&_has:Patient:organization:family=bakker", "", "o"),
        ("Communication", "", "both"),
        ("Patient/b/*", "", "b both pb"),
        ("?_type=CarePlan,Task", "pa ta", "pa pb ta tb"),
        ("Organization", "o", "o"),
    ],
)
async def test_an_access_is_part_of_every_criterion(two: Hub, query: str, a: str, both: str) -> None:
    assert await two.found(query, of("a")) == a
    assert await two.found(query, of("a", "b")) == both
    assert await two.found(query, NOTHING) == ""


async def test_an_access_is_part_of_totals_pages_and_includes(two: Hub) -> None:
    assert (await two.page("CarePlan?_summary=count", of("a"))).total == 1
    assert (await two.page("CarePlan?_count=1", of("a"))).next is None
    assert (await two.page("CarePlan?_total=accurate&_count=1", of("a", "b"))).total == 2
    team = Access(
        frozenset(
            {Rule(types=frozenset({"CarePlan"}), patients=frozenset({"a"})), Rule(ids=frozenset({"tb"}))}
        )
    )
    assert await two.included("CarePlan?_include=CarePlan:patient&_revinclude=Task:focus", team) == ""
    assert (
        await two.included("CarePlan?_include=CarePlan:patient&_revinclude=Task:focus", of("a"))
        == "Patient/a Task/ta"
    )
    assert await two.included("CarePlan?_include:iterate=CarePlan:patient", of("a")) == "Patient/a"
    assert await two.found("Task", team) == "tb"
    assert await two.found("Task", Access(frozenset({Rule(patients=frozenset())}))) == ""
    assert await two.found("Task", Access(frozenset({Rule(ids=frozenset({"ta", "tb"}))}))) == "ta tb"


async def test_includes_are_bounded_by_what_may_be_seen(two: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(including, "INCLUDED_AT_MOST", 2)
    monkeypatch.setattr(searching, "_plans", {})
    monkeypatch.setattr(searching, "_joins", {})
    organization = to("Organization/o")
    await two.put(*[patient(f"x{n}", managingOrganization=organization) for n in range(5)])
    for modifier in ("", ":iterate"):
        query = f"Organization?_revinclude{modifier}=Patient:organization"
        cut = await two.page(query)
        assert len(cut.includes) == 2
        assert [issue.code for issue in cut.issues] == ["incomplete"]
        seen = await two.page(query, of("x4"))
        assert [match.id for match in seen.includes] == ["x4"]
        assert seen.issues == []


async def test_tenants_do_not_meet(database: Database) -> None:
    one, other = Hub(database), Hub(database, tenant=2)
    await one.put(patient("a", name=[{"family": "Een"}]), plan("p", "Patient/a"))
    await other.put(patient("a", name=[{"family": "Twee"}]))
    assert await other.found("Patient?family=een") == ""
    assert await other.found("Patient") == "a"
    assert await other.found("CarePlan?patient.family=twee") == ""
    assert await other.included("Patient?_revinclude=CarePlan:patient") == ""


class Slow:
    """A reader that takes its time."""

    def __init__(self, reader: Reader, seconds: float) -> None:
        self.dialect = reader.dialect
        self._reader = reader
        self._seconds = seconds

    async def fetch(self, statement: Statement) -> list[Row]:
        await asyncio.sleep(self._seconds)
        return await self._reader.fetch(statement)


@pytest.mark.parametrize(("each", "whole", "fits"), [(0, 5, True), (0.7, 1, False), (0.2, 0.1, False)])
async def test_all_statements_of_a_search_share_its_time(
    hub: Hub, each: float, whole: float, fits: bool
) -> None:
    await hub.put(patient("a"), observation("o", subject=to("Patient/a")))
    query = "_sort=date&_include:iterate=Observation:subject&_total=accurate"
    asked = requests.parse("Observation", query, hub.parameters)
    found = searching.search(Slow(hub.database, each), hub.tenant, asked, EVERYTHING, key=KEY, seconds=whole)
    if fits:
        assert (await found).total == 1
        return
    with pytest.raises(FhirError) as error:
        await found
    assert error.value.issues[0].code == "too-costly"
