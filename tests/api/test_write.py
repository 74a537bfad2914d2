from __future__ import annotations

import pytest
from httpx import AsyncClient

from tests.api.builders import bundle, entry, fhir, issues, observation, patient, post, put, said
from tests.api.conftest import BASE

JSON_PATCH = "application/json-patch+json"


async def test_create_chooses_the_id_and_says_where(client: AsyncClient) -> None:
    made = await post(client, patient(id="mine", active=True))

    id = made.json()["id"]
    assert made.status_code == 201
    assert id != "mine"
    assert made.headers["location"] == f"{BASE}/Patient/{id}/_history/1"
    assert made.headers["etag"] == 'W/"1"'
    assert "last-modified" in made.headers
    assert made.json()["meta"]["versionId"] == "1"


async def test_create_with_an_unknown_element_is_refused_with_its_place(client: AsyncClient) -> None:
    response = await post(client, patient(nme=[{"family": "Jansen"}], gender="m"))
    assert response.status_code == 400
    assert {expression for issue in issues(response) for expression in issue["expression"]} >= {
        "Patient.nme",
        "Patient.gender",
    }


async def test_create_of_another_type_than_the_url_names_is_refused(client: AsyncClient) -> None:
    response = await client.post("Observation", json=patient(), headers=fhir({}))
    assert response.status_code == 400
    assert "Observation" in said(response)


async def test_create_without_a_body_is_refused(client: AsyncClient) -> None:
    response = await client.post("Patient", content=b"", headers=fhir({}))
    assert response.status_code == 400


async def test_update_with_a_new_id_creates(client: AsyncClient) -> None:
    response = await put(client, patient(id="a"))
    assert response.status_code == 201
    assert response.headers["location"] == f"{BASE}/Patient/a/_history/1"


async def test_update_makes_a_new_version(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="female"))
    response = await put(client, patient(id="a", gender="male"))
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.json()["meta"]["versionId"] == "2"


async def test_update_with_the_same_content_makes_no_version(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="female"))
    response = await put(client, patient(id="a", gender="female"))
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"1"'


async def test_update_brings_a_deleted_resource_back(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await client.delete("Patient/a")
    response = await put(client, patient(id="a"))
    assert response.status_code == 201
    assert response.headers["etag"] == 'W/"3"'
    assert response.headers["location"] == "http://hub.test/fhir/Patient/a/_history/3"
    assert (await client.get("Patient/a")).status_code == 200
    history = (await client.get("Patient/a/_history")).json()["entry"]
    assert [one["response"]["status"][:3] for one in history] == ["201", "204", "201"]


async def test_a_transaction_brings_a_deleted_resource_back(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await client.delete("Patient/a")
    asked = bundle("transaction", entry("PUT", "Patient/a", patient(id="a")))
    response = await client.post("", json=asked, headers=fhir({}))
    assert response.json()["entry"][0]["response"]["status"] == "201 Created"


@pytest.mark.parametrize("content", [patient(id="b"), patient()])
async def test_update_with_another_id_or_none_is_refused(
    client: AsyncClient, content: dict[str, object]
) -> None:
    response = await client.put("Patient/a", json=content, headers=fhir({}))
    assert response.status_code == 400
    assert issues(response)[0]["expression"] == ["Patient.id"]


@pytest.mark.parametrize("id", ["a_b", "x" * 65, "a%20b", "%C3%A9"])
async def test_an_id_that_cannot_be_is_refused(client: AsyncClient, id: str) -> None:
    from urllib.parse import unquote

    response = await client.put(f"Patient/{id}", json=patient(id=unquote(id)), headers=fhir({}))
    assert response.status_code == 400


async def test_if_match_guards_an_update(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="female"))
    await put(client, patient(id="a", gender="male"), If_Match='W/"1"')

    stale = await put(client, patient(id="a", gender="other"), If_Match='W/"1"')
    malformed = await put(client, patient(id="a", gender="other"), If_Match="1")
    foreign = await put(client, patient(id="a", gender="other"), If_Match='W/"abc"')

    assert stale.status_code == 412
    assert malformed.status_code == 400
    assert foreign.status_code == 412
    assert (await client.get("Patient/a")).json()["gender"] == "male"


async def test_if_match_may_be_a_list_or_any(client: AsyncClient) -> None:
    nothing = await put(client, patient(id="a"), If_Match="*")
    await put(client, patient(id="a"))
    anything = await put(client, patient(id="a", gender="male"), If_Match="*")
    listed = await put(client, patient(id="a", gender="female"), If_Match='W/"7", W/"2"')
    others = await put(client, patient(id="a", gender="other"), If_Match='W/"7", W/"2"')
    malformed = await put(client, patient(id="a", gender="other"), If_Match='W/"7", 2')
    statuses = [one.status_code for one in (nothing, anything, listed, others, malformed)]
    assert statuses == [412, 200, 200, 412, 400]


async def test_if_none_match_any_only_creates(client: AsyncClient) -> None:
    first = await put(client, patient(id="a"), If_None_Match="*")
    second = await put(client, patient(id="a", gender="male"), If_None_Match="*")
    assert first.status_code == 201
    assert second.status_code == 412


async def test_prefer_decides_what_comes_back(client: AsyncClient) -> None:
    minimal = await post(client, patient(), Prefer="return=minimal")
    whole = await post(client, patient(), Prefer="return=representation")
    outcome = await post(client, patient(), Prefer="return=OperationOutcome")

    assert minimal.status_code == whole.status_code == outcome.status_code == 201
    assert minimal.content == b""
    assert "location" in minimal.headers
    assert whole.json()["resourceType"] == "Patient"
    assert outcome.json()["resourceType"] == "OperationOutcome"


async def test_respond_async_is_ignored(client: AsyncClient) -> None:
    response = await post(client, patient(), Prefer="respond-async, return=minimal")
    assert response.status_code == 201
    assert response.content == b""


async def test_delete_is_quiet_and_may_be_repeated(client: AsyncClient) -> None:
    await put(client, patient(id="a"))

    first = await client.delete("Patient/a")
    again = await client.delete("Patient/a")
    never = await client.delete("Patient/b")

    assert first.status_code == again.status_code == never.status_code == 204
    assert first.headers["etag"] == 'W/"2"'


async def test_delete_tells_an_outcome_where_asked(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await client.delete("Patient/a", headers={"Prefer": "return=OperationOutcome"})
    assert response.status_code == 200
    assert "Patient/a" in said(response)


async def test_delete_of_another_version_than_the_current_is_refused(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="male"))
    await put(client, patient(id="a", gender="female"))
    assert (await client.delete("Patient/a", headers={"If-Match": 'W/"1"'})).status_code == 412
    assert (await client.delete("Patient/a", headers={"If-Match": 'W/"2"'})).status_code == 204


async def test_delete_of_what_is_referred_to_says_by_what(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, observation(id="o", subject={"reference": "Patient/a"}))
    response = await client.delete("Patient/a")
    assert response.status_code == 409
    assert "Observation/o" in said(response)


async def test_reference_to_nothing_is_refused(client: AsyncClient) -> None:
    response = await post(client, observation(subject={"reference": "Patient/nobody"}))
    assert 400 <= response.status_code < 500
    assert "Patient/nobody" in said(response)


async def test_json_patch_changes_the_resource(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="male", active=True))
    response = await client.patch(
        "Patient/a",
        content=b'[{"op":"replace","path":"/gender","value":"female"},{"op":"remove","path":"/active"}]',
        headers={"Content-Type": JSON_PATCH, "If-Match": 'W/"1"'},
    )
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.json()["gender"] == "female"
    assert "active" not in response.json()


async def test_fhirpath_patch_changes_the_resource(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="male"))
    operation = {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": "Patient.gender"},
            {"name": "value", "valueCode": "female"},
        ],
    }
    response = await client.patch(
        "Patient/a", json={"resourceType": "Parameters", "parameter": [operation]}, headers=fhir({})
    )
    assert response.status_code == 200
    assert response.json()["gender"] == "female"


async def test_fhirpath_patch_may_be_xml(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="male"))
    response = await client.patch(
        "Patient/a",
        content=b'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>'
        b'<part><name value="type"/><valueCode value="replace"/></part>'
        b'<part><name value="path"/><valueString value="Patient.gender"/></part>'
        b'<part><name value="value"/><valueCode value="female"/></part></parameter></Parameters>',
        headers={"Content-Type": "application/fhir+xml"},
    )
    assert response.status_code == 200
    assert response.json()["gender"] == "female"


async def test_patch_of_a_stale_version_is_refused(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="male"))
    response = await client.patch(
        "Patient/a", content=b"[]", headers={"Content-Type": JSON_PATCH, "If-Match": 'W/"2"'}
    )
    assert response.status_code == 412


@pytest.mark.parametrize(
    "content",
    [
        b'[{"op":"replace","path":"/id","value":"b"}]',
        b'[{"op":"replace","path":"/resourceType","value":"Person"}]',
        b'[{"op":"add","path":"/gnder","value":"male"}]',
        b'[{"op":"test","path":"/gender","value":"other"}]',
        b'[{"op":"remove","path":"/nothing"}]',
    ],
)
async def test_patch_that_cannot_be_done_changes_nothing(client: AsyncClient, content: bytes) -> None:
    await put(client, patient(id="a", gender="male"))
    response = await client.patch("Patient/a", content=content, headers={"Content-Type": JSON_PATCH})
    assert response.status_code in (400, 422)
    assert (await client.get("Patient/a")).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize("content", [b"{}", b"[", b'[], "x": []', b"", b'"x"'])
async def test_what_is_no_json_patch_is_refused(client: AsyncClient, content: bytes) -> None:
    await put(client, patient(id="a"))
    response = await client.patch("Patient/a", content=content, headers={"Content-Type": JSON_PATCH})
    assert response.status_code == 400


async def test_patch_of_another_form_is_refused_with_the_forms_there_are(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await client.patch("Patient/a", content=b"x", headers={"Content-Type": "text/plain"})
    assert response.status_code == 415
    assert JSON_PATCH in response.headers["accept-patch"]


async def test_patch_of_nothing_is_not_found(client: AsyncClient) -> None:
    response = await client.patch("Patient/a", content=b"[]", headers={"Content-Type": JSON_PATCH})
    assert response.status_code == 404


async def test_writes_refuse_parameters_that_they_do_not_have(client: AsyncClient) -> None:
    responses = [
        await client.post("Patient?identifier=x", json=patient(), headers=fhir({})),
        await client.put("Patient/a?cascade=true", json=patient(id="a"), headers=fhir({})),
        await client.delete("Patient/a?cascade=true"),
    ]
    assert [response.status_code for response in responses] == [400, 400, 400]
    assert (await client.get("Patient/a")).status_code == 404
    pretty = await client.put("Patient/a?_pretty=true&_format=json", json=patient(id="a"), headers=fhir({}))
    assert pretty.status_code == 201


async def test_a_conditional_reference_stands_in_transactions_alone(client: AsyncClient) -> None:
    holding = observation(subject={"reference": "Patient?identifier=1"})
    alone = await post(client, holding)
    sent = bundle("batch", entry("POST", "Observation", holding), entry("POST", "Patient", patient()))
    batched = (await client.post("", json=sent, headers=fhir({}))).json()["entry"]
    assert alone.status_code == 400
    assert "transaction" in said(alone)
    assert [one["response"]["status"][:3] for one in batched] == ["400", "201"]


async def test_a_part_of_a_resource_is_not_written_in_the_place_of_the_whole(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="female", birthDate="1950-01-01"))
    part = (await client.get("Patient/a?_elements=gender")).json()
    tag = part["meta"]["tag"][0]
    for answer in (
        await put(client, part),
        await post(client, part),
        await client.put("Patient?_id=a", json=part, headers=fhir({})),
        await put(client, patient(id="new", meta={"tag": [tag]})),
    ):
        assert answer.status_code == 422
        (issue,) = issues(answer)
        assert issue["expression"] == ["Patient.meta.tag"]
        assert "Read the whole resource first" in said(answer)
    whole = bundle("transaction", entry("PUT", "Patient/a", part))
    answer = await client.post("", json=whole, headers=fhir({}))
    assert answer.status_code == 422
    assert issues(answer)[0]["expression"] == ["Bundle.entry[0].resource.meta.tag"]
    assert (await client.get("Patient/a")).json()["birthDate"] == "1950-01-01"
    # A tag of that code in another system says something else.
    own = {"system": "https://own.example", "code": "SUBSETTED"}
    assert (await put(client, patient(id="a", meta={"tag": [own]}))).status_code == 200


async def test_a_reference_to_nothing_is_told_by_its_element(client: AsyncClient) -> None:
    made = observation(
        subject={"reference": "Patient/nobody"}, performer=[{"display": "me"}, {"reference": "Patient/gone"}]
    )
    answer = await post(client, made)
    assert answer.status_code == 422
    assert [issue["expression"] for issue in issues(answer)] == [
        ["Observation.performer[1].reference"],
        ["Observation.subject.reference"],
    ]
    assert said(answer).startswith("This refers to Patient/gone, which does not exist here.")
    await put(client, patient(id="a"))
    answer = await post(client, observation(subject={"reference": "Patient/a/_history/7"}))
    assert issues(answer)[0]["expression"] == ["Observation.subject.reference"]
    assert "Patient/a/_history/7" in said(answer)


async def test_a_reference_that_names_a_type_and_no_resource_refers_to_nothing(client: AsyncClient) -> None:
    named = {"type": "Patient", "identifier": {"system": "urn:x", "value": "1"}, "display": "Anna"}
    assert (await post(client, observation(subject=named))).status_code == 201


async def test_a_body_without_its_type_is_told_so(client: AsyncClient) -> None:
    for path in ("Patient", ""):
        answer = await client.post(path, json={"active": True}, headers=fhir({}))
        assert answer.status_code == 400
        assert "resourceType" in said(answer)
        assert "None" not in said(answer)
    answer = await client.post("", json={"resourceType": "Bundle"}, headers=fhir({}))
    assert "None" not in said(answer)
