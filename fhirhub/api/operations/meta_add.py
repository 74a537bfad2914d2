"""$meta-add: profiles, tags and security labels onto a resource
(https://hl7.org/fhir/R4/resource-operation-meta-add.html). The resource gets a new version."""

from __future__ import annotations

from typing import Any

from fhirhub.api import conditions
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import meta, parameters
from fhirhub.api.write import refuse_faults
from fhirhub.errors import required
from fhirhub.resources.validation import structure


async def meta_add(request: FhirRequest) -> FhirResponse:
    """The meta of the resource after these labels were added."""
    given = labels(request)

    def add(resource: Json) -> Json:
        own = resource.setdefault("meta", {})
        for name in meta.LISTS:
            known = {meta.key(label) for label in own.get(name, ())}
            new = [label for label in given.get(name, ()) if meta.key(label) not in known]
            if new:
                own[name] = [*own.get(name, ()), *new]
        refuse_faults(structure.validate(resource), status=422)
        return resource

    type, id, _ = request.path
    written = await request.repository.patch(
        type, id, add, if_match=await conditions.expected(request, type, id)
    )
    return meta.shown(written.stored)


def labels(request: FhirRequest) -> dict[str, Any]:
    """The `meta` of the input."""
    given = parameters.read(request)
    content = given.one("meta")
    if not isinstance(content, dict):
        raise required("The body is Parameters with `meta`, a valueMeta of profiles, tags or security labels")
    return content
