"""What a caller is told who may not have or write something, or not so."""

from __future__ import annotations

from typing import Any

from fhirhub import errors
from fhirhub.resources import masking
from fhirhub.store.versions import Stored

Json = dict[str, Any]


class Conflict(Exception):
    """Somebody else wrote the resource first."""


def unknown(type: str, id: str) -> errors.FhirError:
    return errors.not_found(f"There is no {type}/{id}.")


def forbidden(letter: str, type: str) -> errors.FhirError:
    """403: what may be seen and not be written so."""
    if (letter, type) == ("c", "Patient"):
        return errors.forbidden(
            "A Patient is not created directly: `Patient/$register` finds or makes the one of a BSN."
        )
    if (letter, type) == ("c", "Appointment"):
        return errors.forbidden(
            "You may not create this Appointment: a visit or meeting is about a patient whom you may write for, who is "
            "among its participants (`participant.actor`)."
        )
    return errors.forbidden(
        f"You may not {_DOING[letter]} this {type}: your role, your place with this patient or what you granted "
        "the app does not allow it."
    )


def gone(stored: Stored) -> errors.FhirError:
    return errors.deleted(
        f"{stored.type}/{stored.id} was deleted. Its earlier versions are in its history; an update brings it back.",
        headers={"ETag": f'W/"{stored.version}"'},
    )


def stale(type: str, id: str, wanted: int, current: Stored | None) -> errors.FhirError:
    """412 for an If-Match that is not the current version."""
    is_now = "there is none" if current is None else f"the current one is {current.version}"
    return errors.conflict(
        f"If-Match asks for version {wanted} of {type}/{id}, but {is_now}. Read it again and try on that.",
        412,
    )


def refuse_part(resource: Json) -> None:
    """Raises an error for what says itself that it is a part of a resource: written, it would take the place of the
    whole. What the hub did not show to a caller with limits has been put back before, and the tag taken away."""
    if masking.is_part(resource):
        raise errors.business_rule(
            "The tag SUBSETTED says that this is a part of a resource, as `_summary`, `_elements` and other searches "
            "give it; written, it would erase the rest. Read the whole resource first and change that, or PATCH it.",
            f"{resource['resourceType']}.meta.tag",
        )


_DOING = {"c": "create", "u": "change", "d": "delete"}
