"""The store as a caller sees it, on both databases: versions, conflicts, conditions, integrity, units."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from fhirhub.access import EVERYTHING, NOTHING, Access, Rule
from fhirhub.errors import FhirError
from fhirhub.repository import Keys, Repository, Tenant, Written, new_id
from fhirhub.resources import document
from fhirhub.store import request as requests
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.request import SearchRequest
from fhirhub.store.versions import HistoryRequest

Json = dict[str, Any]


def tenant_of(database: Database, number: int = 1) -> Tenant:
    return Tenant(number, "default", database, Parameters(), Keys(database, number), cursor_key=b"k" * 32)


@pytest_asyncio.fixture
async def hub(database: Database) -> Repository:
    return Repository(tenant_of(database), EVERYTHING)


def patient(id: str = "p1", **more: Any) -> Json:
    return {"resourceType": "Patient", "id": id, **more}


def plan(id: str, subject: str, **more: Any) -> Json:
    return {
        "resourceType": "CarePlan", "id": id, "status": "active", "intent": "plan",
        "subject": {"reference": subject}, **more,
    }  # fmt: skip


def criteria(hub: Repository, type: str, query: str) -> SearchRequest:
    return requests.parse(type, query, hub.parameters)


async def refusal(work: Any) -> FhirError:
    with pytest.raises(FhirError) as refused:
        await work
    return refused.value


async def test_what_is_read_is_what_was_written_with_its_version(hub: Repository) -> None:
    written = await hub.update(patient(birthDate="1950-03-14"))
    assert written.outcome == "created"
    stored = await hub.read("Patient", "p1")
    assert stored.version == 1
    content = document.parse(stored.body or b"")
    assert content["birthDate"] == "1950-03-14"
    assert content["meta"]["versionId"] == "1"


async def test_an_update_with_the_same_content_makes_no_version(hub: Repository) -> None:
    await hub.update(patient(birthDate="1950-03-14", active=True))
    again = await hub.update(patient(active=True, birthDate="1950-03-14"))
    assert (again.outcome, again.stored.version) == ("unchanged", 1)


async def test_another_digit_of_a_decimal_is_other_content(hub: Repository) -> None:
    def observation(digits: bytes) -> Json:
        return document.parse(
            b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"valueQuantity":{"value":'
            + digits
            + b"}}"
        )

    await hub.update(observation(b"1.0"))
    assert (await hub.update(observation(b"1.00"))).outcome == "updated"


async def test_a_deleted_resource_is_gone_and_comes_back_by_an_update(hub: Repository) -> None:
    await hub.update(patient())
    deleted = await hub.delete("Patient", "p1")
    assert deleted is not None
    assert deleted.stored.version == 2
    refused = await refusal(hub.read("Patient", "p1"))
    assert (refused.status, refused.headers["ETag"]) == (410, 'W/"2"')
    assert await hub.delete("Patient", "p1") is None
    assert (await hub.update(patient())).stored.version == 3
    assert (await hub.read("Patient", "p1")).version == 3
    assert (await refusal(hub.vread("Patient", "p1", "2"))).status == 410


async def test_versions_are_without_gaps_whoever_writes_at_once(hub: Repository) -> None:
    await hub.update(patient())
    await asyncio.gather(*(hub.update(patient(birthDate=f"19{n:02}-01-01")) for n in range(20)))
    history = await hub.history(HistoryRequest("Patient", "p1", count=100))
    assert [one.version for one in history] == list(range(21, 0, -1))
    assert [one.updated for one in history] == sorted((one.updated for one in history), reverse=True)
    assert len({one.updated for one in history}) == 21


async def test_of_updates_that_name_one_version_exactly_one_wins(hub: Repository) -> None:
    await hub.update(patient())

    async def attempt(n: int) -> int:
        try:
            await hub.update(patient(birthDate=f"19{n:02}-01-01"), if_match=1)
        except FhirError as refused:
            return refused.status
        return 200

    statuses = await asyncio.gather(*(attempt(n) for n in range(12)))
    assert sorted(statuses) == [200] + [412] * 11


async def test_sixty_four_equal_conditional_creates_make_one(hub: Repository) -> None:
    def attempt() -> Any:
        made = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
        return hub.create(made, if_none_exist=criteria(hub, "Patient", "identifier=urn:x|1"))

    results: list[Written] = await asyncio.gather(*(attempt() for _ in range(64)))
    assert [result.outcome for result in results].count("created") == 1
    assert len({result.stored.id for result in results}) == 1
    assert len((await hub.search(criteria(hub, "Patient", "identifier=urn:x|1"))).matches) == 1


async def test_conditional_creates_with_unequal_criteria_are_serialised(hub: Repository) -> None:
    """Each looks for what the other makes: were they not serialised, both would make one."""

    def attempt(own: str, other: str) -> Any:
        made = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": own}]}
        return hub.create(
            made, if_none_exist=criteria(hub, "Patient", f"identifier=urn:x|{own},urn:x|{other}")
        )

    for n in range(10):
        one, two = f"a{n}", f"b{n}"
        results = await asyncio.gather(attempt(one, two), attempt(two, one))
        assert sorted(result.outcome for result in results) == ["created", "unchanged"]


async def test_a_conditional_create_against_a_conditional_update_makes_one(hub: Repository) -> None:
    for n in range(10):
        made = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": str(n)}]}
        what = criteria(hub, "Patient", f"identifier=urn:x|{n}")
        await asyncio.gather(
            hub.create(dict(made), if_none_exist=what), hub.update_where(what, {**made, "active": True})
        )
        assert len((await hub.search(what)).matches) == 1


async def test_criteria_that_match_several_are_refused(hub: Repository) -> None:
    await hub.update(patient("p1", active=True))
    await hub.update(patient("p2", active=True))
    refused = await refusal(
        hub.update_where(criteria(hub, "Patient", "active=true"), {"resourceType": "Patient"})
    )
    assert (refused.status, refused.issues[0].code) == (412, "multiple-matches")


async def test_a_reference_to_nothing_is_refused_and_named(hub: Repository) -> None:
    refused = await refusal(hub.update(plan("c1", "Patient/none")))
    assert refused.status == 422
    assert "Patient/none" in refused.issues[0].text
    assert (await refusal(hub.read("CarePlan", "c1"))).status == 404


async def test_a_reference_to_a_version_that_never_was_is_refused(hub: Repository) -> None:
    await hub.update(patient())
    refused = await refusal(hub.update(plan("c1", "Patient/p1/_history/9")))
    assert refused.status == 422
    assert "Patient/p1/_history/9" in refused.issues[0].text
    assert (await hub.update(plan("c1", "Patient/p1/_history/1"))).outcome == "created"


async def test_a_reference_to_something_contained_needs_nothing_stored(hub: Repository) -> None:
    inside = [{"resourceType": "Patient", "id": "inner", "active": True}]
    assert (await hub.update(plan("c1", "#inner", contained=inside))).outcome == "created"


async def test_a_unit_that_refers_to_what_it_deletes_is_refused_and_says_so(hub: Repository) -> None:
    await hub.update(patient())

    async def work(unit: Repository) -> None:
        await unit.delete("Patient", "p1")
        await unit.create(plan("c1", "Patient/p1"))

    refused = await refusal(hub.together(work))
    assert refused.status in (409, 422)
    assert "Patient/p1" in refused.issues[0].text
    assert (await hub.read("Patient", "p1")).version == 1


async def test_integrity_can_be_switched_off(database: Database) -> None:
    tenant = tenant_of(database)
    tenant.integrity = False
    hub = Repository(tenant, EVERYTHING)
    await hub.update(plan("c1", "Patient/none"))
    await hub.update(patient("p1"))
    await hub.update(plan("c1", "Patient/p1"))
    assert await hub.delete("Patient", "p1") is not None


async def test_what_is_referred_to_cannot_be_deleted(hub: Repository) -> None:
    await hub.update(patient())
    await hub.update(plan("c1", "Patient/p1"))
    refused = await refusal(hub.delete("Patient", "p1"))
    assert refused.status == 409
    assert "CarePlan/c1" in refused.issues[0].text
    assert (await hub.read("Patient", "p1")).version == 1


async def test_deleting_and_referring_at_once_never_leaves_a_dangling_reference(hub: Repository) -> None:
    for n in range(15):
        await hub.update(patient(f"p{n}"))
        await asyncio.gather(
            hub.delete("Patient", f"p{n}"),
            hub.update(plan(f"c{n}", f"Patient/p{n}")),
            return_exceptions=True,
        )
        there = await hub.find("Patient", f"p{n}")
        referring = await hub.find("CarePlan", f"c{n}")
        assert there is not None
        assert not (there.deleted and referring is not None)


async def test_a_unit_deletes_what_its_own_update_no_longer_refers_to(hub: Repository) -> None:
    await hub.update(patient("p1"))
    await hub.update(patient("p2"))
    await hub.update(plan("c1", "Patient/p1"))

    async def work(unit: Repository) -> None:
        await unit.delete("Patient", "p1")
        await unit.update(plan("c1", "Patient/p2"))

    await hub.together(work)
    assert (await refusal(hub.read("Patient", "p1"))).status == 410


async def test_a_unit_reads_and_finds_what_it_wrote_and_others_do_not_before_it_ends(hub: Repository) -> None:
    seen: list[int] = []

    async def work(unit: Repository) -> None:
        await unit.update(patient("p1", active=True))
        seen.append(len((await unit.search(criteria(unit, "Patient", "active=true"))).matches))
        seen.append(len((await hub.search(criteria(hub, "Patient", "active=true"))).matches))

    await hub.together(work)
    assert seen == [1, 0]


async def test_a_unit_that_is_refused_leaves_nothing(hub: Repository) -> None:
    async def work(unit: Repository) -> None:
        for n in range(5):
            await unit.update(patient(f"p{n}"))
        await unit.update(plan("c1", "Patient/none"))

    assert (await refusal(hub.together(work))).status == 422
    assert (await hub.search(criteria(hub, "Patient", ""))).matches == []


async def test_a_unit_makes_more_resources_than_keys_were_foreseen(hub: Repository) -> None:
    async def work(unit: Repository) -> None:
        for _ in range(1300):
            await unit.create({"resourceType": "Basic", "code": {"text": "x"}})

    await hub.together(work, keys=1)
    found = await hub.search(requests.parse("Basic", "_summary=count", hub.parameters))
    assert found.total == 1300


async def test_patch_tries_again_on_what_others_wrote(hub: Repository) -> None:
    await hub.update(patient(name=[{"family": "x", "given": []}]) | {"name": [{"given": ["0"]}]})

    def add(n: int) -> Any:
        def change(resource: Json) -> Json:
            resource["name"][0]["given"].append(str(n))
            return resource

        return change

    await asyncio.gather(*(hub.patch("Patient", "p1", add(n)) for n in range(1, 11)))
    content = document.parse((await hub.read("Patient", "p1")).body or b"")
    assert sorted(map(int, content["name"][0]["given"])) == list(range(11))


async def test_history_of_a_type_and_of_all_is_newest_first_and_paged_without_gaps(hub: Repository) -> None:
    for n in range(4):
        await hub.update(patient(f"p{n}"))
        await hub.update(patient(f"p{n}", active=True))
    await hub.update(plan("c1", "Patient/p1"))
    await hub.delete("Patient", "p3")
    everything = await hub.history(HistoryRequest(count=100))
    assert [(one.type, one.id, one.method) for one in everything][:2] == [
        ("Patient", "p3", "DELETE"),
        ("CarePlan", "c1", "PUT"),
    ]
    assert len(everything) == 10
    paged: list[Any] = []
    before = None
    while True:
        page = await hub.history(HistoryRequest(type="Patient", count=4, before=before))
        paged += page[:4]
        if len(page) <= 4:
            break
        before = (page[3].updated, page[3].rid, page[3].version)
    assert paged == [one for one in everything if one.type == "Patient"]


async def test_history_since_and_at_keep_to_their_moments(hub: Repository) -> None:
    first = (await hub.update(patient())).stored.updated
    second = (await hub.update(patient(active=True))).stored.updated
    third = (await hub.update(patient(active=False))).stored.updated
    since = await hub.history(HistoryRequest("Patient", "p1", since=second))
    assert [one.version for one in since] == [3, 2]
    at = await hub.history(HistoryRequest("Patient", "p1", at=(second, second + 1)))
    assert [one.version for one in at] == [2]
    between = await hub.history(HistoryRequest("Patient", "p1", at=(first, third)))
    assert [one.version for one in between] == [2, 1]


async def test_an_access_without_rules_sees_nothing(hub: Repository) -> None:
    await hub.update(patient(active=True))
    nobody = Repository(hub.tenant, NOTHING)
    assert (await refusal(nobody.read("Patient", "p1"))).status == 404
    assert (await refusal(nobody.vread("Patient", "p1", "1"))).status == 404
    assert await nobody.history(HistoryRequest()) == []
    assert (await nobody.search(criteria(nobody, "Patient", "active=true"))).matches == []


async def test_a_rule_about_a_patient_shows_what_is_about_that_patient(hub: Repository) -> None:
    for n in (1, 2):
        await hub.update(patient(f"p{n}", active=True))
        await hub.update(plan(f"c{n}", f"Patient/p{n}"))
    one = Repository(hub.tenant, Access(frozenset({Rule(patients=frozenset({"p1"}))})))
    assert (await one.read("CarePlan", "c1")).id == "c1"
    assert (await refusal(one.read("CarePlan", "c2"))).status == 404
    assert [m.id for m in (await one.search(criteria(one, "CarePlan", "status=active"))).matches] == ["c1"]
    assert {found.id for found in await one.history(HistoryRequest())} == {"p1", "c1"}


async def test_tenants_do_not_see_each_other(database: Database) -> None:
    one, two = (Repository(tenant_of(database, number), EVERYTHING) for number in (1, 2))
    await one.update(patient(active=True))
    assert (await refusal(two.read("Patient", "p1"))).status == 404
    assert (await two.search(criteria(two, "Patient", "active=true"))).matches == []
    assert (await two.update(patient())).outcome == "created"


def test_new_ids_grow_and_are_uuids_of_version_seven() -> None:
    import uuid

    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {uuid.UUID(id).version for id in made} == {7}
    assert {uuid.UUID(id).variant for id in made} == {uuid.RFC_4122}
    assert [id[:13] for id in made] == sorted(id[:13] for id in made)


async def test_what_was_indexed_before_a_unit_is_found_and_not_what_took_its_place(hub: Repository) -> None:
    first, second = (patient(birthDate=date) for date in ("1950-03-14", "1951-03-14"))
    indexed = [hub.indexed(first, "a"), hub.indexed(second, "b")]
    second = patient(birthDate="1952-03-14")

    async def work(unit: Repository) -> None:
        await unit.create(first, id="a")
        await unit.create(second, id="b")

    await hub.together(work, indexed=indexed)
    for year, id in (("1950", ["a"]), ("1951", []), ("1952", ["b"])):
        found = await hub.search(criteria(hub, "Patient", f"birthdate={year}"))
        assert [match.id for match in found.matches] == id
    assert (await hub.read("Patient", "a")).updated == indexed[0].updated


def plans_of_one(count: int) -> list[Json]:
    """Plans, and last of all the patient whom they are about."""
    return [*(plan(f"c{number}", "Patient/p1") for number in range(count)), patient()]


async def written(hub: Repository, resources: list[Json], broken: bool = False) -> None:
    """All of them in one transaction, which says what it makes."""
    keys = [(one["resourceType"], one["id"]) for one in resources]

    async def work(unit: Repository) -> None:
        await unit.foresee(keys)
        unit.promise([], keys)
        for resource in resources:
            await unit.update(resource)
        if broken:
            raise KeyError("no")

    await hub.together(work)


async def test_what_is_written_while_the_rest_is_made_ready_may_refer_to_the_rest(hub: Repository) -> None:
    await written(hub, plans_of_one(25))
    found = await hub.search(criteria(hub, "CarePlan", "patient=p1&_count=100"))
    assert len(found.matches) == 25
    await written(hub, [*plans_of_one(25), patient("p2")])
    assert [one.version for one in await hub.history(HistoryRequest("CarePlan", "c0"))] == [1]


async def test_what_was_written_while_the_rest_was_made_ready_goes_with_the_rest(hub: Repository) -> None:
    with pytest.raises(KeyError):
        await written(hub, plans_of_one(25), broken=True)
    refused = await refusal(written(hub, [*plans_of_one(25), plan("c26", "Patient/p9")]))
    assert refused.issues[0].expression == "CarePlan.subject.reference"
    assert await hub.history(HistoryRequest("CarePlan")) == []
    await written(hub, plans_of_one(25))
