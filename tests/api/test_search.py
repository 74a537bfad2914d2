from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from httpx import AsyncClient, Response

from tests.api.builders import Json, issues, observation, patient, put, said
from tests.api.conftest import Open

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ids(response: Response, mode: str = "match") -> list[str]:
    assert response.status_code == 200, response.text
    return [
        one["resource"]["id"] for one in response.json().get("entry", ()) if one["search"]["mode"] == mode
    ]


def link(response: Response, relation: str) -> str | None:
    links: list[Json] = response.json().get("link", [])
    return next((one["url"] for one in links if one["relation"] == relation), None)


async def three(client: AsyncClient) -> None:
    for id, family, gender in (("a", "Jansen", "female"), ("b", "Jansma", "male"), ("c", "Bakker", "male")):
        await put(
            client, patient(id=id, name=[{"family": family}], gender=gender, maritalStatus={"text": "x"})
        )


async def test_a_search_is_a_bundle_of_matches(client: AsyncClient) -> None:
    await three(client)
    response = await client.get("Patient?name=jan&_sort=family")
    bundle = response.json()
    assert bundle["resourceType"] == "Bundle"
    assert bundle["type"] == "searchset"
    assert ids(response) == ["a", "b"]
    assert bundle["entry"][0]["fullUrl"] == "http://hub.test/fhir/Patient/a"
    assert bundle["entry"][0]["resource"]["name"][0]["family"] == "Jansen"
    assert link(response, "self") == "http://hub.test/fhir/Patient?name=jan&_sort=family"
    assert link(response, "next") is None


async def test_a_search_without_matches_has_no_entries(client: AsyncClient) -> None:
    response = await client.get("Patient?name=nobody")
    assert response.status_code == 200
    assert "entry" not in response.json()


async def test_a_search_by_post_is_the_same_search(client: AsyncClient) -> None:
    await three(client)
    response = await client.post("Patient/_search?gender=male", content="name=jan&_sort=family", headers=FORM)
    assert ids(response) == ["b"]
    self = link(response, "self") or ""
    assert urlsplit(self).path == "/fhir/Patient"
    assert set(parse_qsl(urlsplit(self).query)) == {("gender", "male"), ("name", "jan"), ("_sort", "family")}
    assert ids(await client.get(self)) == ["b"]


async def test_a_posted_form_may_ask_for_xml(client: AsyncClient) -> None:
    response = await client.post("Patient/_search", content="_format=xml&_pretty=true", headers=FORM)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/fhir+xml")


async def test_a_posted_search_without_a_body_finds_all(client: AsyncClient) -> None:
    await three(client)
    assert sorted(ids(await client.post("Patient/_search"))) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"name":"jan"}', "application/json", 415),
        (b"name=jan", "application/x-www-form-urlencoded; charset=latin-1", 415),
        (b"name=%FF", "application/x-www-form-urlencoded", 400),
        (b"name=\xff", "application/x-www-form-urlencoded", 400),
        (b"name=%00", "application/x-www-form-urlencoded", 400),
        (b"name=a&" * 1001, "application/x-www-form-urlencoded", 400),
        (b"name=" + b"a" * 300_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(
    client: AsyncClient, content: bytes, content_type: str, status: int
) -> None:
    response = await client.post("Patient/_search", content=content, headers={"Content-Type": content_type})
    assert response.status_code == status
    assert issues(response)


async def test_an_unknown_parameter_is_refused_with_the_nearest(client: AsyncClient) -> None:
    response = await client.get("Patient?famly=jan")
    assert response.status_code == 400
    assert "family" in said(response)


async def test_lenient_handling_ignores_and_says_so(client: AsyncClient) -> None:
    await three(client)
    response = await client.get("Patient?famly=x&gender=female", headers={"Prefer": "handling=lenient"})
    assert ids(response) == ["a"]
    assert link(response, "self") == "http://hub.test/fhir/Patient?gender=female"
    remark = response.json()["entry"][-1]
    assert remark["search"]["mode"] == "outcome"
    assert "famly" in remark["resource"]["issue"][0]["details"]["text"]


async def test_an_unknown_modifier_is_refused_always(client: AsyncClient) -> None:
    for headers in ({}, {"Prefer": "handling=lenient"}):
        response = await client.get("Patient?family:nearly=jan", headers=headers)
        assert response.status_code == 400


@pytest.mark.parametrize(
    "query", ["birthdate=soon", "_count=x", "_lastUpdated=ge2020-13", "_summary=some", "_total=x"]
)
async def test_an_unreadable_value_is_refused(client: AsyncClient, query: str) -> None:
    assert (await client.get(f"Patient?{query}")).status_code == 400


async def test_pages_follow_one_another(client: AsyncClient) -> None:
    for number in range(7):
        await put(client, patient(id=f"p{number}", active=True))
    found: list[str] = []
    url: str | None = "Patient?active=true&_count=3"
    sizes = []
    while url is not None:
        response = await client.get(url)
        found += ids(response)
        sizes.append(len(ids(response)))
        url = link(response, "next")
    assert sorted(found) == [f"p{number}" for number in range(7)]
    assert sizes == [3, 3, 1]
    assert link(response, "first") == "http://hub.test/fhir/Patient?active=true&_count=3"


async def test_a_changed_cursor_is_refused(client: AsyncClient) -> None:
    for number in range(3):
        await put(client, patient(id=f"p{number}", active=True))
    next = link(await client.get("Patient?active=true&_count=1"), "next") or ""
    assert (await client.get(next[:-2] + ("aa" if next[-2:] != "aa" else "bb"))).status_code == 400
    assert (await client.get(next.replace("active=true", "active=false"))).status_code == 400


async def test_totals_are_counted_where_asked(client: AsyncClient) -> None:
    await three(client)
    assert "total" not in (await client.get("Patient?gender=male&_count=1")).json()
    assert (await client.get("Patient?gender=male&_total=accurate&_count=1")).json()["total"] == 2
    for query in ("_summary=count", "_count=0"):
        counted = (await client.get(f"Patient?gender=male&{query}")).json()
        assert counted["total"] == 2
        assert "entry" not in counted


async def test_summaries_and_elements_are_parts(client: AsyncClient) -> None:
    await three(client)
    summary = (await client.get("Patient?_id=a&_summary=true")).json()["entry"][0]["resource"]
    elements = (await client.get("Patient?_id=a&_elements=gender")).json()["entry"][0]["resource"]
    assert (await client.get("Patient?_elements=gendr")).status_code == 400
    for twice in ("_count=1&_count=2", "_summary=text&_summary=data", "_sort=-"):
        assert (await client.get(f"Patient?{twice}")).status_code == 400, twice
    assert (await client.get("?_elements=gender,status,Patient.name")).status_code == 200
    assert (await client.get("Patient?_elements=gendr", headers={"Prefer": "handling=lenient"})).is_success
    assert "maritalStatus" not in summary
    assert "name" in summary
    assert set(elements) == {"resourceType", "id", "meta", "gender"}
    assert any(tag["code"] == "SUBSETTED" for tag in elements["meta"]["tag"])


async def test_includes_are_told_from_matches(client: AsyncClient) -> None:
    await three(client)
    await put(client, observation(id="o", subject={"reference": "Patient/a"}))
    response = await client.get("Observation?_include=Observation:subject&_elements=status")
    assert ids(response) == ["o"]
    assert ids(response, "include") == ["a"]
    included = response.json()["entry"][1]["resource"]
    assert included["gender"] == "female"
    reverse = await client.get("Patient?_id=a&_revinclude=Observation:subject")
    assert ids(reverse, "include") == ["o"]


async def test_a_compartment_holds_what_belongs_to_it(client: AsyncClient) -> None:
    await three(client)
    await put(client, observation(id="o", subject={"reference": "Patient/a"}))
    await put(client, observation(id="x", subject={"reference": "Patient/b"}))
    by_type = await client.get("Patient/a/Observation")
    assert ids(by_type) == ["o"]
    assert link(by_type, "self") == "http://hub.test/fhir/Patient/a/Observation"
    assert "o" in ids(await client.get("Patient/a/*"))
    assert "x" not in ids(await client.get("Patient/a/*"))
    assert ids(await client.get("Patient/a/Observation?status=final")) == ["o"]
    assert ids(await client.get("Patient/a/Observation?status=amended")) == []
    posted = await client.post("Patient/a/Observation/_search", content="status=final", headers=FORM)
    assert ids(posted) == ["o"]
    assert "o" in ids(await client.post("Patient/a/*/_search", headers=FORM))


async def test_the_pages_of_a_posted_search_of_a_compartment_follow_by_get(client: AsyncClient) -> None:
    await three(client)
    for id in ("o", "p"):
        await put(client, observation(id=id, subject={"reference": "Patient/a"}))
    page = await client.post("Patient/a/_search", content="_type=Observation&_count=1", headers=FORM)
    found = ids(page)
    while (url := link(page, "next")) is not None:
        page = await client.get(url)
        found += ids(page)
    assert sorted(found) == ["o", "p"]


async def test_what_has_no_compartment_says_so(client: AsyncClient) -> None:
    response = await client.get("Observation/o/Patient")
    assert response.status_code == 404
    assert "compartment" in said(response)


async def test_the_whole_system_is_searched(client: AsyncClient) -> None:
    await three(client)
    await put(client, observation(id="o"))
    found = await client.get("?_type=Patient,Observation")
    assert sorted(ids(found)) == ["a", "b", "c", "o"]
    assert (link(found, "self") or "").startswith("http://hub.test/fhir?_type=")
    posted = await client.post("_search", content="_type=Observation", headers=FORM)
    assert ids(posted) == ["o"]


async def test_a_page_is_as_large_as_the_settings_say(open_client: Open) -> None:
    async with open_client(page_count_default=2, page_count_max=3) as client:
        await three(client)
        await put(client, patient(id="d"))
        assert len(ids(await client.get("Patient"))) == 2
        assert len(ids(await client.get("Patient?_count=100"))) == 3


async def test_a_head_of_a_search_has_no_body(client: AsyncClient) -> None:
    await three(client)
    response = await client.head("Patient?name=jan")
    assert response.status_code == 200
    assert response.content == b""


async def test_links_are_safe_in_json(client: AsyncClient) -> None:
    response = await client.get('Patient?name=%22%5C%5C%0A<>"&name:exact=%7B%7D')
    assert response.status_code == 200
    self = link(response, "self") or ""
    assert ("name", '"\\\\\n<>"') in parse_qsl(urlsplit(self).query)


async def test_injection_finds_nothing_and_breaks_nothing(client: AsyncClient) -> None:
    await three(client)
    for value in ("' OR 1=1 --", "jan'; DROP TABLE resource; --", "$1", "%", "_"):
        assert ids(await client.get("Patient", params={"family": value})) == []
    assert len(ids(await client.get("Patient"))) == 3


async def test_a_hub_with_a_very_short_statement_timeout_starts_and_writes(open_client: Open) -> None:
    async with open_client(statement_timeout_ms=3) as client:
        assert (await put(client, patient(id="a"))).status_code == 201
        assert (await client.get("Patient/a")).status_code == 200
        found = await client.get("Patient")
        assert found.status_code == 200 or issues(found)[0]["code"] == "too-costly"


async def test_links_are_written_as_urls_have_it(client: AsyncClient) -> None:
    await put(client, patient(id="a", identifier=[{"system": "urn:x", "value": "1"}]))
    await put(client, patient(id="b", identifier=[{"system": "urn:x", "value": "1"}]))
    # A client that leaves the bar as it is.
    response = await client.get(
        httpx.URL("http://hub.test/fhir/Patient", query=b"identifier=urn:x|1&_count=1")
    )
    links = {one["relation"]: one["url"] for one in response.json()["link"]}
    assert links["self"] == "http://hub.test/fhir/Patient?identifier=urn:x%7C1&_count=1"
    following = await client.get(links["next"])
    assert len(following.json()["entry"]) == 1


async def test_the_form_that_a_url_asks_is_that_of_every_page(client: AsyncClient) -> None:
    await three(client)
    first = await client.get("Patient?_count=1&_format=json&_pretty=true")
    following = link(first, "next")
    assert following is not None
    page = await client.get(following, headers={"Accept": "application/fhir+xml"})
    assert page.headers["content-type"].startswith("application/fhir+json")
    assert (link(page, "self") or "").endswith("&_format=json&_pretty=true")
    assert page.text.startswith('{\n  "resourceType"')
