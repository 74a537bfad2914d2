"""Whether a narrative is well-formed XHTML of the safe kind (https://hl7.org/fhir/R4/narrative.html#xhtml)."""

from __future__ import annotations

import re

from lxml import etree

from fhirhub.resources.validation.faults import Fault

XHTML = "http://www.w3.org/1999/xhtml"
_XML = "{http://www.w3.org/XML/1998/namespace}"


def check(div: str) -> list[Fault]:
    """The faults of a `div`, none if it is right.

    Allowed are the elements and attributes of chapters 7 to 11 (without 9.4) and 15 of HTML 4.0, `a`, images
    and `style` attributes; nothing active: no scripts, forms, frames, event attributes or script links.
    """
    if is_plain(div) and "]]>" not in div and _has_text(div):
        return []
    if not _OPENS.match(div):
        return [Fault("", "structure", f'expects XHTML that begins with <div xmlns="{XHTML}">')]
    if "<!DOCTYPE" in div:
        return [Fault("", "structure", "may have no DOCTYPE")]
    try:
        root = etree.fromstring(div, _parser)
    except etree.XMLSyntaxError as fault:
        return [Fault("", "structure", f"expects well-formed XHTML: {_in_words(fault)}")]
    except ValueError as fault:  # characters that XML does not have
        return [Fault("", "structure", f"expects well-formed XHTML: {fault}")]
    faults = list(dict.fromkeys(_faults(root)))
    if not _has_content(root):
        faults.append(Fault("", "invariant", "must have some text or an image", "txt-2"))
    return faults


# What most narratives are needs no parser: paragraphs and lines of text, with bold and italic parts.
_TEXT = r"[^<&\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]++|&(?:amp|lt|gt|quot|apos);"
_LINE = rf"(?:{_TEXT}|<br ?/>|<(?P<part>b|i|em|strong)>(?:{_TEXT})*+</(?P=part)>)*+"
is_plain = re.compile(
    rf'<div xmlns="{XHTML}">(?:{_TEXT}|<br ?/>|<(?P<block>p|h[1-6])>{_LINE}</(?P=block)>)*+</div>'
).fullmatch
_has_text = re.compile(r">[ \t\r\n]*+[^< \t\r\n]").search
_OPENS = re.compile(r"\s*<div[\s>/]")
_parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)

_ANYWHERE = "id class style title lang dir accesskey tabindex align valign width height char charoff"
_ELEMENTS = {
    "a": "href name charset type hreflang rel rev shape coords",
    "abbr": "",
    "acronym": "",
    "address": "",
    "area": "href alt shape coords nohref",
    "b": "",
    "bdo": "",
    "big": "",
    "blockquote": "cite",
    "br": "clear",
    "caption": "",
    "cite": "",
    "code": "",
    "col": "span",
    "colgroup": "span",
    "dd": "",
    "dfn": "",
    "div": "",
    "dl": "compact",
    "dt": "",
    "em": "",
    "h1": "",
    "h2": "",
    "h3": "",
    "h4": "",
    "h5": "",
    "h6": "",
    "hr": "noshade size",
    "i": "",
    "img": "src alt longdesc usemap ismap border hspace vspace name",
    "kbd": "",
    "li": "type value",
    "map": "name",
    "ol": "type start compact",
    "p": "",
    "pre": "",
    "q": "cite",
    "samp": "",
    "small": "",
    "span": "",
    "strong": "",
    "sub": "",
    "sup": "",
    "table": "summary border frame rules cellspacing cellpadding bgcolor",
    "tbody": "",
    "td": "abbr axis headers scope rowspan colspan nowrap bgcolor",
    "tfoot": "",
    "th": "abbr axis headers scope rowspan colspan nowrap bgcolor",
    "thead": "",
    "tr": "bgcolor",
    "tt": "",
    "ul": "type compact",
    "var": "",
}
_ALLOWED = {
    f"{{{XHTML}}}{name}": frozenset(f"{_ANYWHERE} {own}".split()) | {f"{_XML}lang", f"{_XML}space"}
    for name, own in _ELEMENTS.items()
}
_LINKS = frozenset({"href", "src", "cite", "longdesc", "usemap"})
_SCHEMES = frozenset({"http", "https", "ftp", "mailto", "tel", "fax", "sms", "urn", "cid"})
_scheme = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE).match
_ignored_in_links = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]+")
_is_inert = re.compile(
    r"data:(?:image/(?:png|gif|jpeg|jpg|webp|bmp)|application/(?:octet-stream|pdf)|text/plain)[;,]",
    re.IGNORECASE,
).match
_is_active_style = re.compile(
    r"javascript:|vbscript:|expression\s*\(|behaviou?r\s*:|-moz-binding|@import|\\", re.IGNORECASE
).search


def _faults(root: etree._Element) -> list[Fault]:
    faults = []
    for element in root.iter():
        tag = element.tag
        if not isinstance(tag, str):
            faults.append(_forbidden("may have no processing instructions or entities"))
            continue
        allowed = _ALLOWED.get(tag)
        if allowed is None:
            faults.append(_forbidden(_element_fault(tag)))
            continue
        for name, value in element.attrib.items():
            assert isinstance(name, str)
            assert isinstance(value, str)
            if name not in allowed:
                faults.append(_forbidden(f"may not have the attribute {_local(name)} on {_local(tag)}"))
            elif name in _LINKS and not _is_safe_link(value):
                text = f"may not link to {value[:60]!r}: only to the web, mail, telephones and inert data"
                faults.append(_forbidden(text))
            elif name == "style" and _is_active_style(value):
                faults.append(_forbidden(f"may not have the active style {value[:60]!r}"))
    return faults


def _forbidden(text: str) -> Fault:
    return Fault("", "invariant", text, "txt-1")


def _element_fault(tag: str) -> str:
    namespace, _, name = tag.rpartition("}")
    if namespace != f"{{{XHTML}":
        return f'expects {name} in the XHTML namespace: <div xmlns="{XHTML}">'
    return f"may not have the element {name}; allowed are {', '.join(_ELEMENTS)}"


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _is_safe_link(value: str) -> bool:
    """Browsers pass over white space and control characters in an address, so the check does too."""
    address = _ignored_in_links.sub("", value)
    found = _scheme(address)
    return found is None or found.group(1).lower() in _SCHEMES or _is_inert(address) is not None


def _has_content(root: etree._Element) -> bool:
    if any(isinstance(text, str) and text.strip(" \t\r\n") for text in root.itertext()):
        return True
    return root.find(f".//{{{XHTML}}}img") is not None


def _in_words(fault: etree.XMLSyntaxError) -> str:
    text = str(fault.msg).split(" (<string>")[0]
    if "Entity" in text:
        text += "; XML has no HTML entities, so the character itself or &#160; is written"
    return text
