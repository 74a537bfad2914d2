"""ValueSet `$validate-code`: whether a code is in a value set and is named rightly
(https://hl7.org/fhir/R4/valueset-operation-validate-code.html)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import codes, elsewhere, expand, parameters
from fhirhub.errors import required
from fhirhub.terminology import membership
from fhirhub.terminology.composition import compose
from fhirhub.terminology.concepts import languages_of
from fhirhub.terminology.membership import Judgement


async def validate_code(request: FhirRequest) -> FhirResponse:
    """`result`, with a `message` where it is false or could not be told, and the right `display`."""
    given = parameters.read(request)
    given.moment("date")
    abstract, languages = given.flag("abstract"), languages_of(given.text("displayLanguage"))
    library = request.repository.tenant.library
    value_set = await expand.asked_value_set(request, given)
    asked = codes.codings(given, "system", "systemVersion")
    is_told = given.text("context") is not None or given.flag("inferSystem")
    if given.text("code") is not None and asked[0].system is None and not is_told:
        raise required("`code` needs its `system` (or `inferSystem` true, or a `context`)")
    name = str(value_set.get("url") or "the value set")
    composition = await compose(library, value_set)
    judged = []
    for each in asked:
        if each.system is None and not is_told:
            text = f"The coding {each} has no system, without which a code means nothing"
            judged.append(Judgement(False, text))
            continue
        judged.append(
            await membership.in_value_set(
                library, composition, each, abstract=abstract, languages=languages, name=name
            )
        )
    best = next((each for each in judged if each.result), judged[0])
    if best.result is None and library.outside is not None and len(request.path) == 2:
        return await elsewhere.forward(request, library.outside)
    return codes.answer(
        ("result", "valueBoolean", bool(best.result)),
        ("message", "valueString", best.message),
        ("display", "valueString", best.display),
    )
