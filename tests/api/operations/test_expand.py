from __future__ import annotations

import pytest
from httpx import AsyncClient

from tests.api.builders import Json, fhir, issues, said
from tests.api.operations.terminology import (
    ANIMALS,
    CODE_SYSTEM,
    ZOO,
    called,
    codes,
    expanded,
    of_animals,
    parameters,
    stored,
    value_set,
)


async def test_a_whole_code_system_is_a_tree(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("all", of_animals()))
    answer = (await client.get(f"ValueSet/$expand?url={ZOO}/all")).json()
    assert answer["resourceType"] == "ValueSet"
    assert answer["status"] == "active"
    assert answer["expansion"]["total"] == 5
    first, last = answer["expansion"]["contains"]
    assert (first["code"], first["display"], first["abstract"]) == ("mammal", "Mammal", True)
    assert [each["code"] for each in first["contains"]] == ["cat", "whale"]
    assert last == {"system": ANIMALS, "code": "dodo", "display": "Dodo", "inactive": True}
    assert answer["expansion"]["timestamp"]
    assert answer["expansion"]["identifier"].startswith("urn:uuid:")


async def test_a_tree_can_be_had_flat(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("all", of_animals()))
    answer = (await client.get(f"ValueSet/$expand?url={ZOO}/all&excludeNested=true")).json()
    assert [each["code"] for each in answer["expansion"]["contains"]] == [
        "mammal", "cat", "tiger", "whale", "dodo",
    ]  # fmt: skip
    assert {"name": "excludeNested", "valueBoolean": True} in answer["expansion"]["parameter"]


async def test_without_what_only_helps_to_choose_it_is_flat(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("all", of_animals()))
    asked = f"url={ZOO}/all&excludeNotForUI=true"
    assert await expanded(client, asked) == ["cat", "tiger", "whale", "dodo"]


async def test_pages_are_flat_and_say_how_many_there_are(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("all", of_animals()))
    answer = (await client.get(f"ValueSet/$expand?url={ZOO}/all&offset=1&count=2")).json()
    assert codes(answer) == ["cat", "tiger"]
    assert (answer["expansion"]["total"], answer["expansion"]["offset"]) == (5, 1)
    none = (await client.get(f"ValueSet/$expand?url={ZOO}/all&count=0")).json()
    assert (none["expansion"]["total"], codes(none)) == (5, [])


async def test_a_page_goes_on_from_one_code_system_to_the_next(client: AsyncClient) -> None:
    genders = {"system": "http://hl7.org/fhir/administrative-gender"}
    await stored(client, CODE_SYSTEM, value_set("two", of_animals(codes=("cat", "dodo")), genders))
    assert await expanded(client, f"url={ZOO}/two&offset=1&count=2") == ["dodo", "male"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("concept", "is-a", "cat")], ["cat", "tiger"]),
        ([("concept", "descendent-of", "mammal")], ["cat", "tiger", "whale"]),
        ([("concept", "is-not-a", "cat")], ["mammal", "whale", "dodo"]),
        ([("concept", "generalizes", "tiger")], ["mammal", "cat", "tiger"]),
        ([("code", "regex", "[dt].*")], ["tiger", "dodo"]),
        ([("display", "regex", "Blue.*")], ["whale"]),
        ([("code", "in", "cat, dodo")], ["cat", "dodo"]),
        ([("code", "not-in", "cat,dodo")], ["mammal", "tiger", "whale"]),
        ([("legs", "=", "4")], ["cat", "tiger"]),
        ([("legs", "in", "0,2")], ["whale", "dodo"]),
        ([("legs", "exists", "false")], ["mammal"]),
        ([("legs", "exists", "true"), ("concept", "is-a", "mammal")], ["cat", "tiger", "whale"]),
        ([("parent", "=", "mammal")], ["cat", "whale"]),
        ([("status", "=", "retired")], ["dodo"]),
        ([("concept", "is-a", "unicorn")], []),
    ],
)
async def test_filters_choose_concepts(
    client: AsyncClient, filters: list[tuple[str, str, str]], found: list[str]
) -> None:
    await stored(client, CODE_SYSTEM)
    sent = value_set("some", of_animals(*filters))
    assert codes(await called(client, "ValueSet/$expand", valueSet=sent, excludeNested=True)) == found


async def test_what_is_listed_stands_in_its_order_with_its_own_displays(client: AsyncClient) -> None:
    include = {
        "system": ANIMALS,
        "concept": [{"code": "tiger", "display": "Big cat"}, {"code": "cat"}, {"code": "unicorn"}],
    }
    await stored(client, CODE_SYSTEM)
    answer = await called(client, "ValueSet/$expand", valueSet=value_set("list", include))
    assert [(each["code"], each["display"]) for each in answer["expansion"]["contains"]] == [
        ("tiger", "Big cat"),
        ("cat", "Cat"),
    ]


async def test_excluded_and_imported_value_sets_count(client: AsyncClient) -> None:
    await stored(
        client,
        CODE_SYSTEM,
        value_set("cats", of_animals(("concept", "is-a", "cat"))),
        value_set("four", of_animals(("legs", "=", "4")), of_animals(codes=("whale",))),
        value_set("both", {"valueSet": [f"{ZOO}/cats", f"{ZOO}/four"]}),
        value_set("either", {"valueSet": [f"{ZOO}/cats"]}, {"valueSet": [f"{ZOO}/four"]}),
        value_set("rest", of_animals(), exclude=[{"valueSet": [f"{ZOO}/cats"]}]),
        value_set("in", {**of_animals(codes=("tiger", "whale")), "valueSet": [f"{ZOO}/cats"]}),
    )
    assert await expanded(client, f"url={ZOO}/both") == ["cat", "tiger"]
    assert await expanded(client, f"url={ZOO}/either&excludeNested=true") == ["cat", "tiger", "whale"]
    assert await expanded(client, f"url={ZOO}/rest&excludeNested=true") == ["mammal", "whale", "dodo"]
    assert await expanded(client, f"url={ZOO}/in") == ["tiger"]


async def test_words_begin_as_the_filter_says_and_shorter_displays_come_first(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("all", of_animals()))
    assert await expanded(client, f"url={ZOO}/all&filter=wha") == ["whale"]
    assert await expanded(client, f"url={ZOO}/all&filter=BLUE wh") == ["whale"]
    assert await expanded(client, f"url={ZOO}/all&filter=kat") == ["cat"]
    assert await expanded(client, f"url={ZOO}/all&filter=hale") == []
    assert await expanded(client, "url=http://hl7.org/fhir/ValueSet/request-status&filter=on") == ["on-hold"]


async def test_inactive_codes_can_be_left_out(client: AsyncClient) -> None:
    await stored(
        client,
        CODE_SYSTEM,
        value_set("all", of_animals(codes=("cat", "dodo"))),
        value_set("living", of_animals(codes=("cat", "dodo")), inactive=False),
    )
    assert await expanded(client, f"url={ZOO}/all") == ["cat", "dodo"]
    assert await expanded(client, f"url={ZOO}/all&activeOnly=true") == ["cat"]
    assert await expanded(client, f"url={ZOO}/living") == ["cat"]


async def test_displays_and_designations_in_the_language_asked(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("cat", of_animals(codes=("cat", "tiger"))))
    answer = (await client.get(f"ValueSet/$expand?url={ZOO}/cat&displayLanguage=nl-NL")).json()
    assert [each["display"] for each in answer["expansion"]["contains"]] == ["Kat", "Tiger"]
    answer = (await client.get(f"ValueSet/$expand?url={ZOO}/cat&includeDesignations=true")).json()
    assert answer["expansion"]["contains"][0]["designation"] == [{"language": "nl", "value": "Kat"}]
    answer = (await client.get(f"ValueSet/$expand?url={ZOO}/cat&designation=urn:ietf:bcp:47|fr")).json()
    assert "designation" not in answer["expansion"]["contains"][0]


async def test_a_supplement_adds_designations(client: AsyncClient) -> None:
    supplement: Json = {
        "resourceType": "CodeSystem",
        "id": "dutch",
        "url": "https://zoo.example/dutch",
        "status": "active",
        "content": "supplement",
        "supplements": ANIMALS,
        "concept": [{"code": "tiger", "designation": [{"language": "nl", "value": "Tijger"}]}],
    }
    await stored(client, CODE_SYSTEM, supplement, value_set("tiger", of_animals(codes=("tiger",))))
    answer = (await client.get(f"ValueSet/$expand?url={ZOO}/tiger&displayLanguage=nl")).json()
    assert answer["expansion"]["contains"][0]["display"] == "Tijger"


async def test_an_instance_and_a_value_set_sent_are_expanded(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("cats", of_animals(("concept", "is-a", "cat"))))
    instance = await client.get("ValueSet/cats/$expand")
    assert codes(instance.json()) == ["cat", "tiger"]
    assert "compose" not in instance.json()
    sent = value_set("sent", of_animals(codes=("dodo",)))
    assert codes(await called(client, "ValueSet/$expand", valueSet=sent)) == ["dodo"]
    alone = await client.post("ValueSet/$expand", json=sent, headers=fhir({}))
    assert codes(alone.json()) == ["dodo"]
    whole = (await client.get("ValueSet/cats/$expand?includeDefinition=true")).json()
    assert whole["compose"]["include"][0]["system"] == ANIMALS


async def test_a_context_is_the_value_set_that_an_element_is_bound_to(client: AsyncClient) -> None:
    path = "http://hl7.org/fhir/StructureDefinition/Patient%23Patient.gender"
    assert await expanded(client, f"context={path}") == ["male", "female", "other", "unknown"]
    missing = await client.get("ValueSet/$expand?context=http://hl7.org/fhir/StructureDefinition/Patient%23x")
    assert missing.status_code == 404


async def test_versions_choose_and_are_checked(client: AsyncClient) -> None:
    older = {**CODE_SYSTEM, "id": "old", "version": "1", "concept": [{"code": "wolf", "display": "Wolf"}]}
    await stored(client, CODE_SYSTEM, older, value_set("all", of_animals()))
    stated = {**of_animals(), "version": "2"}
    await stored(client, value_set("second", stated))
    asked = f"url={ZOO}/all&excludeNested=true"
    assert len(await expanded(client, asked)) == 5
    assert await expanded(client, f"{asked}&system-version={ANIMALS}|1") == ["wolf"]
    assert await expanded(client, f"url={ZOO}/second&force-system-version={ANIMALS}|1") == ["wolf"]
    refused = await client.get(f"ValueSet/$expand?url={ZOO}/second&check-system-version={ANIMALS}|1")
    assert refused.status_code == 422
    assert "version 2" in said(refused)
    unknown = await client.get(f"ValueSet/$expand?url={ZOO}/all&system-version={ANIMALS}|9")
    assert issues(unknown)[0]["code"] == "not-found"
    assert await expanded(client, f"{asked}&exclude-system={ANIMALS}") == []


async def test_an_unknown_value_set_is_not_found(client: AsyncClient) -> None:
    response = await client.get("ValueSet/$expand?url=https://nowhere.example/vs")
    assert response.status_code == 404
    assert issues(response)[0]["code"] == "not-found"
    assert "https://nowhere.example/vs" in said(response)


async def test_what_a_value_set_needs_and_is_unknown_is_not_found(client: AsyncClient) -> None:
    await stored(
        client,
        value_set("system", {"system": "https://nowhere.example/cs"}),
        value_set("import", {"valueSet": ["https://nowhere.example/vs"]}),
        value_set(
            "listed", {"system": "https://nowhere.example/cs", "concept": [{"code": "a", "display": "A"}]}
        ),
    )
    for name in ("system", "import"):
        response = await client.get(f"ValueSet/$expand?url={ZOO}/{name}")
        assert (response.status_code, issues(response)[0]["code"]) == (422, "not-found")
        assert "https://nowhere.example/" in said(response)
    assert await expanded(client, f"url={ZOO}/listed") == ["a"]


async def test_a_circular_value_set_is_told_with_its_circle(client: AsyncClient) -> None:
    await stored(
        client,
        value_set("a", {"valueSet": [f"{ZOO}/b"]}),
        value_set("b", {"valueSet": [f"{ZOO}/a"]}),
    )
    response = await client.get(f"ValueSet/$expand?url={ZOO}/a")
    assert response.status_code == 422
    assert f"{ZOO}/a > {ZOO}/b > {ZOO}/a" in said(response)


async def test_imports_that_multiply_are_too_costly(client: AsyncClient) -> None:
    twice = [
        value_set(f"v{depth}", *({"valueSet": [f"{ZOO}/v{depth + 1}"]} for _ in range(2)))
        for depth in range(20)
    ]
    await stored(client, CODE_SYSTEM, value_set("v20", of_animals()), *reversed(twice))
    response = await client.get(f"ValueSet/$expand?url={ZOO}/v0")
    assert (response.status_code, issues(response)[0]["code"]) == (422, "too-costly")


async def test_too_many_codes_are_too_costly(client: AsyncClient) -> None:
    many = {
        **CODE_SYSTEM,
        "concept": [{"code": f"c{number}", "display": f"Number {number}"} for number in range(10_001)],
    }
    await stored(client, many, value_set("all", of_animals()))
    response = await client.get(f"ValueSet/$expand?url={ZOO}/all")
    assert (response.status_code, issues(response)[0]["code"]) == (422, "too-costly")
    assert await expanded(client, f"url={ZOO}/all&count=1&offset=10000") == ["c10000"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "url=x&count=-1",
        "url=x&count=two",
        "url=x&activeOnly=yes",
        "url=x&filtr=a",
        "url=x&url=y",
        "url=http://hl7.org/fhir/ValueSet/request-status&system-version=nothing",
        "url=http://hl7.org/fhir/ValueSet/request-status&date=soon",
    ],
)
async def test_what_cannot_be_read_is_refused(client: AsyncClient, query: str) -> None:
    response = await client.get(f"ValueSet/$expand?{query}")
    assert response.status_code == 400, response.text
    assert issues(response)


@pytest.mark.parametrize(
    "include",
    [
        {"system": ANIMALS, "filter": [{"property": "code", "op": "regex", "value": "(["}]},
        {
            "system": "http://snomed.info/sct",
            "filter": [{"property": "constraint", "op": "=", "value": "<< x"}],
        },
    ],
)
async def test_a_filter_without_meaning_is_refused(client: AsyncClient, include: Json) -> None:
    await stored(client, CODE_SYSTEM)
    sent = parameters(valueSet=value_set("wrong", include))
    response = await client.post("ValueSet/$expand", json=sent, headers=fhir({}))
    assert response.status_code == 422, response.text


async def test_a_value_set_with_faults_is_refused(client: AsyncClient) -> None:
    sent = parameters(valueSet={"resourceType": "ValueSet", "status": "active", "compose": {"include": 1}})
    response = await client.post("ValueSet/$expand", json=sent, headers=fhir({}))
    assert response.status_code in (400, 422)


async def test_the_same_value_set_of_another_version_is_asked_by_its_canonical(client: AsyncClient) -> None:
    first = {**value_set("one", of_animals(codes=("cat",))), "version": "1"}
    second = {**value_set("one", of_animals(codes=("dodo",))), "id": "two", "version": "2"}
    await stored(client, CODE_SYSTEM, first, second)
    assert await expanded(client, f"url={ZOO}/one") == ["dodo"]
    assert await expanded(client, f"url={ZOO}/one|1") == ["cat"]
    assert await expanded(client, f"url={ZOO}/one&valueSetVersion=1") == ["cat"]
    assert (await client.get(f"ValueSet/$expand?url={ZOO}/one|3")).status_code == 404


async def test_a_code_system_may_name_the_value_set_of_all_its_codes(client: AsyncClient) -> None:
    await stored(client, {**CODE_SYSTEM, "valueSet": f"{ZOO}/everything"})
    assert await expanded(client, f"url={ZOO}/everything&excludeNested=true") == [
        "mammal", "cat", "tiger", "whale", "dodo",
    ]  # fmt: skip
    told = (
        await client.get(f"ValueSet/$validate-code?url={ZOO}/everything&system={ANIMALS}&code=cat")
    ).json()
    assert {"name": "result", "valueBoolean": True} in told["parameter"]


async def test_a_filter_by_a_property_that_there_is_not_is_refused(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("hooved", of_animals(("hooves", "=", "4"))))
    answer = await client.get(f"ValueSet/$expand?url={ZOO}/hooved")
    assert (answer.status_code, issues(answer)[0]["code"]) == (422, "invalid")
    assert "no property `hooves`" in said(answer)
