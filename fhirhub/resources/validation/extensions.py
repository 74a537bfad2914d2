"""Extensions against their definitions: known or not, at the right place, with the right content.

https://hl7.org/fhir/R4/extensibility.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhirhub.resources import definitions, fhirpath
from fhirhub.resources.canonicals import CORE, type_of
from fhirhub.resources.fhirpath import FhirpathError, Item
from fhirhub.resources.fhirpath.environment import MOST_STEPS
from fhirhub.resources.validation import datatypes, wording
from fhirhub.resources.validation.conforming import Check
from fhirhub.resources.validation.examination import Examination, Scope, is_example
from fhirhub.resources.validation.profiles import Node, Profile

Json = dict[str, Any]


# Contexts that R4 publishes too narrowly: its own definitions use these extensions there, and the extensions
# as they are published now allow it.
_CONTEXTS = {
    CORE + "structuredefinition-fhir-type": ("ElementDefinition.type",),
    CORE + "structuredefinition-normative-version": ("CanonicalResource", "ElementDefinition"),
    CORE + "regex": ("ElementDefinition.type",),
}


def check(checking: Check, scope: Scope, item: Item) -> None:
    """Tell what is wrong with an extension where it stands."""
    url = item.value.get("url")
    if not isinstance(url, str):
        return
    examination = checking.examination
    is_modifier = item.property is not None and item.property.name == "modifierExtension"
    parent = item.parent
    if parent is not None and parent.type == "Extension" and ":" not in url:
        _check_part(checking, item, parent, url)
        return
    fault = datatypes.uri_fault(url)
    if fault is not None:
        examination.tell("error", "value", f"url {fault}", item, below=".url")
        return
    if not datatypes.is_absolute(url):
        text = f"The url of an extension is absolute; only the parts of one have names: got `{url[:120]}`"
        examination.tell("error", "value", text, item, below=".url")
        return
    if "|" in url:
        text = f"The url of an extension has no version: {url.partition('|')[0]}; got `{url[:120]}`"
        examination.tell("error", "value", text, item, below=".url")
    profile = checking.profiles.get(url.partition("|")[0])
    if profile is None:
        _tell_unknown(checking, item, url, is_modifier)
        return
    if profile.type != "Extension":
        text = f"{url} is a profile of {profile.type}, no extension"
        examination.tell("error", "extension", text, item, below=".url")
        return
    if is_modifier != profile.is_modifier:
        stands = "modifierExtension" if profile.is_modifier else "extension"
        text = (
            f"The extension {url} is {'a' if profile.is_modifier else 'no'} modifier: it stands in {stands}"
        )
        examination.tell("error", "extension", text, item)
    _check_context(examination, scope, item, profile)
    checking.profile(scope, item, profile)


def _check_part(checking: Check, item: Item, parent: Item, url: str) -> None:
    """Whether a part of a complex extension is one that its definition has."""
    node = _node(checking, parent)
    if node is None:
        return
    parts = [slice for child in node.children if child.name == "extension" for slice in child.slices]
    names = [name for part in parts if (name := _url_of(part)) is not None]
    if parts and len(names) == len(parts) and url not in names:
        text = f"The extension {node.profile.url} has the parts {wording.listed(names)}; got `{url[:80]}`"
        checking.examination.tell("error", "extension", text, item, below=".url", profile=node.profile.url)


def _node(checking: Check, item: Item) -> Node | None:
    """What defines an extension: the root of its definition, or a part of that around it."""
    url = item.value.get("url")
    if not isinstance(url, str):
        return None
    if "/" in url or ":" in url:
        profile = checking.profiles.get(url.partition("|")[0])
        return profile.root if profile is not None else None
    outer = item.parent
    node = _node(checking, outer) if outer is not None and outer.type == "Extension" else None
    for child in node.children if node is not None else ():
        for slice in child.slices if child.name == "extension" else ():
            if _url_of(slice) == url:
                return slice
    return None


def _url_of(slice: Node) -> str | None:
    for child in slice.children:
        if child.name == "url" and isinstance(child.fixed, str):
            return child.fixed
    return next((each.partition("|")[0] for found in slice.type_profiles.values() for each in found), None)


def _tell_unknown(checking: Check, item: Item, url: str, is_modifier: bool) -> None:
    fault = checking.profiles.faults.get(url)
    reason = f"could not be read: {fault}" if fault is not None else "is not known here"
    if is_modifier:
        text = f"The modifier extension {url[:200]} {reason}, so what it modifies cannot be understood"
        checking.examination.tell("error", "extension", text, item, below=".url")
    elif _is_of_hl7(url) and fault is None:
        text = f"HL7 has published no extension {url[:200]}"
        checking.examination.tell("error", "extension", text, item, below=".url")
    elif checking.examination.strictness.refuses_extension(url):
        text = f"The extension {url[:200]} {reason}, and unknown extensions are not allowed here"
        checking.examination.tell("error", "extension", text, item, below=".url")
    elif fault is None and not is_example(url) and checking.examination.canonicals.has_neighbours(url):
        text = f"The extension {url[:200]} is not among those that are known here of its publisher"
        checking.examination.tell_beyond("extension", text, item, below=".url")
    else:
        text = f"The extension {url[:200]} {reason}, so its content was not checked"
        checking.examination.tell("information", "extension", text, item, below=".url")


def _is_of_hl7(url: str) -> bool:
    """Whether it stands in the name space of FHIR itself, where all that there is, is known; guides and the elements
    of other versions (https://hl7.org/fhir/R4/versions.html#extensions) have places of their own in it."""
    return url.startswith("http://hl7.org/fhir/") and _is_elsewhere(url) is None


_is_elsewhere = re.compile(
    r"http://hl7\.org/fhir/(?:[a-z0-9-]+/[a-z0-9.-]+/StructureDefinition/"
    r"|[1-9]\.\d/StructureDefinition/extension-|tools/|build/|tests?/)"
).match


def _check_context(examination: Examination, scope: Scope, item: Item, profile: Profile) -> None:
    """Whether it may stand here (https://hl7.org/fhir/R4/defining-extensions.html#context)."""
    more = _CONTEXTS.get(profile.url, ())
    contexts = [
        *profile.definition.get("context", ()),
        *({"type": "element", "expression": each} for each in more),
    ]
    parent = item.parent
    if parent is None or not contexts:
        return
    names = set(_names(parent))
    if not any(_is_context(examination, scope, parent, names, each) for each in contexts):
        allowed = wording.listed(str(each.get("expression")) for each in contexts)
        text = f"The extension {profile.url} may stand on {allowed}; this is {_where(parent)}"
        examination.tell("error", "extension", text, item)
    for expression in profile.definition.get("contextInvariant", ()):
        if _holds(examination, scope, parent, str(expression)) is False:
            text = f"The extension {profile.url} may stand only where `{expression}`"
            examination.tell("error", "extension", text, item)


def _is_context(examination: Examination, scope: Scope, parent: Item, names: set[str], context: Json) -> bool:
    kind, expression = context.get("type"), str(context.get("expression", ""))
    if kind == "element":
        wanted = expression.removeprefix("@").replace("[x]", "")
        wanted = wanted.removeprefix(CORE) if type_of(wanted) is not None else wanted
        if wanted in names or wanted == "Element":  # R4's own extensions mean resources by it too
            return True
        if "#" in wanted:
            wanted = wanted.partition("#")[2]
            return wanted in names
        if "/" in wanted:  # a profile: what it is one of must fit
            definition = examination.canonicals.find("StructureDefinition", wanted)
            return definition is None or str(definition.get("type")) in names
        return False
    if kind == "extension":
        url, _, rest = expression.partition("#")
        at = parent if not rest else parent.parent
        if parent.type != "Extension":
            return False
        own = parent.value.get("url")
        if rest:
            return own == rest and at is not None and at.type == "Extension" and at.value.get("url") == url
        return bool(own == url)
    if kind == "fhirpath":
        found = _evaluate(examination, scope, expression)
        return found is None or any(
            each.value is parent.value and (each.path == parent.path or isinstance(parent.value, dict))
            for each in found
        )
    return True


def _names(parent: Item) -> Iterator[str]:
    """The names by which a context may mean the element: its types, and the paths that lead to it."""
    for name in _types(parent.type):
        yield name
    if definitions.is_resource_type(parent.type):
        if {"url", "status"} <= definitions.structure(parent.type).properties.keys():
            # Of R5, and of the extensions that are published for R4 with it.
            yield from ("CanonicalResource", "MetadataResource")
        return
    at: Item | None = parent
    tail = ""
    while at is not None and at.property is not None and at.parent is not None:
        tail = f".{at.property.name}{tail}"
        at = at.parent
        for name in _types(at.type):
            yield name + tail
        if definitions.is_resource_type(at.type):
            return


def _types(name: str) -> Iterator[str]:
    current: str | None = name
    while current is not None:
        yield current
        try:
            current = definitions.structure(current).base
        except KeyError:
            return


def _where(item: Item) -> str:
    return re.sub(r"\[\d+\]", "", item.path or item.type)


def _evaluate(examination: Examination, scope: Scope, expression: str) -> list[Item] | None:
    environment = scope.environment(examination)
    environment.steps = MOST_STEPS
    try:
        return fhirpath.compile(expression)(scope.item, environment)
    except FhirpathError:
        return None


def _holds(examination: Examination, scope: Scope, parent: Item, expression: str) -> bool | None:
    environment = scope.environment(examination)
    environment.steps = MOST_STEPS
    environment.variables = {"extension": None}
    try:
        return fhirpath.compile(expression).holds(parent, environment)
    except FhirpathError:
        return None
