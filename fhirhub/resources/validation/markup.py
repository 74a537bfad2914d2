"""What narratives ask beyond being safe: links that lead somewhere, and elements in their places.

https://hl7.org/fhir/R4/narrative.html#xhtml, https://hl7.org/fhir/R4/references.html#canonical-fragments
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree

from fhirhub.errors import Severity
from fhirhub.resources import document
from fhirhub.resources.canonicals import CORE
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.validation.examination import Examination, Scope
from fhirhub.resources.validation.narrative import XHTML, is_plain

_parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):").match

_BLOCKS = frozenset({"div", "pre", "table", "ul", "ol"})
_WITHIN_NO_PARAGRAPH = _BLOCKS | {"p", "blockquote"}
_SMALL = {"b", "em", "i", "strong", "small", "big", "sub", "sup", "code", "tt"}
_ONCE = frozenset({"a", "dfn", "q", "var", "abbr", "acronym", "cite", "bdo", "kbd", "samp"} | _SMALL)
_PHRASES = _ONCE | {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "address", "span", "caption", "dd", "dt"}
_EMPTY = frozenset({"br", "img", "hr", "area"})
_WITHIN = {
    "tr": ("table", "thead", "tbody", "tfoot"),
    **dict.fromkeys(("tbody", "thead", "tfoot", "caption", "colgroup"), ("table",)),
    "col": ("colgroup", "table"),
    **dict.fromkeys(("td", "th"), ("tr",)),
    "li": ("ul", "ol"),
    **dict.fromkeys(("dd", "dt"), ("dl",)),
}
_HOLDS = {
    "table": ("caption", "colgroup", "col", "thead", "tfoot", "tbody", "tr"),
    "tr": ("td", "th"),
    **dict.fromkeys(("tbody", "thead", "tfoot"), ("tr",)),
    **dict.fromkeys(("ul", "ol"), ("li",)),
    "dl": ("dt", "dd"),
    "map": ("area",),
}


def is_quiet(div: str) -> bool:
    """Whether it is so plain that there is nothing to tell: paragraphs of text, without links."""
    return len(div) < _LONG and is_plain(div) is not None


_LONG = 2000


def check(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell what is wrong with the XHTML of a Narrative, once it is known to be well-formed and safe."""
    div = item.value.get("div")
    if not isinstance(div, str) or "<" not in div or is_plain(div):
        return
    try:
        root = etree.fromstring(div, _parser)
    except (etree.XMLSyntaxError, ValueError):
        return  # told already
    for fault in dict.fromkeys(_misplaced(root)):
        examination.tell("error", "invalid", f"Narrative.div {fault}", item, below=".div")
    for fault in dict.fromkeys(_dead_links(item, root)):
        examination.tell_beyond("invalid", f"Narrative.div {fault}", item, below=".div")


def _misplaced(root: etree._Element) -> Iterator[str]:
    """What HTML 4.0 does not let stand where it stands."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        name = _name(element)
        parent = element.getparent()
        around = None if parent is None else _name(parent)
        within = _WITHIN.get(name)
        if within is not None and around is not None and around not in within:
            yield f"may have {name} only within {' or '.join(within)}; here it is within {around}"
        holds = _HOLDS.get(name)
        if holds is not None:
            others = [_name(child) for child in element if _name(child) not in holds]
            texts = (element.text, *(child.tail for child in element))
            if any(text and text.strip() for text in texts):
                others.append("text")
            if others:
                yield f"may have only {', '.join(holds)} right within {name}; there is {others[0]}"
        if name in _EMPTY and (len(element) or (element.text or "").strip()):
            yield f"may have nothing within {name}"
        if name in _PHRASES:
            inner = {_name(each) for each in element.iterdescendants(etree.Element)}
            blocks = inner & (_WITHIN_NO_PARAGRAPH if name == "p" else _BLOCKS)
            if blocks:
                yield f"may have no {', '.join(sorted(blocks))} within {name}"
            if name in _ONCE and name in inner:
                yield f"may have no {name} within {name}"


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _dead_links(item: Item, root: etree._Element) -> Iterator[str]:
    """Links within the resource that lead to nothing, and such as no reader can follow."""
    for element in root.iter(f"{{{XHTML}}}a"):
        href = element.get("href")
        if href is None:
            continue
        if not href:
            yield "has a link that is empty"
        elif href.startswith("#"):
            if len(href) > 1 and not _has_id(item, href[1:]):
                yield f"links to {href[:80]}, which is no id in the resource"
        else:
            found = _scheme(href)
            if found is not None and found[1].lower() in ("urn", "cid"):
                yield f"links to {href[:80]}, which no reader can follow"
    for element in root.iter(f"{{{XHTML}}}img"):
        source = element.get("src") or ""
        if source.startswith("#") and not _has_id(item, source[1:]):
            yield f"shows the image {source[:80]}, which is no id in the resource"


def _has_id(item: Item, id: str) -> bool:
    """Whether anything in the whole document has that id: an element, a resource, or a part of a narrative."""
    while item.parent is not None:
        item = item.parent
    text = document.encode(item.value).decode()
    quoted = re.escape(id)
    return re.search(rf'"id":"{quoted}"|\b(?:id|name)=(?:\\"|\'){quoted}(?:\\"|\')', text) is not None


# What a profile asks of a narrative by extensions of its ElementDefinition.


class Control(NamedTuple):
    """What a profile asks of the parts of a narrative.

    `languages` are those that must have a section: a code of BCP 47, `_resource` for that of the resource, `_yes` for
    any; `_no` forbids sections. `untold` is how bad it is when a part does not tell where it comes from, None where
    that is not asked (https://hl7.org/fhir/extensions/StructureDefinition-narrative-source-control.html).
    """

    languages: tuple[str, ...]
    untold: Severity | None


_SEVERITIES: dict[str, Severity] = {"error": "error", "warning": "warning", "information": "information"}
_SOURCES = frozenset({"generated", "boilerplate", "original", "extensions", "additional"})
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def control(row: dict[str, Any]) -> Control | None:
    """What an ElementDefinition asks of a narrative beyond FHIR; None where it asks nothing."""
    given = [(each.get("url"), each.get("valueCode")) for each in row.get("extension", ())]
    languages = tuple(str(code) for url, code in given if url == f"{CORE}narrative-language-control")
    levels = [code for url, code in given if url == f"{CORE}narrative-source-control"]
    untold = _SEVERITIES.get(str(levels[0])) if levels else None
    return Control(languages, untold) if languages or untold is not None else None


def check_control(examination: Examination, scope: Scope, item: Item, asked: Control, profile: str) -> None:
    """Tell where a Narrative has not the parts that a profile asks for."""
    div = item.value.get("div")
    try:
        root = etree.fromstring(div, _parser) if isinstance(div, str) else None
    except (etree.XMLSyntaxError, ValueError):
        return  # told already
    if root is None:
        return
    for severity, fault in _uncontrolled(root, asked, scope.item.value.get("language")):
        examination.tell(severity, "business-rule", fault, item, below=".div", profile=profile)


def _uncontrolled(root: etree._Element, asked: Control, own: Any) -> Iterator[tuple[Severity, str]]:
    there = [section.get(_LANG) for section in root.iterchildren(f"{{{XHTML}}}div")]
    sections = {language for language in there if language is not None}
    told = ", ".join(sorted(sections)) or "none"
    for wanted in asked.languages:
        language = own if wanted == "_resource" else wanted
        if wanted == "_no":
            if sections:
                yield "error", f"Narrative.div may have no sections by language; got {told}"
        elif wanted == "_yes":
            if not sections:
                yield "error", "Narrative.div must have sections by language: <div xml:lang=...>"
        elif not sections:
            # A narrative that is not divided is in the resource's language.
            if language != own or own is None:
                yield (
                    "warning",
                    f"Narrative.div should have a section in the language {language or 'of the resource'}",
                )
        elif language is None:
            yield "warning", f"The resource should say its language: Narrative.div has sections in {told}"
        elif language not in sections:
            yield "error", f"Narrative.div must have a section in the language {language}; got {told}"
    if asked.untold is not None:
        for name, text in _parts_without_source(root):
            yield (
                asked.untold,
                f"Narrative.div: the {name} `{text[:30]}` has none of the classes {', '.join(sorted(_SOURCES))}, "
                "which tell where it comes from",
            )


def _parts_without_source(root: etree._Element) -> Iterator[tuple[str, str]]:
    """The parts right within the div, as what they are and their text."""
    for text in (root.text, *(child.tail for child in root)):
        if text and text.strip():
            yield "text", text.strip()
    for child in root:
        if isinstance(child.tag, str) and not _SOURCES & set((child.get("class") or "").split()):
            yield _name(child), " ".join("".join(map(str, child.itertext())).split())
