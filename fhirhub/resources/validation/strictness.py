"""What is looked at beyond what FHIR asks: what would run in a browser; and what an operator refuses, which are
unknown extensions, URLs of examples, and what looks like HTML in text
(https://hl7.org/fhir/R4/security.html#narrative, https://hl7.org/fhir/R4/extensibility.html#exchange)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhirhub.resources import document
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.model import Property, members
from fhirhub.resources.validation.examination import Examination, is_example

_has_tag = re.compile(r"</?[A-Za-z][\w:-]*(?:\s[^<>]*)?/?>|<!(?:--|[A-Za-z])").search


_ACTIVE = r"<(?:script|iframe|object|embed|applet)\b"
_is_active = re.compile(_ACTIVE, re.IGNORECASE).search
_may_be_active = re.compile(_ACTIVE.encode(), re.IGNORECASE).search


def may_be_active(resource: dict[str, Any]) -> bool:
    """Whether anything in a resource, or in those that it holds, looks like what a browser would run."""
    return _may_be_active(document.encode(resource)) is not None


def check_active(examination: Examination, item: Item) -> None:
    """Tell of strings with HTML that would run where a page shows them as they are; narratives may have none anyway."""
    for each in _primitives(examination, item):
        if each.type == "string" and (found := _is_active(each.value)):
            text = f"What a browser would run does not belong in a string; got `{each.value[found.start() :][:60]}`"
            examination.tell("warning", "security", text, each)


def check(examination: Examination, item: Item) -> None:
    """Tell what is refused in a resource, without the resources that it holds; `extensions` sees to unknown ones."""
    wanted = examination.strictness.refused
    html = {
        type
        for type, word in (("string", "html-in-strings"), ("markdown", "html-in-markdown"))
        if word in wanted
    }
    has_examples = "example-urls" in wanted
    if not html and not has_examples:
        return
    for each in _primitives(examination, item):
        if each.type in html and (found := _has_tag(each.value)):
            text = f"What looks like HTML is not allowed in a {each.type} here; got `{found[0][:60]}`"
            examination.tell("error", "security", text, each)
        elif has_examples and _names_something(each) and is_example(each.value):
            text = f"A URL of an example is not allowed here; got `{each.value[:200]}`"
            examination.tell("error", "value", text, each)


def _names_something(item: Item) -> bool:
    """Whether it is the name of a definition or of a system of codes or identifiers, and no address."""
    parent, property = item.parent, item.property
    if item.type == "canonical" or parent is None or property is None:
        return item.type == "canonical"
    is_url = property.name == "url" and parent.type == "Extension"
    return item.type == "uri" and (is_url or property.name == "system")


def _primitives(examination: Examination, item: Item) -> Iterator[Item]:
    """The texts of an element and of all below it."""
    examination.spend()
    ways = {way.key: way for choices in members(item.type).values() for way in choices}
    for key, value in item.value.items():
        way = ways.get(key.lstrip("_"))
        if way is None or way.type == "Resource":
            continue
        for position, each in enumerate(value) if isinstance(value, list) else ((-1, value),):
            if isinstance(each, dict):
                yield from _below(examination, item, way, key, position, each)
            elif isinstance(each, str) and way.primitive:
                yield Item(each, way.type, None, item, way, position)


def _below(
    examination: Examination, item: Item, way: Property, key: str, position: int, value: dict[str, object]
) -> Iterator[Item]:
    if key[:1] != "_":
        yield from _primitives(examination, Item(value, way.type, None, item, way, position))
        return
    # The extensions of a primitive value stand beside it.
    primitive = Item(None, way.type, value, item, way, position)
    extensions = value.get("extension")
    for number, each in enumerate(extensions if isinstance(extensions, list) else ()):
        if isinstance(each, dict):
            child = Item(each, "Extension", None, primitive, _EXTENSION, number)
            yield from _primitives(examination, child)


_EXTENSION = members("Element")["extension"][0]
