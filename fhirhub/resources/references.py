"""References between resources: read, judged, found and rewritten (https://hl7.org/fhir/R4/references.html)."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
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
    links = []
    for holder, key, text, kind, path in _found(resource, resource.get("resourceType")):
        texts = _narrative_links(text) if kind == "narrative" else (text,)
        links += [Link(path or "", holder, key, each, kind) for each in texts]
    return links


class Versioned(NamedTuple):
    """A link to one version of what a mapping names: `holder[key]` is the link without that version.

    `link` is what was asked for in the mapping, `version` and `fragment` what stood behind it.
    """

    holder: Any
    key: Any
    link: str
    version: str
    fragment: str


def rewrite(resource: Json, mapping: Mapping[str, str], versioned: list[Versioned] | None = None) -> bool:
    """Put what the mapping says in the place of links to its keys, in the resource itself.

    In Reference, uri, url, oid, uuid and the narrative's href and src, also in extensions and contained
    resources; canonicals stay (https://hl7.org/fhir/R4/http.html#trules). A version or fragment that follows
    the link stays behind it; but with `versioned`, the version is taken out and the link added there. Says
    whether a Reference to a UUID or OID is left.
    """

    def renamed(match: re.Match[str]) -> str:
        new = _mapped(html.unescape(match["link"]), mapping)
        return match[0] if new is None else f"{match['before']}{html.escape(new)}{match['quote']}"

    left = False
    for holder, key, text, kind, _ in _found(resource, None):
        if kind == "narrative":
            if "href" in text or "src" in text:
                holder[key] = _NARRATIVE_LINK.sub(renamed, text)
        elif kind != "canonical" and (text in mapping or "#" in text or "/_history/" in text):
            if versioned is not None and "/_history/" in text:
                text = holder[key] = _taken_out(holder, key, text, mapping, versioned)
            text = holder[key] = _mapped(text, mapping) or text
        if kind == "reference" and text[:4] == "urn:":
            left = left or is_unresolved(text)
    return left


def is_unresolved(text: str) -> bool:
    """Whether a reference is one by UUID or OID, which means something beside the resource of that fullUrl alone."""
    return text.startswith(("urn:uuid:", "urn:oid:"))


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


def _taken_out(
    holder: Any, key: Any, text: str, mapping: Mapping[str, str], versioned: list[Versioned]
) -> str:
    """The text without the version of what the mapping names, which is noted."""
    stem, _, rest = text.partition("/_history/")
    if stem not in mapping or _mapped(text, mapping) is None:
        return text
    version, mark, fragment = rest.partition("#")
    versioned.append(Versioned(holder, key, stem, version, mark + fragment))
    return stem + mark + fragment


_Leaf = tuple[Any, Any, str, str, str | None]
"""A link's holder, key, text and kind, and its path where that was asked for."""

_Plan = dict[str, tuple[str, "_Plan | None"]]
"""By JSON key of a type: take the value as a link of some kind, or look inside by another plan.

Where both are missing there is a resource, which says itself what it is.
"""

_LINK_TYPES = frozenset(("uri", "url", "oid", "uuid", "canonical"))
_plans: dict[str, _Plan] = {}


def _plan(type: object) -> _Plan:
    """The plan of a type; empty for none."""
    if type.__class__ is not str or (type not in _plans and not _is_type(str(type))):
        return {}
    name = str(type)
    plan = _plans.get(name)
    if plan is None:
        plan = _plans[name] = {}
        for key, property in definitions.structure(name).properties.items():
            if property.type == "xhtml":
                plan[key] = ("narrative", None)
            elif property.type in _LINK_TYPES:
                plan[key] = (property.type, None)
            elif name == "Reference" and key == "reference":
                plan[key] = ("reference", None)
            elif property.type == "Resource":
                plan[key] = ("", None)
            elif definitions.structure(property.type).kind != "primitive-type":
                plan[key] = ("", _plan(property.type))
            if plan.get(key, ("narrative",))[0]:
                plan["_" + key] = ("", _plan("Element"))
    return plan


def _is_type(name: str) -> bool:
    try:
        definitions.structure(name)
    except KeyError:
        return False
    return True


def _found(resource: Json, path: str | None) -> list[_Leaf]:
    """Every link of a resource, with paths that begin with the one given."""
    found: list[_Leaf] = []
    _collect(resource, _plan(resource.get("resourceType")), path, found)
    return found


def _collect(node: Json, plan: _Plan, path: str | None, found: list[_Leaf]) -> None:
    """Add every link below. What does not have the form of the type is passed over."""
    for key, value in node.items():
        step = plan.get(key)
        if step is None:
            continue
        kind, inner = step
        below = None if path is None else f"{path}.{key}"
        if value.__class__ is str:
            if kind:
                found.append((node, key, value, kind, below))
        elif value.__class__ is dict:
            if not kind:
                _collect(value, _plan(value.get("resourceType")) if inner is None else inner, below, found)
        elif value.__class__ is list:
            for index, each in enumerate(value):
                at = None if below is None else f"{below}[{index}]"
                if each.__class__ is str:
                    if kind:
                        found.append((value, index, each, kind, at))
                elif each.__class__ is dict and not kind:
                    _collect(each, _plan(each.get("resourceType")) if inner is None else inner, at, found)
