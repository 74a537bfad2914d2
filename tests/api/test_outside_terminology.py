"""The outside terminology server: asked for what is not known here, told of when it does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.builders import Json, issues, put, said
from tests.api.conftest import Open
from tests.api.operations.terminology import ANIMALS, CODE_SYSTEM, ZOO, out, stored, value_set
from tests.terminology.server import Server, serving

LOINC = "http://loinc.org"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as opened:
        yield opened


def told(**values: object) -> Json:
    keys = {bool: "valueBoolean", str: "valueString"}
    parts = [{"name": name, keys[type(value)]: value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": parts}


async def test_what_is_not_known_here_is_asked_there_once(open_client: Open, server: Server) -> None:
    server.answers["CodeSystem/$lookup"] = told(name="LOINC", display="Heart rate")
    async with open_client(terminology_server=server.base) as client:
        for _ in range(2):
            answer = await client.get(f"CodeSystem/$lookup?system={LOINC}&code=8867-4")
            assert out(answer.json())["display"] == "Heart rate"
        assert [name for name, _ in server.asked] == ["CodeSystem/$lookup"]
        assert server.asked[0][1]["parameter"] == [
            {"name": "system", "valueUri": LOINC},
            {"name": "code", "valueCode": "8867-4"},
        ]
        await stored(client, CODE_SYSTEM)
        await client.get(f"CodeSystem/$lookup?system={ANIMALS}&code=unicorn")
        assert len(server.asked) == 1


async def test_a_value_set_that_lies_here_goes_with_the_question(open_client: Open, server: Server) -> None:
    server.answers["ValueSet/$expand"] = {
        "resourceType": "ValueSet",
        "status": "active",
        "expansion": {"timestamp": "2026-01-01"},
    }
    server.answers["ValueSet/$validate-code"] = told(result=True, display="Heart rate")
    async with open_client(terminology_server=server.base) as client:
        await stored(client, value_set("loinc", {"system": LOINC}))
        answer = await client.get(f"ValueSet/$expand?url={ZOO}/loinc&count=2&activeOnly=true")
        assert answer.status_code == 200
        sent = {part["name"]: part for part in server.asked[0][1]["parameter"]}
        assert sent["valueSet"]["resource"]["url"] == f"{ZOO}/loinc"
        assert sent["count"] == {"name": "count", "valueInteger": 2}
        assert sent["activeOnly"] == {"name": "activeOnly", "valueBoolean": True}
        answer = await client.get(f"ValueSet/$validate-code?url={ZOO}/loinc&system={LOINC}&code=8867-4")
        assert out(answer.json())["result"] is True


async def test_what_the_server_does_not_know_either_is_not_found(open_client: Open, server: Server) -> None:
    async with open_client(terminology_server=server.base) as client:
        answer = await client.get("ValueSet/$expand?url=https://nowhere.example/vs")
        assert (answer.status_code, issues(answer)[0]["code"]) == (404, "not-found")
        assert server.base in said(answer)


@pytest.mark.parametrize("status", [302, 401, 500])
async def test_a_server_that_fails_is_said_to_and_left_alone(
    open_client: Open, server: Server, status: int
) -> None:
    server.status, server.location = status, f"{server.base}/else"
    async with open_client(terminology_server=server.base) as client:
        for _ in range(2):
            answer = await client.get(f"CodeSystem/$lookup?system={LOINC}&code=8867-4")
            assert answer.status_code == 503
            assert issues(answer)[0]["code"] == "transient"
            assert "does not answer" in said(answer)
    assert len(server.asked) == 1


async def test_a_server_that_is_not_there_makes_nothing_wrong(open_client: Open) -> None:
    async with open_client(terminology_server="http://127.0.0.1:9/tx") as client:
        answer = await client.get(f"CodeSystem/$lookup?system={LOINC}&code=8867-4")
        assert answer.status_code == 503
        observation = {
            "resourceType": "Observation",
            "id": "o",
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
        }
        found = (await client.post("Observation/$validate", json=observation)).json()["issue"]
        assert [
            each for each in found if each["severity"] in ("error", "fatal") and "code" in each["code"]
        ] == []
        assert (await put(client, observation)).status_code == 201


async def test_the_validator_asks_the_server(open_client: Open, server: Server) -> None:
    server.answers["CodeSystem/$validate-code"] = told(result=False, message="unknown code")
    async with open_client(terminology_server=server.base) as client:
        observation = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "https://lab.example/codes", "code": "x"}]},
        }
        for _ in range(2):
            found = (await client.post("Observation/$validate", json=observation)).json()["issue"]
            assert any("has no code `x`" in each["details"]["text"] for each in found)
    assert len([name for name, _ in server.asked if name == "CodeSystem/$validate-code"]) == 1
