"""What a resource must keep to before it is written, as the settings ask."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient, Response

from fhirhub import turns
from tests.api.builders import Json, bundle, entry, fhir, issues, patient, post, put
from tests.api.conftest import Open

BASE = "http://acme.example/fhir/StructureDefinition/"
NARRATIVE = {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">-</div>'}


def profile(id: str, type: str, *rows: Json) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "id": id,
        "url": BASE + id,
        "name": "N",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type}",
        "derivation": "constraint",
        "differential": {"element": [{"id": type, "path": type}, *rows]},
    }


NAMED = profile("named", "Patient", {"id": "Patient.name", "path": "Patient.name", "min": 1})
OF_NAMED = profile(
    "of-named",
    "Goal",
    {
        "id": "Goal.subject",
        "path": "Goal.subject",
        "type": [{"code": "Reference", "targetProfile": [BASE + "named"]}],
    },
)


def goal(subject: str, **more: Any) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "To walk"},
        "subject": {"reference": subject},
        "text": NARRATIVE,
        **more,
    }


def claiming(resource: Json, id: str) -> Json:
    return {**resource, "meta": {"profile": [BASE + id]}}


def places(response: Response, status: int = 422) -> list[str]:
    """Where the errors are of a refusal."""
    assert response.status_code == status, response.text
    return [issue["expression"][0] for issue in issues(response) if issue["severity"] == "error"]


UNREACHABLE = patient(contact=[{"gender": "male"}], text=NARRATIVE)


@pytest.mark.parametrize(("level", "status"), [("off", 201), ("base", 422), ("profiles", 422)])
async def test_rules_of_r4_are_kept_from_base_on(open_client: Open, level: str, status: int) -> None:
    async with open_client(validation=level) as client:
        response = await post(client, UNREACHABLE)
        assert response.status_code == status
        if status == 422:
            assert places(response) == ["Patient.contact[0]"]
            assert issues(response)[0]["location"] == ["Line[1] Col[38]"]


@pytest.mark.parametrize("level", ["off", "base", "profiles"])
async def test_the_structure_is_always_checked(open_client: Open, level: str) -> None:
    async with open_client(validation=level) as client:
        response = await client.post(
            "Patient", content=b'{"resourceType":"Patient",\n"gender":"m"}', headers=fhir({})
        )
        assert places(response, 400) == ["Patient.gender"]
        assert issues(response)[0]["location"] == ["Line[2] Col[10]"]


@pytest.mark.parametrize(("level", "status"), [("off", 201), ("base", 201), ("profiles", 422)])
async def test_profiles_that_are_claimed_are_kept_where_they_are_asked(
    open_client: Open, level: str, status: int
) -> None:
    async with open_client(validation=level) as client:
        await put(client, NAMED)
        assert (await post(client, claiming(patient(), "named"))).status_code == status
        named = claiming(patient(name=[{"family": "A"}]), "named")
        assert (await post(client, named)).status_code == 201


async def test_profiles_of_the_settings_are_asked_of_their_type(open_client: Open) -> None:
    async with open_client(validation="profiles", profiles=f"Patient={BASE}named") as client:
        await put(client, NAMED)
        assert places(await post(client, patient())) == ["Patient.name"]
        assert (await post(client, goal("http://a.example/Patient/1"))).status_code == 201


async def test_what_an_operator_refuses_besides_is_refused_by_writes_and_told_by_validate(
    open_client: Open,
) -> None:
    tagged = patient(name=[{"text": "A <script>b</script>"}], text=NARRATIVE)
    async with open_client(validation_refuses="html-in-strings") as client:
        assert places(await post(client, tagged)) == ["Patient.name[0].text"]
        told = await client.post("Patient/$validate", json=tagged)
        assert places(told, 200) == ["Patient.name[0].text"]
    async with open_client() as client:
        assert (await post(client, tagged)).status_code == 201


async def test_a_profile_of_the_settings_that_is_not_known_refuses(open_client: Open) -> None:
    async with open_client(validation="profiles", profiles=f"Patient={BASE}none") as client:
        response = await post(client, patient())
        assert places(response) == ["Patient"]
        assert "is not known here" in issues(response)[0]["details"]["text"]


async def test_update_and_patch_keep_to_it_too(client: AsyncClient) -> None:
    assert places(await put(client, {**UNREACHABLE, "id": "a"})) == ["Patient.contact[0]"]
    await put(client, patient(id="a"))
    patched = await client.patch(
        "Patient/a",
        json=[{"op": "add", "path": "/contact", "value": [{"gender": "male"}]}],
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert places(patched) == ["Patient.contact[0]"]
    assert places(await client.put("Patient?identifier=urn:a|1", json=UNREACHABLE)) == ["Patient.contact[0]"]
    assert "contact" not in (await client.get("Patient/a")).json()


async def test_what_only_warns_is_told_to_who_asks(client: AsyncClient) -> None:
    asked = await post(client, patient(), Prefer="return=OperationOutcome")
    assert asked.status_code == 201
    assert [(each["severity"], each.get("expression")) for each in issues(asked)] == [
        ("information", None),
        ("warning", ["Patient"]),
    ]
    patched = await client.patch(
        asked.headers["location"].partition("/_history")[0],
        json=[{"op": "add", "path": "/active", "value": True}],
        headers={"Content-Type": "application/json-patch+json", "Prefer": "return=OperationOutcome"},
    )
    assert [each["severity"] for each in issues(patched)] == ["information", "warning"]
    assert (await post(client, patient())).json()["resourceType"] == "Patient"


async def test_a_batch_refuses_the_entry_alone(client: AsyncClient) -> None:
    answers = await client.post(
        "", json=bundle("batch", entry("POST", "Patient", UNREACHABLE), entry("POST", "Patient", patient()))
    )
    wrong, right = (each["response"] for each in answers.json()["entry"])
    assert (wrong["status"][:3], right["status"][:3]) == ("422", "201")
    assert wrong["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].resource.contact[0]"]


async def test_a_batch_tells_where_in_it_a_fault_stands(client: AsyncClient) -> None:
    lines = [
        '{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":"Patient"},',
        '"resource":{"resourceType":"Patient",',
        '"contact":[{"gender":"male"}]}},{"request":{"method":"POST","url":"Patient"},',
        '"resource":{"resourceType":"Patient",',
        '"gender":"m"}}]}',
    ]
    response = await client.post("", content="\n".join(lines), headers=fhir({}))
    outcomes = [each["response"]["outcome"]["issue"][0] for each in response.json()["entry"]]
    assert [issue["location"][0].partition("]")[0] for issue in outcomes] == ["Line[3", "Line[5"]


async def test_profiles_of_the_settings_are_asked_of_the_entries_of_a_bundle(open_client: Open) -> None:
    collection: Json = {"resourceType": "Bundle", "type": "collection"}
    collection["entry"] = [{"fullUrl": "http://a.example/fhir/Patient/1", "resource": patient(id="1")}]
    async with open_client(validation="profiles", profiles=f"Patient={BASE}named") as client:
        await put(client, NAMED)
        assert places(await post(client, collection)) == ["Bundle.entry[0].resource.name"]


@pytest.mark.parametrize("criteria", [None, "identifier=urn:a|1"])
async def test_a_transaction_is_refused_with_every_fault_of_every_entry(
    client: AsyncClient, criteria: str | None
) -> None:
    given = {"ifNoneExist": criteria} if criteria else {}
    sent = await client.post(
        "",
        json=bundle(
            "transaction",
            entry("POST", "Patient", patient()),
            entry("POST", "Patient", UNREACHABLE, **given),
            entry("PUT", "Patient/b", {**UNREACHABLE, "id": "b"}),
        ),
    )
    assert places(sent) == [f"Bundle.entry[{number}].resource.contact[0]" for number in (1, 2)]
    assert all("location" in issue for issue in issues(sent))
    assert (await client.get("Patient?_summary=count")).json()["total"] == 0


async def test_entries_of_a_transaction_are_found_by_their_full_url(open_client: Open) -> None:
    async with open_client(validation="profiles") as client:
        await put(client, NAMED)
        await put(client, OF_NAMED)

        def sent(subject: Json, url: str, **given: str) -> Json:
            return bundle(
                "transaction",
                entry("POST", "Goal", claiming(goal(url), "of-named")),
                entry("POST", "Patient", subject, full_url=url, **given),
            )

        for url in ("urn:uuid:9a1d7f2e-6c1b-4c53-9d5b-0d7f3c1f7a01", "http://a.example/fhir/Patient/1"):
            for given in ({}, {"ifNoneExist": "identifier=urn:a|1"}):
                nameless = await client.post("", json=sent(patient(), url, **given))
                assert places(nameless) == ["Bundle.entry[0].resource.subject"]
            right = await client.post("", json=sent(patient(name=[{"family": "A"}]), url))
            assert right.status_code == 200, right.text


async def test_warnings_of_a_transaction_stand_with_their_entry(client: AsyncClient) -> None:
    answers = await client.post(
        "",
        json=bundle("transaction", entry("POST", "Patient", patient())),
        headers={"Prefer": "return=OperationOutcome"},
    )
    told = answers.json()["entry"][0]["response"]["outcome"]["issue"]
    assert [each["severity"] for each in told] == ["information", "warning"]


async def test_a_resource_that_takes_long_does_not_keep_others_waiting(
    open_client: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large one is validated in slices, between which the event loop goes on."""
    monkeypatch.setattr(turns, "SLICE_SECONDS", 0.0)
    large = bundle(
        "collection",
        *(
            {
                "fullUrl": f"http://a.example/Patient/{number}",
                "resource": patient(id=str(number), name=[{"given": [f"n{n}" for n in range(30)]}] * 3),
            }
            for number in range(1500)
        ),
    )
    async with open_client() as client:
        await client.get("metadata")
        running = asyncio.create_task(client.post("Bundle/$validate", json=large, headers=fhir({})))
        rounds = 0
        while not running.done():
            await asyncio.sleep(0)
            rounds += 1
        assert (await running).status_code == 200
        # Reading the body and its structure is done at once; what follows is cut into slices.
        assert rounds > 50
