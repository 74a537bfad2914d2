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


def period(years: int = 20) -> Json:
    duration = {"value": years, "system": "http://unitsofmeasure.org", "code": "a"}
    return {"url": SDC + "observationLinkPeriod", "valueDuration": duration}


def unit(code: str) -> Json:
    coding = {"system": "http://unitsofmeasure.org", "code": code}
    return {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unit", "valueCoding": coding}


def amount(value: float, code: str, **more: str) -> Json:
    return {"value": value, "unit": code, "system": "http://unitsofmeasure.org", "code": code, **more}


def weighed(id: str, day: str, value: float, unit: str = "kg", **more: Any) -> Json:
    about = {"subject": {"reference": "Patient/a"}, "effectiveDateTime": day, "code": {"coding": [WEIGHT]}}
    return observation(id=id, **{"valueQuantity": amount(value, unit), **about, **more})


async def test_an_answer_is_the_newest_observation_of_its_code_within_the_period(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, patient(id="child"))
    for measured in (
        weighed("old", "2001-01-01", 50),
        weighed("new", "2026-11-01", 71000, "g"),
        weighed("bound", "2026-11-02", 90, valueQuantity=amount(90, "kg", comparator=">")),
        weighed("early", "2026-11-03", 60, status="preliminary"),
        weighed("other", "2026-11-04", 3, focus=[{"reference": "Patient/child"}]),
    ):
        assert (await put(client, measured)).status_code == 201
    item = {"linkId": "w", "type": "decimal", "code": [WEIGHT], "extension": [unit("kg")]}
    # The period is of the whole form, and of a question where it has its own.
    recent = {**item, "linkId": "v", "extension": [unit("kg"), period(0)]}
    await put(client, form(item, recent, extension=[period()]))
    answer = await client.post("Questionnaire/form/$populate", json=ask(), headers=fhir({}))
    parts = {each["name"]: each["resource"] for each in answer.json()["parameter"]}
    assert values(parts["response"]) == {"w": [71]}


async def test_a_number_without_a_unit_in_the_form_is_not_taken_from_an_amount(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, weighed("new", "2026-11-01", 71))
    await put(client, form({"linkId": "w", "type": "decimal", "code": [WEIGHT], "extension": [period()]}))
    answer = await client.post("Questionnaire/form/$populate", json=ask(), headers=fhir({}))
    parts = {each["name"]: each["resource"] for each in answer.json()["parameter"]}
    assert values(parts["response"]) == {}
    assert "questionnaire-unit" in parts["issues"]["issue"][0]["details"]["text"]


async def test_the_parts_of_an_observation_answer_the_items_of_its_group(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    codes = {
        name: {"system": "http://loinc.org", "code": code}
        for name, code in (("panel", "85354-9"), ("high", "8480-6"), ("low", "8462-4"))
    }
    components = [
        {"code": {"coding": [codes[name]]}, "valueQuantity": amount(value, "mm[Hg]")}
        for name, value in (("high", 130), ("low", 80))
    ]
    panel = weighed("bp", "2026-11-01", 0, code={"coding": [codes["panel"]]}, component=components)
    del panel["valueQuantity"]
    assert (await put(client, panel)).status_code == 201
    items = [
        {"linkId": name, "type": "integer", "code": [codes[name]], "extension": [unit("mm[Hg]")]}
        for name in ("high", "low")
    ]
    group = {"linkId": "g", "type": "group", "code": [codes["panel"]], "extension": [period()], "item": items}
    await put(client, form(group))
    assert values(await populated(client, ask())) == {"high": [130], "low": [80]}


async def test_what_the_caller_found_takes_the_place_of_a_query_of_the_form(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    variable = "http://hl7.org/fhir/StructureDefinition/variable"
    query = expression(variable, "Observation?subject={{%patient.id}}", "application/x-fhir-query", "found")
    first = expression("initialExpression", "%found.entry.resource.ofType(Observation).value.value.first()")
    await put(client, form({"linkId": "w", "type": "decimal", "extension": [first]}, extension=[query]))
    entries = [{"resource": weighed("x", "2026-01-01", 66)}]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    context = {
        "name": "context",
        "part": [{"name": "name", "valueString": "found"}, {"name": "content", "resource": bundle}],
    }
    local = {"name": "local", "valueBoolean": False}
    assert values(await populated(client, ask(context, local))) == {"w": [66]}
    twice = await client.post("Questionnaire/form/$populate", json=ask(context, context), headers=fhir({}))
    assert (twice.status_code, "twice" in twice.text) == (400, True)


async def test_what_is_for_the_app_or_in_another_language_is_told(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    candidates = expression("candidateExpression", "Condition?subject=x", "application/x-fhir-query")
    foreign = expression("initialExpression", "AgeInYears()", "text/cql")
    await put(
        client,
        form(
            {"linkId": "c", "type": "reference", "extension": [candidates]},
            {"linkId": "d", "type": "integer", "extension": [foreign]},
        ),
    )
    answer = await client.post("Questionnaire/form/$populate", json=ask(), headers=fhir({}))
    issues = next(one for one in answer.json()["parameter"] if one["name"] == "issues")["resource"]["issue"]
    assert [(one["severity"], one["code"]) for one in issues] == [
        ("warning", "incomplete"),
        ("information", "informational"),
    ]
    assert "text/cql" in issues[0]["details"]["text"]
    assert "candidateExpression" in issues[1]["details"]["text"]


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
