from __future__ import annotations

import pytest
from httpx import AsyncClient

from tests.api.builders import issues
from tests.api.operations.terminology import (
    ANIMALS,
    CODE_SYSTEM,
    ZOO,
    called,
    of_animals,
    out,
    stored,
    value_set,
)


async def in_system(client: AsyncClient, query: str) -> dict[str, object]:
    response = await client.get(f"CodeSystem/$validate-code?{query}")
    assert response.status_code == 200, response.text
    return out(response.json())


async def in_value_set(client: AsyncClient, query: str) -> dict[str, object]:
    response = await client.get(f"ValueSet/$validate-code?{query}")
    assert response.status_code == 200, response.text
    return out(response.json())


async def test_a_code_of_the_code_system_is_right(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    assert await in_system(client, f"url={ANIMALS}&code=cat") == {"result": True, "display": "Cat"}
    assert (await in_system(client, f"url={ANIMALS}&code=cat&display=CAT"))["result"] is True
    assert (await in_system(client, f"url={ANIMALS}&code=cat&display=Kat"))["result"] is True
    instance = await client.get("CodeSystem/animals/$validate-code?code=tiger")
    assert out(instance.json()) == {"result": True, "display": "Tiger"}


async def test_a_wrong_code_or_display_is_false_with_the_reason(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    wrong = await in_system(client, f"url={ANIMALS}&code=unicorn")
    assert wrong["result"] is False
    assert "no code `unicorn`" in str(wrong["message"])
    named = await in_system(client, f"url={ANIMALS}&code=cat&display=Dog")
    assert (named["result"], named["display"]) == (False, "Cat")
    assert "`Cat`" in str(named["message"])
    case = await in_system(client, f"url={ANIMALS}&code=CAT")
    assert case["result"] is False


async def test_abstract_and_inactive_codes(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    assert (await in_system(client, f"url={ANIMALS}&code=mammal&abstract=true"))["result"] is True
    assert (await in_system(client, f"url={ANIMALS}&code=mammal&abstract=false"))["result"] is False
    retired = await in_system(client, f"url={ANIMALS}&code=dodo")
    assert retired["result"] is True
    assert "inactive" in str(retired["message"])


async def test_one_coding_of_a_concept_is_enough(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("cats", of_animals(("concept", "is-a", "cat"))))
    concept = {
        "coding": [{"system": "https://else.example", "code": "x"}, {"system": ANIMALS, "code": "tiger"}]
    }
    found = out(await called(client, "CodeSystem/$validate-code", url=ANIMALS, codeableConcept=concept))
    assert found == {"result": True, "display": "Tiger"}
    found = out(await called(client, "ValueSet/$validate-code", url=f"{ZOO}/cats", codeableConcept=concept))
    assert found == {"result": True, "display": "Tiger"}


async def test_a_code_system_that_is_sent_is_asked(client: AsyncClient) -> None:
    sent = {**CODE_SYSTEM, "concept": [{"code": "ant"}]}
    assert out(await called(client, "CodeSystem/$validate-code", codeSystem=sent, code="ant")) == {
        "result": True
    }


async def test_unknown_code_systems_and_value_sets_are_not_found(client: AsyncClient) -> None:
    for path in ("CodeSystem/$validate-code?url=https://nowhere.example/x&code=a",
                 "ValueSet/$validate-code?url=https://nowhere.example/x&code=a&system=b",
                 "CodeSystem/none/$validate-code?code=a"):  # fmt: skip
        response = await client.get(path)
        assert (response.status_code, issues(response)[0]["code"]) == (404, "not-found"), path


async def test_a_code_in_the_value_set(client: AsyncClient) -> None:
    await stored(
        client,
        CODE_SYSTEM,
        value_set("cats", of_animals(("concept", "is-a", "cat"))),
        value_set("rest", of_animals(), exclude=[{"valueSet": [f"{ZOO}/cats"]}]),
    )
    asked = f"url={ZOO}/cats&system={ANIMALS}"
    assert await in_value_set(client, f"{asked}&code=tiger") == {"result": True, "display": "Tiger"}
    outside = await in_value_set(client, f"{asked}&code=whale")
    assert outside["result"] is False
    assert "not in" in str(outside["message"])
    assert (await in_value_set(client, f"{asked}&code=tiger&display=Lion"))["result"] is False
    assert (await in_value_set(client, f"url={ZOO}/rest&system={ANIMALS}&code=tiger"))["result"] is False
    assert (await in_value_set(client, f"url={ZOO}/rest&system={ANIMALS}&code=dodo"))["result"] is True
    coding = {"system": ANIMALS, "code": "cat", "display": "Cat"}
    assert out(await called(client, "ValueSet/cats/$validate-code", coding=coding))["result"] is True
    sent = value_set("sent", of_animals(codes=("dodo",)))
    assert (
        out(await called(client, "ValueSet/$validate-code", valueSet=sent, coding=coding))["result"] is False
    )


async def test_the_display_of_the_value_set_is_right_too(client: AsyncClient) -> None:
    include = {"system": ANIMALS, "concept": [{"code": "tiger", "display": "Big cat"}]}
    await stored(client, CODE_SYSTEM, value_set("big", include))
    asked = f"url={ZOO}/big&system={ANIMALS}&code=tiger"
    assert await in_value_set(client, f"{asked}&display=Big cat") == {"result": True, "display": "Big cat"}
    assert (await in_value_set(client, f"{asked}&display=Tiger"))["result"] is True


async def test_what_cannot_be_checked_is_said_to_be_so(client: AsyncClient) -> None:
    await stored(
        client,
        value_set("snomed", {"system": "http://snomed.info/sct", "filter": [
            {"property": "concept", "op": "is-a", "value": "73211009"}]}),
        value_set("import", {"valueSet": ["https://nowhere.example/vs"]}),
        value_set("listed", {"system": "http://snomed.info/sct", "concept": [{"code": "73211009"}]}),
    )  # fmt: skip
    asked = "system=http://snomed.info/sct&code=44054006"
    for name in ("snomed", "import"):
        found = await in_value_set(client, f"url={ZOO}/{name}&{asked}")
        assert found["result"] is False
        assert "could not be checked" in str(found["message"])
    listed = await in_value_set(client, f"url={ZOO}/listed&{asked}")
    assert "not in" in str(listed["message"])
    right = await in_value_set(client, f"url={ZOO}/listed&system=http://snomed.info/sct&code=73211009")
    assert right["result"] is True


async def test_of_a_version_that_is_not_here_nothing_is_told(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("cats", of_animals(("concept", "is-a", "cat"))))
    asked = f"url={ZOO}/cats&system={ANIMALS}&code=cat"
    assert (await in_value_set(client, f"{asked}&systemVersion=2"))["result"] is True
    found = await in_value_set(client, f"{asked}&systemVersion=9")
    assert found["result"] is False
    assert "not known here in version 9" in str(found["message"])


async def test_a_coding_without_system_is_in_no_value_set(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM, value_set("cats", of_animals(("concept", "is-a", "cat"))))

    async def result(*codings: dict[str, str]) -> object:
        concept = {"coding": list(codings)}
        found = await called(client, "ValueSet/$validate-code", url=f"{ZOO}/cats", codeableConcept=concept)
        return out(found)["result"]

    assert await result({"code": "cat"}) is False
    assert await result({"code": "cat"}, {"code": "cat", "system": ANIMALS}) is True


async def test_a_system_can_be_inferred_where_only_one_has_the_code(client: AsyncClient) -> None:
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert (await client.get(f"ValueSet/$validate-code?url={gender}&code=male")).status_code == 400
    found = await in_value_set(client, f"url={gender}&code=male&inferSystem=true")
    assert found == {"result": True, "display": "Male"}
    context = "http://hl7.org/fhir/StructureDefinition/Patient%23Patient.gender"
    assert (await in_value_set(client, f"context={context}&code=male"))["result"] is True


@pytest.mark.parametrize(
    "path",
    [
        "CodeSystem/$validate-code",
        "CodeSystem/$validate-code?code=a",
        f"CodeSystem/$validate-code?url={ANIMALS}",
        f"CodeSystem/$validate-code?url={ANIMALS}&code=a&coding=b|c",
        f"CodeSystem/$validate-code?url={ANIMALS}&code=a&abstract=maybe",
        "ValueSet/$validate-code?code=a&system=b",
        f"ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/request-status&codd=a&system={ANIMALS}",
    ],
)
async def test_what_cannot_be_read_is_refused(client: AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 400


@pytest.mark.parametrize(
    ("system", "right", "wrong"),
    [
        ("http://unitsofmeasure.org", "mmol/L", "mmmol per L"),
        ("urn:ietf:bcp:13", "application/fhir%2Bjson", "json"),
        ("urn:ietf:bcp:47", "nl-BE", "Dutch!"),
    ],
)
async def test_codes_that_are_made_by_rule(client: AsyncClient, system: str, right: str, wrong: str) -> None:
    assert (await in_system(client, f"url={system}&code={right}"))["result"] is True
    assert (await in_system(client, f"url={system}&code={wrong}"))["result"] is False
    sent = value_set("rule", {"system": system})
    response = await client.post("ValueSet/$expand", json=sent)
    assert (response.status_code, issues(response)[0]["code"]) == (422, "too-costly")


async def test_listed_codes_of_a_code_system_made_by_rule(client: AsyncClient) -> None:
    languages = "http://hl7.org/fhir/ValueSet/languages"
    found = await in_value_set(client, f"url={languages}&system=urn:ietf:bcp:47&code=nl-NL")
    assert found["result"] is True
    assert (await in_value_set(client, f"url={languages}&system=urn:ietf:bcp:47&code=ga"))["result"] is False
    expansion = (await client.get(f"ValueSet/$expand?url={languages}&count=2")).json()["expansion"]
    assert expansion["total"] == 56
    assert expansion["contains"][0]["display"] == "Arabic"
