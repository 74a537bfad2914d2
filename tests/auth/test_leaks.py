"""R2: for any data and any read, the answer equals that of an unrestricted caller on a store that holds only what
this caller may see, as they may see it."""

from __future__ import annotations

import itertools
import time
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fhirhub import errors
from fhirhub import settings as all_settings
from fhirhub.access import EVERYTHING, Access
from fhirhub.auth import scopes
from fhirhub.auth.policy import Standing, access_of
from fhirhub.auth.principal import Principal
from fhirhub.careplan import changes
from fhirhub.repository import Keys, Repository, Stored, Tenant
from fhirhub.resources import document
from fhirhub.store import request as requests
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.versions import HistoryRequest
from tests.auth.worlds import PATIENTS, World, without_tag, worlds

Json = dict[str, Any]
BASE = "http://hub.test/fhir"
PARAMETERS = Parameters()
SETTINGS = all_settings.read({}, database="sqlite:////nowhere.db")
_tenants = itertools.count(1000)


def principal(user: str | None, organization: str | None, role: str | None, scope: str = "") -> Principal:
    asked = scopes.parse(scope or ("system/*.cruds" if user is None else "user/*.cruds")).resources
    return Principal(
        "backend" if user is None else "person",
        "default",
        "client",
        f"{user}|{organization}|{role}|{scope}",
        asked,
        fhir_user=user,
        organization=organization,
        role=role,
        patient="p1" if "patient/" in scope else None,
    )


CALLERS = [
    (principal("Practitioner/doctor", "Organization/practice", "huisarts"), {"Z3"}),
    (principal("Practitioner/doctor", "Organization/practice", "poh"), {"Z3"}),
    (principal("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige"), {"T2"}),
    (principal("Practitioner/helper", "Organization/welfare", "welzijn"), set[str]()),
    (principal(None, "Organization/nursing", None), {"T2"}),
    (principal(None, "Organization/welfare", None), set[str]()),
    (principal("Patient/p1", None, "patient"), set[str]()),
    (principal("RelatedPerson/carer", None, "mantelzorger"), set[str]()),
    (principal("RelatedPerson/carer", None, "wettelijk-vertegenwoordiger"), set[str]()),
    (principal("Practitioner/doctor", "Organization/practice", "analist"), {"Z3"}),
    (
        principal(
            "Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige", "patient/*.rs user/Task.rs"
        ),
        {"T2"},
    ),
    (
        principal(
            "Practitioner/doctor",
            "Organization/practice",
            "huisarts",
            "user/Observation.rs?code=x user/Patient.rs",
        ),
        {"Z3"},
    ),
]


STANDINGS = {
    "Practitioner/doctor": ("PractitionerRole/doctor-there",),
    "Practitioner/nurse": ("PractitionerRole/nurse-there",),
    "Practitioner/helper": ("PractitionerRole/helper-there",),
}


def access(caller: tuple[Principal, set[str]]) -> Access:
    principal, kinds = caller
    people = ("Practitioner/doctor", "PractitionerRole/doctor-there") if "Z3" in kinds else ()
    standing = Standing(frozenset(kinds), STANDINGS.get(principal.fhir_user or "", ()), people)
    return access_of(principal, standing, PARAMETERS, SETTINGS)


SEARCHES = [
    "Patient",
    "Patient?_count=1",
    "Patient?name=jan",
    "Patient?name=jan&_total=accurate&_count=1",
    "Patient?_summary=count",
    "Patient?birthdate=1950-01-01",
    "Patient?gender:not=male",
    "Patient?gender=male&_sort=-birthdate",
    "Patient?_sort=family,-_id",
    "Patient?_sort=birthdate&_count=1",
    "Patient?_sort=identifier",
    "Patient?identifier=123456780",
    "Patient?identifier=http://fhir.nl/fhir/NamingSystem/bsn|999",
    "Patient?identifier:missing=true",
    "Patient?_content=123456780",
    "Patient?general-practitioner=Organization/practice",
    "Patient?_include=Patient:general-practitioner",
    "Patient?_revinclude=*",
    "Patient?_revinclude=CarePlan:patient&_revinclude:iterate=Task:based-on",
    "Patient?_has:Observation:patient:code=x",
    "Patient?_has:Observation:patient:code=x&_count=1",
    "Patient?_has:CarePlan:patient:_has:Task:based-on:status=accepted",
    "Patient?_list=list",
    'Patient?_filter=family co "jan" or birthdate eq 1960-02-02',
    "CarePlan?patient=Patient/p1",
    "CarePlan?subject=p2&status=active",
    "CarePlan?patient.name=smit",
    "CarePlan?patient.birthdate=1950-01-01",
    "CarePlan?patient.identifier=123456781",
    "CarePlan?patient:missing=false&_sort=-_id",
    "CarePlan?_security=R",
    "CarePlan?_include=CarePlan:subject&_revinclude=Task:based-on",
    "CarePlan?_has:Task:based-on:owner=Organization/nursing",
    "CarePlan?_list=list",
    "Task?_sort=-authored-on&_count=1",
    "Task?owner=Organization/nursing&_sort=-authored-on",
    "Task?patient=p1",
    "Task?patient.family=jansen",
    "Task?patient:identifier=http://fhir.nl/fhir/NamingSystem/bsn|123456780",
    "Task?subject:identifier=123456780",
    "Task?_content=geheim",
    "Task?_include=Task:patient&_include=Task:owner&_include=Task:based-on",
    "Task?status=requested,accepted&_total=accurate",
    "Task?status:not=completed",
    "Observation?_sort=-date",
    "Observation?code=x&_sort=date&_count=1",
    "Observation?subject:Patient.name=jan&_include=Observation:subject",
    "Observation?date=ge2024-01-02",
    "Observation?performer=Organization/nursing",
    "Communication?_include=Communication:sender",
    "Communication?recipient=Patient/p2&_sort=_id",
    "QuestionnaireResponse",
    "QuestionnaireResponse?source=RelatedPerson/carer&_include=QuestionnaireResponse:subject",
    "Appointment?_sort=_id&_include=Appointment:actor",
    "Appointment?patient=p2",
    "Appointment?patient.name=smit&_total=accurate",
    "Patient?_has:Appointment:patient:status=proposed",
    "Patient?_revinclude=Appointment:patient&_revinclude:iterate=Communication:recipient",
    "Group?member=Patient/p1",
    "Patient?_has:Group:member:type=person",
    "Task?_sort=patient,_id",
    "Task?_sort=-owner,_id&_count=1",
    "Observation?_security=S,V",
    "Observation?_has:List:item:_id=list",
    "Organization?_has:Task:owner:patient=p2",
    "Consent?patient=p1",
    "?_type=Patient,CarePlan,Task,Observation",
    "?_type=CareTeam,Consent,RelatedPerson,List&_count=2",
    "Patient/p1/*",
    "Patient/p2/Observation",
    "Organization?_revinclude=Patient:general-practitioner",
    "Practitioner?_has:Patient:general-practitioner:name=jan",
]
"""What is asked of every world."""


def tenant(database: Database, number: int) -> Tenant:
    return Tenant(number, f"t{number}", database, PARAMETERS, Keys(database, number), integrity=False)


async def write(store: Repository, resources: list[Json]) -> None:
    for resource in resources:
        type, id = resource["resourceType"], resource["id"]
        if "deleted" in resource:
            await store.delete(type, id)
        else:
            await store.update(document.decode(document.encode(resource)))


async def searched(store: Repository, query: str) -> Any:
    """Everything that a search tells, page by page; an error as its code."""
    path, _, parameters = query.partition("?")
    compartment = None
    type: str | None = path or None
    if "/" in path:
        name, id, within = path.split("/")
        compartment, type = (name, id), None if within == "*" else within
    pages = []
    cursor = None
    while True:
        asked = requests.parse(type, parameters, PARAMETERS, compartment=compartment, base=BASE)
        try:
            page = await store.search(asked, cursor)
        except errors.FhirError as fault:
            return fault.issues[0].code
        matches = [told(match.body) for match in page.matches]
        includes = sorted((told(match.body) for match in page.includes), key=repr)
        pages.append((matches, includes, page.total))
        cursor = page.next
        if cursor is None:
            return pages


def told(body: bytes | None) -> Any:
    return None if body is None else without_tag(document.decode(body))


async def read(store: Repository, type: str, id: str) -> Any:
    try:
        return told((await store.read(type, id)).body)
    except errors.FhirError as fault:
        return fault.issues[0].code


async def past(store: Repository, type: str | None, id: str | None) -> Any:
    try:
        found = await store.history(HistoryRequest(type, id, count=100))
    except errors.FhirError as fault:
        return fault.issues[0].code
    return [(one.type, one.id, told(one.body)) for one in found]


async def old(store: Repository, type: str, id: str) -> list[Any]:
    """Every version that can be read by its number, in order."""
    found: list[Stored] = []
    for number in range(1, 5):
        try:
            found.append(await store.vread(type, id, str(number)))
        except errors.FhirError:
            continue
    return [told(one.body) for one in found]


async def timeline(store: Repository, id: str) -> Any:
    try:
        plan = await store.read("CarePlan", id)
    except errors.FhirError as fault:
        return fault.issues[0].code
    found = await store.timeline(changes.of_plan(plan, BASE, count=100))
    return [(one.stored.type, one.stored.id, told(one.stored.body)) for one in found]


@settings(
    max_examples=5,
    # A failing world is small enough to read; to shrink it takes longer than to find it.
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds(), who=st.lists(st.sampled_from(CALLERS), min_size=3, max_size=3, unique_by=repr))
async def test_what_may_not_be_seen_does_not_exist(
    database: Database, world: list[Json], who: list[tuple[Principal, set[str]]]
) -> None:
    full = tenant(database, next(_tenants))
    await write(Repository(full, EVERYTHING), world)
    for caller in who:
        given_access = access(caller)
        known = World(world, time.time_ns() // 1000).remember(world)
        only = tenant(database, next(_tenants))
        await write(Repository(only, EVERYTHING), list(known.seen(given_access.to("s"))))
        one, other = Repository(full, given_access), Repository(only, EVERYTHING)
        for query in SEARCHES:
            assert await searched(one, query) == await searched(other, query), (caller[0], query)
        if given_access.to("r").rules != given_access.to("s").rules:
            continue
        for type, id in known.versions:
            assert await read(one, type, id) == await read(other, type, id), (caller[0], type, id)
            assert await past(one, type, id) == await past(other, type, id), (caller[0], type, id)
            assert await old(one, type, id) == await old(other, type, id), (caller[0], type, id)
            if type == "CarePlan":
                assert await timeline(one, id) == await timeline(other, id), (caller[0], type, id)
        for missing in PATIENTS:
            assert await read(one, "Patient", missing) == await read(other, "Patient", missing)
        assert sorted(map(repr, await past(one, None, None))) == sorted(
            map(repr, await past(other, None, None))
        )
