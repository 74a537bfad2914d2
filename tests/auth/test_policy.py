"""Cell by cell: what each role may do to each type in each relation to a patient, through the whole repository."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fhirhub import errors
from fhirhub import settings as all_settings
from fhirhub.access import EVERYTHING, Access
from fhirhub.auth import careteam, matrix, policy, scopes
from fhirhub.auth import consent as agreements
from fhirhub.auth.principal import Principal
from fhirhub.auth.roles import ROLES
from fhirhub.repository import Keys, Repository, Tenant
from fhirhub.resources import definitions, document
from fhirhub.resources.relations import Kind
from fhirhub.store import request as requests
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from tests.auth.worlds import BSN, NOW, PAST, Json, directory, to

SETTINGS = all_settings.read({}, database="sqlite:////nowhere.db")
_tenants = itertools.count(50_000)


def test_every_type_stands_in_the_matrix_once() -> None:
    known = {type for row in matrix.MATRIX.values() for type in row}
    assert known | matrix._UNKEPT == set(definitions.RESOURCE_TYPES)
    assert not matrix.DIRECTORY & matrix.DEFINITIONS


def test_every_role_has_a_column() -> None:
    assert set(matrix.CLASSES) == set(ROLES)
    assert set(matrix.CLASSES.values()) | {"backend"} == set(matrix.MATRIX)


class World:
    """A tenant with one patient, and callers of every role."""

    def __init__(self, database: Database) -> None:
        self.tenant = Tenant(
            next(_tenants), "world", database, Parameters(), Keys(database, 0), integrity=False
        )
        self.tenant.keys = Keys(database, self.tenant.number)
        self.hub = Repository(self.tenant, EVERYTHING)
        self.policy = policy.Policy(SETTINGS)

    async def put(self, *resources: Json) -> None:
        for resource in resources:
            await self.hub.update(document.decode(document.encode(resource)))

    async def as_(
        self, user: str | None, organization: str | None, role: str | None, scope: str | None = None
    ) -> Repository:
        asked = scopes.parse(scope or ("system/*.cruds" if role is None else "user/*.cruds")).resources
        kind = "backend" if role is None else "person"
        principal = Principal(
            kind,  # type: ignore[arg-type]
            "world",
            "client",
            f"{user}{organization}{role}{scope}",
            asked,
            fhir_user=user,
            organization=organization,
            role=role,
            patient="anna" if scope and "patient/" in scope else None,
        )
        self.policy = policy.Policy(SETTINGS)
        return Repository(self.tenant, await self.policy.access(self.tenant, principal))

    async def sees(self, store: Repository, *names: str) -> str:
        """Those of the resources that are read, and found, by this caller."""
        found = []
        for name in names:
            type, _, id = name.partition("/")
            one = await store.find(type, id)
            asked = requests.parse(type, f"_id={id}", self.tenant.parameters)
            matches = (await store.search(asked)).matches
            assert (one is not None) == bool(matches), name
            if one is not None:
                found.append(name)
        return " ".join(found)


def patient(**more: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": "anna",
        "identifier": [{"system": BSN, "value": "999911120"}],
        "name": [{"family": "Jansen"}],
        "birthDate": "1950-01-01",
        "telecom": [{"system": "phone", "value": "0612345678"}],
        **more,
    }


def about(type: str, id: str, **more: Any) -> Json:
    return {"resourceType": type, "id": id, "subject": to("Patient/anna"), **more}


def team(*members: tuple[str, Json | None]) -> Json:
    participants = [
        {"member": to(member), **({"period": period} if period else {})} for member, period in members
    ]
    return about("CareTeam", "team", status="active", participant=participants)


def consent(type: str, actor: str | None, id: str = "consent", **more: Any) -> Json:
    provision: Json = {"type": type, **more.pop("provision", {})}
    if actor is not None:
        provision["actor"] = [{"role": {"text": "x"}, "reference": to(actor)}]
    scope = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": {"coding": [scope]},
        "category": [{"text": "x"}],
        "patient": to("Patient/anna"),
        "provision": provision,
        **more,
    }


def of_class(*types: str) -> Json:
    return {"class": [{"system": "http://hl7.org/fhir/resource-types", "code": type} for type in types]}


def action(*codes: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/consentaction"
    return {"action": [{"coding": [{"system": system, "code": code}]} for code in codes]}


def labelled(resource: Json, code: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    return {**resource, "meta": {"security": [{"system": system, "code": code}]}}


PLAN = about("CarePlan", "plan", status="active", intent="plan")
GOAL = about("Goal", "goal", lifecycleStatus="active", description={"text": "x"})
OBSERVATION = about("Observation", "obs", status="final", code={"text": "x"})
CARE = ("Patient/anna", "CarePlan/plan", "CareTeam/team", "Goal/goal", "Observation/obs")


@pytest.fixture
async def world(database: Database) -> World:
    made = World(database)
    await made.put(
        *directory(), patient(), PLAN, GOAL, OBSERVATION,
        {"resourceType": "RelatedPerson", "id": "carer", "patient": to("Patient/anna")},
    )  # fmt: skip
    return made


# --- R1, R6, R7, R8: relations ---


async def test_whoever_has_no_relation_sees_the_directory_alone(world: World) -> None:
    doctor = await world.as_("Practitioner/doctor", "Organization/practice", "huisarts")
    assert await world.sees(doctor, *CARE, "Organization/nursing") == "Organization/nursing"


async def test_the_practice_in_general_practitioner_stands_like_a_participant(world: World) -> None:
    await world.put(patient(generalPractitioner=[to("Organization/practice")]))
    doctor = await world.as_("Practitioner/doctor", "Organization/practice", "huisarts")
    assert await world.sees(doctor, *CARE) == "Patient/anna CarePlan/plan Goal/goal Observation/obs"
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, *CARE) == ""


async def test_a_practitioner_in_it_counts_for_the_one_practice_where_they_work(world: World) -> None:
    await world.put(patient(generalPractitioner=[to("Practitioner/doctor")]))
    colleague = await world.as_("Practitioner/other", "Organization/practice", "poh")
    assert "Patient/anna" in await world.sees(colleague, *CARE)
    second = next(one for one in directory() if one["id"] == "practice")
    await world.put(
        {**second, "id": "second"},
        {
            "resourceType": "PractitionerRole",
            "id": "second-role",
            "practitioner": to("Practitioner/doctor"),
            "organization": to("Organization/second"),
        },
    )
    colleague = await world.as_("Practitioner/other", "Organization/practice", "poh")
    assert await world.sees(colleague, *CARE) == ""


async def test_an_organisation_of_another_type_in_it_opens_nothing(world: World) -> None:
    await world.put(patient(generalPractitioner=[to("Organization/nursing")]))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, *CARE) == ""


@pytest.mark.parametrize(
    ("member", "period", "seen"),
    [
        ("Organization/nursing", NOW, True),
        ("Organization/nursing", {"start": "2999-01-01"}, False),
        ("Organization/nursing", None, False),
        ("Organization/practice", NOW, False),
        ("Practitioner/nurse", NOW, True),
        ("PractitionerRole/nurse-there", NOW, True),
        ("Practitioner/other", NOW, False),
    ],
)
async def test_an_active_participant_is_judged_by_the_period(
    world: World, member: str, period: Json | None, seen: bool
) -> None:
    await world.put(team((member, period)))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, *CARE) == (" ".join(CARE) if seen else "")


async def test_a_person_participant_makes_only_that_person_active(world: World) -> None:
    await world.put(team(("Practitioner/nurse", NOW)))
    colleague = await world.as_("Practitioner/colleague", "Organization/nursing", "wijkverpleegkundige")
    backend = await world.as_(None, "Organization/nursing", None)
    assert await world.sees(colleague, *CARE) == ""
    assert await world.sees(backend, *CARE) == ""


async def test_after_the_end_plan_team_and_tasks_are_read_for_a_time(world: World) -> None:
    await world.put(team(("Organization/nursing", {"start": "2020-01-01", "end": "2026-11-10"})))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, *CARE) == "CarePlan/plan CareTeam/team"
    carer_ig = await world.as_("Practitioner/ig", "Organization/nursing", "verzorgende-ig")
    assert await world.sees(carer_ig, *CARE) == ""
    await world.put(team(("Organization/nursing", PAST)))
    assert await world.sees(nurse, *CARE) == ""


async def test_what_is_about_several_patients_needs_all_of_them(world: World) -> None:
    between: Json = {
        "resourceType": "Communication",
        "id": "between",
        "status": "completed",
        "sender": to("Patient/anna"),
        "recipient": [to("Patient/bert")],
    }
    await world.put(between, team(("Organization/nursing", NOW)))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, "Communication/between") == ""
    await world.put(patient(id="bert", generalPractitioner=[]))
    second = {**team(("Organization/nursing", NOW)), "id": "second", "subject": to("Patient/bert")}
    await world.put(second)
    assert await world.sees(nurse, "Communication/between") == "Communication/between"


async def test_a_provenance_is_of_whom_its_targets_are(world: World) -> None:
    await world.put(team(("Organization/nursing", NOW)), labelled({**OBSERVATION, "id": "hidden"}, "V"))
    made: Json = {
        "resourceType": "Provenance",
        "id": "of-plan",
        "target": [to("CarePlan/plan/_history/1")],
        "recorded": "2026-11-22T09:00:00Z",
        "agent": [{"who": to("Practitioner/nurse")}],
    }
    await world.put(made, {**made, "id": "of-hidden", "target": [to("Observation/hidden")]})
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, "Provenance/of-plan", "Provenance/of-hidden") == "Provenance/of-plan"
    other = await world.as_("Practitioner/doctor", "Organization/practice", "huisarts")
    assert await world.sees(other, "Provenance/of-plan") == ""
    fresh = {key: value for key, value in made.items() if key != "id"}
    assert await attempt(nurse.create(document.decode(document.encode(fresh)))) == "created"
    await world.hub.delete("Provenance", "of-plan")
    assert await attempt(nurse.read("Provenance", "of-plan")) == "deleted"


async def test_an_ended_relation_closes_at_that_moment(world: World) -> None:
    await world.put(team(("Organization/nursing", NOW)))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "verzorgende-ig")
    assert "Goal/goal" in await world.sees(nurse, *CARE)
    await world.put(team(("Organization/nursing", PAST)))
    assert await world.sees(nurse, *CARE) == ""


async def test_breaking_the_glass_opens_one_patient_to_one_person_for_a_time_to_read(world: World) -> None:
    now = time.time_ns() // 1000
    minute = 60_000_000

    async def opened(unit: Repository) -> None:
        await careteam.open_to(
            unit, "anna", "Practitioner/doctor", Kind.GLASS, now - 2 * minute, now + 58 * minute
        )

    await world.hub.together(opened)
    await world.put(labelled({**OBSERVATION, "id": "hidden"}, "V"))
    doctor = await world.as_("Practitioner/doctor", "Organization/practice", "huisarts")
    seen = await world.sees(doctor, *CARE, "Observation/hidden")
    assert seen == "Patient/anna CarePlan/plan Goal/goal Observation/obs"
    assert await attempt(doctor.update({**GOAL, "language": "nl"})) == "forbidden"
    colleague = await world.as_("Practitioner/other", "Organization/practice", "huisarts")
    assert await world.sees(colleague, *CARE) == ""
    await world.put(consent("deny", "Practitioner/doctor"))
    assert await world.sees(doctor, *CARE) == ""
    await world.put({**consent("deny", "Practitioner/doctor"), "status": "inactive"})
    assert "Goal/goal" in await world.sees(doctor, *CARE)

    async def closed(unit: Repository) -> None:
        await careteam.close_to(unit, "anna", "Practitioner/doctor", Kind.GLASS, now)

    await world.hub.together(closed)
    assert await world.sees(doctor, *CARE) == ""


async def test_who_takes_part_is_told_for_a_moment(world: World) -> None:
    await world.put(
        patient(generalPractitioner=[to("Organization/practice")]),
        team(("Organization/nursing", NOW), ("Organization/welfare", PAST)),
    )
    now = time.time_ns() // 1000
    found = await careteam.participants(world.tenant.database, world.tenant.number, "anna", now)
    assert [(one.actor, one.kind) for one in found] == [
        ("Organization/nursing", Kind.MEMBER),
        ("Organization/practice", Kind.PRACTICE),
    ]


# --- R13, R17: objections ---


async def test_an_agreement_is_asked_of_one_party(world: World) -> None:
    async def said(*actors: str, provider: bool = True) -> str:
        now = time.time_ns() // 1000
        database, number = world.tenant.database, world.tenant.number
        return await agreements.answer(database, number, "anna", actors, now, provider=provider)

    assert await said("Organization/nursing") == "unknown"
    await world.put(consent("permit", None))
    assert await said("Organization/nursing") == "agreed"
    assert await said("Organization/welfare", provider=False) == "unknown"
    await world.put(consent("deny", "Organization/nursing", "second"))
    assert await said("Organization/nursing") == "refused"
    assert await said("Organization/practice") == "agreed"
    await world.put(consent("permit", "HealthcareService/queue", "third"))
    assert await said("Organization/welfare", "HealthcareService/queue", provider=False) == "agreed"


async def test_a_block_of_an_organisation_or_person_works_at_once(world: World) -> None:
    await world.put(team(("Organization/nursing", NOW)))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    colleague = await world.as_("Practitioner/colleague", "Organization/nursing", "wijkverpleegkundige")
    await world.put(consent("deny", "Practitioner/nurse"))
    assert await world.sees(nurse, *CARE) == ""
    assert await world.sees(colleague, *CARE) == " ".join(CARE)
    await world.put(consent("deny", "Organization/nursing"))
    assert await world.sees(colleague, *CARE) == ""


async def test_the_most_specific_wins_and_an_objection_beats_an_agreement_as_specific(world: World) -> None:
    await world.put(team(("Organization/nursing", NOW)), consent("deny", "Organization/nursing"))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    await world.put(consent("permit", "Organization/nursing", "second"))
    assert await world.sees(nurse, *CARE) == ""
    await world.put(consent("permit", "Practitioner/nurse", "third"))
    assert await world.sees(nurse, *CARE) == " ".join(CARE)
    await world.put(consent("deny", "Practitioner/nurse", "fourth", provision=of_class("Goal")))
    assert await world.sees(nurse, *CARE) == "Patient/anna CarePlan/plan CareTeam/team Observation/obs"


async def test_r15_an_agreement_that_names_nobody_outweighs_no_objection_to_who_gives_no_care(
    world: World,
) -> None:
    task: Json = {
        "resourceType": "Task", "id": "asked", "status": "accepted", "intent": "order", "for": to("Patient/anna"),
        "owner": to("Organization/welfare"),
    }  # fmt: skip
    await world.put(task, consent("deny", None))
    helper = await world.as_("Practitioner/helper", "Organization/welfare", "welzijn")
    assert await world.sees(helper, "Task/asked") == ""
    await world.put(consent("permit", None, "second", provision=of_class("Task")))
    assert await world.sees(helper, "Task/asked") == ""
    await world.put(consent("permit", "Organization/welfare", "third"))
    assert await world.sees(helper, "Task/asked") == "Task/asked"


async def test_what_is_not_evaluated_makes_an_objection_total_and_a_permission_void(world: World) -> None:
    await world.put(team(("Organization/nursing", NOW)))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    purpose = {"purpose": [{"code": "TREAT"}], **of_class("Goal")}
    await world.put(consent("deny", "Organization/nursing", provision=purpose))
    assert await world.sees(nurse, *CARE) == ""
    await world.put(consent("permit", "Practitioner/nurse", "second", provision=purpose))
    assert await world.sees(nurse, *CARE) == ""


@pytest.mark.parametrize("code", ["treatment", "adr", "research"])
async def test_a_consent_of_another_scope_decides_nothing(world: World, code: str) -> None:
    await world.put(team(("Organization/nursing", NOW)))
    other = consent("deny", "Organization/nursing")
    other["scope"]["coding"][0]["code"] = code
    await world.put(other)
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, *CARE) == " ".join(CARE)


async def test_an_agreement_by_itself_opens_nothing(world: World) -> None:
    await world.put(consent("permit", "Organization/nursing"))
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    assert await world.sees(nurse, *CARE) == ""


# --- R18, R19: carers and representatives ---


async def test_a_carer_sees_what_was_granted(world: World) -> None:
    carer = await world.as_("RelatedPerson/carer", None, "mantelzorger")
    assert await world.sees(carer, *CARE, "RelatedPerson/carer") == "RelatedPerson/carer"
    grant = consent("permit", "RelatedPerson/carer", provision={**of_class("CarePlan"), **action("access")})
    await world.put(grant)
    assert await world.sees(carer, *CARE) == "CarePlan/plan"
    await world.put(labelled(PLAN, "R"))
    assert await world.sees(carer, *CARE) == ""
    await world.put(PLAN, {**grant, "status": "inactive"})
    assert await world.sees(carer, *CARE) == ""


@pytest.mark.parametrize("scope", ["user/*.cruds", "patient/*.cruds"])
async def test_a_carer_who_may_add_measurements_names_a_patient_whom_the_grant_does_not_show(
    world: World, scope: str
) -> None:
    carer = await world.as_("RelatedPerson/carer", None, "mantelzorger", scope)
    weight = about("Observation", "weight", performer=[to("RelatedPerson/carer")], code={"text": "x"})
    reading = {**of_class("Observation"), **action("access")}
    await world.put(consent("permit", "RelatedPerson/carer", provision=reading))
    with pytest.raises(errors.FhirError):
        await carer.create(dict(weight))
    adding = {**of_class("Observation"), **action("access", "collect")}
    await world.put(consent("permit", "RelatedPerson/carer", provision=adding))
    await carer.create(dict(weight))
    assert await world.sees(carer, "Patient/anna") == ""


async def test_a_representative_sees_what_the_patient_sees(world: World) -> None:
    represented = consent("permit", "RelatedPerson/carer", dateTime="2026-11-01")
    represented["provision"]["actor"][0]["role"] = {"coding": [{"code": "310391000146105"}]}
    represented["provision"]["period"] = {"start": "2026-11-01", "end": "2027-10-01"}
    await world.put(represented)
    store = await world.as_("RelatedPerson/carer", None, "wettelijk-vertegenwoordiger")
    assert await world.sees(store, *CARE) == "Patient/anna CarePlan/plan Goal/goal Observation/obs"
    found = await store.read("Patient", "anna")
    assert b"999911120" in (found.body or b"")


async def test_a_carers_own_answers_are_theirs_alone(world: World) -> None:
    strain: Json = {
        "resourceType": "QuestionnaireResponse",
        "id": "strain",
        "status": "completed",
        "subject": to("RelatedPerson/carer"),
        "source": to("RelatedPerson/carer"),
    }
    await world.put(strain, team(("Organization/nursing", NOW)))
    carer = await world.as_("RelatedPerson/carer", None, "mantelzorger")
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    anna = await world.as_("Patient/anna", None, "patient")
    for store, seen in ((carer, True), (nurse, False), (anna, False)):
        assert bool(await world.sees(store, "QuestionnaireResponse/strain")) is seen
    own = {**of_class("QuestionnaireResponse")}
    await world.put(consent("permit", None, performer=[to("RelatedPerson/carer")], provision=own))
    assert await world.sees(nurse, "QuestionnaireResponse/strain") == "", "nobody is named"


# --- R3, R4: what is seen in part ---


async def found(store: Repository, query: str) -> list[str]:
    type, _, rest = query.partition("?")
    page = await store.search(requests.parse(type, rest, store.tenant.parameters))
    return [match.id for match in page.matches]


async def test_bsn_exist_for_care_providers_the_patient_and_the_representative_alone(world: World) -> None:
    task = about(
        "Task", "task", status="accepted", intent="order", owner=to("Organization/welfare")
    ) | {"for": to("Patient/anna", identifier={"system": BSN, "value": "999911120"})}  # fmt: skip
    task.pop("subject")
    await world.put(task, patient(generalPractitioner=[to("Organization/practice")]))
    helper = await world.as_("Practitioner/helper", "Organization/welfare", "welzijn")
    doctor = await world.as_("Practitioner/doctor", "Organization/practice", "huisarts")
    own = document.decode((await helper.read("Patient", "anna")).body or b"")
    assert set(own) == {"resourceType", "id", "meta", "name", "telecom"}
    assert [tag["code"] for tag in own["meta"]["tag"]] == ["SUBSETTED"]
    assert await found(helper, "Patient?identifier=999911120") == []
    assert await found(helper, "Patient?birthdate=1950-01-01") == []
    assert await found(helper, "Patient?family=jansen") == ["anna"]
    assert await found(helper, "Task?patient:identifier=999911120") == []
    assert b"999911120" not in ((await helper.read("Task", "task")).body or b"")
    assert b"999911120" in ((await doctor.read("Patient", "anna")).body or b"")
    assert await found(doctor, "Patient?identifier=999911120") == ["anna"]


async def test_before_acceptance_the_owner_sees_a_bare_reference(world: World) -> None:
    task: Json = {
        "resourceType": "Task",
        "id": "task",
        "status": "requested",
        "intent": "order",
        "for": to("Patient/anna", display="Anna Jansen"),
        "owner": to("Organization/nursing"),
        "requester": to("Organization/practice"),
    }
    await world.put(task)
    nurse = await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")
    seen = document.decode((await nurse.read("Task", "task")).body or b"")
    assert seen["for"] == to("Patient/anna")
    assert await found(nurse, "Task?_content=Anna") == []
    assert await world.sees(nurse, "Patient/anna") == ""
    seen["status"] = "accepted"
    written = await nurse.update(seen)
    assert b"Anna Jansen" in (written.stored.body or b"")
    assert b"Anna Jansen" in ((await world.hub.read("Task", "task")).body or b"")
    assert b"SUBSETTED" not in ((await world.hub.read("Task", "task")).body or b"")


async def test_without_a_care_provider_behind_them_nobody_sees_more_than_tasks(world: World) -> None:
    await world.put(
        team(("Organization/welfare", NOW)), patient(generalPractitioner=[to("Organization/welfare")])
    )
    for role in ("welzijn", "huisarts", "wijkverpleegkundige", None):
        user = None if role is None else "Practitioner/helper"
        store = await world.as_(user, "Organization/welfare", role)
        assert await world.sees(store, *CARE) == ""


# --- R20: labels ---


@pytest.mark.parametrize(
    ("user", "organization", "role", "seen"),
    [
        ("Practitioner/doctor", "Organization/practice", "huisarts", "RSV"),
        ("Practitioner/doctor", "Organization/practice", "hap-arts", "RS"),
        ("Practitioner/doctor", "Organization/practice", "specialist-ouderengeneeskunde", "RS"),
        ("Practitioner/doctor", "Organization/practice", "poh", "S"),
        ("Practitioner/doctor", "Organization/practice", "physician-assistant", "S"),
        (None, "Organization/practice", None, "S"),
        ("Patient/anna", None, "patient", "RV"),
    ],
)
async def test_labels_hide_from_roles(
    world: World, user: str | None, organization: str | None, role: str | None, seen: str
) -> None:
    await world.put(patient(generalPractitioner=[to("Organization/practice")]))
    await world.put(*(labelled({**OBSERVATION, "id": code}, code) for code in "RSV"))
    store = await world.as_(user, organization, role)
    names = await world.sees(store, "Observation/R", "Observation/S", "Observation/V")
    assert names == " ".join(f"Observation/{code}" for code in seen)


async def test_no_label_hides_treatment_limits(world: World) -> None:
    limit = consent("deny", None)
    limit["scope"]["coding"][0]["code"] = "adr"
    await world.put(patient(generalPractitioner=[to("Organization/practice")]), labelled(limit, "V"))
    nurse = await world.as_("Practitioner/doctor", "Organization/practice", "poh")
    assert await world.sees(nurse, "Consent/consent") == "Consent/consent"


# --- scopes ---


async def test_scopes_narrow_by_type_letter_patient_and_criteria(world: World) -> None:
    await world.put(patient(generalPractitioner=[to("Organization/practice")]))
    vital = {"coding": [{"system": "urn:c", "code": "vital"}]}
    await world.put({**OBSERVATION, "id": "vital", "category": [vital]})
    who = ("Practitioner/doctor", "Organization/practice", "huisarts")
    narrow = await world.as_(*who, "user/Observation.rs?category=urn:c|vital user/Goal.r")
    assert await world.sees(narrow, "Observation/obs", "Observation/vital") == "Observation/vital"
    assert await narrow.find("Goal", "goal") is not None
    assert await found(narrow, "Goal?_id=goal") == []
    other = await world.as_(*who, "patient/*.rs")
    await world.put(patient(id="bert", generalPractitioner=[to("Organization/practice")]))
    assert await world.sees(other, "Patient/anna", "Patient/bert") == "Patient/anna"


# --- cell by cell ---


CALLERS: dict[str, tuple[str | None, str | None]] = {
    "patient": ("Patient/anna", None),
    "mantelzorger": ("RelatedPerson/carer", None),
    "wettelijk-vertegenwoordiger": ("RelatedPerson/carer", None),
}
SAMPLES: dict[str, Json] = {
    "Patient": patient(generalPractitioner=[to("Organization/practice")]),
    "CarePlan": PLAN,
    "CareTeam": team(),
    "Goal": GOAL,
    "Observation": OBSERVATION,
    "Condition": about("Condition", "condition"),
    "RelatedPerson": {"resourceType": "RelatedPerson", "id": "other", "patient": to("Patient/anna")},
    "Consent": {**consent("permit", None), "status": "inactive"},
    "QuestionnaireResponse": about("QuestionnaireResponse", "answers", status="completed"),
    "Communication": about("Communication", "message", status="completed"),
    "List": about("List", "list", status="current", mode="working"),
    "AuditEvent": {
        "resourceType": "AuditEvent",
        "id": "event",
        "agent": [{"who": to("Patient/anna"), "requestor": True}],
        "entity": [{"what": to("Patient/anna")}],
    },
    "MeasureReport": {"resourceType": "MeasureReport", "id": "report", "status": "complete"},
    "Organization": directory()[0],
    "Questionnaire": {"resourceType": "Questionnaire", "id": "questionnaire", "status": "active"},
}


def roles() -> Iterator[tuple[str | None, str | None, str | None]]:
    for role in ROLES:
        user, organization = CALLERS.get(role, ("Practitioner/doctor", "Organization/practice"))
        yield user, organization, role
    yield None, "Organization/practice", None


@pytest.mark.parametrize(("user", "organization", "role"), list(roles()))
async def test_a_role_reads_what_its_cells_say_of_a_patient_it_is_related_to(
    world: World, user: str | None, organization: str | None, role: str | None
) -> None:
    represented = consent("permit", "RelatedPerson/carer", "represented", dateTime="2026-11-01")
    represented["provision"]["actor"][0]["role"] = {"coding": [{"code": "310391000146105"}]}
    await world.put(*SAMPLES.values(), represented, consent("permit", "RelatedPerson/carer", "granted"))
    store = await world.as_(user, organization, role)
    row = matrix.cells(role)
    for type, sample in SAMPLES.items():
        seen = await world.sees(store, f"{type}/{sample['id']}")
        expected = "r" in row.get(type, "")
        if role == "welzijn" and type not in matrix.DIRECTORY | matrix.DEFINITIONS:
            expected = False  # the cells are those of own Tasks and their inputs
        if role == "privacy-officer" and type == "AuditEvent":
            expected = False  # the log itself tells what of it is theirs
        assert bool(seen) is expected, (role, type)


async def attempt(work: Any) -> str:
    try:
        written = await work
    except errors.FhirError as fault:
        return fault.issues[0].code
    return str(written.outcome) if written is not None else "none"


@pytest.mark.parametrize(("user", "organization", "role"), list(roles()))
async def test_a_role_without_the_letter_in_its_cell_writes_nothing(
    world: World, user: str | None, organization: str | None, role: str | None
) -> None:
    await world.put(*SAMPLES.values())
    store = await world.as_(user, organization, role)
    row = matrix.cells(role)
    for type, sample in SAMPLES.items():
        fresh = {key: value for key, value in sample.items() if key != "id"}
        changed = {**sample, "language": "nl"}
        if "c" not in row.get(type, ""):
            assert await attempt(store.create(document.decode(document.encode(fresh)))) == "forbidden", type
        if "u" not in row.get(type, ""):
            told = await attempt(store.update(document.decode(document.encode(changed))))
            assert told in ("forbidden", "not-found"), (type, told)
        if "d" not in row.get(type, ""):
            assert await attempt(store.delete(type, sample["id"])) in ("forbidden", "none"), type


def test_an_access_is_the_same_whoever_asks_first() -> None:
    one = Access(caller=replace(Access().caller, provider=True))
    assert one.digest != Access().digest
