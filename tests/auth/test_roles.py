"""The roles of accounts are those of the guide, with the same national codes."""

from __future__ import annotations

import json
from pathlib import Path

from fhirhub.auth.roles import ROLES

GUIDE = Path(__file__).parents[2] / "profiles" / "fsh-generated" / "resources"


def test_every_role_is_one_of_the_guide() -> None:
    codes = json.loads((GUIDE / "CodeSystem-role.json").read_text())["concept"]
    # A lifestyle coach is in a team, and has no account of their own.
    assert {one["code"] for one in codes} - {"leefstijlcoach"} == set(ROLES)


def test_national_codes_are_those_of_the_guide() -> None:
    mapped = {
        element["code"]: (group["target"], element["target"][0]["code"])
        for group in json.loads((GUIDE / "ConceptMap-role-to-national.json").read_text())["group"]
        for element in group["element"]
    }
    assert mapped == {name: role.coding for name, role in ROLES.items() if role.coding is not None}
