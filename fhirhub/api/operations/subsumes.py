"""CodeSystem `$subsumes`: how two codes stand to each other
(https://hl7.org/fhir/R4/codesystem-operation-subsumes.html)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import codes, parameters
from fhirhub.api.operations.parameters import Input
from fhirhub.errors import error, invalid, not_supported, required
from fhirhub.terminology import systems


async def subsumes(request: FhirRequest) -> FhirResponse:
    """`outcome`: equivalent, subsumes, subsumed-by or not-subsumed."""
    given = parameters.read(request)
    library = request.repository.tenant.library
    resource = await codes.of_instance(request)
    url = given.text("system")
    if resource is not None:
        if url is not None and url != resource.get("url"):
            raise invalid(f"This CodeSystem is {resource.get('url')}; `system` says {url}")
        url = str(resource.get("url", ""))
    first, second = _code(given, "A", url), _code(given, "B", url)
    named = {each[0] for each in (first, second) if each[0]}
    if len(named) > 1:
        raise not_supported(
            f"Codes of one code system can be compared; got {' and '.join(sorted(named))}", 422
        )
    if not named:
        raise required("`system` says which code system the codes are of")
    (wanted,) = named
    version = given.text("version")
    if resource is not None:
        system: systems.CodeSystem | None = library.of_resource(resource)
    else:
        system = await library.system(wanted, version)
    if system is None:
        raise await library.unknown_system(wanted, version)
    found = await system.get([first[1], second[1]])
    for _, code in (first, second):
        if code not in found:
            raise error(404, "not-found", f"The code system {wanted} has no code `{code[:100]}`")
    outcome = await systems.subsumption(system, found[first[1]].code, found[second[1]].code)
    return codes.answer(("outcome", "valueCode", outcome))


def _code(given: Input, which: str, url: str | None) -> tuple[str | None, str]:
    """System and code of one of the two."""
    code, coding = given.text(f"code{which}"), given.one(f"coding{which}")
    if (code is None) == (coding is None):
        raise required(f"`code{which}` or `coding{which}` is needed, one of the two")
    if code is not None:
        return url, code
    found = codes.coding_of(coding, f"coding{which}")
    return found.system or url, found.code
