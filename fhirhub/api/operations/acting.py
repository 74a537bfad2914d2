"""Who calls an operation of shared care, and its input as FHIR data."""

from __future__ import annotations

from typing import Any

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.api.exchange import FhirRequest, Json
from fhirhub.api.operations.parameters import Input


def actor(request: FhirRequest) -> Actor:
    """Who acts. Raises `business-rule` where nobody signs in."""
    found = request.repository.asker.actor
    if found is None:
        raise errors.business_rule(
            f"`{request.path[-1]}` records who does it, so it is had with sign-in alone: serve with `--auth smart`."
        )
    return found


def provider(request: FhirRequest) -> Actor:
    """The professional or backend of a care provider who acts. Raises `forbidden` for anybody else."""
    found = actor(request)
    if (
        not found.provider
        or found.column not in ("doctor", "treating", "backend")
        or found.organization is None
    ):
        raise errors.forbidden(f"`{request.path[-1]}` is for professionals and backends of care providers.")
    return found


def concept(given: Input, name: str) -> Json:
    """A CodeableConcept that must be there. Raises `required` and `invalid`."""
    value = required(given, name)
    if not isinstance(value, dict) or not (value.get("coding") or value.get("text")):
        raise errors.invalid(f"`{name}` expects a CodeableConcept with a coding or a text")
    return value


def date(given: Input, name: str) -> str:
    """A whole date that must be there."""
    value = required(given, name)
    if not isinstance(value, str) or len(value) != 10 or given.moment(name) is None:
        raise errors.invalid(f"`{name}` expects a date such as 1950-01-31")
    return value


def required(given: Input, name: str) -> Any:
    """A parameter that must be there."""
    value = given.one(name)
    if value in (None, ""):
        raise errors.required(f"`{name}` is needed")
    return value


def words(concept: Json) -> str:
    """A CodeableConcept as people read it."""
    codings = concept.get("coding", ())
    return str(concept.get("text") or next((one.get("display") or one.get("code") for one in codings), ""))
