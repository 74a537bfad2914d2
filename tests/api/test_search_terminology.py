"""Search by value sets and hierarchies of codes (https://hl7.org/fhir/R4/search.html#token)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from httpx import AsyncClient

from fhirhub.store.database import Database
from fhirhub.terminology import searching
from fhirhub.terminology.loading import choosing, writing
from tests.api.builders import Json, patient, said
from tests.api.operations.terminology import ANIMALS, CODE_SYSTEM, ZOO, of_animals, stored, value_set
from tests.terminology import release
from tests.terminology.release import DIABETES, DISEASE, FAILURE, HEART, REFSET, TYPE2

SNOMED = "http://snomed.info/sct"


def condition(id: str, *codings: tuple[str | None, str], subject: str = "p") -> Json:
    return {
        "resourceType": "Condition",
        "id": id,
        "subject": {"reference": f"Patient/{subject}"},
        "code": {
            "coding": [
                {key: value for key, value in (("system", system), ("code", code)) if value is not None}
                for system, code in codings
            ]
        },
    }


async def found(client: AsyncClient, query: str) -> str:
    response = await client.get(query)
    assert response.status_code == 200, response.text
    return " ".join(sorted(one["resource"]["id"] for one in response.json().get("entry", ())))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return release.write(tmp_path / "rf2")


async def zoo(client: AsyncClient) -> None:
    await stored(
        client,
        CODE_SYSTEM,
        value_set("cats", of_animals(("concept", "is-a", "cat"))),
        value_set("listed", {"system": "https://nowhere.example/cs", "concept": [{"code": "cat"}]}),
        value_set("unknown", {"system": "https://nowhere.example/cs"}),
        patient(id="p", gender="female"),
        patient(id="q", gender="male"),
        condition("cat", (ANIMALS, "cat")),
        condition("tiger", (ANIMALS, "tiger"), ("urn:own", "x"), subject="q"),
        condition("mammal", (ANIMALS, "mammal")),
        condition("other", ("https://nowhere.example/cs", "cat")),
        condition("bare", (None, "cat")),
    )


async def test_in_a_value_set_by_url_and_by_reference(client: AsyncClient) -> None:
    await zoo(client)
    assert await found(client, f"Condition?code:in={ZOO}/cats") == "cat tiger"
    assert await found(client, "Condition?code:in=ValueSet/cats") == "cat tiger"
    assert await found(client, "Condition?code:in=http://hub.test/fhir/ValueSet/cats") == "cat tiger"
    assert await found(client, f"Condition?code:in={ZOO}/listed") == "other"
    assert await found(client, f"Condition?code:in={ZOO}/cats,{ZOO}/listed") == "cat other tiger"
    assert await found(client, f"Condition?code:in={ZOO}/cats&subject=Patient/q") == "tiger"
    assert await found(client, f"Condition?code:not-in={ZOO}/cats") == "bare mammal other"
    assert await found(client, f"Condition?code:not-in={ZOO}/cats&_sort=-_id&_count=2") == "mammal other"


async def test_below_and_above_a_concept(client: AsyncClient) -> None:
    await zoo(client)
    assert await found(client, f"Condition?code:below={ANIMALS}|cat") == "cat tiger"
    assert await found(client, f"Condition?code:above={ANIMALS}|tiger") == "cat mammal tiger"
    assert await found(client, f"Condition?code:below={ANIMALS}%7Cmammal&subject=Patient/p") == "cat mammal"
    assert await found(client, f"Condition?code:below={ANIMALS}|unicorn") == ""
    assert await found(client, f"Patient?_has:Condition:subject:code:below={ANIMALS}|tiger") == "q"
    assert await found(client, f"Condition?subject:Patient.gender:in=http://hl7.org/fhir/ValueSet/administrative-gender&code:below={ANIMALS}|cat") == "cat tiger"  # fmt: skip  # noqa: E501


async def test_codes_without_a_system_of_their_own(client: AsyncClient) -> None:
    await zoo(client)
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert await found(client, f"Patient?gender:in={gender}") == "p q"
    assert await found(client, "Patient?gender:below=http://hl7.org/fhir/administrative-gender|male") == "q"


async def test_a_form_can_ask_too(client: AsyncClient) -> None:
    await zoo(client)
    response = await client.post("Condition/_search", data={"code:in": f"{ZOO}/cats"})
    assert len(response.json()["entry"]) == 2


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Condition?code:in=https://nowhere.example/vs", "value set https://nowhere.example/vs is not known"),
        ("Condition?code:in=ValueSet/none", "value set ValueSet/none is not known"),
        (f"Condition?code:in={ZOO}/unknown", "https://nowhere.example/cs is not known"),
        ("Condition?code:below=urn:x|a", "code system urn:x is not known"),
        ("Condition?code:below=cat", "expects system|code"),
        (f"Condition?code:above={ANIMALS}|", "expects system|code"),
        ("Patient?active:in=x", "value sets and hierarchies are of codes"),
        (
            "Patient?identifier:in=https://zoo.example/ValueSet/cats",
            "value sets and hierarchies are of codes",
        ),
        ("Condition?code:in=,", "expects 1 to"),
    ],
)
async def test_what_is_not_known_or_cannot_be_read_is_refused(
    client: AsyncClient, query: str, text: str
) -> None:
    await zoo(client)
    response = await client.get(query)
    assert response.status_code == 400, response.text
    assert text in said(response)


async def test_a_conditional_interaction_does_not_look_codes_up(client: AsyncClient) -> None:
    await zoo(client)
    response = await client.delete(f"Condition?code:in={ZOO}/cats")
    assert response.status_code == 400
    assert "in a search alone" in said(response)


@pytest.mark.parametrize("listed", [searching.LISTED, 0])
async def test_large_code_systems_are_asked_where_they_lie(
    client: AsyncClient, database: Database, folder: Path, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LISTED", listed)
    await writing.load(database, 1, choosing.source(folder), 0, lambda count: None)
    await stored(client, patient(id="p"), patient(id="q"), *(
        condition(name, (SNOMED, code), subject=subject) for name, code, subject in (
            ("disease", DISEASE, "p"), ("heart", HEART, "p"), ("failure", FAILURE, "q"), ("type2", TYPE2, "p"),
            ("diabetes", DIABETES, "q"))
    ), condition("else", ("urn:else", FAILURE)))  # fmt: skip
    assert await found(client, f"Condition?code:below={SNOMED}|{HEART}") == "failure heart type2"
    assert await found(client, f"Condition?code:below={SNOMED}|{HEART}&subject=Patient/p") == "heart type2"
    assert (
        await found(client, f"Condition?code:below={SNOMED}|{HEART}&subject=Patient/p&_sort=_id")
        == "heart type2"
    )
    assert await found(client, f"Condition?code:above={SNOMED}|{TYPE2}") == "diabetes disease heart type2"
    assert await found(client, f"Condition?code:in={SNOMED}?fhir_vs=refset/{REFSET}") == "failure type2"
    assert (
        await found(client, f"Condition?code:not-in={SNOMED}?fhir_vs=isa/{HEART}") == "diabetes disease else"
    )
    both = f"{SNOMED}|{DIABETES},{SNOMED}|{FAILURE}"
    assert await found(client, f"Condition?code:below={both}") == "diabetes failure type2"
    assert await found(client, f"Condition?code:below={both}&_sort=-_lastUpdated&_count=2") in (
        "diabetes type2", "diabetes failure"
    )  # fmt: skip
    assert await found(client, f"Patient?_has:Condition:subject:code:below={SNOMED}|{DIABETES}") == "p q"
    total = await client.get(f"Condition?code:below={SNOMED}|{HEART}&_summary=count")
    assert total.json()["total"] == 3


async def test_a_filter_asks_for_value_sets_and_hierarchies_too(client: AsyncClient) -> None:
    await zoo(client)

    async def filtered(expression: str) -> str:
        return await found(client, f"Condition?_filter={quote(expression)}")

    assert await filtered(f"code in {ZOO}/cats") == "cat tiger"
    assert await filtered(f'code in "{ZOO}/cats"') == "cat tiger"
    assert await filtered(f"code ni {ZOO}/cats") == "bare mammal other"
    assert await filtered(f"code ss {ANIMALS}|cat") == "cat tiger"
    assert await filtered(f"code sb {ANIMALS}|tiger") == "cat mammal tiger"
    assert await filtered(f"(code in {ZOO}/cats and subject re Patient/q) or code in {ZOO}/listed") == (
        "other tiger"
    )
    women = quote(f"subject.gender eq female and not (code ss {ANIMALS}|mammal)")
    assert await found(client, f"Condition?_filter={women}") == "bare other"
    quoted = quote(f'gender eq "in" or gender in {ZOO}/cats')
    assert await found(client, f"Patient?_filter={quoted}") == ""


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("code in https://nowhere.example/vs", "not known here"),
        ("code ss cat", "system|code"),
        ("subject in https://nowhere.example/vs", "not defined for `subject`"),
        ("identifier ni https://nowhere.example/vs", "not defined for `identifier`"),
        ('code in "\\x"', "no JSON string"),
        ("code in", "a value"),
    ],
)
async def test_a_filter_that_no_terminology_can_answer_is_refused(
    client: AsyncClient, expression: str, why: str
) -> None:
    response = await client.get(f"Condition?_filter={quote(expression)}")
    assert response.status_code == 400
    assert why in said(response)
