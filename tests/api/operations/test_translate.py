from __future__ import annotations

import pytest
from httpx import AsyncClient

from tests.api.builders import Json, issues
from tests.api.operations.terminology import ANIMALS, called, out, parameters, stored

FOOD = "https://zoo.example/food"
MAP = "https://zoo.example/ConceptMap/food"

CONCEPT_MAP: Json = {
    "resourceType": "ConceptMap",
    "id": "food",
    "url": MAP,
    "version": "3",
    "status": "active",
    "sourceUri": "https://zoo.example/ValueSet/animals",
    "targetUri": "https://zoo.example/ValueSet/food",
    "group": [
        {
            "source": ANIMALS,
            "target": FOOD,
            "element": [
                {"code": "cat", "target": [{"code": "fish", "display": "Fish", "equivalence": "wider"}]},
                {"code": "whale", "target": [
                    {"code": "krill", "equivalence": "equivalent",
                     "dependsOn": [{"property": "https://zoo.example/age", "system": "urn:age", "value": "adult"}],
                     "product": [{"property": "https://zoo.example/amount", "system": "urn:a", "value": "lots"}]},
                    {"code": "milk", "equivalence": "equivalent",
                     "dependsOn": [{"property": "https://zoo.example/age", "system": "urn:age", "value": "calf"}]},
                ]},
                {"code": "dodo", "target": [{"equivalence": "unmatched", "comment": "extinct"}]},
            ],
            "unmapped": {"mode": "fixed", "code": "other", "display": "Other food"},
        }
    ],
}  # fmt: skip


def matches(answer: Json) -> list[tuple[str, str | None]]:
    found = []
    for each in answer["parameter"]:
        if each["name"] == "match":
            parts = {part["name"]: part for part in each["part"]}
            code = parts["concept"]["valueCoding"]["code"] if "concept" in parts else None
            found.append((parts["equivalence"]["valueCode"], code))
    return found


async def test_a_code_is_translated_by_the_map_named(client: AsyncClient) -> None:
    await stored(client, CONCEPT_MAP)
    response = await client.get(f"ConceptMap/$translate?url={MAP}&system={ANIMALS}&code=cat")
    assert out(response.json()) == {"result": True}
    (match,) = [each for each in response.json()["parameter"] if each["name"] == "match"]
    assert match["part"] == [
        {"name": "equivalence", "valueCode": "wider"},
        {"name": "concept", "valueCoding": {"system": FOOD, "code": "fish", "display": "Fish"}},
        {"name": "source", "valueUri": f"{MAP}|3"},
    ]
    instance = await client.get(f"ConceptMap/food/$translate?system={ANIMALS}&code=cat")
    assert matches(instance.json()) == [("wider", "fish")]


async def test_maps_are_found_by_their_source_or_target(client: AsyncClient) -> None:
    await stored(client, CONCEPT_MAP)
    for query in (f"targetsystem={FOOD}", "target=https://zoo.example/ValueSet/food", ""):
        response = await client.get(f"ConceptMap/$translate?system={ANIMALS}&code=cat&{query}")
        assert matches(response.json()) == [("wider", "fish")], query
    other = await client.get(f"ConceptMap/$translate?system={ANIMALS}&code=cat&targetsystem=urn:other")
    assert out(other.json())["result"] is False


async def test_what_has_no_match_is_false(client: AsyncClient) -> None:
    await stored(client, CONCEPT_MAP)
    answer = (await client.get(f"ConceptMap/$translate?url={MAP}&system={ANIMALS}&code=dodo")).json()
    assert (out(answer)["result"], matches(answer)) == (False, [("unmatched", None)])
    assert "no translation" in out(answer)["message"]
    unmapped = (await client.get(f"ConceptMap/$translate?url={MAP}&system={ANIMALS}&code=ant")).json()
    assert matches(unmapped) == [("inexact", "other")]


async def test_the_other_way_round(client: AsyncClient) -> None:
    await stored(client, CONCEPT_MAP)
    answer = (
        await client.get(f"ConceptMap/$translate?url={MAP}&system={FOOD}&code=fish&reverse=true")
    ).json()
    assert matches(answer) == [("narrower", "cat")]


async def test_what_the_translation_depends_on(client: AsyncClient) -> None:
    await stored(client, CONCEPT_MAP)
    asked = parameters(url=MAP, coding={"system": ANIMALS, "code": "whale"})
    assert matches((await client.post("ConceptMap/$translate", json=asked)).json()) == []
    asked["parameter"].append(
        {
            "name": "dependency",
            "part": [
                {"name": "element", "valueUri": "https://zoo.example/age"},
                {
                    "name": "concept",
                    "valueCodeableConcept": {"coding": [{"system": "urn:age", "code": "adult"}]},
                },
            ],
        }
    )
    response = await client.post("ConceptMap/$translate", json=asked)
    assert matches(response.json()) == [("equivalent", "krill")]
    assert '"product"' in response.text


async def test_a_map_that_is_sent_and_a_concept_of_several_codes(client: AsyncClient) -> None:
    concept = {"coding": [{"system": "urn:other", "code": "cat"}, {"system": ANIMALS, "code": "cat"}]}
    answer = await called(client, "ConceptMap/$translate", conceptMap=CONCEPT_MAP, codeableConcept=concept)
    assert matches(answer) == [("wider", "fish")]


async def test_another_map_for_what_is_unmapped(client: AsyncClient) -> None:
    first = {
        **CONCEPT_MAP,
        "id": "first",
        "url": f"{MAP}-first",
        "group": [{"source": ANIMALS, "target": FOOD, "element": [{"code": "x"}],
                   "unmapped": {"mode": "other-map", "url": MAP}}],
    }  # fmt: skip
    await stored(client, CONCEPT_MAP, first)
    answer = (await client.get(f"ConceptMap/$translate?url={MAP}-first&system={ANIMALS}&code=cat")).json()
    assert matches(answer) == [("wider", "fish")]


async def test_maps_of_r4_are_known(client: AsyncClient) -> None:
    asked = "url=http://hl7.org/fhir/ConceptMap/101&system=http://hl7.org/fhir/address-use&code=home"
    answer = (await client.get(f"ConceptMap/$translate?{asked}")).json()
    assert matches(answer) == [("equivalent", "H")]


async def test_an_unknown_map_is_not_found(client: AsyncClient) -> None:
    response = await client.get("ConceptMap/$translate?url=https://nowhere.example/m&system=a&code=b")
    assert (response.status_code, issues(response)[0]["code"]) == (404, "not-found")


@pytest.mark.parametrize("query", ["", "code=a", "system=a", "url=x&code=a&system=b&reverse=x", "cod=a"])
async def test_what_cannot_be_read_is_refused(client: AsyncClient, query: str) -> None:
    await stored(client, {**CONCEPT_MAP, "url": "x"})
    assert (await client.get(f"ConceptMap/$translate?{query}")).status_code == 400
