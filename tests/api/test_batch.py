from __future__ import annotations

from httpx import AsyncClient, Response

from tests.api.builders import Json, bundle, entry, fhir, observation, patient, put
from tests.api.conftest import Open


async def batch(client: AsyncClient, *entries: Json) -> Response:
    return await client.post("", json=bundle("batch", *entries), headers=fhir({}))


async def test_each_entry_has_its_own_answer(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await batch(
        client,
        entry("GET", "Patient/a"),
        entry("GET", "Patient/nobody"),
        entry("POST", "Patient", patient(gender="m")),
        entry("POST", "Patient", patient(gender="male")),
        entry("GET", "Nothing/x"),
        entry("DELETE", "Patient/b"),
        entry("POST", "Observation", observation(subject={"reference": "Patient/nobody"})),
        entry("POST", "/"),
    )
    assert response.status_code == 200
    assert response.json()["type"] == "batch-response"
    answers = [one["response"] for one in response.json()["entry"]]
    assert [answer["status"][:3] for answer in answers[:6]] == ["200", "404", "400", "201", "404", "204"]
    assert answers[6]["status"].startswith("4")
    assert answers[7]["status"].startswith("4")
    assert response.json()["entry"][0]["resource"]["id"] == "a"
    assert response.json()["entry"][0]["fullUrl"] == "http://hub.test/fhir/Patient/a"
    assert answers[1]["outcome"]["issue"][0]["code"] == "not-found"
    assert answers[2]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[2].resource.gender"]


async def test_deletes_come_before_creates_and_reads_last(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await batch(
        client,
        entry("GET", "Patient/a"),
        entry("PUT", "Patient/b", patient(id="b")),
        entry("GET", "Patient/b"),
        entry("DELETE", "Patient/a"),
    )
    statuses = [one["response"]["status"][:3] for one in response.json()["entry"]]
    assert statuses == ["410", "201", "200", "204"]


async def test_entries_on_one_resource_keep_their_order(client: AsyncClient) -> None:
    entries = [
        entry("PUT", "Patient/a", patient(id="a", name=[{"text": str(number)}])) for number in range(10)
    ]
    response = await batch(client, *entries)
    assert [one["response"]["etag"] for one in response.json()["entry"]] == [
        f'W/"{number}"' for number in range(1, 11)
    ]
    assert (await client.get("Patient/a")).json()["name"][0]["text"] == "9"


async def test_links_between_entries_of_a_batch_are_refused(client: AsyncClient, open_client: Open) -> None:
    """http.html#brules: such references are non-conformant; stored, they would name nothing for ever."""
    urn = "urn:uuid:0b3e3c5e-3d5f-4c1e-8f55-0a7f4d2f6a01"
    linking = {"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {"reference": urn}}
    entries = [entry("POST", "Patient", patient(), urn), entry("PUT", "Basic/b", linking)]
    response = await batch(client, *entries)
    made, refused = (one["response"] for one in response.json()["entry"])
    assert (made["status"], refused["status"][:3]) == ("201 Created", "422")
    assert refused["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].resource.subject.reference"]
    assert (await client.get("Basic/b")).status_code == 404
    async with open_client(referential_integrity="no") as open_hub:
        await batch(open_hub, *entries)
        assert (await open_hub.get("Basic/b")).json()["subject"]["reference"] == urn


async def test_an_entry_that_cannot_be_read_fails_alone(client: AsyncClient) -> None:
    response = await batch(
        client,
        {"resource": patient()},
        entry("FOO", "Patient", patient()),
        entry("POST", "http://elsewhere.test/fhir/Patient", patient()),
        entry("POST", "Patient", patient(), "urn:uuid:0b3e3c5e-3d5f-4c1e-8f55-0a7f4d2f6a01"),
        entry("POST", "Patient", patient(), "urn:uuid:0b3e3c5e-3d5f-4c1e-8f55-0a7f4d2f6a01"),
        entry("PUT", "Patient/a", patient(id="a")),
    )
    assert response.status_code == 200
    answers = [one["response"] for one in response.json()["entry"]]
    assert [answer["status"][:3] for answer in answers] == ["400", "400", "400", "201", "400", "201"]
    places = [issue["expression"][0] for answer in answers[:3] for issue in answer["outcome"]["issue"]]
    assert [place[:15] for place in places] == ["Bundle.entry[0]", "Bundle.entry[1]", "Bundle.entry[2]"]


async def test_a_fault_of_the_batch_itself_refuses_the_whole(client: AsyncClient) -> None:
    batch = {**bundle("batch", entry("POST", "Patient", patient())), "foo": 1}
    assert (await client.post("", json=batch, headers=fhir({}))).status_code == 400


async def test_an_entry_whose_xml_is_wrong_fails_alone(client: AsyncClient) -> None:
    asked = '<request><method value="POST"/><url value="Patient"/></request>'
    response = await client.post(
        "",
        content='<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/>'
        f'<entry><resource><Patient><foo value="1"/></Patient></resource>{asked}</entry>'
        f'<entry><resource><Patient><active value="true"/></Patient></resource>{asked}</entry></Bundle>',
        headers={"Content-Type": "application/fhir+xml"},
    )
    assert response.status_code == 200, response.text
    first, second = (one["response"] for one in response.json()["entry"])
    assert (first["status"][:3], second["status"][:3]) == ("400", "201")
    assert first["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].resource.foo"]


async def test_many_entries_are_answered(client: AsyncClient) -> None:
    response = await batch(client, *[entry("POST", "Patient", patient()) for _ in range(200)])
    assert {one["response"]["status"] for one in response.json()["entry"]} == {"201 Created"}
