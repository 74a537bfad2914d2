"""$populate and $extract over HTTP (https://hl7.org/fhir/uv/sdc/populate.html)."""

from __future__ import annotations

from typing import Any

from httpx import AsyncClient

from tests.api.builders import Json, fhir, observation, patient, put

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
URL = "https://example.nl/form"
WEIGHT: Json = {"system": "http://loinc.org", "code": "29463-7"}


def expression(name: str, text: str, language: str = "text/fhirpath", called: str | None = None) -> Json:
    value = {"language": language, "expression": text, **({"name": called} if called else {})}
    return {"url": name if "://" in name else SDC + name, "valueExpression": value}


def form(*items: Json, **more: Any) -> Json:
    return {
        "resourceType": "Questionnaire",
        "id": "form",
        "url": URL,
        "version": "2",
        "status": "active",
        "item": list(items),
        **more,
    }


def ask(*parts: Json, subject: str = "Patient/a") -> Json:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "subject", "valueReference": {"reference": subject}}, *parts],
    }


async def populated(client: AsyncClient, content: Json, path: str = "Questionnaire/form/$populate") -> Json:
    answer = await client.post(path, json=content, headers=fhir({}))
    assert answer.status_code == 200, answer.text
    parts = {each["name"]: each["resource"] for each in answer.json()["parameter"]}
    assert "issues" not in parts, parts["issues"]
    made: Json = parts["response"]
    return made


def values(response: Json) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    pending = list(response.get("item", ()))
    while pending:
        item = pending.pop(0)
        pending += item.get("item", ())
        for answer in item.get("answer", ()):
            found.setdefault(item["linkId"], []).append(next(iter(answer.values())))
    return found


async def test_a_draft_names_the_version_and_has_every_question(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    group = {"linkId": "g", "type": "group", "item": [{"linkId": "q", "text": "Vraag", "type": "string"}]}
    await put(client, form(group))
    made = await populated(client, ask())
    assert made["questionnaire"] == f"{URL}|2"
    assert made["status"] == "in-progress"
    assert made["subject"] == {"reference": "Patient/a"}
    assert made["item"] == [{"linkId": "g", "item": [{"linkId": "q", "text": "Vraag"}]}]
    saved = await client.post("QuestionnaireResponse", json=made, headers=fhir({}))
    assert saved.status_code == 201, saved.text


async def test_expressions_see_the_subject_variables_and_what_is_given_as_context(
    client: AsyncClient,
) -> None:
    await put(client, patient(id="a", birthDate="1950-01-02", gender="female"))
    variable = "http://hl7.org/fhir/StructureDefinition/variable"
    await put(
        client,
        form(
            {
                "linkId": "born",
                "type": "date",
                "extension": [expression("initialExpression", "%patient.birthDate")],
            },
            {
                "linkId": "sex",
                "type": "choice",
                "answerOption": [{"valueCoding": {"system": "urn:s", "code": "female", "display": "Vrouw"}}],
                "extension": [expression("initialExpression", "%patient.gender")],
            },
            {
                "linkId": "room",
                "type": "string",
                "extension": [expression("initialExpression", "%room.name")],
            },
            {
                "linkId": "twice",
                "type": "integer",
                "extension": [expression("initialExpression", "%two * 2")],
            },
            {"linkId": "told", "type": "boolean", "initial": [{"valueBoolean": False}]},
            extension=[expression(variable, "2", called="two")],
        ),
    )
    room = {"resourceType": "Location", "name": "Kamer 4"}
    context = {
        "name": "context",
        "part": [{"name": "name", "valueString": "room"}, {"name": "content", "resource": room}],
    }
    made = await populated(client, ask(context))
    assert values(made) == {
        "born": ["1950-01-02"],
        "sex": [{"system": "urn:s", "code": "female", "display": "Vrouw"}],
        "room": ["Kamer 4"],
        "twice": [4],
        "told": [False],
    }


async def test_a_group_repeats_for_each_resource_of_its_context(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    for number, name in enumerate(("Astma", "Jicht")):
        coded = {"text": name}
        about = {"subject": {"reference": "Patient/a"}, "recordedDate": f"2026-01-0{number + 1}"}
        await put(client, {"resourceType": "Condition", "id": f"c{number}", "code": coded, **about})
    await put(
        client,
        form(
            {
                "linkId": "problem",
                "type": "group",
                "repeats": True,
                "extension": [
                    expression(
                        "itemPopulationContext",
                        "Condition?subject=Patient/{{%patient.id}}&_sort=recorded-date",
                        "application/x-fhir-query",
                        "one",
                    )
                ],
                "item": [
                    {
                        "linkId": "name",
                        "type": "string",
                        "extension": [expression("initialExpression", "%one.code.text")],
                    }
                ],
            }
        ),
    )
    assert values(await populated(client, ask())) == {"name": ["Astma", "Jicht"]}
    without = await populated(client, ask({"name": "local", "valueBoolean": False}))
    assert values(without) == {}


async def test_an_answer_is_the_newest_observation_of_its_code_within_the_period(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    for id, day, value in (("old", "2001-01-01", 50), ("new", "2026-11-01", 71)):
        about = {
            "subject": {"reference": "Patient/a"},
            "effectiveDateTime": day,
            "code": {"coding": [WEIGHT]},
        }
        await put(client, observation(id=id, valueQuantity={"value": value, "unit": "kg"}, **about))
    period = {
        "url": SDC + "observationLinkPeriod",
        "valueDuration": {"value": 20, "system": "http://unitsofmeasure.org", "code": "a"},
    }
    await put(client, form({"linkId": "w", "type": "decimal", "code": [WEIGHT], "extension": [period]}))
    assert values(await populated(client, ask())) == {"w": [71]}


async def test_the_questionnaire_is_found_by_canonical_reference_or_given_whole(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, form({"linkId": "q", "type": "string"}))
    path = "Questionnaire/$populate"
    for part in (
        {"name": "canonical", "valueUri": URL},
        {"name": "canonical", "valueCanonical": f"{URL}|2"},
        {"name": "questionnaireRef", "valueReference": {"reference": "Questionnaire/form"}},
        {"name": "questionnaire", "resource": form({"linkId": "q", "type": "string"})},
    ):
        assert (await populated(client, ask(part), path))["questionnaire"] == f"{URL}|2"
    unknown = await client.post(
        path, json=ask({"name": "canonical", "valueUri": URL + "|9"}), headers=fhir({})
    )
    assert unknown.status_code == 404
    assert (await client.post(path, json=ask(), headers=fhir({}))).status_code == 400
    assert (await client.get(f"{path}?canonical={URL}")).status_code == 400


async def test_what_cannot_be_filled_in_is_told_beside_the_draft(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(
        client,
        form(
            {
                "linkId": "q",
                "type": "integer",
                "extension": [expression("initialExpression", "%nothing.such")],
            },
            {"linkId": "r", "type": "integer", "extension": [expression("initialExpression", "'text'")]},
        ),
    )
    answer = await client.post("Questionnaire/form/$populate", json=ask(), headers=fhir({}))
    parts = {each["name"]: each["resource"] for each in answer.json()["parameter"]}
    assert len(parts["issues"]["issue"]) == 2
    assert values(parts["response"]) == {}


async def test_a_completed_response_is_extracted_and_a_draft_is_not(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    extracts = {"url": SDC + "observationExtract", "valueBoolean": True}
    await put(client, form({"linkId": "w", "type": "decimal", "code": [WEIGHT], "extension": [extracts]}))
    given = {
        "resourceType": "QuestionnaireResponse",
        "id": "r",
        "questionnaire": f"{URL}|2",
        "status": "in-progress",
        "subject": {"reference": "Patient/a"},
        "authored": "2026-11-22T10:00:00Z",
        "item": [{"linkId": "w", "answer": [{"valueDecimal": 71.5}]}],
    }
    await put(client, given)
    refused = await client.post("QuestionnaireResponse/r/$extract", headers=fhir({}))
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "business-rule")
    await put(client, {**given, "status": "completed"})
    answer = await client.get("QuestionnaireResponse/r/$extract")
    bundle = answer.json()
    assert (bundle["type"], len(bundle["entry"])) == ("transaction", 1)
    assert (await client.post("", json=bundle, headers=fhir({}))).status_code == 200
    found = (await client.get("Observation?derived-from=QuestionnaireResponse/r")).json()
    assert found["entry"][0]["resource"]["valueQuantity"] == {"value": 71.5}
    sent = {
        "resourceType": "Parameters",
        "parameter": [{"name": "questionnaire-response", "resource": {**given, "status": "completed"}}],
    }
    again = await client.post("QuestionnaireResponse/$extract", json=sent, headers=fhir({}))
    assert len(again.json()["entry"]) == 1
