"""Every search type, prefix and modifier, on both databases (https://hl7.org/fhir/R4/search.html#ptypes)."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from fhirhub.errors import FhirError
from fhirhub.resources import document
from fhirhub.store.database import Database
from tests.store import finding
from tests.store.finding import Hub, Json, coded, observation, patient, plan, resource, task, to

SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"


@pytest_asyncio.fixture
async def hub(database: Database) -> Hub:
    return Hub(database)


async def refused(hub: Hub, query: str) -> str:
    with pytest.raises(FhirError) as error:
        await hub.page(query)
    assert error.value.status == 400
    return error.value.issues[0].text


def named(id: str, *names: dict[str, Any]) -> dict[str, Any]:
    return patient(id, name=list(names))


# string


async def test_a_string_matches_the_start_without_case_accents_and_punctuation(hub: Hub) -> None:
    await hub.put(
        named("jose", {"family": "Müller", "given": ["José"]}),
        named("nfd", {"family": "Mu\u0308ller"}),
        named("sev", {"family": "O'Neil", "given": ["Severine"]}),
    )
    assert await hub.found("Patient?family=MUL") == "jose nfd"
    assert await hub.found("Patient?family=m%C3%BCller") == "jose nfd"
    assert await hub.found("Patient?family=uller") == ""
    assert await hub.found("Patient?family=o%27neil") == "sev"
    assert await hub.found("Patient?family=oneil") == "sev"
    assert await hub.found("Patient?given:contains=VERI") == "sev"
    assert await hub.found("Patient?given:exact=Jos%C3%A9") == "jose"
    assert await hub.found("Patient?given:exact=jos%C3%A9") == ""


async def test_a_later_part_of_a_family_name_is_found_too(hub: Hub) -> None:
    await hub.put(
        named("vries", {"family": "de Vries", "text": "Zoë de Vries"}),
        named("double", {"family": "Jansen-van der Berg"}),
    )
    assert await hub.found("Patient?family=vries") == "vries"
    assert await hub.found("Patient?family=van+der+b") == "double"
    assert await hub.found("Patient?family:exact=Vries") == ""
    assert await hub.found("Patient?name=de+vries") == "vries"


async def test_a_string_search_covers_every_part_of_a_name_and_an_address(hub: Hub) -> None:
    await hub.put(
        patient(
            "a",
            name=[{"use": "maiden", "prefix": ["Dr."], "given": ["Anna", "Maria"]}],
            address=[{"line": ["Grote Markt 5", "bis"], "city": "Groningen", "postalCode": "9711 AA"}],
        )
    )
    for query in (
        "name=dr",
        "name=maria",
        "given=maria",
        "address=grote+markt",
        "address=9711",
        "address=bis",
    ):
        assert await hub.found(f"Patient?{query}") == "a", query
    assert await hub.found("Patient?name=maiden") == ""


async def test_a_long_string_is_found_by_what_it_begins_with_and_contains(hub: Hub) -> None:
    text = "woord " * 100 + "slot"
    await hub.put(observation("long", valueString=text), observation("short", valueString="woord"))
    assert await hub.found(f"Observation?value-string={'woord ' * 100}slot") == "long"
    assert await hub.found(f"Observation?value-string={'woord ' * 99}anders") == ""
    assert await hub.found("Observation?value-string:contains=slot") == "long"
    assert await hub.found(f"Observation?value-string:exact={text}") == "long"


async def test_separators_in_a_string_are_escaped(hub: Hub) -> None:
    await hub.put(
        observation("a", valueString="Kosten $5, korting 10%"), observation("b", valueString="10 a")
    )
    assert await hub.found("Observation?value-string:contains=\\$5\\, korting 10%25") == "a"
    assert await hub.found("Observation?value-string:contains=%25") == "a"


# token


async def test_a_token_is_a_code_with_or_without_its_system(hub: Hub) -> None:
    await hub.put(
        resource("Condition", "with", code=coded("44054006", SNOMED)),
        resource("Condition", "without", code=coded("44054006")),
        resource("Condition", "other", code=coded("1", SNOMED)),
        resource("Condition", "text", code={"text": "Suikerziekte"}),
    )
    assert await hub.found("Condition?code=44054006") == "with without"
    assert await hub.found(f"Condition?code={SNOMED}|44054006") == "with"
    assert await hub.found("Condition?code=|44054006") == "without"
    assert await hub.found(f"Condition?code={SNOMED}|") == "other with"
    assert await hub.found(f"Condition?code=http://loinc.org|1,{SNOMED}|1") == "other"
    assert await hub.found(f"Condition?code:not={SNOMED}|44054006") == "other text without"
    assert await hub.found("Condition?code:missing=true") == ""
    assert await hub.found("Condition?code:text=suiker") == "text"


async def test_the_system_of_a_code_element_is_implied(hub: Hub) -> None:
    await hub.put(patient("m", gender="male"), patient("f", gender="female", active=True))
    system = "http://hl7.org/fhir/administrative-gender"
    assert await hub.found(f"Patient?gender={system}|male") == "m"
    assert await hub.found("Patient?gender=|male") == "m"
    assert await hub.found("Patient?gender=http://loinc.org|male") == ""
    assert await hub.found(f"Patient?gender={system}|") == "f m"
    assert await hub.found("Patient?gender:not=male,female") == ""
    assert await hub.found("Patient?active:not=true") == "m"
    assert "without `|`" in await refused(hub, "Patient?active=|true")


async def test_an_identifier_is_found_by_value_system_type_and_the_text_of_its_type(hub: Hub) -> None:
    kind = {**coded("MR", "http://terminology.hl7.org/CodeSystem/v2-0203"), "text": "Dossiernummer"}
    await hub.put(
        patient("a", identifier=[{"system": "urn:a", "value": "100", "type": kind}]),
        patient("b", identifier=[{"system": "urn:b", "value": "100"}, {"system": "urn:a", "value": "7"}]),
        patient("c", identifier=[{"value": "A|B,C"}]),
    )
    assert await hub.found("Patient?identifier=100") == "a b"
    assert await hub.found("Patient?identifier=urn:a|100") == "a"
    assert await hub.found("Patient?identifier=urn:a|100&identifier=urn:a|7") == ""
    assert (
        await hub.found("Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|100")
        == "a"
    )
    assert await hub.found("Patient?identifier:text=dossier") == "a"
    assert await hub.found("Patient?identifier=A\\|B\\,C") == "c"
    assert "all three" in await refused(hub, "Patient?identifier:of-type=urn:x|MR")


async def test_a_token_on_a_string_ignores_case_and_on_a_code_does_not(hub: Hub) -> None:
    await hub.put(
        resource("Questionnaire", "q", status="active", version="2.0-Beta", url="http://x/q"),
        patient("m", gender="male"),
    )
    assert await hub.found("Questionnaire?version=2.0-BETA") == "q"
    assert await hub.found("Patient?gender=MALE") == ""


async def test_many_values_of_one_token_are_asked_at_once(hub: Hub) -> None:
    await hub.put(*[task(f"t{n}", identifier=[{"value": f"v{n}"}]) for n in range(30)])
    values = ",".join(f"v{n}" for n in range(25))
    assert len(await hub.ids(f"Task?identifier={values}")) == 25
    assert len(await hub.ids(f"Task?_id={','.join(f't{n}' for n in range(20))}")) == 20


async def test_mime_types_have_those_below_them(hub: Hub) -> None:
    def document(id: str, mime: str) -> dict[str, Any]:
        return resource(
            "DocumentReference", id, status="current", content=[{"attachment": {"contentType": mime}}]
        )

    await hub.put(
        document("plain", "text/xml"), document("more", "text/xml;charset=UTF-8"), document("pdf", "a/b")
    )
    assert await hub.found("DocumentReference?contenttype=text/xml") == "plain"
    assert await hub.found("DocumentReference?contenttype:below=text/xml") == "more plain"


# date


DATES: dict[str, dict[str, Any]] = {
    "year": {"effectiveDateTime": "2023"},
    "month": {"effectiveDateTime": "2023-05"},
    "day": {"effectiveDateTime": "2023-05-17"},
    "before": {"effectiveDateTime": "2023-05-16"},
    "after": {"effectiveDateTime": "2023-05-18"},
    "instant": {"effectiveInstant": "2023-05-17T12:00:00+02:00"},
    "period": {"effectivePeriod": {"start": "2023-05-10", "end": "2023-05-20"}},
    "from": {"effectivePeriod": {"start": "2023-05-17T12:00:00Z"}},
    "until": {"effectivePeriod": {"end": "2023-05-16"}},
    "none": {},
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("2023-05-17", "day instant"),
        ("2023-05", "after before day instant month period"),
        ("ne2023-05-17", "after before from month period until year"),
        ("gt2023-05-17", "after from month period year"),
        ("ge2023-05-17", "after day from instant month period year"),
        ("lt2023-05-17", "before month period until year"),
        ("le2023-05-17", "before day from instant month period until year"),
        ("sa2023-05-17", "after"),
        ("eb2023-05-17", "before until"),
        ("2023-05-17T10:00:00Z", "instant"),
        ("2023-05-17T10:00Z", "instant"),
        ("2023-05-16,2023-05-18", "after before"),
    ],
)
async def test_a_date_is_compared_as_a_range(hub: Hub, query: str, expected: str) -> None:
    await hub.put(*[observation(id, **element) for id, element in DATES.items()])
    assert await hub.found(f"Observation?date={query}") == expected


async def test_of_a_timing_the_outer_limits_count(hub: Hub) -> None:
    bounds = {"repeat": {"boundsPeriod": {"start": "2024-02-01", "end": "2024-02-29"}}}
    events = {"event": ["2024-02-10T08:00:00Z", "2024-02-05T08:00:00Z"]}
    await hub.put(
        observation("bounds", effectiveTiming=bounds),
        observation("events", effectiveTiming=events),
        observation("code", effectiveTiming={"code": {"text": "BID"}}),
    )
    assert await hub.found("Observation?date=2024-02") == "bounds events"
    assert await hub.found("Observation?date=sa2024-02-04") == "events"
    assert await hub.found("Observation?date:missing=true") == "code"


async def test_a_birth_date_before_and_after(hub: Hub) -> None:
    await hub.put(*[patient(f"b{year}", birthDate=f"{year}-06-15") for year in (1949, 1950, 1990)])
    await hub.put(patient("y1950", birthDate="1950"))
    assert await hub.found("Patient?birthdate=ge1950-06-15") == "b1950 b1990 y1950"
    assert await hub.found("Patient?birthdate=gt1950-06-15") == "b1990 y1950"
    assert await hub.found("Patient?birthdate=lt1950-06-15") == "b1949 y1950"
    assert await hub.found("Patient?birthdate=1950") == "b1950 y1950"


async def test_about_a_date_is_a_tenth_of_the_time_since(hub: Hub) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    near, far = today - datetime.timedelta(days=95), today - datetime.timedelta(days=200)
    await hub.put(patient("near", birthDate=near.isoformat()), patient("far", birthDate=far.isoformat()))
    asked = today - datetime.timedelta(days=100)
    assert await hub.found(f"Patient?birthdate=ap{asked.isoformat()}") == "near"


# number and quantity


async def test_a_number_has_the_precision_it_is_written_with(hub: Hub) -> None:
    for id, value in {"a": "0.8", "b": "0.849", "c": "0.85", "d": "0.7"}.items():
        await hub.put(
            resource(
                "RiskAssessment", id, status="final", prediction=[{"probabilityDecimal": Decimal(value)}]
            )
        )
    assert await hub.found("RiskAssessment?probability=0.8") == "a b"
    assert await hub.found("RiskAssessment?probability=0.80") == "a"
    assert await hub.found("RiskAssessment?probability=8e-1") == "a b"
    assert await hub.found("RiskAssessment?probability=ne0.8") == "c d"
    assert await hub.found("RiskAssessment?probability=gt0.8") == "b c"
    assert await hub.found("RiskAssessment?probability=ge0.8") == "a b c"
    assert await hub.found("RiskAssessment?probability=lt0.80000") == "d"
    assert await hub.found("RiskAssessment?probability=le0.8") == "a d"
    assert await hub.found("RiskAssessment?probability=sa0.8") == "b c"
    assert await hub.found("RiskAssessment?probability=eb0.8") == "d"
    assert await hub.found("RiskAssessment?probability=ap0.8") == "a b c"
    assert "expects a number" in await refused(hub, "RiskAssessment?probability=high")


def amount(
    value: str, unit: str | None = None, code: str | None = None, system: str | None = UCUM
) -> dict[str, Any]:
    found = {"value": Decimal(value), "unit": unit, "code": code, "system": system if code else None}
    return {"valueQuantity": {name: each for name, each in found.items() if each is not None}}


async def test_a_quantity_is_compared_in_its_own_and_in_other_units(hub: Hub) -> None:
    await hub.put(
        observation("mg", **amount("5.4", "milligram", "mg")),
        observation("g", **amount("0.0054", "g", "g")),
        observation("kg", **amount("5.4", "kg", "kg")),
        observation("bare", **amount("5.4")),
        observation("local", **amount("5.4", "mg", "mg", "urn:units")),
        observation("none"),
    )
    assert await hub.found("Observation?value-quantity=5.4") == "bare kg local mg"
    assert await hub.found(f"Observation?value-quantity=5.4|{UCUM}|mg") == "g mg"
    assert await hub.found(f"Observation?value-quantity=0.0054|{UCUM}|g") == "g mg"
    assert await hub.found(f"Observation?value-quantity=gt1|{UCUM}|g") == "kg"
    assert await hub.found("Observation?value-quantity=5.4||mg") == "local mg"
    assert await hub.found("Observation?value-quantity=5.4||milligram") == "mg"
    assert await hub.found("Observation?value-quantity=5.4|urn:units|mg") == "local"
    assert await hub.found(f"Observation?value-quantity=5.4|{UCUM}|unknown-unit") == ""
    assert await hub.found("Observation?value-quantity:missing=true") == "none"
    assert "number|system|code" in await refused(hub, "Observation?value-quantity=5.4|mg")


async def test_temperatures_are_compared_with_their_offset(hub: Hub) -> None:
    await hub.put(
        observation("c", **amount("37.0", "C", "Cel")), observation("f", **amount("98.6", "F", "[degF]"))
    )
    assert await hub.found(f"Observation?value-quantity=37.0|{UCUM}|Cel") == "c f"
    assert await hub.found(f"Observation?value-quantity=ge98.6|{UCUM}|[degF]") == "c f"


async def test_a_comparator_and_a_range_are_open_or_wide(hub: Hub) -> None:
    await hub.put(
        observation("less", valueQuantity={"value": 5, "comparator": "<", "code": "mg", "system": UCUM}),
        observation("no-value", valueQuantity={"comparator": ">=", "code": "mg", "system": UCUM}),
        resource(
            "Condition",
            "range",
            onsetRange={
                "low": {"value": 10, "code": "a", "system": UCUM},
                "high": {"value": 20, "code": "a", "system": UCUM},
            },
        ),
    )
    assert await hub.found(f"Observation?value-quantity=lt1|{UCUM}|mg") == "less"
    assert await hub.found(f"Condition?onset-age=gt15|{UCUM}|a") == "range"
    assert await hub.found(f"Condition?onset-age=sa15|{UCUM}|a") == ""


# uri, reference


async def test_a_uri_is_compared_as_it_is_or_by_what_it_begins_with(hub: Hub) -> None:
    for id, url in {
        "root": "http://x/vs",
        "a": "http://x/vs/a",
        "ab": "http://x/vs/ab",
        "urn": "urn:oid:1.2.3",
    }.items():
        await hub.put(resource("ValueSet", id, status="active", url=url, version="1.0"))
    assert await hub.found("ValueSet?url=http://x/vs/a") == "a"
    assert await hub.found("ValueSet?url=http://x/vs/a/") == ""
    assert await hub.found("ValueSet?url=http://x/VS/a") == ""
    assert await hub.found("ValueSet?url=http://x/vs/a|1.0,http://x/vs/ab|2") == "a"
    assert await hub.found("ValueSet?url=http://x/vs/a\\|1.0") == ""
    assert await hub.found("ValueSet?url=http://x/vs/a|1\\,0,http://x/vs/ab|1.0") == "ab"
    assert await hub.found("ValueSet?url:below=http://x/vs/a") == "a ab"
    assert await hub.found("ValueSet?url:above=http://x/vs/a/b/c") == "a root"
    assert await hub.found("ValueSet?url:above=http://x/vs/abc") == "root"
    assert await hub.found("ValueSet?url:above=http://x/vs/ab|1.0") == "ab root"
    assert await hub.found("ValueSet?url:below=urn:oid:1.2") == ""
    assert await hub.found("ValueSet?url=urn:oid:1.2.3") == "urn"


async def test_a_reference_is_found_by_id_type_url_and_identifier(hub: Hub) -> None:
    await hub.put(
        patient("a"),
        resource("Group", "a", type="person", actual=True),
        plan("own", "Patient/a"),
        plan("group", "Group/a"),
        plan("absolute", "http://hub.example/fhir/Patient/a"),
        plan("elsewhere", "http://elsewhere.example/fhir/Patient/a"),
        plan("logical", subject={"identifier": {"system": "urn:bsn", "value": "1"}}),
    )
    assert await hub.found("CarePlan?subject=Patient/a") == "absolute own"
    assert await hub.found("CarePlan?subject:Group=a") == "group"
    assert await hub.found("CarePlan?patient=a") == "absolute own"
    assert await hub.found("CarePlan?subject=http://hub.example/fhir/Patient/a") == "absolute own"
    assert await hub.found("CarePlan?subject=http://elsewhere.example/fhir/Patient/a") == "elsewhere"
    assert await hub.found("CarePlan?subject:identifier=urn:bsn|1") == "logical"
    assert await hub.found("CarePlan?subject:missing=true") == ""
    assert await hub.found("CarePlan?patient=http://elsewhere.example/fhir/Patient/a") == "elsewhere"
    assert await hub.found("CarePlan?patient=Group/a") == ""
    assert await hub.found("CarePlan?patient=http://elsewhere.example/fhir/Group/a") == ""
    assert "no resource type" not in await refused(hub, "CarePlan?subject:Nonsense=a")
    assert "expects a Group" in await refused(hub, "CarePlan?subject:Group=Patient/a")


async def test_what_was_written_at_another_address_is_found_by_its_url(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = "http://moved.example/fhir/Patient/a"
    await hub.put(
        patient("a"),
        plan("own", "Patient/a"),
        plan("url", moved),
        resource(
            "DocumentReference", "d", status="current", content=[],
            relatesTo=[{"code": "appends", "target": to("http://moved.example/fhir/DocumentReference/o")}],
        ),
    )  # fmt: skip
    monkeypatch.setattr(finding, "BASE", "http://moved.example/fhir")
    assert await hub.found(f"CarePlan?subject={moved}") == "own url"
    assert await hub.found(f"CarePlan?patient={moved}&status=active") == "own url"
    related = "appends$http://moved.example/fhir/DocumentReference/o"
    assert await hub.found(f"DocumentReference?relationship={related}") == "d"


async def test_a_reference_of_one_type_is_there_wherever_it_leads(hub: Hub) -> None:
    inside: Json = {"contained": [patient("p")], "subject": to("#p")}
    group = resource("Group", "g", type="person", actual=True)
    named = {"system": "urn:bsn", "value": "1"}
    subjects: dict[str, Json] = {
        "contained": inside,
        "elsewhere": {"subject": to("http://elsewhere.example/fhir/Patient/a")},
        "named": {"subject": {"type": "Patient", "identifier": named}},
        "perhaps": {"subject": {"identifier": named}},
        "group": {"subject": to("http://elsewhere.example/fhir/Group/a")},
        "group-inside": {"contained": [group], "subject": {**to("#g"), "identifier": named}},
        "named-group": {"subject": {"type": "Group", "identifier": named}},
    }
    for id, elements in subjects.items():
        await hub.put(observation(id, **elements))
    assert await hub.found("Observation?patient:missing=false") == "contained elsewhere named"
    assert await hub.found("Observation?patient:missing=true") == "group group-inside named-group perhaps"
    assert await hub.found("Observation?patient:identifier=urn:bsn|1") == "named perhaps"
    assert await hub.found("Observation?subject:missing=true") == ""


async def test_a_versioned_reference_is_found_with_and_without_its_version(hub: Hub) -> None:
    await hub.put(
        plan("p"),
        resource(
            "Provenance", "v", target=[to("CarePlan/p/_history/1")], recorded="2024-01-01T00:00:00Z", agent=[]
        ),
    )
    assert await hub.found("Provenance?target=CarePlan/p/_history/1") == "v"
    assert await hub.found("Provenance?target=CarePlan/p/_history/2") == ""
    assert await hub.found("Provenance?target=CarePlan/p") == "v"


async def test_a_canonical_is_found_by_url_and_business_version(hub: Hub) -> None:
    for id, canonical in {
        "bare": "http://x/q",
        "one": "http://x/q|1.0",
        "eleven": "http://x/q|1.1",
        "two": "http://x/q|2.0",
    }.items():
        await hub.put(resource("QuestionnaireResponse", id, status="completed", questionnaire=canonical))
    assert await hub.found("QuestionnaireResponse?questionnaire=http://x/q|1.0") == "one"
    assert await hub.found("QuestionnaireResponse?questionnaire=http://x/q") == "bare eleven one two"
    assert await hub.found("QuestionnaireResponse?questionnaire:below=http://x/q|1") == "eleven one"
    await hub.put(
        resource("QuestionnaireResponse", "own", status="completed", questionnaire="Questionnaire/q")
    )
    assert await hub.found("QuestionnaireResponse?questionnaire=Questionnaire/q") == "own"


async def test_a_hierarchy_is_searched_above_and_below(hub: Hub) -> None:
    await hub.put(
        resource("Location", "site"),
        resource("Location", "floor", partOf=to("Location/site")),
        resource("Location", "room", partOf=to("Location/floor")),
        resource("Location", "other"),
        *[
            resource(
                "Encounter", f"e-{place}", status="finished", location=[{"location": to(f"Location/{place}")}]
            )
            for place in ("site", "room", "other")
        ],
    )
    assert await hub.found("Encounter?location:below=site") == "e-room e-site"
    assert await hub.found("Encounter?location:above=Location/room") == "e-room e-site"
    assert await hub.found("Encounter?location:below=room") == "e-room"


# composite


async def test_a_composite_asks_both_parts_of_one_element(hub: Hub) -> None:
    def pressure(id: str, systolic: int, diastolic: int) -> dict[str, Any]:
        parts = (("8480-6", systolic), ("8462-4", diastolic))
        return observation(
            id,
            component=[
                {"code": coded(code, "http://loinc.org"), **amount(str(value), "mmHg", "mm[Hg]")}
                for code, value in parts
            ],
        )

    await hub.put(pressure("high", 150, 90), pressure("odd", 90, 150))
    await hub.put(observation("hba1c", code=coded("4548-4", "http://loinc.org"), **amount("7.2", "%", "%")))
    await hub.put(observation("word", code=coded("note", "urn:c"), valueString="Goed geslapen"))
    await hub.put(observation("day", code=coded("due", "urn:c"), valueDateTime="2024-05-01"))
    await hub.put(
        observation("kind", code=coded("smoke", "urn:c"), valueCodeableConcept=coded("never", "urn:c"))
    )
    found = hub.found
    assert await found("Observation?component-code-value-quantity=8480-6$gt140") == "high"
    assert await found("Observation?component-code-value-quantity=8480-6$gt140,8462-4$gt140") == "high odd"
    assert (
        await found(f"Observation?combo-code-value-quantity=http://loinc.org|8462-4$150|{UCUM}|mm[Hg]")
        == "odd"
    )
    assert await found(f"Observation?code-value-quantity=4548-4$7.2|{UCUM}|%25") == "hba1c"
    assert await found("Observation?combo-code-value-quantity=4548-4$ge7.2||%25") == "hba1c"
    assert await found("Observation?code-value-string=note$goed") == "word"
    assert await found("Observation?code-value-date=due$lt2024-06") == "day"
    assert await found("Observation?code-value-date=due$gt2024-06") == ""
    assert await found("Observation?code-value-concept=urn:c|smoke$urn:c|never") == "kind"
    assert "joined by `$`" in await refused(hub, "Observation?code-value-quantity=4548-4")


async def test_a_composite_can_hold_a_reference_and_numbers(hub: Hub) -> None:
    await hub.put(
        resource(
            "DocumentReference",
            "d",
            status="current",
            content=[],
            relatesTo=[{"code": "replaces", "target": to("DocumentReference/o")}],
        ),
        resource(
            "MolecularSequence",
            "m",
            coordinateSystem=0,
            referenceSeq={"chromosome": coded("1", "urn:c"), "windowStart": 10, "windowEnd": 20},
        ),
    )
    assert await hub.found("DocumentReference?relationship=replaces$DocumentReference/o") == "d"
    assert await hub.found("DocumentReference?relationship=replaces$o") == "d"
    assert (
        await hub.found("DocumentReference?relationship=replaces$http://hub.example/fhir/DocumentReference/o")
        == "d"
    )
    assert await hub.found("DocumentReference?relationship=appends$DocumentReference/o") == ""
    assert await hub.found("MolecularSequence?chromosome-window-coordinate=1$lt15$gt15") == "m"


async def test_a_text_within_a_composite_is_compared_as_any_text(hub: Hub) -> None:
    for id, text in {"words": "Müller, 1/2", "signs": "???", "long": "a" * 300}.items():
        await hub.put(observation(id, code=coded("x"), valueString=text))
    for value, expected in {"muller": "words", "Müller\\, 1": "words", "%3F": "signs", "a": "long"}.items():
        assert await hub.found(f"Observation?code-value-string=x${value}") == expected, value
    assert "200 characters" in await refused(hub, f"Observation?code-value-string=x${'a' * 300}")


async def test_every_expression_is_read_as_it_is_meant(hub: Hub) -> None:
    await hub.put(
        resource("InsurancePlan", "plan", name="Basis", alias=["Natura"]),
        resource(
            "Bundle", "m", type="message", entry=[{"resource": {"resourceType": "MessageHeader", "id": "h"}}]
        ),
        resource("Bundle", "no-id", type="message", entry=[{"resource": {"resourceType": "MessageHeader"}}]),
    )
    assert await hub.found("InsurancePlan?name=natura") == "plan"
    assert await hub.found("Bundle?message:missing=false") == "m no-id"
    assert await hub.found("Bundle?message=MessageHeader/h") == "m"
    assert await hub.found("Bundle?composition:missing=false") == ""


# special


async def test_near_finds_places_within_a_distance(hub: Hub) -> None:
    await hub.put(
        resource(
            "Location", "here", position={"latitude": Decimal("53.2194"), "longitude": Decimal("6.5665")}
        ),
        resource(
            "Location", "there", position={"latitude": Decimal("50.8514"), "longitude": Decimal("5.6909")}
        ),
        resource("Location", "nowhere"),
    )
    assert await hub.found("Location?near=53.22|6.57|1|km") == "here"
    assert await hub.found("Location?near=53.22|6.57|300|km") == "here there"
    assert await hub.found("Location?near=53.22|6.57|10|m") == ""
    assert await hub.found("Location?near=53.22|6.57") == "here"
    assert await hub.found("Location?near=53.22|6.57|1e300|km") == "here there"
    for value in ("north", "NaN|1", "1|Infinity", "1|1|NaN|km", "1|1|1e99999999|km", "1|1|x|km", "|1"):
        assert "latitude|longitude" in await refused(hub, f"Location?near={value}")


async def test_text_is_searched_by_words(hub: Hub) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">Suikerziekte, <b>stabiel</b> &amp; rustig</div>'
    await hub.put(
        resource("Condition", "a", text={"status": "generated", "div": div}, note=[{"text": "Één notitie"}]),
        resource("Condition", "b", note=[{"text": "stabiel"}]),
    )
    assert await hub.found("Condition?_text=stabiel") == "a"
    assert await hub.found("?_text=stabiel") == "a"
    assert await hub.found("Condition?_content=stab") == "a b"
    assert await hub.found("Condition?_content=een+notitie") == "a"
    assert await hub.found("Condition?_text=(stabiel+OR+labiel)+and+rustig") == "a"
    assert await hub.found("Condition?_content=stabiel+NOT+rustig") == "b"
    assert await hub.found("Condition?_text=abiel") == ""


async def test_members_of_a_list_are_found_by_it(hub: Hub) -> None:
    await hub.put(
        patient("a"),
        patient("b"),
        plan("c", "Patient/a"),
        resource(
            "List",
            "l",
            status="current",
            mode="working",
            entry=[{"item": to("Patient/a")}, {"item": to("CarePlan/c")}],
        ),
    )
    assert await hub.found("Patient?_list=l") == "a"
    assert await hub.found("CarePlan?_list=List/l") == "c"
    assert "by function" in await refused(hub, "Patient?_list=$current-allergies")


async def test_an_entry_that_is_marked_as_deleted_is_in_the_list_no_more(hub: Hub) -> None:
    entries: list[Json] = [
        {"item": to("Patient/a"), "deleted": True},
        {"item": to("Patient/b"), "deleted": False},
        {"item": to("Patient/c")},
    ]
    await hub.put(
        *[patient(id) for id in "abc"],
        resource("List", "l", status="current", mode="changes", entry=entries),
    )
    assert await hub.found("Patient?_list=l") == "b c"
    assert await hub.found("List?item=Patient/c") == "l"


async def test_a_profile_is_found_without_its_version_too(hub: Hub) -> None:
    url = "http://example.org/StructureDefinition/x"
    for id, profile in {"a": url, "b": f"{url}|1.0", "c": f"{url}|2.0", "d": f"{url}y"}.items():
        await hub.put(patient(id, meta={"profile": [profile]}))
    assert await hub.found(f"Patient?_profile={url}") == "a b c"
    assert await hub.found(f"Patient?_profile={url}|1.0") == "b"
    assert await hub.found(f"Patient?_profile={url}|1.0,{url}y") == "b d"


async def test_signs_alone_are_looked_for_as_they_are(hub: Hub) -> None:
    for id, name in {"a": "Jan 100%", "b": "Piet", "c": "_x_", "d": "%"}.items():
        await hub.put(patient(id, name=[{"family": name}]))
    assert await hub.found("Patient?family:contains=%25") == "a d"
    assert await hub.found("Patient?family=%25") == "d"
    assert await hub.found("Patient?family:contains=_") == "c"


@pytest.mark.parametrize("number", ["٥", "5٥", "ge٥"])
async def test_digits_are_those_of_ascii(hub: Hub, number: str) -> None:
    for query in (
        f"RiskAssessment?probability={number}",
        f"Observation?value-quantity={number}",
        f"Observation?date={number}",
        f"Patient?_count={number}",
        f"Location?near=5|{number}",
    ):
        assert await refused(hub, query)


# parameters of every resource


async def test_tags_profiles_labels_and_sources_are_found(hub: Hub) -> None:
    meta = {
        "tag": [{"system": "urn:t", "code": "urgent"}],
        "profile": ["http://x/profile"],
        "security": [{"code": "R"}],
        "source": "http://his.example",
    }
    await hub.put(patient("a", meta=meta), patient("b"), task("t", meta=meta))
    for query in (
        "_tag=urgent",
        "_tag=urn:t|urgent",
        "_profile=http://x/profile",
        "_security=R",
        "_source=http://his.example",
    ):
        assert await hub.found(f"Patient?{query}") == "a", query
        assert await hub.found(f"?{query}") == "a t", query
    assert await hub.found("Patient?_tag:not=urgent") == "b"


async def test_ids_and_the_moment_of_the_last_change_are_found(hub: Hub) -> None:
    await hub.put(patient("a"), patient("b"), patient("c"))
    await hub.put(patient("a", active=True))
    (page,) = [await hub.page("Patient?_id=a")]
    moment = page.matches[0].updated
    assert await hub.found("Patient?_id=a,c,zz") == "a c"
    assert await hub.found("Patient?_id:not=a") == "b c"
    changed = document.instant(moment)
    assert await hub.found(f"Patient?_lastUpdated={changed}") == "a"
    assert await hub.found(f"Patient?_lastUpdated=lt{changed}") == "b c"
    assert await hub.found(f"Patient?_lastUpdated=ge{changed}") == "a"
    assert await hub.found(f"Patient?_lastUpdated=gt{changed}") == ""


async def test_what_is_deleted_or_was_changed_is_not_found_any_more(hub: Hub) -> None:
    await hub.put(named("a", {"family": "Oud"}), named("b", {"family": "Weg"}))
    await hub.put(named("a", {"family": "Nieuw"}))
    await hub.delete("Patient", "b")
    assert await hub.found("Patient?family=oud") == ""
    assert await hub.found("Patient?family=nieuw") == "a"
    assert await hub.found("Patient?family=weg") == ""
    assert await hub.found("Patient?_id=b") == ""
    assert await hub.found("Patient") == "a"
