"""$meta-delete: profiles, tags and security labels off a resource
(https://hl7.org/fhir/R4/resource-operation-meta-delete.html). The resource gets a new version."""

from __future__ import annotations

from fhirhub.api import conditions
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import meta
from fhirhub.api.operations.meta_add import labels


async def meta_delete(request: FhirRequest) -> FhirResponse:
    """The meta of the resource after these labels were taken away; one that is not there is no fault."""
    given = labels(request)

    def remove(resource: Json) -> Json:
        own = resource.get("meta", {})
        for name in meta.LISTS:
            unwanted = {meta.key(label) for label in given.get(name, ())}
            left = [label for label in own.get(name, ()) if meta.key(label) not in unwanted]
            if left:
                own[name] = left
            else:
                own.pop(name, None)
        return resource

    type, id, _ = request.path
    written = await request.repository.patch(
        type, id, remove, if_match=await conditions.expected(request, type, id)
    )
    return meta.shown(written.stored)
