"""What may stand in a write, by who writes it."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.errors import FhirError
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store.database import Database
from tests.auth.test_policy import (
    GOAL,
    OBSERVATION,
    PLAN,
    World,
    about,
    attempt,
    consent,
    labelled,
    of_class,
    patient,
    team,
)
from tests.auth.worlds import NOW, Json, directory, to


@pytest.fixture
async def world(database: Database) -> World:
    made = World(database)
    await made.put(
        *directory(), patient(generalPractitioner=[to("Organization/practice")]), patient(id="bert"), PLAN, GOAL,
        OBSERVATION, team(("Organization/nursing", NOW)),
        {"resourceType": "RelatedPerson", "id": "carer", "patient": to("Patient/anna")},
    )  # fmt: skip
    return made


async def doctor(world: World) -> Repository:
    return await world.as_("Practitioner/doctor", "Organization/practice", "huisarts")


async def nurse(world: World) -> Repository:
    return await world.as_("Practitioner/nurse", "Organization/nursing", "wijkverpleegkundige")


async def anna(world: World) -> Repository:
    return await world.as_("Patient/anna", None, "patient")


def fresh(resource: Json, **more: Any) -> Json:
    made: Json = document.decode(document.encode({**resource, **more}))
    made.pop("id", None)
    return made


async def test_treating_roles_write_clinical_resources_of_their_patients_alone(world: World) -> None:
    store = await nurse(world)
    assert await attempt(store.create(fresh(OBSERVATION))) == "created"
    assert await attempt(store.update({**OBSERVATION, "language": "nl"})) == "updated"
    # To them Bert is as somebody who does not exist.
    other = await attempt(store.create(fresh(OBSERVATION, subject=to("Patient/bert"))))
    nobody = await attempt(store.create(fresh(OBSERVATION, subject=to("Patient/nobody"))))
    assert (other, nobody) == ("not-found", "not-found")


async def test_put_to_an_unknown_and_to_an_invisible_id_is_not_found_either_way(world: World) -> None:
    await world.put({**OBSERVATION, "id": "of-bert", "subject": to("Patient/bert")})
    store = await nurse(world)
    for id in ("of-bert", "of-nobody"):
        assert await attempt(store.update({**OBSERVATION, "id": id})) == "not-found"
        assert await attempt(store.delete("Observation", id)) == "none"
        assert await attempt(store.patch("Observation", id, lambda resource: resource)) == "not-found"


async def test_a_write_moves_nothing_to_another_patient(world: World) -> None:
    await world.put({**team(("Organization/nursing", NOW)), "id": "second", "subject": to("Patient/bert")})
    store = await nurse(world)
    assert await attempt(store.update({**OBSERVATION, "subject": to("Patient/bert")})) == "business-rule"


async def test_protected_elements_of_a_patient_are_kept(world: World) -> None:
    store = await doctor(world)
    changed = patient(identifier=[], generalPractitioner=[to("Organization/nursing")], language="nl")
    await store.update(changed)
    kept = document.decode((await world.hub.read("Patient", "anna")).body or b"")
    assert kept["identifier"][0]["value"] == "999911120"
    assert kept["generalPractitioner"] == [to("Organization/practice")]
    assert kept["language"] == "nl"


async def test_participants_of_a_team_are_not_written_directly(world: World) -> None:
    store = await doctor(world)
    await world.put(patient(generalPractitioner=[to("Organization/practice")]))
    assert await attempt(store.update(team(("Organization/welfare", NOW)))) == "business-rule"
    same = {**team(("Organization/nursing", NOW)), "name": "Team"}
    assert await attempt(store.update(same)) == "updated"
    contained = {**PLAN, "contained": [{**team(("Organization/welfare", NOW)), "id": "in"}]}
    assert await attempt(store.update(contained)) == "business-rule"


async def test_author_and_subject_of_a_plan_are_fixed(world: World) -> None:
    await world.put({**PLAN, "author": to("Practitioner/doctor")})
    store = await doctor(world)
    assert await attempt(store.update({**PLAN, "author": to("Practitioner/nurse")})) == "business-rule"
    assert await attempt(store.delete("CarePlan", "plan")) == "forbidden"


async def test_the_patient_writes_own_words_in_the_own_name(world: World) -> None:
    store = await anna(world)
    own = [to("Patient/anna")]
    assert await attempt(store.create(fresh(OBSERVATION, performer=own))) == "created"
    assert await attempt(store.create(fresh(OBSERVATION))) == "business-rule"
    assert await attempt(store.update({**OBSERVATION, "performer": own})) == "business-rule"
    assert await attempt(store.create(fresh(PLAN))) == "forbidden"
    assert await attempt(store.create(consent("deny", "Organization/nursing"))) == "created"
    assert await world.sees(await nurse(world), "CarePlan/plan") == ""


async def test_a_carer_adds_what_collect_gives_in_the_own_name(world: World) -> None:
    store = await world.as_("RelatedPerson/carer", None, "mantelzorger")
    measured = fresh(OBSERVATION, performer=[to("RelatedPerson/carer")])
    # A relative may name the patient, which opens nothing.
    assert await attempt(store.create(dict(measured))) == "forbidden"
    grant = consent("permit", "RelatedPerson/carer", "grant")
    code = {"system": "http://terminology.hl7.org/CodeSystem/consentaction"}
    grant["provision"]["action"] = [
        {"coding": [{**code, "code": "access"}]},
        {"coding": [{**code, "code": "collect"}]},
    ]
    grant["provision"] |= of_class("Observation", "Patient")
    await world.put(grant)
    assert await attempt(store.create(dict(measured))) == "created"
    assert await attempt(store.create(fresh(OBSERVATION))) == "business-rule"


async def test_a_consent_is_never_written_by_whom_it_lets_in(world: World) -> None:
    heard: Json = {
        "performer": [to("Patient/anna")],
        "verification": [{"verified": True, "verifiedWith": to("Patient/anna")}],
    }
    store = await doctor(world)
    assert await attempt(store.create(consent("permit", "Organization/welfare", **heard))) == "created"
    assert await attempt(store.create(consent("permit", "Organization/welfare"))) == "business-rule"
    assert await attempt(store.create(consent("permit", "Organization/practice", **heard))) == "forbidden"
    assert await attempt(store.create(consent("permit", None, **heard))) == "forbidden"
    block = consent("deny", "Organization/nursing", "block", **heard, provision=of_class("Goal"))
    await world.put(block)
    lifted = {**block, "status": "inactive"}
    assert await attempt((await nurse(world)).update(dict(lifted))) == "forbidden"
    assert await attempt((await doctor(world)).update(dict(lifted))) == "updated"


async def test_a_representation_is_made_by_a_doctor_for_a_year_at_most(world: World) -> None:
    made = consent("permit", "RelatedPerson/carer", dateTime="2026-11-01", verification=[{"verified": True}])
    made["provision"]["actor"][0]["role"] = {"coding": [{"code": "310391000146105"}]}
    made["provision"] |= {
        "period": {"start": "2026-11-01", "end": "2027-10-01"},
        **of_class("Patient", "CarePlan"),
    }
    made["policy"] = [{"uri": "https://wetten.overheid.nl/BWBR0005290"}]
    assert await attempt((await nurse(world)).create(fresh(made))) == "forbidden"
    assert await attempt((await anna(world)).create(fresh(made))) == "forbidden"
    assert await attempt((await doctor(world)).create(fresh(made))) == "created"


async def test_labels_are_lowered_and_things_hidden_by_doctors_alone(world: World) -> None:
    poh = await world.as_("Practitioner/poh", "Organization/practice", "poh")
    await world.put(labelled(OBSERVATION, "S"))
    assert await attempt(poh.update(dict(OBSERVATION))) == "business-rule"
    assert await attempt(poh.update(labelled(GOAL, "S"))) == "business-rule"
    store = await doctor(world)
    assert await attempt(store.update(dict(OBSERVATION))) == "updated"
    assert await attempt(store.update(labelled(GOAL, "S"))) == "business-rule"
    assert await attempt(store.update(labelled(GOAL, "R"))) == "updated"


async def test_who_tells_what_others_did_stands_in_it_as_who_entered_it(world: World) -> None:
    def told(by: Json) -> Json:
        return {
            "resourceType": "Provenance",
            "target": [to("Goal/goal")],
            "recorded": "2026-01-01T00:00:00Z",
            "agent": [by],
        }

    doctor_did = {"who": to("Practitioner/doctor"), "onBehalfOf": to("Organization/nursing")}
    for store, by, entered in (
        (await anna(world), doctor_did, "Patient/anna"),
        (await nurse(world), doctor_did, "Practitioner/nurse"),
        (await doctor(world), doctor_did, None),
        (await world.as_(None, "Organization/nursing", None), doctor_did, None),
        (
            await world.as_(None, "Organization/nursing", None),
            {"who": {"display": "HIS"}},
            "Organization/nursing",
        ),
    ):
        made = await store.create(told(by))
        assert made.stored.body is not None
        agents = document.decode(made.stored.body)["agent"]
        assert agents[0] == by
        assert [one["who"]["reference"] for one in agents[1:]] == ([entered] if entered else [])
        assert all(one["type"]["coding"][0]["code"] == "enterer" for one in agents[1:])


async def test_who_deletes_wrote_it(world: World) -> None:
    own = about("Condition", "own", recorder=to("Practitioner/nurse"))
    await world.put(own, about("Condition", "other", recorder=to("Practitioner/doctor")))
    store = await nurse(world)
    await world.put(about("Condition", "by-role", recorder=to("PractitionerRole/nurse-there")))
    assert await attempt(store.delete("Condition", "own")) == "deleted"
    assert await attempt(store.delete("Condition", "by-role")) == "deleted"
    assert await attempt(store.delete("Condition", "other")) == "forbidden"
    assert await attempt(store.read("Condition", "own")) == "deleted"


async def test_r21_where_an_organisation_is_reached_its_own_administrator_writes(world: World) -> None:
    def endpoint(of: str, **also: Any) -> Json:
        kind = {"code": "hl7-fhir-rest"}
        return {
            "resourceType": "Endpoint", "status": "active", "connectionType": kind, "payloadType": [{"text": "x"}],
            "address": "https://x.example/", "managingOrganization": to(f"Organization/{of}"), **also,
        }  # fmt: skip

    await world.put(endpoint("nursing", id="theirs"))
    store = await world.as_("Practitioner/doctor", "Organization/practice", "beheerder")
    assert await attempt(store.create(endpoint("practice"))) == "created"
    assert await attempt(store.create(endpoint("nursing"))) == "forbidden"
    assert await attempt(store.update(endpoint("practice", id="theirs"))) == "forbidden"
    assert await attempt(store.delete("Endpoint", "theirs")) == "forbidden"


async def test_what_is_referred_to_is_not_told_by_whom_where_that_may_not_be_seen(world: World) -> None:
    world.tenant.integrity = True
    await world.put(
        about("Condition", "own", recorder=to("Practitioner/nurse")),
        {**GOAL, "id": "of-bert", "subject": to("Patient/bert"), "addresses": [to("Condition/own")]},
    )
    store = await nurse(world)
    with pytest.raises(Exception, match="is referred to") as refused:
        await store.delete("Condition", "own")
    assert "of-bert" not in str(refused.value)
    kept = await store.read("Condition", "own")
    assert await store.why_kept(kept) is None
    assert "of-bert" in (await world.hub.why_kept(kept) or "")


async def test_who_was_shown_the_whole_does_not_write_a_part_of_it(world: World) -> None:
    store = await nurse(world)
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    part = {**OBSERVATION, "meta": {"tag": [tag]}}
    with pytest.raises(FhirError, match="Read the whole resource first"):
        await store.update(part)
    with pytest.raises(FhirError, match="Read the whole resource first"):
        await store.create(fresh(part))
