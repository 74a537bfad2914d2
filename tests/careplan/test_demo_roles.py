"""Every role of the demo region, through its own token: each sees what they should and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fhirhub import demo
from fhirhub.access import EVERYTHING
from fhirhub.auth import matrix, trial
from fhirhub.auth.realm import Issuer
from fhirhub.demo import accounts as demo_accounts
from fhirhub.demo import enrolment
from fhirhub.load import Found, Loader, Report
from fhirhub.repository import Repository
from fhirhub.resources import compartments, consents, relations
from fhirhub.resources.relations import Kind
from tests.auth.builders import BASE, Hub, Json, bearer

PATIENTS = 12
LEFT_OUT = frozenset({"QuestionnaireResponse", "MeasureReport"})
"""Many, and no other than those that are looked at."""
AFTERCARE = frozenset({"huisarts", "poh", "wijkverpleegkundige", "specialist-ouderengeneeskunde"})
ABOUT_NOBODY = matrix.DIRECTORY | matrix.DEFINITIONS


class Region:
    """The demo region as its resources tell who is what to whom."""

    def __init__(self, resources: list[Json]) -> None:
        self.by_type: dict[str, list[Json]] = {}
        for resource in resources:
            self.by_type.setdefault(resource["resourceType"], []).append(resource)
        rows = [row for one in resources for row in relations.rows(one)[0]]
        now = time.time_ns() // 1000
        self.rows = [row for row in rows if row.start <= now < row.until]
        self.ended = [row for row in rows if row.until <= now]

    def patients_of(self, role: str, person: str, organization: str | None) -> set[str]:
        """The patients of whom this person sees all that their role may see."""
        column = matrix.CLASSES[role]
        if column == "patient":
            return {person.removeprefix("Patient/")}
        if column == "representative":
            return {
                row.subject for row in self.rows if (row.kind, row.actor) == (Kind.REPRESENTATIVE, person)
            }
        if column not in ("doctor", "treating"):
            return set()
        practices = {row.subject for row in self.rows if row.kind == Kind.TYPE and row.type == "Z3"}
        works = {row.subject for row in self.rows if row.kind == Kind.WORKS and row.actor == person}
        assert organization in works
        own = {organization, person, *self._roles(person, organization)}
        return {
            row.subject
            for row in self.rows
            if (row.kind == Kind.MEMBER and row.actor in own)
            or (row.kind == Kind.PRACTICE and row.actor == organization and organization in practices)
        }

    def _roles(self, person: str, organization: str | None) -> Iterator[str]:
        for role in self.by_type["PractitionerRole"]:
            if (role["practitioner"]["reference"], role["organization"]["reference"]) == (
                person,
                organization,
            ):
                yield f"PractitionerRole/{role['id']}"

    def should_see(self, role: str, person: str, organization: str | None, resource: Json) -> bool:
        """Whether this person should see this resource, which has no label, by any of the ways there are."""
        type, about = resource["resourceType"], compartments.patients(resource)
        mine = self.patients_of(role, person, organization)
        column = matrix.CLASSES[role]
        if about and about <= mine:
            return True
        if column == "carer":
            granted = self.granted(person)
            if about and all({"", type} & granted.get(one, set()) for one in about):
                return True
            recipients = [one.get("reference") for one in resource.get("recipient", ())]
            if type == "Communication" and person in recipients:
                return True
        if f"{type}/{resource['id']}" == person:
            return True
        if column in ("carer", "welfare", "doctor", "treating"):
            own = {person, organization} - {None}
            own |= {
                row.actor for row in self.rows if row.kind == Kind.BELONGS and row.subject == organization
            }
            if type == "Task":
                return any(resource.get(name, {}).get("reference") in own for name in ("owner", "requester"))
            if type == "Patient" and column in ("carer", "welfare"):
                return resource["id"] in self._contacts(own)
        if role in AFTERCARE and type in ("CarePlan", "CareTeam"):
            return bool(about) and about <= self.left(person, organization)
        return False

    def _contacts(self, own: set[Any]) -> set[str]:
        """The patients of Tasks that these owners are doing."""
        return {
            one["for"]["reference"].removeprefix("Patient/")
            for one in self.by_type["Task"]
            if one.get("owner", {}).get("reference") in own and one["status"] in relations.UNDER_WAY
        }

    def left(self, person: str, organization: str | None) -> set[str]:
        """The patients in whose care this person or their organisation took part until a month ago at most."""
        own = {organization, person, *self._roles(person, organization)}
        month = 30 * 86_400 * 1_000_000
        return {
            row.subject
            for row in self.ended
            if row.kind == Kind.MEMBER and row.actor in own and row.until + month > time.time_ns() // 1000
        }

    def granted(self, person: str) -> dict[str, set[str]]:
        """Per patient the types that a carer may read; the empty one for all."""
        found: dict[str, set[str]] = {}
        for consent in self.by_type.get("Consent", ()):
            for one in consents.decisions(consent):
                if one.permits and one.actor == person and one.reads and not one.represents:
                    found.setdefault(one.subject, set()).add(one.type)
        return found


async def _load(hub: Hub) -> Region:
    report = Report()
    hub.realm.tenant.integrity = False  # What comes first may refer to what comes later.
    loader = Loader(Repository(hub.realm.tenant, EVERYTHING), report)
    kept = [one for one in demo.build(PATIENTS) if one["resourceType"] not in LEFT_OUT]
    for resource in kept:
        await loader.take(Found("demo", resource))
    await loader.finish()
    assert report.refusals == []
    await enrolment.add(hub.realm, Repository(hub.realm.tenant, EVERYTHING))
    return Region(kept)


async def _seen(hub: Hub, token: str, type: str) -> list[Json] | int:
    """What a search finds, page by page; or the status where it is refused."""
    address: str | None = f"{BASE}/{type}?_count=1000"
    found: list[Json] = []
    while address is not None:
        answer = await hub.http.get(address, headers=bearer(token))
        if answer.status_code != 200:
            return answer.status_code
        page = answer.json()
        found += [entry["resource"] for entry in page.get("entry", ()) if entry["search"]["mode"] == "match"]
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return found


async def test_each_demo_role_sees_what_it_should_and_nothing_else(hub: Hub) -> None:
    region = await _load(hub)
    issuer = Issuer(hub.realm, BASE)
    people = await enrolment.people(Repository(hub.realm.tenant, EVERYTHING))
    assert {role for role, _, _ in people} == set(matrix.CLASSES)
    types = sorted(set(region.by_type) - ABOUT_NOBODY)
    for role, person, organization in people:
        context = None
        if person.startswith("RelatedPerson/"):
            context = next(
                one["patient"]["reference"].removeprefix("Patient/")
                for one in region.by_type["RelatedPerson"]
                if f"RelatedPerson/{one['id']}" == person
            )
        token = await trial.token(
            issuer, client=demo_accounts.CLIENT, user=role, role=role, scope="user/*.cruds", patient=context
        )
        row = matrix.cells(role)
        for type in types:
            found = await _seen(hub, token, type)
            if "s" not in row.get(type, ""):
                assert found in ([], 403), (role, type)
                continue
            assert isinstance(found, list), (role, type, found)
            _check(region, role, person, organization, type, found)


def _check(
    region: Region, role: str, person: str, organization: str | None, type: str, found: list[Any]
) -> None:
    """Unlabelled resources are there exactly where they should be; labels are for other tests."""
    ids = {one["id"] for one in found}
    for stored in region.by_type[type]:
        if relations.label(stored) is None:
            should = region.should_see(role, person, organization, stored)
            assert (stored["id"] in ids) == should, (role, type, stored["id"], f"should be seen: {should}")
