"""AuditEvents as the patient and the privacy officer read them."""

from __future__ import annotations

import base64

import pytest

from fhirhub.resources.validation import structure
from tests.audit.watching import Watched, observation
from tests.auth.builders import Json, write
from tests.careplan.people import person

HIDDEN = {"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "S"}]}}


def whats(event: Json) -> list[str]:
    return [entity["what"]["reference"] for entity in event.get("entity", ()) if "what" in entity]


async def events(person: object, query: str = "") -> list[Json]:
    answer = await person.read(f"AuditEvent{query}")  # type: ignore[attr-defined]
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", ())]


async def test_a_patient_reads_who_looked_newest_first(there: Watched) -> None:
    await there.jan.read("Patient/anna")
    found = await events(there.anna)
    event = found[0]
    assert event["agent"][0]["who"] == {"reference": "Practitioner/jan", "display": "jan"}
    assert event["agent"][0]["policy"][0].endswith("#practice")
    assert event["subtype"][0]["code"] == "read"
    assert [one["valueBoolean"] for one in event["extension"]] == [True, True, True, False]
    assert structure.validate(event) == []
    assert [one["recorded"] for one in found] == sorted((one["recorded"] for one in found), reverse=True)


async def test_one_is_read_by_its_id_and_no_other(there: Watched) -> None:
    await there.jan.read("Patient/anna")
    event = (await events(there.anna))[0]
    answer = await there.anna.read(f"AuditEvent/{event['id']}")
    assert answer.json() == event
    for who, id in ((there.bert, event["id"]), (there.anna, "9-99"), (there.anna, "x")):
        assert (await who.read(f"AuditEvent/{id}")).status_code == 404


async def test_nobody_sees_the_log_of_another(there: Watched) -> None:
    await there.jan.read("Patient/anna")
    assert not any("Patient/anna" in whats(event) for event in await events(there.bert))
    assert await events(there.jan) == []


async def test_the_privacy_officer_reads_of_the_own_organisation_without_queries(there: Watched) -> None:
    await there.jan.read("Condition?code:text=kanker&patient=anna")
    await there.anna.read("Patient/anna")
    found = await events(there.officer)
    assert {event["agent"][0]["who"]["reference"] for event in found} == {"Practitioner/jan"}
    assert not any("query" in entity for event in found for entity in event.get("entity", ()))
    (own,) = await events(there.officer, "?agent=Practitioner/wil&_count=1")
    assert own["subtype"][0]["code"] == "search-type"


async def test_queries_are_shown_to_the_patient(there: Watched) -> None:
    await there.jan.read("Patient?_id=anna")
    (query,) = [one["query"] for one in (await events(there.anna))[0]["entity"] if "query" in one]
    assert base64.b64decode(query).decode() == "_id=anna"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?action=D&outcome=0", 0),
        ("?agent=Practitioner/jan", 2),
        ("?agent:Practitioner=jan", 2),
        ("?agent=jan&outcome=4", 0),
        ("?patient=Patient/anna&agent=jan", 2),
        ("?patient=bert", 0),
        ("?entity=Patient/anna&agent=jan", 2),
        ("?date=ge2020-01-01&agent=jan", 2),
        ("?date=lt2020-01-01", 0),
        ("?subtype=read&agent=jan", 1),
        ("?subtype=search-type&agent=jan", 1),
        ("?type=rest&agent=jan", 2),
        ("?type=110114", 0),
        ("?agent-role=huisarts", 2),
        ("?policy=practice", 2),
    ],
)
async def test_search_parameters_find_by_columns(there: Watched, query: str, count: int) -> None:
    await there.jan.read("Patient/anna")
    await there.jan.read("Patient?_id=anna")
    assert len(await events(there.anna, query)) == count


async def test_pages_follow_each_other(there: Watched) -> None:
    for _ in range(3):
        await there.jan.read("Patient/anna")
    answer = (await there.anna.read("AuditEvent?agent=jan&_count=2&_total=accurate")).json()
    assert (len(answer["entry"]), answer["total"]) == (2, 3)
    (url,) = [link["url"] for link in answer["link"] if link["relation"] == "next"]
    rest = (await there.anna.read(url.split("/fhir/")[1])).json()
    assert len(rest["entry"]) == 1
    assert rest["entry"][0]["resource"]["id"] not in {one["resource"]["id"] for one in answer["entry"]}


@pytest.mark.parametrize(
    "query", ["?agent-name=jan", "?_sort=agent", "?date=soon", "?_include=AuditEvent:patient"]
)
async def test_what_the_log_has_no_column_for_is_refused(there: Watched, query: str) -> None:
    assert (await there.anna.read(f"AuditEvent{query}")).status_code == 400


async def test_nobody_writes_the_log(there: Watched) -> None:
    event = {"resourceType": "AuditEvent", "id": "1-1"}
    for method, path in (("POST", "AuditEvent"), ("PUT", "AuditEvent/1-1"), ("DELETE", "AuditEvent/1-1")):
        answer = await there.anna.ask(method, path, event)
        assert (answer.status_code, "made by the hub" in answer.text) == (405, True)


async def test_a_hidden_resource_hides_what_a_line_is_of_from_the_patient(there: Watched) -> None:
    await write(there.hub, {**observation("anna"), "id": "secret", **HIDDEN})
    assert (await there.jan.read("Observation/secret")).status_code == 200
    newest = (await events(there.anna, "?agent=jan"))[0]
    assert whats(newest) == ["Patient/anna"]
    assert await events(there.anna, "?entity=Observation/secret") == []


async def test_a_label_that_comes_later_hides_as_well(there: Watched) -> None:
    await write(there.hub, {**observation("anna"), "id": "secret"})
    await there.jan.read("Observation/secret")
    assert len(await events(there.anna, "?entity=Observation/secret&agent=jan")) == 1
    await write(there.hub, {**observation("anna"), "id": "secret", **HIDDEN})
    assert await events(there.anna, "?entity=Observation/secret&agent=jan") == []


async def test_what_the_hub_can_is_what_it_says(there: Watched) -> None:
    statement = (await there.anna.read("metadata")).json()
    (told,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "AuditEvent"]
    assert [one["code"] for one in told["interaction"]] == ["read", "vread", "search-type"]
    assert {one["name"] for one in told["searchParam"]} >= {"agent", "date", "patient"}


async def test_the_access_log_tells_in_plain_words(there: Watched) -> None:
    await there.jan.read("Patient/anna")
    dutch = (await there.anna.read("Patient/anna/$access-log")).json()
    text = dutch["entry"][0]["resource"]["text"]["div"]
    assert "jan, huisarts, Organisatie praktijk, bekeek uw persoonsgegevens" in text
    assert "u bent bij deze praktijk ingeschreven" in text
    (own, looked) = (await events(there.anna))[:2]
    assert own["agent"][0]["who"] == {"reference": "Patient/anna", "display": "Anna Jansen"}
    assert looked["entity"][0]["what"] == {"reference": "Patient/anna", "display": "Anna Jansen"}
    assert (
        "Anna Jansen, patiënt, bekeek dit logboek. Reden: het zijn uw eigen gegevens."
        in ((await there.anna.read("Patient/anna/$access-log")).json()["entry"][0]["resource"]["text"]["div"])
    )
    english = (await there.anna.read("Patient/anna/$access-log", Accept_Language="en")).json()
    assert "registered with this practice" in english["entry"][3]["resource"]["text"]["div"]


async def test_the_access_log_is_for_the_patient_and_the_officer(there: Watched) -> None:
    await there.jan.read("Patient/anna")
    assert (await there.bert.read("Patient/anna/$access-log")).status_code == 404
    assert (await there.jan.read("Patient/anna/$access-log")).status_code == 403
    seen = (await there.officer.read("Patient/anna/$access-log")).json()
    assert [one["resource"]["outcome"] for one in seen["entry"]] == ["4", "0"]
    text = seen["entry"][1]["resource"]["text"]["div"]
    assert "bekeek de persoonsgegevens van Patient/anna. Reden: de patiënt is bij deze praktijk" in text
    looks = (await there.anna.read("AuditEvent?agent=wil")).json()
    assert looks["entry"][0]["resource"]["agent"][0]["policy"][0].endswith("#officer")


async def test_the_patient_reads_which_relative_looked_by_name(there: Watched) -> None:
    mia = await person(there.hub, "mia")
    assert (await mia.read("RelatedPerson/mia")).status_code == 200
    event = (await events(there.anna))[0]
    assert event["agent"][0]["who"] == {"reference": "RelatedPerson/mia", "display": "Mia"}
    assert event["agent"][0]["policy"][0].endswith("#own-answers")
    text = (await there.anna.read("Patient/anna/$access-log?_count=2")).json()["entry"][1]["resource"]["text"]
    assert "het gaat over henzelf" in text["div"]


async def test_a_relative_of_another_has_no_name_in_the_log(there: Watched) -> None:
    mia = await person(there.hub, "mia")
    assert (await mia.read("Patient/bert")).status_code == 404
    event = (await events(there.bert))[0]
    assert event["agent"][0]["who"] == {"reference": "RelatedPerson/mia"}
