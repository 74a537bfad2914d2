from __future__ import annotations

import base64
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.api.builders import Json, bundle, entry, fhir, issues, observation, patient, post, put, said
from tests.api.conftest import Open

URN = "urn:uuid:0b3e3c5e-3d5f-4c1e-8f55-0a7f4d2f6a01"
URN2 = "urn:uuid:0b3e3c5e-3d5f-4c1e-8f55-0a7f4d2f6a02"
ENCOUNTER: Json = {"resourceType": "Encounter", "status": "planned", "class": {"code": "HH"}}
SYSTEM = "http://example.org/id"


def identified(value: str, **content: Any) -> Json:
    return patient(identifier=[{"system": SYSTEM, "value": value}], **content)


async def transact(client: AsyncClient, *entries: Json, **headers: str) -> Response:
    return await client.post("", json=bundle("transaction", *entries), headers=fhir(headers))


async def count(client: AsyncClient, query: str) -> int:
    total: int = (await client.get(query + ("&" if "?" in query else "?") + "_summary=count")).json()["total"]
    return total


def location(response: Response, index: int) -> str:
    text: str = response.json()["entry"][index]["response"]["location"]
    return text.partition("/_history")[0]


async def test_entries_are_answered_in_their_order(client: AsyncClient) -> None:
    await put(client, patient(id="old"))
    await put(client, patient(id="seen", gender="male"))

    response = await transact(
        client,
        entry("GET", "Patient/seen"),
        entry("PUT", "Patient/a", patient(id="a")),
        entry("POST", "Patient", patient(active=True)),
        entry("DELETE", "Patient/old"),
    )

    assert response.status_code == 200
    answer = response.json()
    assert answer["type"] == "transaction-response"
    read, updated, created, deleted = answer["entry"]
    assert read["resource"]["gender"] == "male"
    assert read["response"]["status"] == "200 OK"
    assert read["response"]["etag"] == 'W/"1"'
    assert updated["response"]["status"] == "201 Created"
    assert updated["response"]["location"] == "Patient/a/_history/1"
    assert created["response"]["status"] == "201 Created"
    assert created["response"]["etag"] == 'W/"1"'
    assert created["response"]["lastModified"].endswith("Z")
    assert "resource" not in created
    assert deleted["response"]["status"] == "204 No Content"
    assert (await client.get("Patient/old")).status_code == 410


async def test_prefer_decides_what_entries_bring_back(client: AsyncClient) -> None:
    whole = await transact(client, entry("POST", "Patient", patient()), Prefer="return=representation")
    outcome = await transact(client, entry("POST", "Patient", patient()), Prefer="return=OperationOutcome")

    assert whole.json()["entry"][0]["resource"]["resourceType"] == "Patient"
    assert whole.json()["entry"][0]["fullUrl"].startswith("http://hub.test/fhir/Patient/")
    assert outcome.json()["entry"][0]["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_an_empty_transaction_is_an_empty_answer(client: AsyncClient) -> None:
    response = await client.post("", json={"resourceType": "Bundle", "type": "transaction"}, headers=fhir({}))
    assert response.status_code == 200
    assert response.json() == {"resourceType": "Bundle", "type": "transaction-response"}


async def test_links_to_a_full_url_become_the_new_reference(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("POST", "Observation", observation(subject={"reference": URN}), URN2),
        entry("POST", "Patient", patient(), URN),
    )
    assert response.status_code == 200
    made = (await client.get(location(response, 0))).json()
    assert made["subject"]["reference"] == location(response, 1)


async def test_links_are_replaced_wherever_the_specification_says(client: AsyncClient) -> None:
    linking = observation(
        text={
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN}">p</a></div>',
        },
        extension=[
            {"url": "http://example.org/r", "valueReference": {"reference": URN}},
            {"url": "http://example.org/u", "valueUri": URN},
            {"url": "http://example.org/c", "valueCanonical": URN},
            {"url": "http://example.org/s", "valueString": URN},
        ],
        subject={"reference": URN},
    )
    response = await transact(
        client, entry("POST", "Patient", patient(), URN), entry("POST", "Observation", linking, URN2)
    )
    assert response.status_code == 200
    made, target = (await client.get(location(response, 1))).json(), location(response, 0)
    assert made["subject"]["reference"] == target
    assert made["extension"][0]["valueReference"]["reference"] == target
    assert made["extension"][1]["valueUri"] == target
    assert made["extension"][2]["valueCanonical"] == URN
    assert made["extension"][3]["valueString"] == URN
    assert f'href="{target}"' in made["text"]["div"]


async def test_links_to_an_http_full_url_are_replaced_absolute_and_relative(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("POST", "Patient", patient(), "http://elsewhere.test/fhir/Patient/77"),
        entry(
            "POST",
            "Observation",
            observation(subject={"reference": "Patient/77"}),
            "http://elsewhere.test/fhir/Observation/1",
        ),
        entry(
            "POST",
            "Observation",
            observation(subject={"reference": "http://elsewhere.test/fhir/Patient/77"}),
            URN,
        ),
    )
    assert response.status_code == 200
    for index in (1, 2):
        made = (await client.get(location(response, index))).json()
        assert made["subject"]["reference"] == location(response, 0)


async def test_links_to_one_version_name_the_version_that_is_written(client: AsyncClient) -> None:
    """`a client can use arbitrarily chosen version references since they will all be re-assigned anyway`."""
    await client.put("Patient/a", json=patient(id="a"), headers=fhir({}))
    foreign = "http://elsewhere.test/fhir"
    response = await transact(
        client,
        entry("POST", "Observation", observation(subject={"reference": f"{foreign}/Patient/77/_history/9"})),
        entry("POST", "Patient", patient(), f"{foreign}/Patient/77"),
        entry("PUT", "Patient/a", patient(id="a", active=True), f"{foreign}/Patient/a"),
        entry(
            "PUT",
            "Observation/o",
            observation(
                id="o",
                subject={"reference": "Patient/a/_history/7"},
                focus=[{"reference": f"{URN}/_history/1"}],
            ),
            f"{foreign}/Observation/o",
        ),
        entry("POST", "Observation", observation(subject={"reference": "Patient/a/_history/1"}), URN),
    )
    assert response.status_code == 200
    first = (await client.get(location(response, 0))).json()
    assert first["subject"]["reference"] == f"{location(response, 1)}/_history/1"
    second = await client.get("Observation/o/_history/1")
    assert second.json()["subject"]["reference"] == "Patient/a/_history/2"
    assert second.json()["focus"][0]["reference"] == f"{location(response, 4)}/_history/1"
    # What an address of this server says was there before, is meant.
    assert (await client.get(location(response, 4))).json()["subject"]["reference"] == "Patient/a/_history/1"


async def test_a_link_to_one_version_alone_makes_a_version(client: AsyncClient) -> None:
    await client.put("Patient/a", json=patient(id="a"), headers=fhir({}))
    content = observation(id="o", subject={"reference": "Patient/a"})
    await client.put("Observation/o", json=content, headers=fhir({}))
    content["subject"]["reference"] = "http://elsewhere.test/fhir/Patient/a/_history/4"
    response = await transact(
        client,
        entry("PUT", "Patient/a", patient(id="a"), "http://elsewhere.test/fhir/Patient/a"),
        entry("PUT", "Observation/o", content),
    )
    assert response.json()["entry"][1]["response"]["etag"] == 'W/"2"'
    assert (await client.get("Observation/o")).json()["subject"]["reference"] == "Patient/a/_history/1"
    assert (await client.get("Observation/o/_history/1")).json()["subject"]["reference"] == "Patient/a"


async def test_circles_of_links_are_made_whole(client: AsyncClient) -> None:
    organization = {"resourceType": "Organization", "name": "A"}
    response = await transact(
        client,
        entry("POST", "Organization", {**organization, "partOf": {"reference": URN2}}, URN),
        entry("POST", "Organization", {**organization, "partOf": {"reference": URN}}, URN2),
    )
    assert response.status_code == 200
    first = (await client.get(location(response, 0))).json()
    assert first["partOf"]["reference"] == location(response, 1)


async def test_one_fault_undoes_all_and_names_its_entry(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("PUT", "Patient/a", patient(id="a")),
        entry("POST", "Patient", patient(gender="m")),
        entry("POST", "Patient", patient(nme="x")),
    )
    assert response.status_code == 400
    expressions = [issue["expression"][0] for issue in issues(response)]
    assert "Bundle.entry[1].resource.gender" in expressions
    assert "Bundle.entry[2].resource.nme" in expressions
    assert (await client.get("Patient/a")).status_code == 404


async def test_a_read_of_nothing_fails_the_whole(client: AsyncClient) -> None:
    response = await transact(
        client, entry("PUT", "Patient/a", patient(id="a")), entry("GET", "Patient/nobody")
    )
    assert response.status_code == 404
    assert issues(response)[0]["expression"] == ["Bundle.entry[1]"]
    assert (await client.get("Patient/a")).status_code == 404


async def test_a_reference_to_nothing_fails_the_whole(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("PUT", "Patient/a", patient(id="a")),
        entry("POST", "Observation", observation(subject={"reference": "Patient/nobody"})),
    )
    assert 400 <= response.status_code < 500
    assert (await client.get("Patient/a")).status_code == 404


async def test_reads_see_what_the_transaction_wrote(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("GET", "Patient/a"),
        entry("GET", f"Patient?identifier={SYSTEM}|1"),
        entry("PUT", "Patient/a", identified("1", id="a")),
        entry("HEAD", "Patient/a"),
    )
    assert response.status_code == 200
    read, found, _, head = response.json()["entry"]
    assert read["resource"]["id"] == "a"
    assert found["resource"]["type"] == "searchset"
    assert [one["resource"]["id"] for one in found["resource"]["entry"]] == ["a"]
    assert "resource" not in head
    assert head["response"]["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    "entries",
    [
        (entry("PUT", "Patient/a", patient(id="a")), entry("DELETE", "Patient/a")),
        (entry("PUT", "Patient/a", patient(id="a")), entry("PUT", "Patient/a", patient(id="a"))),
        (entry("PUT", "Patient/a", patient(id="a"), URN), entry("PUT", "Patient/b", patient(id="b"), URN)),
        (
            entry("PUT", "Patient/a", identified("1", id="a")),
            entry("PUT", f"Patient?identifier={SYSTEM}|0", identified("0")),
        ),
    ],
)
async def test_a_resource_named_twice_is_refused(client: AsyncClient, entries: tuple[Json, ...]) -> None:
    await put(client, identified("0", id="a"))
    response = await transact(client, *entries)
    assert response.status_code == 400
    assert (await client.get("Patient/a")).headers["etag"] == 'W/"1"'


async def test_delete_comes_before_create(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    response = await transact(
        client,
        entry("POST", "Patient", identified("1"), ifNoneExist=f"identifier={SYSTEM}|1"),
        entry("DELETE", "Patient/a"),
    )
    assert response.status_code == 200
    assert response.json()["entry"][0]["response"]["status"] == "201 Created"
    assert await count(client, f"Patient?identifier={SYSTEM}|1") == 1


async def test_a_delete_may_leave_together_with_what_refers_to_it(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, observation(id="o", subject={"reference": "Patient/a"}))
    response = await transact(client, entry("DELETE", "Patient/a"), entry("DELETE", "Observation/o"))
    assert response.status_code == 200
    assert (await client.get("Patient/a")).status_code == 410


async def test_if_none_exist_takes_what_is_there_and_links_to_it(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    response = await transact(
        client,
        entry("POST", "Patient", identified("1"), URN, ifNoneExist=f"identifier={SYSTEM}|1"),
        entry("POST", "Observation", observation(subject={"reference": URN})),
    )
    assert response.status_code == 200
    assert response.json()["entry"][0]["response"]["status"] == "200 OK"
    assert location(response, 0) == "Patient/a"
    assert (await client.get(location(response, 1))).json()["subject"]["reference"] == "Patient/a"


async def test_equal_conditional_creates_make_one_resource(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("POST", "Patient", identified("1"), URN, ifNoneExist=f"identifier={SYSTEM}|1"),
        entry("POST", "Patient", identified("1"), URN2, ifNoneExist=f"identifier={SYSTEM}|1"),
        entry("POST", "Observation", observation(subject={"reference": URN2})),
    )
    assert response.status_code == 200
    first, second, _ = (one["response"]["status"] for one in response.json()["entry"])
    assert (first, second) == ("201 Created", "200 OK")
    assert location(response, 0) == location(response, 1)
    assert (await client.get(location(response, 2))).json()["subject"]["reference"] == location(response, 0)


async def test_criteria_may_name_what_the_bundle_settles(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    await put(client, observation(id="o", subject={"reference": "Patient/a"}))
    response = await transact(
        client,
        entry("POST", "Patient", identified("1"), URN, ifNoneExist=f"identifier={SYSTEM}|1"),
        entry("POST", "Observation", observation(subject={"reference": URN}), ifNoneExist=f"subject={URN}"),
    )
    assert response.status_code == 200
    assert location(response, 1) == "Observation/o"
    assert await count(client, "Observation") == 1


async def test_conditional_update_updates_the_match_or_creates(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    response = await transact(
        client,
        entry("PUT", f"Patient?identifier={SYSTEM}|1", identified("1", gender="male"), URN),
        entry("PUT", f"Patient?identifier={SYSTEM}|2", identified("2"), URN2),
        entry(
            "POST", "Observation", observation(subject={"reference": URN}, performer=[{"reference": URN2}])
        ),
    )
    assert response.status_code == 200
    assert location(response, 0) == "Patient/a"
    assert response.json()["entry"][0]["response"]["etag"] == 'W/"2"'
    assert response.json()["entry"][1]["response"]["status"] == "201 Created"
    made = (await client.get(location(response, 2))).json()
    assert made["subject"]["reference"] == "Patient/a"
    assert made["performer"][0]["reference"] == location(response, 1)


async def test_conditional_delete_and_patch_find_their_resource(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    await put(client, identified("2", id="b"))
    patch = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(b'[{"op":"add","path":"/gender","value":"male"}]').decode(),
    }
    response = await transact(
        client,
        entry("DELETE", f"Patient?identifier={SYSTEM}|1"),
        entry("PATCH", f"Patient?identifier={SYSTEM}|2", patch),
    )
    assert response.status_code == 200
    assert (await client.get("Patient/a")).status_code == 410
    assert (await client.get("Patient/b")).json()["gender"] == "male"


async def test_criteria_that_match_several_fail_the_whole(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    await put(client, identified("1", id="b"))
    response = await transact(
        client,
        entry("PUT", "Patient/c", patient(id="c")),
        entry("PUT", f"Patient?identifier={SYSTEM}|1", identified("1")),
    )
    assert response.status_code == 412
    assert (await client.get("Patient/c")).status_code == 404


async def test_if_match_of_an_entry_is_kept(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="male"))
    stale = await transact(client, entry("PUT", "Patient/a", patient(id="a"), ifMatch='W/"7"'))
    fresh = await transact(client, entry("PUT", "Patient/a", patient(id="a"), ifMatch='W/"1"'))
    assert stale.status_code == 412
    assert fresh.status_code == 200


async def test_conditional_reads_of_entries_are_kept(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await transact(
        client,
        entry("GET", "Patient/a", ifNoneMatch='W/"1"'),
        entry("GET", "Patient/a", ifModifiedSince="2200-01-01T00:00:00Z"),
    )
    assert response.status_code == 200
    statuses = [one["response"]["status"] for one in response.json()["entry"]]
    assert statuses == ["304 Not Modified", "304 Not Modified"]


async def test_conditional_references_find_what_is_there(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    response = await transact(
        client,
        entry("POST", "Observation", observation(subject={"reference": f"Patient?identifier={SYSTEM}|1"})),
    )
    assert response.status_code == 200
    assert (await client.get(location(response, 0))).json()["subject"]["reference"] == "Patient/a"


async def test_conditional_references_find_what_the_bundle_makes(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("POST", "Observation", observation(subject={"reference": f"Patient?identifier={SYSTEM}|1"})),
        entry("POST", "Patient", identified("1")),
    )
    assert response.status_code == 200
    made = (await client.get(location(response, 0))).json()
    assert made["subject"]["reference"] == location(response, 1)
    assert made["meta"]["versionId"] == "1"
    assert await count(client, f"Observation?subject={location(response, 1)}") == 1


async def test_conditional_references_among_one_type_find_the_resulting_state(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry(
            "POST",
            "Organization",
            {
                "resourceType": "Organization",
                "name": "child",
                "partOf": {"reference": f"Organization?identifier={SYSTEM}|9"},
            },
        ),
        entry(
            "POST",
            "Organization",
            {
                "resourceType": "Organization",
                "name": "parent",
                "identifier": [{"system": SYSTEM, "value": "9"}],
            },
        ),
        Prefer="return=representation",
    )
    assert response.status_code == 200
    parent = location(response, 1)
    assert (await client.get(location(response, 0))).json()["partOf"]["reference"] == parent
    assert response.json()["entry"][0]["resource"]["partOf"]["reference"] == parent
    assert await count(client, f"Organization?partof={parent}") == 1
    assert len((await client.get(location(response, 0) + "/_history")).json()["entry"]) == 1


async def test_a_conditional_update_that_would_mean_what_a_post_makes_is_refused(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("PUT", f"Patient?identifier={SYSTEM}|1", identified("1", gender="male")),
        entry("POST", "Patient", identified("1")),
    )
    assert response.status_code == 412
    assert await count(client, "Patient") == 0


async def test_a_conditional_reference_to_a_wrong_type_is_refused(client: AsyncClient) -> None:
    practitioner = {
        "resourceType": "Practitioner",
        "id": "d",
        "identifier": [{"system": SYSTEM, "value": "1"}],
    }
    await put(client, practitioner)
    reference = {"reference": f"Practitioner?identifier={SYSTEM}|1"}
    response = await transact(client, entry("POST", "Encounter", {**ENCOUNTER, "subject": reference}))
    assert response.status_code == 400
    assert await count(client, "Encounter") == 0


@pytest.mark.parametrize("matches", [0, 2])
async def test_a_conditional_reference_without_one_match_fails_the_whole(
    client: AsyncClient, matches: int
) -> None:
    for _ in range(matches):
        await post(client, identified("1"))
    response = await transact(
        client,
        entry("POST", "Observation", observation(subject={"reference": f"Patient?identifier={SYSTEM}|1"})),
    )
    assert response.status_code in (400, 412)
    assert f"Patient?identifier={SYSTEM}|1" in said(response)
    assert await count(client, "Observation") == 0


@pytest.mark.parametrize(
    "content",
    [
        {"resourceType": "Bundle", "type": "collection", "entry": []},
        {"resourceType": "Bundle", "type": "searchset"},
        {"resourceType": "Bundle"},
        {"resourceType": "Patient"},
        bundle("transaction", {"resource": patient()}),
        bundle("transaction", {"request": {"method": "POST", "url": "Patient"}}),
        bundle("transaction", {"request": {"method": "BREW", "url": "Patient"}, "resource": patient()}),
        bundle("transaction", {"request": {"url": "Patient"}, "resource": patient()}),
        bundle("transaction", entry("POST", "http://elsewhere.test/fhir/Patient", patient())),
        bundle("transaction", entry("POST", "", bundle("batch"))),
        bundle("transaction", entry("POST", "Observation", patient())),
        bundle("transaction", entry("PUT", "Patient/b", patient(id="a"))),
        bundle("transaction", entry("PUT", "Patient/b", patient())),
        {"resourceType": "Bundle", "type": "transaction", "entry": {}},
        {"resourceType": "Bundle", "type": "transaction", "entry": [1]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [None]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": "x"}]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": "x", "request": {}}]},
    ],
)
async def test_what_is_no_transaction_is_refused(client: AsyncClient, content: Json) -> None:
    response = await client.post("", json=content, headers=fhir({}))
    assert response.status_code == 400
    assert issues(response)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_an_entry_that_writes_at_the_base_is_refused(client: AsyncClient, method: str) -> None:
    for resource in (patient(), {"resourceType": "Bundle", "type": "batch"}):
        response = await transact(client, entry(method, "/", resource))
        assert 400 <= response.status_code < 500
        assert issues(response)[0]["expression"] == ["Bundle.entry[0]"]


async def test_an_unknown_type_in_an_entry_is_named(client: AsyncClient) -> None:
    response = await transact(client, entry("POST", "Patiend", patient()))
    assert response.status_code == 404
    assert "Patient" in said(response)
    assert issues(response)[0]["expression"] == ["Bundle.entry[0]"]


async def test_urls_of_entries_may_be_absolute(client: AsyncClient) -> None:
    response = await transact(client, entry("PUT", "http://hub.test/fhir/Patient/a", patient(id="a")))
    assert response.status_code == 200
    assert (await client.get("Patient/a")).status_code == 200


async def test_operations_and_posted_searches_may_stand_in_a_transaction(client: AsyncClient) -> None:
    response = await transact(
        client,
        entry("POST", "Patient/$validate", patient(gender="m")),
        entry("GET", "Patient/a/$meta"),
        entry("PUT", "Patient/a", patient(id="a", meta={"tag": [{"code": "t"}]})),
        entry("POST", "Patient/_search?_id=a"),
        entry("GET", "Patient/a/_history/1"),
    )
    assert response.status_code == 200
    validated, meta, _, searched, version = response.json()["entry"]
    assert searched["resource"]["total"] == 1
    # Only what is a resource of its address has one.
    assert [one.get("fullUrl") for one in (validated, meta, searched)] == [None] * 3
    assert version["fullUrl"] == "http://hub.test/fhir/Patient/a"
    assert validated["resource"]["resourceType"] == "OperationOutcome"
    assert meta["resource"]["parameter"][0]["valueMeta"]["tag"] == [{"code": "t"}]


async def test_a_bundle_posted_to_its_type_is_stored(client: AsyncClient) -> None:
    made = await client.post(
        "Bundle",
        json=bundle("collection", {"fullUrl": "http://a.example/Patient/x", "resource": patient(id="x")}),
        headers=fhir({}),
    )
    assert made.status_code == 201
    assert (await client.get("Patient/x")).status_code == 404


async def test_a_thousand_entries_go_in_together(client: AsyncClient) -> None:
    entries = [
        entry("POST", "Patient", patient(active=True), f"urn:uuid:{n:08x}-0000-4000-8000-000000000000")
        for n in range(1000)
    ]
    response = await transact(client, *entries)
    assert response.status_code == 200
    assert len(response.json()["entry"]) == 1000
    assert await count(client, "Patient") == 1000


async def test_a_transaction_may_be_xml(client: AsyncClient) -> None:
    response = await client.post(
        "",
        content=b'<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/><entry><resource><Patient>'
        b'<active value="true"/></Patient></resource><request><method value="POST"/><url value="Patient"/>'
        b"</request></entry></Bundle>",
        headers={"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"},
    )
    assert response.status_code == 200
    assert 'type value="transaction-response"' in response.text


async def test_links_in_uuid_and_oid_are_replaced_and_can_be_written_again(client: AsyncClient) -> None:
    holder = observation(
        extension=[
            {"url": "http://example.org/u", "valueUuid": URN},
            {"url": "http://example.org/o", "valueOid": "urn:oid:1.2.3"},
        ]
    )
    response = await transact(
        client,
        entry("POST", "Patient", patient(), URN),
        entry("POST", "Patient", patient(), "urn:oid:1.2.3"),
        entry("POST", "Observation", holder),
    )
    assert response.status_code == 200, response.text
    made = (await client.get(location(response, 2))).json()
    values = [made["extension"][0]["valueUuid"], made["extension"][1]["valueOid"]]
    assert values == [
        location(response, 0).partition("/_history")[0],
        location(response, 1).partition("/_history")[0],
    ]
    assert (await put(client, {**made, "status": "amended"})).status_code == 200


async def test_all_faults_of_a_transaction_in_xml_are_told_at_once(client: AsyncClient) -> None:
    asked = '<request><method value="POST"/><url value="{}"/></request>'
    response = await client.post(
        "",
        content='<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/>'
        f'<entry><resource><Patient><foo value="1"/></Patient></resource>{asked.format("Patient")}</entry>'
        f"<entry><resource><Observation/></resource>{asked.format('Observation')}</entry></Bundle>",
        headers={"Content-Type": "application/fhir+xml"},
    )
    assert response.status_code == 400
    assert {issue["expression"][0] for issue in issues(response)} == {
        "Bundle.entry[0].resource.foo",
        "Bundle.entry[1].resource.status",
        "Bundle.entry[1].resource.code",
    }


def dangling(reference: str) -> Json:
    return observation(subject={"reference": reference})


async def test_a_reference_to_nothing_is_told_by_entry_and_element(client: AsyncClient) -> None:
    lost = "urn:uuid:0b0d1f0e-5d32-4a4c-9f0c-0d54a8a0f001"
    first = entry("POST", "Patient", patient(), "urn:uuid:0b0d1f0e-5d32-4a4c-9f0c-0d54a8a0f000")
    answer = await client.post(
        "",
        json=bundle(
            "transaction", first, entry("POST", "Observation", dangling("Patient/nobody"), lost),
            entry("PUT", "Observation/two", {**dangling("Patient/no-one"), "id": "two"}),
        ),
        headers=fhir({}),
    )  # fmt: skip
    assert answer.status_code == 422
    one, two = sorted(issues(answer), key=lambda issue: str(issue["expression"]))
    assert one["expression"] == ["Bundle.entry[1].resource.subject.reference"]
    assert one["details"]["text"].startswith("This refers to Patient/nobody, which does not exist here.")
    assert lost in one["details"]["text"]
    assert two["expression"] == ["Bundle.entry[2].resource.subject.reference"]


async def test_it_is_told_of_its_entry_where_a_later_one_makes_the_hub_look(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    answer = await client.post(
        "",
        json=bundle(
            "transaction",
            entry("POST", "Observation", dangling("Patient/nobody")),
            entry("POST", "Observation", dangling("Patient?_id=a")),
        ),
        headers=fhir({}),
    )
    assert answer.status_code == 422
    assert [issue["expression"] for issue in issues(answer)] == [
        ["Bundle.entry[0].resource.subject.reference"]
    ]


async def test_a_patch_that_refers_to_nothing_is_told_of_its_entry(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, {**dangling("Patient/a"), "id": "o"})
    operation = {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": "Observation.subject.reference"},
            {"name": "value", "valueString": "Patient/nobody"},
        ],
    }
    patch = {"resourceType": "Parameters", "parameter": [operation]}
    answer = await client.post(
        "", json=bundle("transaction", entry("PATCH", "Observation/o", patch)), headers=fhir({})
    )
    assert answer.status_code == 422
    assert issues(answer)[0]["expression"] == ["Bundle.entry[0]"]


@pytest.mark.parametrize("urn", ["urn:uuid:0b0d1f0e-5d32-4a4c-9f0c-0d54a8a0f009", "urn:oid:1.2.3.4"])
async def test_a_reference_to_no_entry_is_refused(client: AsyncClient, open_client: Open, urn: str) -> None:
    asked = bundle(
        "transaction", entry("POST", "Patient", patient()), entry("POST", "Observation", dangling(urn))
    )
    answer = await client.post("", json=asked, headers=fhir({}))
    assert answer.status_code == 422
    (issue,) = issues(answer)
    assert issue["expression"] == ["Bundle.entry[1].resource.subject.reference"]
    assert f"`{urn}`, which is the fullUrl of no entry" in said(answer)
    assert (await client.get("Patient")).json()["total"] == 0
    async with open_client(referential_integrity="off") as lax:
        assert (await lax.post("", json=asked, headers=fhir({}))).status_code == 200


async def test_full_urls_are_compared_by_case_and_that_is_said(client: AsyncClient) -> None:
    url = "urn:uuid:0b0d1f0e-5d32-4a4c-9f0c-0d54a8a0f00a"
    asked = bundle(
        "transaction",
        entry("POST", "Patient", patient(), url),
        entry("POST", "Observation", dangling(f"urn:uuid:{url[9:].upper()}")),
    )
    answer = await client.post("", json=asked, headers=fhir({}))
    assert answer.status_code in (400, 422)
    assert issues(answer)[0]["expression"] == ["Bundle.entry[1].resource.subject.reference"]
    assert f"there is {url}" in said(answer)


async def test_what_a_bundle_to_be_stored_refers_to_in_itself_is_its_own(client: AsyncClient) -> None:
    url = "urn:uuid:0b0d1f0e-5d32-4a4c-9f0c-0d54a8a0f00b"
    kept = bundle(
        "collection",
        {"fullUrl": url, "resource": patient()},
        {"fullUrl": url[:-1] + "c", "resource": dangling(url)},
    )
    answer = await client.post(
        "", json=bundle("transaction", entry("POST", "Bundle", kept)), headers=fhir({})
    )
    assert answer.status_code == 200, answer.text
