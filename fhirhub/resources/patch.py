"""Changes to a resource: JSON Patch (RFC 6902) and FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html).

Both make a new resource and leave the given one as it is. An operation that cannot be read is answered with
400, one that cannot be applied to this content with 422.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.resources import document
from fhirhub.resources.fhirpath_patch import FhirpathPatch
from fhirhub.resources.json_patch import JsonPatch, copied

Json = dict[str, Any]


def json_patch(resource: Json, operations: Sequence[Any]) -> Json:
    """The resource with the operations of a JSON Patch applied, all or none.

    Raises FhirError: 400 for what is no JSON Patch, 422 for an operation that does not fit the resource or a
    `test` that fails. Arrays and objects that a removal has left empty go too, as FHIR has none.
    """
    patch = JsonPatch(copied(resource))
    try:
        for number, operation in enumerate(operations):
            patch.apply(number, operation)
        return _checked(resource, _pruned(patch.document, patch.emptied))
    except RecursionError:
        raise _too_deep() from None


def fhirpath_patch(resource: Json, parameters: Json) -> Json:
    """The resource with the operations of a FHIRPath Patch (a Parameters resource) applied, all or none.

    Raises FhirError: 400 for what is no such patch, 422 for an operation that does not fit the resource.
    """
    patch = FhirpathPatch(copied(resource))
    operations = parameters.get("parameter") or []
    for number, operation in enumerate(operations):
        patch.apply(f"Parameters.parameter[{number}]", operation)
    return _checked(resource, _pruned(patch.resource, patch.emptied))


def _checked(before: Json, after: Any) -> Json:
    if not isinstance(after, dict):
        raise errors.processing("The patch leaves no resource.")
    for key in ("resourceType", "id"):
        if after.get(key) != before.get(key):
            raise errors.processing(f"A patch cannot change `{key}`.", f"{before.get('resourceType')}.{key}")
    if document.is_deeper(after):
        raise _too_deep()
    return after


def _too_deep() -> FhirError:
    return errors.processing(f"The patched resource nests more than {document.MAX_DEPTH} deep.")


def _pruned(value: Any, emptied: dict[int, Any]) -> Any:
    """The value without what removals left empty; `emptied` holds, by identity, where something was removed."""
    if not emptied:
        return value
    if value.__class__ is dict:
        for key in list(value):
            child = _pruned(value[key], emptied)
            if id(child) in emptied and (not child or _is_void(child, key, value)):
                del value[key]
                emptied[id(value)] = value
    elif value.__class__ is list:
        kept = [child for child in value if _pruned(child, emptied) or id(child) not in emptied]
        if len(kept) < len(value):
            value[:] = kept
            emptied[id(value)] = value
    return value


def _is_void(child: Any, key: str, parent: Json) -> bool:
    """Whether it is a list of nulls that stand for nothing beside them."""
    if child.__class__ is not list or any(each is not None for each in child):
        return False
    return key.startswith("_") or "_" + key not in parent
