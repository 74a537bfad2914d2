from __future__ import annotations

from httpx import AsyncClient, Response

from tests.api.builders import Json, fhir, issues, observation, patient, put

TAG = {"system": "http://example.org/tags", "code": "t"}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
PROFILE = "http://example.org/StructureDefinition/p"


def meta(response: Response) -> Json:
    assert response.status_code == 200, response.text
    content: Json = response.json()["parameter"][0]["valueMeta"]
    return content


def carrying(**content: object) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": content}]}


async def test_meta_of_an_instance_and_of_a_version(client: AsyncClient) -> None:
    await put(client, patient(id="a", meta={"tag": [TAG]}))
    await put(client, patient(id="a", meta={"profile": [PROFILE]}))
    assert meta(await client.get("Patient/a/$meta"))["profile"] == [PROFILE]
    assert meta(await client.post("Patient/a/$meta"))["versionId"] == "2"
    assert meta(await client.get("Patient/a/_history/1/$meta"))["tag"] == [TAG]
    assert (await client.get("Patient/nobody/$meta")).status_code == 404


async def test_meta_of_a_type_and_of_everything_is_what_is_in_use(client: AsyncClient) -> None:
    await put(client, patient(id="a", meta={"tag": [TAG], "profile": [PROFILE]}))
    await put(client, patient(id="b", meta={"tag": [TAG], "security": [LABEL]}))
    await put(client, observation(id="o", meta={"tag": [{"code": "other"}]}))
    of_type = meta(await client.get("Patient/$meta"))
    assert of_type == {"profile": [PROFILE], "security": [LABEL], "tag": [TAG]}
    of_all = meta(await client.get("$meta"))
    assert {tag["code"] for tag in of_all["tag"]} == {"t", "other"}


async def test_meta_add_adds_what_is_not_there(client: AsyncClient) -> None:
    await put(client, patient(id="a", meta={"tag": [TAG]}))
    response = await client.post(
        "Patient/a/$meta-add", json=carrying(tag=[TAG, {"code": "new"}], profile=[PROFILE]), headers=fhir({})
    )
    assert meta(response)["tag"] == [TAG, {"code": "new"}]
    assert meta(response)["profile"] == [PROFILE]
    assert (await client.get("Patient/a")).json()["meta"]["versionId"] == "2"
    again = await client.post("Patient/a/$meta-add", json=carrying(tag=[TAG]), headers=fhir({}))
    assert meta(again)["versionId"] == "2"


async def test_meta_delete_takes_away(client: AsyncClient) -> None:
    await put(client, patient(id="a", meta={"tag": [TAG, {"code": "keep"}], "profile": [PROFILE]}))
    response = await client.post(
        "Patient/a/$meta-delete",
        json=carrying(tag=[TAG, {"code": "never"}], profile=[PROFILE]),
        headers=fhir({}),
    )
    assert meta(response)["tag"] == [{"code": "keep"}]
    assert "profile" not in meta(response)


async def test_what_changes_is_called_by_post(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await client.get("Patient/a/$meta-add")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


async def test_meta_add_without_meta_is_refused(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    for body in ({"resourceType": "Parameters"}, carrying(tag=[{"cod": "x"}]), patient()):
        response = await client.post("Patient/a/$meta-add", json=body, headers=fhir({}))
        assert response.status_code == 400
        assert issues(response)


async def test_where_nothing_is_in_use_there_is_no_empty_meta(client: AsyncClient) -> None:
    assert (await client.get("Account/$meta")).json() == {"resourceType": "Parameters"}
