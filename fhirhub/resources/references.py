"""References between resources: read, judged, found and rewritten (https://hl7.org/fhir/R4/references.html)."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Mapping
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


class Link(NamedTuple):
    """A link in a resource: `holder[key]` is its text, or holds it where `kind` is narrative.

    `kind` is reference, uri, url, oid, uuid, canonical or narrative; `path` a FHIRPath such as
    `CarePlan.activity[0].reference.reference`.
    """

    path: str
    holder: Any
    key: Any
    text: str
    kind: str


def walk(resource: Json) -> list[Link]:
    """Every link in a resource, in its order, as the definitions tell: extensions and contained resources too.

    An href or src of the narrative is a link of kind narrative, its text unescaped.
    """
    found: list[Link] = []

    def note(holder: Any, key: Any, text: str, kind: str, path: str | None) -> None:
        if kind == "narrative":
            found.extend(Link(path or "", holder, key, link, kind) for link in _narrative_links(text))
        else:
            found.append(Link(path or "", holder, key, text, kind))

    type = resource.get("resourceType")
    _visit(resource, type, note, type)
    return found


def rewrite(resource: Json, mapping: Mapping[str, str]) -> None:
    """Put what the mapping says in the place of links to its keys, in the resource itself.

    In Reference, uri, url, oid, uuid and the narrative's href and src, also in extensions and contained
    resources; canonicals stay (https://hl7.org/fhir/R4/http.html#trules). A version or fragment that follows
    the link stays behind it.
    """

    def replace(holder: Any, key: Any, text: str, kind: str, path: str | None) -> None:
        if kind == "narrative":
            if "href" in text or "src" in text:
                holder[key] = _NARRATIVE_LINK.sub(renamed, text)
        elif kind != "canonical":
            new = _mapped(text, mapping)
            if new is not None:
                holder[key] = new

    def renamed(match: re.Match[str]) -> str:
        new = _mapped(html.unescape(match["link"]), mapping)
        return match[0] if new is None else f"{match['before']}{html.escape(new)}{match['quote']}"

    _visit(resource, resource.get("resourceType"), replace, None)


_NARRATIVE_LINK = re.compile(
    r"""(?P<before><(?:a|img)\s(?:[^<>]*?\s)?(?:href|src)\s*=\s*(?P<quote>["']))(?P<link>[^"'<>]*)(?P=quote)"""
)


def _narrative_links(text: str) -> list[str]:
    return [html.unescape(match["link"]) for match in _NARRATIVE_LINK.finditer(text)]


_TAIL = re.compile(r"(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:\#.*)?", re.DOTALL)


def _mapped(text: str, mapping: Mapping[str, str]) -> str | None:
    """What takes the place of the text; None where nothing does."""
    new = mapping.get(text)
    if new is None and ("#" in text or "/_history/" in text):
        stem = text.partition("#")[0].partition("/_history/")[0]
        if stem and stem in mapping and _TAIL.fullmatch(text, len(stem)):
            new = mapping[stem] + text[len(stem) :]
    return new


_Visitor = Callable[[Any, Any, str, str, "str | None"], None]
"""Called with the holder, key, text, kind and path of each link; the path is None where not asked for."""

_LINK_TYPES = frozenset(("uri", "url", "oid", "uuid", "canonical"))


@functools.cache
def _plan(type: str) -> Mapping[str, tuple[str, str]]:
    """By JSON key of a type, what to do with it: take it as a link of some kind, or look inside as some type."""
    plan: dict[str, tuple[str, str]] = {}
    try:
        structure = definitions.structure(type)
    except KeyError:
        return plan
    for key, property in structure.properties.items():
        if property.type == "xhtml":
            plan[key] = ("narrative", "")
        elif property.type in _LINK_TYPES:
            plan[key] = (property.type, "")
        elif type == "Reference" and key == "reference":
            plan[key] = ("reference", "")
        elif definitions.structure(property.type).kind != "primitive-type":
            plan[key] = ("", property.type)
        if property.type == "xhtml" or definitions.structure(property.type).kind == "primitive-type":
            plan["_" + key] = ("", "Element")
    return plan


def _visit(node: Json, type: Any, visitor: _Visitor, path: str | None) -> None:
    """Show every link below to the visitor. What does not have the form of the type is passed over."""
    if type == "Resource":
        type = node.get("resourceType")
    plan = _plan(type) if type.__class__ is str else {}
    for key, value in node.items():
        step = plan.get(key)
        if step is None:
            continue
        kind, inner = step
        below = None if path is None else f"{path}.{key}"
        if value.__class__ is not list:
            if kind:
                if value.__class__ is str:
                    visitor(node, key, value, kind, below)
            elif value.__class__ is dict:
                _visit(value, inner, visitor, below)
            continue
        for index, each in enumerate(value):
            at = None if below is None else f"{below}[{index}]"
            if kind:
                if each.__class__ is str:
                    visitor(value, index, each, kind, at)
            elif each.__class__ is dict:
                _visit(each, inner, visitor, at)
