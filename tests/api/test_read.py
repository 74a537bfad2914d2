from __future__ import annotations

from httpx import AsyncClient

from tests.api.builders import issues, patient, post, put, said


async def test_read_answers_the_stored_bytes_with_its_version(client: AsyncClient) -> None:
    made = await post(client, patient(active=True))
    id = made.json()["id"]

    read = await client.get(f"Patient/{id}")

    assert read.status_code == 200
    assert read.content == made.content
    assert read.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert read.headers["etag"] == 'W/"1"'
    assert read.headers["last-modified"].endswith(" GMT")
    assert read.json()["meta"]["versionId"] == "1"


async def test_decimals_keep_their_digits(client: AsyncClient) -> None:
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":['
        b'{"code":{"text":"a"},"valueQuantity":{"value":1.00}},'
        b'{"code":{"text":"b"},"valueQuantity":{"value":1.0E-22}},'
        b'{"code":{"text":"c"},"valueQuantity":{"value":12345678901234567890.1234567890}}]}'
    )
    made = await client.post("Observation", content=body, headers={"Content-Type": "application/fhir+json"})
    read = await client.get(f"Observation/{made.json()['id']}")

    assert b'"value":1.00}' in read.content
    assert b'"value":1.0E-22}' in read.content
    assert b'"value":12345678901234567890.1234567890}' in read.content


async def test_head_is_a_read_without_a_body(client: AsyncClient) -> None:
    await put(client, patient(id="a"))

    read = await client.get("Patient/a")
    head = await client.head("Patient/a")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(read.content))
    assert head.headers["etag"] == read.headers["etag"]


async def test_read_of_what_never_was_is_not_found(client: AsyncClient) -> None:
    response = await client.get("Patient/nobody")
    assert response.status_code == 404
    assert issues(response)[0]["code"] == "not-found"


async def test_read_of_a_deleted_patient_is_gone(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await client.delete("Patient/a")

    response = await client.get("Patient/a")

    assert response.status_code == 410
    assert issues(response)[0]["code"] == "deleted"
    assert response.headers["etag"] == 'W/"2"'


async def test_read_of_an_unknown_type_names_the_nearest(client: AsyncClient) -> None:
    response = await client.get("Patent/a")
    assert response.status_code == 404
    assert "Patient" in said(response)


async def test_types_of_r4b_alone_are_unknown(client: AsyncClient) -> None:
    assert (await client.get("Citation/a")).status_code == 404
    assert (await client.get("SubscriptionTopic")).status_code == 404


async def test_vread_answers_each_version(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="female"))
    await put(client, patient(id="a", gender="male"))

    first = await client.get("Patient/a/_history/1")
    second = await client.get("Patient/a/_history/2")

    assert first.json()["gender"] == "female"
    assert first.headers["etag"] == 'W/"1"'
    assert second.json()["gender"] == "male"
    assert (await client.get("Patient/a/_history/3")).status_code == 404
    assert (await client.get("Patient/a/_history/x")).status_code == 404


async def test_vread_of_a_deletion_is_gone(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await client.delete("Patient/a")
    assert (await client.get("Patient/a/_history/1")).status_code == 200
    assert (await client.get("Patient/a/_history/2")).status_code == 410


async def test_if_none_match_of_the_current_version_is_not_modified(client: AsyncClient) -> None:
    await put(client, patient(id="a"))

    same = await client.get("Patient/a", headers={"If-None-Match": 'W/"1"'})
    listed = await client.get("Patient/a", headers={"If-None-Match": 'W/"7", "1"'})
    any_version = await client.get("Patient/a", headers={"If-None-Match": "*"})
    other = await client.get("Patient/a", headers={"If-None-Match": 'W/"2"'})

    assert same.status_code == listed.status_code == any_version.status_code == 304
    assert same.content == b""
    assert same.headers["etag"] == 'W/"1"'
    assert other.status_code == 200


async def test_if_modified_since_the_last_change_is_not_modified(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    at = (await client.get("Patient/a")).headers["last-modified"]

    same = await client.get("Patient/a", headers={"If-Modified-Since": at})
    before = await client.get("Patient/a", headers={"If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"})
    unreadable = await client.get("Patient/a", headers={"If-Modified-Since": "soon"})

    assert same.status_code == 304
    assert before.status_code == 200
    assert unreadable.status_code == 200


async def test_summary_and_elements_of_a_read_are_parts(client: AsyncClient) -> None:
    await put(
        client, patient(id="a", gender="male", maritalStatus={"text": "married"}, birthDate="1950-01-01")
    )

    summary = (await client.get("Patient/a?_summary=true")).json()
    elements = (await client.get("Patient/a?_elements=gender")).json()
    assert "did you mean `gender`" in said(await client.get("Patient/a?_elements=gendr"))

    assert "maritalStatus" not in summary
    assert summary["gender"] == "male"
    assert elements.keys() == {"resourceType", "id", "meta", "gender"}
    assert any(tag["code"] == "SUBSETTED" for tag in elements["meta"]["tag"])
    assert (await client.get("Patient/a?_summary=count")).status_code == 400
    assert (await client.get("Patient/a?_summary=some")).status_code == 400


async def test_a_misspelt_parameter_of_a_read_names_the_nearest(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await client.get("Patient/a?_elemens=gender")
    assert response.status_code == 400
    assert "`_elements`" in said(response)
    lenient = await client.get("Patient/a?_elemens=gender", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200
