"""Small code systems and value sets, and how the terminology operations are called."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.builders import Json, fhir, put

ANIMALS = "https://zoo.example/animals"
ZOO = "https://zoo.example/ValueSet"

CODE_SYSTEM: Json = {
    "resourceType": "CodeSystem",
    "id": "animals",
    "url": ANIMALS,
    "version": "2",
    "name": "Animals",
    "status": "active",
    "content": "complete",
    "language": "en",
    "caseSensitive": True,
    "hierarchyMeaning": "is-a",
    "property": [{"code": "legs", "type": "integer"}, {"code": "notSelectable", "type": "boolean"}],
    "concept": [
        {
            "code": "mammal",
            "display": "Mammal",
            "definition": "It gives milk.",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [
                {
                    "code": "cat",
                    "display": "Cat",
                    "designation": [{"language": "nl", "value": "Kat"}],
                    "property": [{"code": "legs", "valueInteger": 4}],
                    "concept": [
                        {"code": "tiger", "display": "Tiger", "property": [{"code": "legs", "valueInteger": 4}]}
                    ],
                },
                {"code": "whale", "display": "Blue whale", "property": [{"code": "legs", "valueInteger": 0}]},
            ],
        },
        {
            "code": "dodo",
            "display": "Dodo",
            "property": [{"code": "status", "valueCode": "retired"}, {"code": "legs", "valueInteger": 2}],
        },
    ],
}  # fmt: skip


def value_set(name: str, *include: Json, **more: Any) -> Json:
    compose: Json = {"include": list(include), **more}
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"{ZOO}/{name}",
        "status": "active",
        "compose": compose,
    }


def of_animals(*filters: tuple[str, str, str], codes: tuple[str, ...] = ()) -> Json:
    """An include of the animals with these filters or codes."""
    include: Json = {"system": ANIMALS}
    if filters:
        include["filter"] = [{"property": p, "op": op, "value": value} for p, op, value in filters]
    if codes:
        include["concept"] = [{"code": code} for code in codes]
    return include


async def stored(client: httpx.AsyncClient, *resources: Json) -> None:
    for resource in resources:
        response = await put(client, resource)
        assert response.status_code < 300, response.text


_KEYS = {
    **dict.fromkeys(("url", "system", "source", "target", "targetsystem", "context"), "valueUri"),
    **dict.fromkeys(("code", "codeA", "codeB", "displayLanguage", "property"), "valueCode"),
    **dict.fromkeys(("system-version", "exclude-system"), "valueCanonical"),
    **dict.fromkeys(("check-system-version", "force-system-version"), "valueCanonical"),
    "date": "valueDateTime",
}


def parameters(**given: Any) -> Json:
    """Parameters from values by name; the type of each is told by its Python type, that of a text by its name."""
    parts: list[Json] = []
    for name, value in given.items():
        name = name.replace("_", "-")
        if isinstance(value, dict) and "resourceType" in value:
            parts.append({"name": name, "resource": value})
        elif isinstance(value, dict):
            key = "valueCodeableConcept" if "coding" in value else "valueCoding"
            parts.append({"name": name, key: value})
        elif isinstance(value, bool):
            parts.append({"name": name, "valueBoolean": value})
        elif isinstance(value, int):
            parts.append({"name": name, "valueInteger": value})
        else:
            parts.append({"name": name, _KEYS.get(name, "valueString"): value})
    return {"resourceType": "Parameters", "parameter": parts}


async def called(client: httpx.AsyncClient, path: str, **given: Any) -> Json:
    """The answer to a POST of these parameters, which must succeed."""
    response = await client.post(path, json=parameters(**given), headers=fhir({}))
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def out(answer: Json) -> Json:
    """The simple out-parameters by name."""
    found: Json = {}
    for part in answer["parameter"]:
        for key, value in part.items():
            if key.startswith("value"):
                found[part["name"]] = value
    return found


def codes(answer: Json) -> list[str]:
    """The codes of an expansion in order, those within others after them."""
    found = []
    pending = list(reversed(answer["expansion"].get("contains", [])))
    while pending:
        each = pending.pop()
        found.append(each["code"])
        pending += reversed(each.get("contains", []))
    return found


async def expanded(client: httpx.AsyncClient, query: str) -> list[str]:
    response = await client.get(f"ValueSet/$expand?{query}")
    assert response.status_code == 200, response.text
    return codes(response.json())
