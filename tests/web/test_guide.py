"""The guide's pages: each definition and example has one, in Dutch and in English."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from lxml import html

from fhirhub import settings
from fhirhub.app import create_app
from fhirhub.auth import matrix
from fhirhub.resources import guide
from fhirhub.web.guide import show

ALL = [f"{each['resourceType']}/{each['id']}" for each in (*guide.definitions(), *guide.examples())]
DEFINED = [each for each in ALL if not each.startswith("ImplementationGuide/")]


def page(path: str) -> html.HtmlElement:
    shown = show(path)
    assert shown is not None
    assert shown.media_type.startswith("text/html")
    return html.document_fromstring(shown.body.decode())


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_definition_and_example_has_a_page_and_is_listed(language: str) -> None:
    links = page(f"/guide/{language}").xpath("//table//a/@href")
    assert sorted(links) == sorted(f"/guide/{language}/{each}" for each in DEFINED)
    for link in links:
        document = page(link)
        assert document.get("lang") == language
        (heading,) = document.xpath("//h1")
        assert heading.text_content().strip()
        assert document.xpath("//title")[0].text_content().startswith(heading.text_content())


def test_no_link_of_the_guide_leads_nowhere() -> None:
    pages = ["/guide", *(f"/guide/{language}/{each}" for language in ("nl", "en") for each in DEFINED)]
    links = {link for each in pages for link in page(each).xpath("//a/@href") if link.startswith("/")}
    assert {link for link in links if show(link) is None} == set()


def test_profile_shows_its_elements_bindings_rules_and_examples() -> None:
    text = page("/guide/en/StructureDefinition/DimensionGoal").text_content()
    assert "Goal in a dimension" in text
    assert "Dimensies van positieve gezondheid" not in text
    assert "Dimensions of positive health (required)" in re.sub(r"\s+", " ", text)
    assert "goal-acceptance" in text
    assert "Weer naar de winkel" in text
    assert "1..*" in text


def test_an_example_is_described_in_the_language_of_the_page() -> None:
    dutch, english = (
        page(f"/guide/{language}/Goal/voorbeeld-doel").text_content() for language in ("nl", "en")
    )
    assert "Een doel in de woorden van de patiënt" in dutch
    assert "A goal in" not in dutch
    assert "A goal in the patient" in english
    assert "Een doel in" not in english


def test_what_a_client_must_be_able_to_do_is_told_in_the_language_of_the_page() -> None:
    dutch, english = (
        " ".join(page(f"/guide/{language}/CapabilityStatement/his-client").xpath("//td//text()"))
        for language in ("nl", "en")
    )
    assert "wie een verouderde versie schrijft" in dutch
    assert "who writes a stale version" not in dutch
    assert "who writes a stale version" in english
    assert "wie een verouderde versie schrijft" not in english


def test_page_needs_no_script_and_its_tables_have_headers() -> None:
    for each in DEFINED:
        document = page(f"/guide/nl/{each}")
        assert not document.xpath("//script | //*[@style] | //@onclick")
        for table in document.xpath("//table"):
            assert table.xpath(".//th[@scope]")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_access_is_told_as_the_matrix_has_it(language: str) -> None:
    (table,) = page(f"/guide/{language}/access").xpath("//table")
    columns = list(matrix.MATRIX)
    assert len(table.xpath("./thead/tr/th")) == 1 + len(columns)
    told: dict[tuple[str, str], str] = {}
    for row in table.xpath("./tbody/tr"):
        types = "".join(row.xpath("./th//text()[not(parent::summary)]")).split(", ")
        cells = [cell.text_content().strip("–") for cell in row.xpath("./td")]
        told |= {(type, column): cell for type in types for column, cell in zip(columns, cells, strict=True)}
    assert {key: cell for key, cell in told.items() if cell} == {
        (type, column): cell
        for column, cells in matrix.MATRIX.items()
        for type, cell in cells.items()
        if cell
    }


async def test_guide_is_served_as_pages_and_json_under_the_policy_of_pages(tmp_path: Path) -> None:
    app = create_app(
        settings.read({}, database=f"sqlite://{tmp_path / 'hub.db'}", secret_file=tmp_path / "s", auth="none")
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://hub.test"
    ) as client:
        for wanted, title in (("en", "Guide to shared care plans"), ("nl", "Gids voor"), ("fr", "Gids voor")):
            answer = await client.get("/guide", headers={"Accept-Language": wanted})
            assert f"<title>{title}" in answer.text
            assert answer.headers["vary"] == "Accept-Language"
        answer = await client.get("/guide/en/StructureDefinition/SharedCarePlan")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        answer = await client.get("/guide/StructureDefinition/SharedCarePlan")
        assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
        assert answer.json() == guide.find(
            "StructureDefinition", guide.url("StructureDefinition", "SharedCarePlan")
        )
        for nothing in (
            "/guide/fr",
            "/guide/nl/StructureDefinition/Nothing",
            "/guide/nl/a/b/c",
            "/guidelines",
        ):
            assert (await client.get(nothing)).status_code == 404
