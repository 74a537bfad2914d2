"""References between resources: read, judged, found and rewritten (https://hl7.org/fhir/R4/references.html)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from fhirhub.resources import definitions

Json = dict[str, Any]

_REST = re.compile(
    r"(?:(?P<base>https?://[^?#\s]+)/)?"
    r"(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?"
    r"(?:\#(?P<fragment>\S*))?"
)


class Target(NamedTuple):
    """What the text of a reference points to.

    `type` and `id` are filled for a RESTful reference, to this server where `base` is None; `fragment` is what
    follows `#`, and stands alone for a contained resource; `url` is the text without version and fragment.
    """

    url: str
    type: str | None = None
    id: str | None = None
    version: str | None = None
    base: str | None = None
    fragment: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it names a resource of this server."""
        return self.type is not None and self.base is None

    @property
    def is_contained(self) -> bool:
        """Whether it points into the resource that holds it; `#` alone means that resource itself."""
        return not self.url and self.fragment is not None


def parse(text: str, base: str | None = None) -> Target:
    """The target of a Reference.reference; `base` is this server's own base URL, whose resources are local.

    What is neither RESTful nor a fragment (a urn, another URL) has its `url` alone.
    """
    match = _REST.fullmatch(text)
    if match is None or not definitions.is_resource_type(match["type"]):
        url, mark, fragment = text.partition("#")
        return Target(url, fragment=fragment if mark else None)
    stated, type, id, version, fragment = match.group("base", "type", "id", "version", "fragment")
    if stated is not None and base is not None and stated == base.rstrip("/"):
        stated = None
    return Target(f"{stated}/{type}/{id}" if stated else f"{type}/{id}", type, id, version, stated, fragment)


def canonical(text: str) -> Target:
    """The target of a canonical: its URL, the version after `|` and the fragment after `#`."""
    url, bar, rest = text.partition("|")
    if bar:
        version, mark, fragment = rest.partition("#")
    else:
        version, (url, mark, fragment) = "", url.partition("#")
    return Target(url, version=version or None, fragment=fragment if mark else None)


def target_type(reference: Json, container: Json | None = None) -> str | None:
    """The resource type that a Reference says it points to; None where it does not tell.

    By its text, by the resource contained in `container`, or by `Reference.type`.
    """
    text = reference.get("reference")
    if isinstance(text, str):
        target = parse(text)
        if target.type is not None:
            return target.type
        if target.is_contained and container is not None:
            contained = find_contained(container, target.fragment or "")
            if contained is not None:
                return _text(contained.get("resourceType"))
    type = _text(reference.get("type"))
    return type.rpartition("/")[2] if type else None


def find_contained(container: Json, id: str) -> Json | None:
    """The contained resource of that id; the container itself for ''."""
    if not id:
        return container
    contained: list[Json] = container.get("contained") or []
    return next((resource for resource in contained if resource.get("id") == id), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
