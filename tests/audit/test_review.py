"""What a privacy officer reviews: a sample and outliers, of the own organisation's users (RULES R24)."""

from __future__ import annotations

from fhirhub.audit import reviewing
from fhirhub.auth import accounts
from fhirhub.store.log import Looks
from tests.audit.watching import Watched
from tests.auth.builders import Json, write
from tests.careplan.people import person

USUAL = reviewing.bands("07:00-20:00", ["hap-arts"], 3, 2)
MONDAY = 1_790_000_000 // 3600 // 24 * 24 + 3 * 24 + 10
"""Noon in the Netherlands on Thursday 24 September 2026, in hours since 1970."""


def look(person: str, patient: str, hour: int = MONDAY, role: str = "poh", **also: int) -> Looks:
    told = {"done": 1, "refused": 0, "in_emergency": 0, **also}
    return Looks(f"Practitioner/{person}", role, patient, hour, **told)


def kinds(looks: list[Looks]) -> list[tuple[str, str, int]]:
    return [(one.person[13:], one.kind, one.often) for one in reviewing.outliers(looks, {}, {}, USUAL)]


def test_a_look_at_night_or_in_the_weekend_stands_out_but_of_who_works_in_shifts() -> None:
    assert kinds([look("els", "a")]) == []
    night, saturday = look("els", "a", MONDAY + 12), look("els", "a", MONDAY + 48)
    assert kinds([night, saturday]) == [("els", "out-of-hours", 2)]
    assert kinds([look("hap", "a", MONDAY + 12, "hap-arts")]) == []


def test_many_patients_on_one_day_stand_out() -> None:
    assert kinds([look("els", str(n)) for n in range(3)]) == []
    assert kinds([look("els", str(n)) for n in range(4)]) == [("els", "many-on-a-day", 4)]
    assert kinds([look("els", str(n), MONDAY + 24 * (n % 2)) for n in range(4)]) == []


def test_many_more_patients_than_others_in_the_role_stand_out() -> None:
    def seen(person: str, patients: int) -> list[Looks]:
        return [look(person, str(n), MONDAY + 7 * 24 * n) for n in range(patients)]

    assert kinds([*seen("els", 31), *seen("ans", 10)]) == [("els", "more-than-others", 31)]
    assert kinds([*seen("els", 30), *seen("ans", 10)]) == []
    assert kinds(seen("els", 31)) == []


def test_family_names_are_compared_without_prefixes_and_by_their_parts() -> None:
    assert reviewing.family("van der Giessen-de Vries") == {"giessen", "vries"}


def outliers(answer: Json) -> list[Json]:
    return [
        {part["name"]: next(value for key, value in part.items() if key != "name") for part in one["part"]}
        for one in answer["parameter"]
        if one["name"] == "outlier"
    ]


async def test_the_officer_sees_a_sample_and_who_looked_at_the_own_name_or_was_refused(
    there: Watched,
) -> None:
    name = [{"family": "Jansen-Proef", "given": ["Jan"]}]
    await write(there.hub, {"resourceType": "Practitioner", "id": "jan", "name": name})
    els = await person(there.hub, "els")
    await there.jan.read("Patient/anna")
    await els.read("Patient/anna")
    for _ in range(5):
        assert (await els.read("Patient/nobody")).status_code == 404
    answer = (await there.officer.read("AuditEvent/$review?sample=3")).json()
    sample = answer["parameter"][0]["resource"]["entry"]
    assert len(sample) == 3
    assert all("text" in one["resource"] for one in sample)
    found = {one["kind"]: one for one in outliers(answer) if one["kind"] != "out-of-hours"}
    assert set(found) == {"same-name", "refused"}
    assert found["same-name"]["agent"]["reference"] == "Practitioner/jan"
    assert found["same-name"]["patient"] == {"reference": "Patient/anna"}
    assert (
        found["refused"]["description"] == "els, praktijkondersteuner huisarts, kreeg 5 keer een weigering."
    )
    lines = (await there.officer.read(found["same-name"]["lines"])).json()
    assert len(lines["entry"]) == 1


async def test_who_looks_at_themselves_or_at_a_colleague_stands_out(there: Watched) -> None:
    as_patient = {"username": "els", "password": "geheim", "fhirUser": "Patient/bert", "role": "patient"}
    els = await person(there.hub, "els")
    await accounts.add(there.hub.realm, accounts.wanted(as_patient))
    await els.read("Patient/bert")
    await there.jan.read("Patient/bert")
    answer = (await there.officer.read("AuditEvent/$review", Accept_Language="en")).json()
    told = [one["description"] for one in outliers(answer) if one["kind"] in ("own-record", "colleague")]
    assert told == [
        "els, practice nurse, looked at the own record (once).",
        "jan, general practitioner, looked at a colleague (once).",
    ]


async def test_of_another_organisation_nothing_is_reviewed(there: Watched) -> None:
    wil = await person(there.hub, "wil")
    for _ in range(6):
        await wil.read("Patient/anna")
    answer = (await there.officer.read("AuditEvent/$review")).json()
    assert outliers(answer) == []
    sample = answer["parameter"][0]["resource"].get("entry", [])
    assert "thuiszorg" not in str(sample)


async def test_a_review_is_a_look_and_for_the_officer_alone(there: Watched) -> None:
    await there.jan.read("Patient/anna")
    for other in (there.jan, there.anna):
        assert (await other.read("AuditEvent/$review")).status_code == 403
    made = await there.since(there.officer.read("AuditEvent/$review"))
    assert [(one.interaction, one.patient, one.rule) for one in made] == [("$review", "anna", "officer")]
