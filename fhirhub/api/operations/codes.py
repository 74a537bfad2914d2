"""What the terminology operations have in common: codes and resources that come in, Parameters that go out.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.api import write
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations.parameters import Input
from fhirhub.errors import invalid, required
from fhirhub.resources import document
from fhirhub.resources.validation import structure
from fhirhub.terminology.membership import Coding


def coding_of(value: Any, name: str) -> Coding:
    """A Coding, or `system|code` as a query has it. Raises invalid for anything else."""
    if isinstance(value, str):
        system, bar, code = value.rpartition("|")
        if not bar or not code:
            raise invalid(f"`{name}` expects a Coding, or system|code; got `{value}`")
        return Coding(system or None, code)
    if not isinstance(value, dict) or not isinstance(value.get("code"), str):
        raise invalid(f"`{name}` expects a Coding with a code")
    return Coding(value.get("system"), value["code"], value.get("version"), value.get("display"))


def one_coding(given: Input) -> Coding:
    """The code that is asked about: `coding`, or `code` with `system`. Raises required, invalid."""
    code, coding = given.text("code"), given.one("coding")
    if (code is None) == (coding is None):
        raise required("`code` with `system`, or `coding`, says which code is meant; one of the two")
    version = given.text("version")
    if code is not None:
        found = Coding(given.text("system"), code, version)
    else:
        found = coding_of(coding, "coding")
        if version is not None:
            found = Coding(found.system, found.code, version)
    if not found.system:
        raise required("The code needs its system: `system`, or the `system` of `coding`")
    return found


def codings(given: Input, system: str, version: str, default_system: str | None = None) -> list[Coding]:
    """The codes that are to be judged: `code`, `coding` or those of `codeableConcept`; `system` and `version`
    name the parameters that go with `code`. Raises required, invalid."""
    kinds = [name for name in ("code", "coding", "codeableConcept") if given.one(name) is not None]
    if len(kinds) != 1:
        got = f"got {' and '.join(kinds)}" if kinds else "got none"
        raise required(f"One of `code`, `coding` and `codeableConcept` says what is asked about; {got}")
    display = given.text("display")
    if kinds == ["code"]:
        code = given.text("code")
        assert code is not None
        found = given.text(system) if system else None
        return [Coding(found or default_system, code, given.text(version), display)]
    if kinds == ["coding"]:
        one = coding_of(given.one("coding"), "coding")
        return [
            Coding(
                one.system or default_system,
                one.code,
                one.version or given.text(version),
                one.display or display,
            )
        ]
    concept = given.one("codeableConcept")
    listed = concept.get("coding") if isinstance(concept, dict) else None
    if not isinstance(listed, list) or not listed:
        raise invalid("`codeableConcept` expects a CodeableConcept with codings")
    return [coding_of(each, "codeableConcept") for each in listed]


def resource_of(given: Input, name: str, type: str) -> Json | None:
    """The resource in that parameter, or the body itself, of that type. Raises invalid with its faults."""
    resource = given.one(name)
    if resource is None and given.resource is not None:
        resource = given.resource
    if resource is None:
        return None
    if not isinstance(resource, dict) or resource.get("resourceType") != type:
        raise invalid(f"`{name}` expects a {type}")
    write.refuse_faults(structure.validate(resource))
    return resource


async def of_instance(request: FhirRequest) -> Json | None:
    """The resource that the operation is called on; None where it is called on the type."""
    if len(request.path) != 3:
        return None
    stored = await request.repository.read(request.path[0], request.path[1])
    return document.decode(stored.body or b"{}")


def answer(*found: tuple[str, str, Any]) -> FhirResponse:
    """Parameters of these names, types and values; without those that have none."""
    told = [{"name": name, key: value} for name, key, value in found if value is not None]
    return FhirResponse(200, document.encode({"resourceType": "Parameters", "parameter": told}))


def canonical(url: str, version: str | None) -> str:
    """A canonical with the version that another parameter says."""
    return f"{url}|{version}" if version and "|" not in url else url
