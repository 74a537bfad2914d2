"""LOINC in FHIR: its implicit value sets (https://hl7.org/fhir/R4/loinc.html#4.3.12.3)."""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]

SYSTEM = "http://loinc.org"
_ANSWERS = re.compile(r"LL\d+-\d")
_PARTS = re.compile(r"LP\d+-\d")


def implicit(url: str) -> Json | None:
    """The value set of `http://loinc.org/vs`, of an answer list `/vs/LL715-4` or of what is below a part
    `/vs/LP14559-6`; None for another URL."""
    if url != f"{SYSTEM}/vs" and not url.startswith(f"{SYSTEM}/vs/"):
        return None
    name = url.removeprefix(f"{SYSTEM}/vs").removeprefix("/")
    include: Json = {"system": SYSTEM}
    if _ANSWERS.fullmatch(name):
        include["filter"] = [{"property": "answers-for", "op": "=", "value": name}]
    elif _PARTS.fullmatch(name):
        include["filter"] = [{"property": "concept", "op": "is-a", "value": name}]
    elif name:
        return None
    return {
        "resourceType": "ValueSet",
        "url": url,
        "status": "active",
        "name": "Loinc",
        "title": f"LOINC {name}".strip(),
        "compose": {"include": [include]},
    }
