"""Granular scopes: those whose search parameters can be searched by here
(https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#finer-grained-resource-constraints-using-search-parameters)."""

from __future__ import annotations

from dataclasses import replace

from fhirhub.auth.scopes import Scope, Scopes
from fhirhub.errors import FhirError
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.request import parse

CONDITIONS = frozenset({"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_has"})
"""What begins with `_` and is about the resource, not about the answer."""


def searchable(asked: Scopes, parameters: Parameters) -> Scopes:
    """Without the scopes whose conditions cannot be kept: to grant them would be to grant more."""
    return replace(
        asked, resources=tuple(scope for scope in asked.resources if _can_be_kept(scope, parameters))
    )


def _can_be_kept(scope: Scope, parameters: Parameters) -> bool:
    if any(name.startswith("_") and name.partition(":")[0] not in CONDITIONS for name, _ in scope.query):
        return False
    try:
        search = parse(scope.type, list(scope.query), parameters) if scope.query else None
    except FhirError:
        return False
    return search is None or (not search.issues and len(search.used) == len(scope.query))
