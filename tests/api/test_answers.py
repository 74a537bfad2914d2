"""What goes out is itself right: valid by our own checks, and the same in XML."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient, Response

from fhirhub.resources import document, xml
from fhirhub.resources.validation import structure
from tests.api.builders import bundle, entry, fhir, observation, patient, put

PATHS = [
    "metadata",
    "metadata?mode=normative",
    "metadata?mode=terminology",
    "Patient/a",
    "Patient/a?_summary=true",
    "Patient/a?_elements=gender",
    "Patient/a/_history/1",
    "Patient/a/_history",
    "Patient/_history?_count=1",
    "_history",
    "Patient?_sort=_id&_count=1&_total=accurate",
    "Patient?_summary=text",
    "Patient?_summary=data&_revinclude=Observation:subject",
    "Patient?_summary=count",
    "?_type=Patient,Observation",
    "Patient/a/Observation",
    "Patient/a/$everything",
    "Patient/a/$meta",
    "$meta",
    "Observation/$lastn?patient=a",
    "Patient/a/$validate",
    "Patient/nobody",
    "Nothing",
    "Patient?nothing=1",
    "Patient/gone",
]


async def stored(client: AsyncClient) -> None:
    narrative = {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; b</p></div>',
    }
    await put(client, patient(id="a", gender="male", text=narrative, meta={"tag": [{"code": "t"}]}))
    await put(client, patient(id="b", name=[{"family": "Jansen", "given": ["A", "B"]}]))
    await put(client, observation(id="o", subject={"reference": "Patient/a"}))
    await put(client, patient(id="gone"))
    await client.delete("Patient/gone")


def check(response: Response) -> dict[str, Any]:
    resource = document.parse(response.content)
    faults = [issue for issue in structure.validate(resource) if issue.severity in ("error", "fatal")]
    assert faults == []
    return resource


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_valid_in_json_and_the_same_in_xml(client: AsyncClient, path: str) -> None:
    await stored(client)
    as_json = check(await client.get(path))
    as_xml = await client.get(path, headers={"Accept": "application/fhir+xml"})
    assert as_xml.headers["content-type"].startswith("application/fhir+xml")
    assert without_moment(xml.from_xml(as_xml.content)) == without_moment(as_json)
    assert (await client.head(path)).status_code == as_xml.status_code


def without_moment(resource: dict[str, Any]) -> dict[str, Any]:
    """The same without what differs from answer to answer."""
    if resource["resourceType"] == "Bundle":
        resource.pop("meta", None)
        resource["link"] = [one["relation"] for one in resource.get("link", ())]
    return resource


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("prefer", ["minimal", "representation", "OperationOutcome"])
async def test_answers_to_bundles_are_valid(client: AsyncClient, kind: str, prefer: str) -> None:
    await stored(client)
    sent = bundle(
        kind,
        entry("DELETE", "Patient/b"),
        entry("POST", "Patient", patient(), "urn:uuid:0b3e3c5e-3d5f-4c1e-8f55-0a7f4d2f6a01"),
        entry("PUT", "Patient/c", patient(id="c")),
        entry("GET", "Patient/a"),
        entry("GET", "Patient?gender=male"),
        entry("GET", "Patient/a", ifNoneMatch='W/"1"'),
    )
    if kind == "batch":
        sent["entry"].append(entry("GET", "Patient/nobody"))
    answer = check(await client.post("", json=sent, headers=fhir({"Prefer": f"return={prefer}"})))
    assert len(answer["entry"]) == len(sent["entry"])
    assert all("status" in one["response"] for one in answer["entry"])


async def test_a_resource_survives_the_way_through_xml(client: AsyncClient) -> None:
    await stored(client)
    as_xml = await client.get("Patient/a", headers={"Accept": "application/fhir+xml"})
    again = await client.put(
        "Patient/a", content=as_xml.content, headers={"Content-Type": "application/fhir+xml"}
    )
    assert again.status_code == 200
    assert again.headers["etag"] == 'W/"1"'
