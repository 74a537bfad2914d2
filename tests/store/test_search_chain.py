"""Chains, reverse chains, filters and compartments (https://hl7.org/fhir/R4/search.html#chaining)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import pytest_asyncio

from fhirhub.errors import FhirError
from fhirhub.store.database import Database
from tests.store.finding import Hub, coded, observation, patient, plan, resource, task, to


@pytest_asyncio.fixture
async def hub(database: Database) -> Hub:
    """Two patients of two practices, with plans, tasks and observations."""
    hub = Hub(database)
    await hub.put(
        resource("Organization", "root", name="Zorggroep Noord"),
        resource("Organization", "clinic", name="Huisartsen Linde", partOf=to("Organization/root")),
        resource("Practitioner", "bakker", name=[{"family": "Bakker", "given": ["José"]}]),
        resource("Practitioner", "visser", name=[{"family": "Visser", "given": ["Anna"]}]),
        patient(
            "anna",
            name=[{"family": "Jansen", "given": ["Anna"]}],
            identifier=[{"system": "urn:bsn", "value": "1"}],
            managingOrganization=to("Organization/clinic"),
            generalPractitioner=[to("Practitioner/bakker")],
            active=True,
        ),
        patient("jose", name=[{"family": "Müller"}], identifier=[{"system": "urn:bsn", "value": "2"}]),
        resource("Group", "jose", type="person", actual=True, member=[{"entity": to("Patient/anna")}]),
        resource(
            "CareTeam",
            "team",
            subject=to("Patient/anna"),
            participant=[{"member": to("Practitioner/bakker")}, {"member": to("Practitioner/visser")}],
        ),
        plan("plan-a", "Patient/anna", careTeam=[to("CareTeam/team")]),
        plan("plan-j", "Patient/jose", status="completed"),
        plan("plan-g", "Group/jose", category=[{"text": "Zorg"}], period={"start": "2024", "end": "2024"}),
        resource("Provenance", "prov-g", target=[to("CarePlan/plan-g")], recorded="2024-01-01T00:00:00Z"),
        resource("Condition", "dm", subject=to("Patient/anna"), code=coded("dm")),
        resource("Condition", "copd", subject=to("Patient/jose"), code=coded("copd")),
        observation(
            "bp", subject=to("Patient/anna"), code=coded("bp"), performer=[to("Practitioner/visser")]
        ),
        task("t1", focus=to("CarePlan/plan-a"), status="accepted", **{"for": to("Patient/anna")}),
        task("t2", focus=to("CarePlan/plan-j"), status="requested"),
    )
    return hub


async def refused(hub: Hub, query: str) -> str:
    with pytest.raises(FhirError) as error:
        await hub.page(query)
    assert error.value.status == 400
    return error.value.issues[0].text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("CarePlan?patient.family=jansen", "plan-a"),
        ("CarePlan?patient.family:exact=jansen", ""),
        ("CarePlan?subject:Patient.identifier=urn:bsn|2", "plan-j"),
        ("CarePlan?patient.identifier=urn:bsn|1,urn:bsn|2", "plan-a plan-j"),
        ("CarePlan?subject:Group.actual=true", "plan-g"),
        ("CarePlan?patient.active:missing=true", "plan-j"),
        ("CarePlan?patient.organization.name=huisartsen", "plan-a"),
        ("CarePlan?patient.organization.partof.name=zorggroep", "plan-a"),
        ("CarePlan?care-team.participant:Practitioner.given=jose", "plan-a"),
        ("Task?focus:CarePlan.patient.family=muller", "t2"),
        ("Task?focus:CarePlan.patient._id=anna", "t1"),
        ("CareTeam?participant:Practitioner.family=bakker&participant:Practitioner.given=anna", "team"),
        ("CarePlan?subject.identifier=urn:bsn|1", "plan-a"),
        ("CarePlan?subject.type=person", "plan-g"),
        ("CarePlan?patient.family=jansen&patient.family=muller", ""),
        # What leads on from some of the types it may point to.
        ("Provenance?target.subject:Group.actual=true", "prov-g"),
        ("Provenance?target.performer.family=bakker", ""),
        ("Provenance?entity.result.status=final", ""),
        ("Provenance?target.category:text=zorg", "prov-g"),
        ("Provenance?target.date=2024", "prov-g"),
        ("Provenance?target.type=http://x|a", ""),
    ],
)
async def test_a_chain_asks_what_is_referred_to(hub: Hub, query: str, expected: str) -> None:
    assert await hub.found(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Patient?_has:Condition:patient:code=dm", "anna"),
        ("Patient?_has:Condition:patient:code=dm,copd", "anna jose"),
        ("Patient?_has:Condition:patient:code=dm&_has:Condition:patient:code=copd", ""),
        ("Group?_has:CarePlan:subject:status=active", "jose"),
        ("Patient?_has:CarePlan:patient:_has:Task:focus:status=accepted", "anna"),
        ("Organization?_has:Patient:organization:_has:Condition:patient:code=dm", "clinic"),
        ("Practitioner?_has:Observation:performer:code=bp", "visser"),
        ("Patient?_has:CarePlan:patient:care-team.participant:Practitioner.family=visser", "anna"),
        ("CarePlan?patient._has:Condition:patient:code=copd", "plan-j"),
        ("Patient?_has:Condition:patient:code:not=dm", "jose"),
        ("Patient?_has:Condition:patient:_id=dm", "anna"),
        ("Patient?_has:Task:subject:status=accepted&identifier=urn:bsn|1", "anna"),
    ],
)
async def test_has_asks_what_refers_here(hub: Hub, query: str, expected: str) -> None:
    assert await hub.found(query) == expected


async def test_chains_look_into_contained_resources(hub: Hub) -> None:
    inner = resource(
        "Patient",
        "p",
        name=[{"family": "Binnen"}],
        gender="female",
        managingOrganization=to("Organization/clinic"),
    )
    await hub.put(
        resource("Condition", "within", subject=to("#p"), contained=[inner]),
        resource("Condition", "without", subject=to("Patient/anna")),
        resource(
            "Observation",
            "deep",
            status="final",
            code={},
            subject=to("#p"),
            contained=[
                resource("Patient", "p", managingOrganization=to("#o")),
                resource("Organization", "o", name="Ingesloten"),
            ],
        ),
    )
    assert await hub.found("Condition?patient.family=binnen") == "within"
    assert await hub.found("Condition?subject:Patient.gender=female") == "within"
    assert await hub.found("Condition?patient.gender:missing=true") == "copd dm without"
    assert await hub.found("Condition?patient.organization.name=huisartsen") == "dm within without"
    assert await hub.found("Observation?subject:Patient.organization.name=ingesloten") == "deep"
    assert await hub.found("Patient?family=binnen") == ""
    assert await hub.found("Condition?subject:missing=true") == ""


async def test_the_resources_of_a_bundle_are_found_by_chain(hub: Hub) -> None:
    composition = resource("Composition", "c", status="final", title="Overdracht")
    await hub.put(resource("Bundle", "b", type="document", entry=[{"resource": composition}]))
    assert await hub.found("Bundle?composition.title=over") == "b"
    assert await hub.found("Bundle?composition=Composition/c") == "b"
    assert await hub.found("Composition?title=over") == ""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("CarePlan?patient.nonsense=x", "Patient has no search parameter `nonsense`"),
        ("CarePlan?status.name=x", "`status` is a token parameter"),
        ("CarePlan?subject:Patint.name=x", "did you mean `Patient`"),
        ("CarePlan?subject:Practitioner.name=x", "does not support `:Practitioner`"),
        ("Patient?_has:Condition:patient=x", "incomplete"),
        ("Patient?_has:Conditon:patient:code=x", "did you mean `Condition`"),
        ("Patient?_has:Condition:code:code=x", "no reference"),
        ("Medication?_has:Condition:patient:code=x", "points to Patient"),
        (f"Organization?{'partof.' * 12}name=x", "at most"),
    ],
)
async def test_a_chain_that_leads_nowhere_is_refused(hub: Hub, query: str, said: str) -> None:
    try:
        text = await refused(hub, query)
    except AssertionError:
        with pytest.raises(FhirError) as error:
            await hub.page(query)
        text = error.value.issues[0].text
    assert said in text


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('family co "anse"', "anna"),
        ('family co "ANSE" or family sw "mul"', "anna jose"),
        ('family eq "müller"', "jose"),
        ('family eq "mul"', ""),
        ('family ew "sen"', "anna"),
        ('not (family eq "jansen")', "jose"),
        ("active pr true", "anna"),
        ("active pr false", "jose"),
        ("identifier eq urn:bsn|2", "jose"),
        ("identifier ne urn:bsn|2", "anna"),
        ('(family eq "jansen" or family eq "x") and not (active eq false)', "anna"),
        ('organization.name sw "huis"', "anna"),
        ('organization[name sw "huis"].partof re Organization/root', "anna"),
        ('organization[name sw "huis"].partof re Organization/clinic', ""),
        ("general-practitioner re Practitioner/bakker", "anna"),
        ("_id eq jose", "jose"),
        ('family eq "jansen" and active eq true or _id eq jose', "anna jose"),
    ],
)
async def test_filter_combines_criteria(hub: Hub, expression: str, expected: str) -> None:
    assert await hub.found(f"Patient?_filter={quote(expression)}") == expected


async def test_filter_compares_the_text_of_uris_with_their_case(hub: Hub) -> None:
    for id, uri in {"a": "http://x/a", "b": "http://X/a/b", "u": "urn:oid:1.2.3"}.items():
        await hub.put(plan(id, instantiatesUri=[uri]))
    for expression, expected in {
        'sw "http://x"': "a", 'sw "urn:oid:1.2"': "u", 'co "X/a"': "b", 'co "/a"': "a b", 'ew "/a"': "a",
        'ew ".3"': "u", 'ew "/A"': "", 'co "%"': "",
    }.items():  # fmt: skip
        asked = quote(f"instantiates-uri {expression}")
        assert await hub.found(f"CarePlan?_filter={asked}") == expected, expression


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("date ge 2024-05-02", "b c"),
        ("date po 2024-05-01", "a c"),
        ("date co 2024-05-03", "c"),
        ("value-quantity gt 5", "b"),
        ("value-quantity eq 5|ucum|mg", "a"),
        ("code in http://x", None),
        ("code sb x", None),
        ("code zz x", None),
        ("code co x", None),
        ("code eq", None),
        ("(code eq x", None),
        ("code eq x)", None),
        ('code eq "x', None),
        ("code eq x or", None),
        ("nonsense eq x", None),
    ],
)
async def test_filter_compares_by_type(hub: Hub, expression: str, expected: str | None) -> None:
    ucum = {"system": "http://unitsofmeasure.org", "code": "mg"}
    await hub.put(
        observation("a", effectiveDateTime="2024-05-01", valueQuantity={"value": 5, **ucum}),
        observation("b", effectiveDateTime="2024-05-02", valueQuantity={"value": 6, **ucum}),
        observation("c", effectivePeriod={"start": "2024-05-01", "end": "2024-05-09"}),
    )
    query = f"Observation?_filter={quote(expression)}"
    if expected is None:
        await refused(hub, query)
    else:
        assert await hub.found(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("QuestionnaireResponse?questionnaire.title=positieve", "any one"),
        ("QuestionnaireResponse?questionnaire.status=draft", "any two"),
        ("QuestionnaireResponse?questionnaire:Questionnaire.title=nieuw", "any two"),
        ("QuestionnaireResponse?questionnaire.title=positieve&subject=Patient/jose", "one"),
        ("QuestionnaireResponse?questionnaire.title=other", ""),
        ("QuestionnaireResponse?questionnaire.title:missing=true", ""),
        ('QuestionnaireResponse?_filter=questionnaire.title eq "nieuw"', "any two"),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:subject=Patient/anna", "new old"),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:subject=Patient/jose", "old"),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:subject=Patient/x", ""),
        ("Questionnaire?status=draft&_has:QuestionnaireResponse:questionnaire:status=completed", "new"),
        ("Patient?_has:QuestionnaireResponse:subject:questionnaire.title=positieve", "anna jose"),
    ],
)
async def test_chains_follow_canonicals_by_url_and_version(hub: Hub, query: str, expected: str) -> None:
    """references.html#canonical: a canonical points to what has that URL, in the version it says if any."""
    url = "http://x/Questionnaire/ph"
    await hub.put(
        resource("Questionnaire", "old", url=url, version="1.0-A", status="active", title="Positieve lijst"),
        resource("Questionnaire", "new", url=url, version="2.0", status="draft", title="Nieuw"),
        *(
            resource(
                "QuestionnaireResponse", id, questionnaire=to, subject={"reference": by}, status="completed"
            )
            for id, to, by in (
                ("any", url, "Patient/anna"),
                ("one", f"{url}|1.0-A", "Patient/jose"),
                ("two", f"{url}|2.0", "Patient/anna"),
                ("none", f"{url}|3.0", "Patient/x"),
            )
        ),
    )
    assert await hub.found(query) == expected


async def test_a_compartment_holds_what_is_about_its_patient(hub: Hub) -> None:
    assert await hub.found("Patient/anna/Condition") == "dm"
    assert await hub.found("Patient/anna/Observation?code=bp") == "bp"
    assert await hub.found("Patient/anna/Observation?code=other") == ""
    assert await hub.found("Patient/jose/CarePlan") == "plan-j"
    assert await hub.found("Patient/anna/*") == "anna bp dm jose plan-a team"
    assert await hub.found("Patient/anna/*?_type=Condition,CarePlan") == "dm plan-a"
    assert await hub.found("Patient/nobody/*") == ""
    with pytest.raises(FhirError) as error:
        await hub.page("Patient/anna/Location")
    assert error.value.status == 404


async def test_all_types_are_searched_by_what_they_share(hub: Hub) -> None:
    assert await hub.found("?_id=jose") == "jose jose"
    assert await hub.found("?_type=Patient,Group&_id=jose") == "jose jose"
    assert await hub.found("?_type=CarePlan,Condition&patient=anna") == "dm plan-a"
    assert await hub.found("?_type=CarePlan,Condition&patient.family=jansen") == "dm plan-a"
    assert await hub.found("?_type=Organization,Group&_sort=_id") == "clinic jose root"
    assert "all these resource types" in await refused(hub, "?family=x")
    assert "no resource type" in await refused(hub, "?_type=Patient,Nonsense&_id=x")
