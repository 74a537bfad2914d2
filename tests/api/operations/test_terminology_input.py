"""The terminology operations answer whatever comes in with an OperationOutcome of the 4xx kind or a result."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.api.operations.terminology import ANIMALS, CODE_SYSTEM, of_animals, stored, value_set

STRANGE = [
    "%00",
    "a%00b",
    "%ED%A0%80",
    "x" * 5000,
    "%F0%9F%92%A9",
    "%22%27;--",
    "a|b|c|d",
    "||",
    "%25",
    "\\",
    "|",
]
CALLS = [
    "CodeSystem/$lookup?system={0}&code={0}",
    "CodeSystem/$lookup?coding={0}",
    f"CodeSystem/$lookup?system={ANIMALS}&code={{0}}&displayLanguage={{0}}&property={{0}}&version={{0}}",
    f"CodeSystem/$validate-code?url={ANIMALS}&code={{0}}&display={{0}}",
    f"CodeSystem/$subsumes?system={ANIMALS}&codeA={{0}}&codeB=cat",
    "ValueSet/$expand?url={0}",
    "ValueSet/$expand?url=https://zoo.example/ValueSet/all&filter={0}&designation={0}&displayLanguage={0}",
    "ValueSet/$expand?url=http://snomed.info/sct?fhir_vs=ecl/{0}",
    "ValueSet/$expand?context={0}",
    "ValueSet/$validate-code?url=https://zoo.example/ValueSet/all&system={0}&code={0}&systemVersion={0}",
    "ConceptMap/$translate?system={0}&code={0}&target={0}&source={0}",
    "Condition?code:in={0}",
    f"Condition?code:below={ANIMALS}|{{0}}",
    "Condition?code:above={0}|{0}",
]


@pytest.mark.parametrize("strange", STRANGE)
async def test_strange_values_are_answered(client: AsyncClient, strange: str) -> None:
    await stored(client, CODE_SYSTEM, value_set("all", of_animals()))
    for call in CALLS:
        response = await client.get(call.format(strange))
        assert response.status_code in (200, 400, 404, 422), (call, response.text[:300])


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "cat", ANIMALS, "\x00", "nl", "a|b"])
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["system", "code", "coding", "compose", "include", "concept", "filter", "valueSet", "url",
                         "resourceType", "op", "property", "value", "group", "element", "target", "content"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
_NAMES = st.sampled_from(
    ["url", "code", "system", "coding", "codeableConcept", "valueSet", "codeSystem", "conceptMap", "count", "filter",
     "dependency", "property", "abstract", "date", "codingA", "codingB", "designation", "system-version"]
)  # fmt: skip
_KINDS = st.sampled_from(
    [
        "valueString",
        "valueUri",
        "valueCode",
        "valueCoding",
        "valueCodeableConcept",
        "valueBoolean",
        "resource",
        "part",
    ]
)
_OPERATIONS = (
    *("CodeSystem/$lookup", "CodeSystem/$validate-code", "CodeSystem/$subsumes"),
    *("ValueSet/$expand", "ValueSet/$validate-code", "ConceptMap/$translate"),
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(_NAMES, _KINDS, _TREES), max_size=4))
@example(parts=[("valueSet", "resource", None)])
@example(parts=[("valueSet", "resource", [])])
async def test_parameters_of_any_form_are_answered(
    client: AsyncClient, parts: list[tuple[str, str, Any]]
) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": name, kind: value} for name, kind, value in parts],
    }
    for operation in _OPERATIONS:
        response = await client.post(operation, json=body)
        assert response.status_code in (200, 400, 404, 413, 422), (operation, body, response.text[:300])
