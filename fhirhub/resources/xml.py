"""FHIR XML to FHIR JSON and back, driven by the definitions.

https://hl7.org/fhir/R4/xml.html, https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from xml.parsers import expat

import msgspec
from lxml import etree

from fhirhub import errors
from fhirhub.errors import FhirError, Issue
from fhirhub.resources import definitions, document

Json = dict[str, Any]

NAMESPACE = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 64
MAX_BYTES = 64 * 1024 * 1024
_MAX_FAULTS = 100
_WRITTEN_DEPTH = 100  # of objects: more than a resource may have, since answers wrap resources in Bundles

_PRIMITIVE, _COMPLEX, _RESOURCE, _XHTML, _ATTRIBUTE = range(5)


class _Field(NamedTuple):
    """One element as both formats know it; `order` is its place in the XML sequence."""

    order: int
    name: str
    sibling: str  # the JSON key of the primitive's id and extensions
    kind: int
    many: bool
    type: str


@cache
def _fields(type_name: str) -> dict[str, _Field]:
    """The elements of a structure by JSON key, `_birthDate` beside `birthDate`."""
    structure = definitions.structure(type_name)
    fields = {}
    for order, (key, found) in enumerate(structure.properties.items()):
        many = found.element.max is None or found.element.max > 1
        kind = _kind(structure, key, found.type)
        field = _Field(order, key, "_" + key, kind, many, found.type)
        fields[key] = field
        if kind == _PRIMITIVE:
            fields["_" + key] = field
    return fields


def _kind(owner: definitions.Structure, key: str, type_name: str) -> int:
    if type_name == "xhtml":
        return _XHTML
    if owner.kind != "resource" and (key == "id" or (key == "url" and owner.name == "Extension")):
        return _ATTRIBUTE
    kind = definitions.structure(type_name).kind
    if kind == "primitive-type":
        return _PRIMITIVE
    return _RESOURCE if kind == "resource" else _COMPLEX


@cache
def _tags(type_name: str) -> dict[str, _Field]:
    """The child elements of a structure by their names in XML, namespace included."""
    return {
        f"{{{XHTML if field.kind == _XHTML else NAMESPACE}}}{key}": field
        for key, field in _fields(type_name).items()
        if key == field.name and field.kind != _ATTRIBUTE
    }


# -- JSON to XML ------------------------------------------------------------------------------------

_SPECIAL = re.compile('[&<>"\t\n\r]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
# https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Digits(str):
    """A number with a fraction or exponent, exactly as it was written."""

    __slots__ = ()


_decode = msgspec.json.Decoder(float_hook=_Digits).decode


def to_xml(data: bytes | Json, pretty: bool = False) -> bytes:
    """The resource as FHIR XML in UTF-8; from bytes the digits of every decimal stay as written.

    Raises FhirError where the JSON holds what FHIR XML cannot say: unknown elements, wrong shapes,
    control characters, narrative that is not well-formed XHTML.
    """
    if isinstance(data, bytes):
        try:
            # The fast decoder takes -0 for 0.
            resource = document.decode(data) if b":-0" in data else _decode(data)
        except (msgspec.DecodeError, RecursionError) as fault:
            raise errors.structure(f"This is not JSON: {fault}") from fault
    else:
        resource = data
    out = ['<?xml version="1.0" encoding="UTF-8"?>']
    _write_resource(out, resource, "\n" if pretty else "", f' xmlns="{NAMESPACE}"', "", _WRITTEN_DEPTH)
    if pretty:
        out.append("\n")
    text = "".join(out)
    if found := _NO_XML.search(text):
        raise errors.processing(f"XML cannot hold the character U+{ord(found[0]):04X}; ask for JSON")
    return text.encode()


def _write_resource(
    out: list[str], resource: Any, margin: str, attributes: str, path: str, depth: int
) -> None:
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(name, str) or not definitions.is_resource_type(name):
        raise errors.structure("Expected a resource with a `resourceType` of FHIR R4", path or None)
    _write_content(out, name, name, resource, margin, attributes, path or name, depth)


def _write_content(
    out: list[str], tag: str, type_name: str, value: Any, margin: str, attributes: str, path: str, depth: int
) -> None:
    """An element with its attributes and children, in the specification's order."""
    if not isinstance(value, dict):
        raise errors.structure("Expected an object", path)
    if depth <= 0:
        raise errors.structure(f"Nested deeper than {_WRITTEN_DEPTH} levels", path)
    fields = _fields(type_name)
    present = []
    for key in value:
        field = fields.get(key)
        if field is not None:
            present.append(field)
        elif key != "resourceType" or definitions.structure(type_name).kind != "resource":
            raise errors.structure(f"`{type_name}` has no element `{key}`", f"{path}.{key}")
    present.sort()
    start = len(out)
    out.append("")  # the start tag, known when the attributes are
    inner = margin and margin + "  "
    last = -1
    for field in present:
        order, name, sibling, kind, many, _ = field
        if order == last:  # seen as `x`, here again as `_x`
            continue
        last = order
        child = value.get(name)
        if kind == _PRIMITIVE:
            if child.__class__ is str and sibling not in value and not many:
                if _SPECIAL.search(child):
                    child = _escaped(child)
                out.append(f'{inner}<{name} value="{child}"/>')
                continue
            _write_primitives(out, field, child, value.get(sibling), inner, f"{path}.{name}", depth - 1)
        elif kind == _ATTRIBUTE:
            if not isinstance(child, str):
                raise errors.structure("Expected a string", f"{path}.{name}")
            attributes += f' {name}="{_escaped(child)}"'
        elif kind == _XHTML:
            out.append(inner + _narrative(child, f"{path}.{name}"))
        elif many:
            if not isinstance(child, list):
                raise errors.structure("Expected an array", f"{path}.{name}")
            for index, item in enumerate(child):
                _write_child(out, field, item, inner, f"{path}.{name}[{index}]", depth - 1)
        else:
            _write_child(out, field, child, inner, f"{path}.{name}", depth - 1)
    if len(out) == start + 1:
        out[start] = f"{margin}<{tag}{attributes}/>"
    else:
        out[start] = f"{margin}<{tag}{attributes}>"
        out.append(f"{margin}</{tag}>")


def _write_child(out: list[str], field: _Field, value: Any, margin: str, path: str, depth: int) -> None:
    if field.kind == _COMPLEX:
        _write_content(out, field.name, field.type, value, margin, "", path, depth)
    else:
        out.append(f"{margin}<{field.name}>")
        _write_resource(out, value, margin and margin + "  ", "", path, depth)
        out.append(f"{margin}</{field.name}>")


def _write_primitives(
    out: list[str], field: _Field, value: Any, sibling: Any, margin: str, path: str, depth: int
) -> None:
    """A primitive element or all its repeats, each joined with its id and extensions."""
    if not field.many:
        _write_primitive(out, field, value, sibling, margin, path, depth)
        return
    for part in (value, sibling):
        if part is not None and not isinstance(part, list):
            raise errors.structure("Expected an array", path)
    values, siblings = value or [], sibling or []
    for index in range(max(len(values), len(siblings))):
        _write_primitive(
            out,
            field,
            values[index] if index < len(values) else None,
            siblings[index] if index < len(siblings) else None,
            margin,
            f"{path}[{index}]",
            depth,
        )


def _write_primitive(
    out: list[str], field: _Field, value: Any, sibling: Any, margin: str, path: str, depth: int
) -> None:
    attribute = ""
    if value is not None:
        attribute = f' value="{_lexical(value, path)}"'
    if sibling is None:
        if not attribute:
            raise errors.structure("Expected a value, or extensions in its place; got null", path)
        out.append(f"{margin}<{field.name}{attribute}/>")
        return
    at = len(out)
    _write_content(out, field.name, "Element", sibling, margin, "", path, depth)
    if attribute:  # after `id`, before what follows in the start tag
        head, end = (out[at][:-2], "/>") if out[at].endswith("/>") else (out[at][:-1], ">")
        out[at] = f"{head}{attribute}{end}"


def _lexical(value: Any, path: str) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, (int, Decimal)):
        return str(value)
    raise errors.structure("Expected a primitive value", path)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text) if _SPECIAL.search(text) else text


_DIV_START = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?div[\s/>]")


def _narrative(value: Any, path: str) -> str:
    """The div as it is, once known to be one well-formed XHTML element.

    A carriage return is written as a reference, or a reader would drop it (XML 1.0, 2.11).
    """
    text = value.strip() if isinstance(value, str) else ""
    if _DIV_START.match(text):
        if "\r" in text:
            kept = text.replace("\r", "&#13;")
            text = kept if _is_well_formed(kept) else text.replace("\r\n", "\n").replace("\r", "\n")
        try:
            root = etree.fromstring(text.encode("utf-8", "surrogatepass"), _parser())
        except etree.XMLSyntaxError as fault:
            raise errors.structure(f"The narrative is not well-formed XHTML: {fault.msg}", path) from fault
        if root.tag == f"{{{XHTML}}}div":
            return text
        if root.tag == "div":
            return f'<div xmlns="{XHTML}"{text[4:]}'
    raise errors.structure(f'The narrative must be one `<div xmlns="{XHTML}">`', path)


def _is_well_formed(text: str) -> bool:
    try:
        etree.fromstring(text.encode("utf-8", "surrogatepass"), _parser())
    except etree.XMLSyntaxError:
        return False
    return True


# -- XML to JSON ------------------------------------------------------------------------------------

_PROLOG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?P<declaration><\?xml\s(?:[^?]|\?(?!>))*\?>)?(?:\s|<!--.*?-->|<\?.*?\?>)*+",
    re.DOTALL,
)
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([^"']*)["']""")
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_STRAY_TEXT = etree.XPath("//f:*[text()[normalize-space()]]", namespaces={"f": NAMESPACE})
_WHITE_SPACE = " \t\r\n"
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_TYPED = _INTEGERS | {"decimal", "boolean"}
_SPACED = frozenset({"string", "markdown", "xhtml"})
"""The types whose values may begin and end with white space, and keep it."""


def _parser() -> etree.XMLParser:
    # huge_tree: attachments are attributes and may pass libxml2's 10 MB; entities cannot expand,
    # as a DOCTYPE is refused before parsing.
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )


class Document(NamedTuple):
    """What an XML document says, as far as it could be read: the faults on the way, and at `lost` the places
    where something was left out because of one."""

    resource: Json
    issues: list[Issue]
    lost: frozenset[str]


def from_xml(data: bytes, max_depth: int = MAX_DEPTH, max_bytes: int = MAX_BYTES) -> Json:
    """The resource that the XML says, with exact decimals, keys in the specification's order.

    Raises FhirError with every fault found, each with its FHIRPath location, line and column.
    """
    found = read(data, max_depth, max_bytes)
    if found.issues:
        raise FhirError(400, found.issues)
    return found.resource


def read(data: bytes, max_depth: int = MAX_DEPTH, max_bytes: int = MAX_BYTES) -> Document:
    """The same with what is wrong told beside the rest of the resource, so that this can be judged as well.

    Raises FhirError where there is no XML, or no resource in it.
    """
    if len(data) > max_bytes:
        raise errors.too_long(f"The XML is larger than {max_bytes} bytes")
    _refuse_prolog(data)
    try:
        root = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as fault:
        line, column = fault.position
        issue = Issue("error", "structure", f"This is not XML: {fault.msg}", None, line=line, column=column)
        raise FhirError(400, [issue]) from fault
    reading = _Reading(data, root, max_depth)
    resource = reading.resource(root, 1)
    issues = reading.issues() if reading.faults else []
    if resource is None:
        raise FhirError(400, issues)
    # An element that repeats is two levels of JSON, the array and the object.
    if 2 * reading.deepest + 2 > max_depth and document.is_deeper(resource, max_depth):
        raise errors.structure(f"Nested deeper than {max_depth} levels of JSON")
    return Document(resource, issues, frozenset(_path(element) for element in reading.lost))


def _refuse_prolog(data: bytes) -> None:
    """Only UTF-8, and nothing but comments and processing instructions before the root, which are no part of a
    resource (https://hl7.org/fhir/R4/xml.html): no DOCTYPE, so no entities either."""
    try:
        data.decode()
    except UnicodeDecodeError as fault:
        raise errors.structure("FHIR XML is written in UTF-8; this is not") from fault
    found = _PROLOG.match(data)
    prolog, declaration = (found[0], found["declaration"]) if found else (b"", None)
    declared = _ENCODING.search(declaration) if declaration else None
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii", b"ascii"):
        raise errors.structure("FHIR XML is written in UTF-8; the declaration names another encoding")
    rest = data[len(prolog) : len(prolog) + 9]
    if rest.startswith(b"<!"):
        raise errors.structure("A document type declaration and entities are not allowed in FHIR XML")


class _Reading:
    """One pass over a parsed document, gathering every fault on the way."""

    def __init__(self, data: bytes, root: etree._Element, max_depth: int) -> None:
        self.data = data
        self.root = root
        self.max_depth = max_depth
        self.deepest = 0
        self.faults: list[tuple[etree._Element, str, str]] = []
        self.lost: list[etree._Element] = []
        self.narratives: list[str] | None = None
        self.narrative_count = 0
        for element in _STRAY_TEXT(root):  # type: ignore[union-attr]
            self.fault(element, "structure", "Text stands between the elements; values go in `value`")  # type: ignore[arg-type]

    def fault(self, element: etree._Element, code: str, text: str, lost: bool = True) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append((element, code, text))
            if lost:
                self.lost.append(element)

    def resource(self, element: etree._Element, depth: int) -> Json | None:
        tag = element.tag
        name = (
            tag[len(NAMESPACE) + 2 :] if isinstance(tag, str) and tag.startswith(f"{{{NAMESPACE}}}") else ""
        )
        if not definitions.is_resource_type(name):
            self.fault(
                element,
                "structure",
                f"Expected a resource of FHIR R4 in the namespace {NAMESPACE}; got {_shown(element)}",
            )
            return None
        value: Json = {"resourceType": name}
        for attribute, _ in _attributes(element):
            if attribute != _SCHEMA_LOCATION:
                self.fault(element, "structure", f"A resource has no attribute `{attribute}`", lost=False)
        self.children(element, name, value, depth)
        return value

    def children(self, element: etree._Element, type_name: str, value: Json, depth: int) -> None:
        """Read the child elements into `value`."""
        if depth > self.max_depth:
            self.fault(element, "structure", f"Nested deeper than {self.max_depth} levels")
            return
        if depth > self.deepest:
            self.deepest = depth
        tags = _tags(type_name)
        last = -1
        item: Any
        for child in element:
            field = tags.get(child.tag)
            if field is None:
                self.unknown(child, type_name)
                continue
            order, name, sibling, kind, many, child_type = field
            if order < last:
                self.fault(child, "structure", f"`{name}` stands out of order in `{type_name}`", lost=False)
            elif order == last and not many:
                self.fault(child, "structure", f"`{name}` may occur only once", lost=False)
                continue
            last = order if order > last else last
            if kind == _PRIMITIVE:
                attributes = _attributes(child)
                if len(attributes) == 1 and attributes[0][0] == "value" and not len(child):
                    item, extra = attributes[0][1], None
                    if child_type not in _SPACED:
                        item = item.strip(_WHITE_SPACE)
                    if child_type in _TYPED or not item:
                        item = self.typed(child, item, child_type)
                else:
                    item, extra = self.primitive(child, child_type, depth + 1)
                if many:
                    _append(value, name, sibling, item, extra)
                else:
                    if item is not None:
                        value[name] = item
                    if extra is not None:
                        value[sibling] = extra
                continue
            if kind == _COMPLEX:
                item = self.complex(child, child_type, depth + 1)
            elif kind == _RESOURCE:
                item = self.holder(child, depth + 1)
            else:
                item = self.narrative(child)
            if many:
                value.setdefault(name, []).append(item)
            else:
                value[name] = item

    def complex(self, element: etree._Element, type_name: str, depth: int) -> Json:
        value: Json = {}
        for name, text in _attributes(element):
            if name == "id" or (name == "url" and type_name == "Extension"):
                if not text:
                    self.fault(element, "structure", f"The attribute `{name}` is empty")
                else:
                    value[name] = text
            else:
                self.attribute(element, name, type_name)
        self.children(element, type_name, value, depth)
        if not value and not len(element) and not element.attrib:
            self.fault(element, "structure", "The element is empty; leave it out or give it content")
        return value

    def primitive(self, element: etree._Element, type_name: str, depth: int) -> tuple[Any, Json | None]:
        """A primitive with its value, and its id and extensions where it has any."""
        value: Any = None
        extra: Json = {}
        for name, text in _attributes(element):
            if name == "value":
                text = text if type_name in _SPACED else text.strip(_WHITE_SPACE)
                value = self.typed(element, text, type_name)
            elif name == "id":
                if not text:
                    self.fault(element, "structure", "The attribute `id` is empty")
                else:
                    extra["id"] = text
            else:
                self.attribute(element, name, type_name)
        self.children(element, "Element", extra, depth)
        if value is None and not extra and not len(element) and not element.attrib:
            self.fault(element, "structure", "The element has neither a `value` nor extensions")
        return value, extra or None

    def typed(self, element: etree._Element, text: str, type_name: str) -> Any:
        """The attribute as JSON has it: numbers and booleans by type, all else a string. So is what does not
        fit, which nothing takes for right then."""
        if not text:
            self.fault(element, "structure", "The attribute `value` is empty; leave it out or fill it")
            return text
        if type_name == "boolean":
            if text in ("true", "false"):
                return text == "true"
            self.fault(element, "value", f"Expected `true` or `false`; got `{text[:40]}`")
            return text
        if type_name not in _TYPED:
            return text
        if type_name == "decimal" or _INTEGER.match(text):
            try:
                return document.number(text)
            except ValueError:
                pass
        example = "1.50" if type_name == "decimal" else "15"
        self.fault(element, "value", f"Expected a {type_name} such as {example}; got `{text[:40]}`")
        return text

    def holder(self, element: etree._Element, depth: int) -> Json | None:
        """The resource inside `contained`, `resource` or `outcome`."""
        for attribute, _ in _attributes(element):
            self.fault(element, "structure", f"{_shown(element)} has no attribute `{attribute}`", lost=False)
        inside = list(element)
        if len(inside) != 1:
            self.fault(element, "structure", f"Expected exactly one resource here; got {len(inside)}")
            return None
        return self.resource(inside[0], depth + 1)

    def attribute(self, element: etree._Element, name: str, type_name: str) -> None:
        if name != _SCHEMA_LOCATION:
            self.fault(element, "structure", f"`{type_name}` has no attribute `{name}`", lost=False)

    def unknown(self, child: etree._Element, type_name: str) -> None:
        if type_name == "Narrative" and _name(child)[1] == "div":
            self.fault(child, "structure", f"The `div` of a narrative is in the namespace {XHTML}")
        else:
            self.fault(child, "structure", f"`{type_name}` has no element {_shown(child)}")

    # narrative: kept as written

    def narrative(self, element: etree._Element) -> str:
        if self.narratives is None:
            self.narratives = _written_divs(self.data, self.root)
        number, self.narrative_count = self.narrative_count, self.narrative_count + 1
        if number < len(self.narratives):
            return self.narratives[number]
        alone = deepcopy(element)
        etree.cleanup_namespaces(alone)
        return etree.tostring(alone, encoding="unicode", with_tail=False)

    # where

    def issues(self) -> list[Issue]:
        """Every fault, in the order of the document."""
        places = _places(self.data)
        numbers = {element: number for number, element in enumerate(self.root.iter("*"))}
        found = []
        for element, code, text in self.faults:
            number = numbers.get(element, 0)
            line, column = places[number] if number < len(places) else (1, 1)
            found.append((number, Issue("error", code, text, _path(element), line=line, column=column)))
        return [issue for _, issue in sorted(found, key=lambda pair: pair[0])]


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    return element.items()  # type: ignore[return-value]


def _append(value: Json, name: str, sibling: str, item: Any, extra: Json | None) -> None:
    """Add one repeat of a primitive, null standing where it has no value or no extensions."""
    values, extras = value.get(name), value.get(sibling)
    count = len(values or extras or ())
    if item is not None or values is not None:
        if values is None:
            values = value[name] = [None] * count
        values.append(item)
    if extra is not None or extras is not None:
        if extras is None:
            extras = value[sibling] = [None] * count
        extras.append(extra)


def _shown(element: etree._Element) -> str:
    namespace, name = _name(element)
    return f"`{name}`" if namespace == NAMESPACE else f"`{name}` of {namespace or 'no namespace'}"


def _name(element: etree._Element) -> tuple[str, str]:
    """Namespace and name; libxml2 lets a prefix pass that was never declared, as part of the name."""
    namespace, _, name = str(element.tag).rpartition("}")
    return namespace[1:], name


def _path(element: etree._Element) -> str:
    """The FHIRPath of an element: `Bundle.entry[1].resource.name[0].family`."""
    steps = [*reversed(list(element.iterancestors())), element]
    path, type_name = "", ""
    for step in steps:
        name = _name(step)[1] if isinstance(step.tag, str) else ""
        if definitions.is_resource_type(name):
            path, type_name = path or name, name
            continue
        field = _tags(type_name).get(step.tag) if type_name else None
        if field is None:
            return f"{path}.{name}".strip(".")
        # FHIRPath says `value` where XML says `valueQuantity`.
        path = f"{path}.{definitions.structure(type_name).properties[field.name].element.name}"
        if field.many:
            path += f"[{sum(1 for _ in step.itersiblings(step.tag, preceding=True))}]"
        type_name = "Element" if field.kind == _PRIMITIVE else field.type
    return path


def _places(data: bytes) -> list[tuple[int, int]]:
    """Line and column of every start tag, in the order of the document."""
    places: list[tuple[int, int]] = []
    parser = expat.ParserCreate("utf-8")

    def started(name: str, attributes: object) -> None:
        places.append((parser.CurrentLineNumber, parser.CurrentColumnNumber + 1))

    parser.StartElementHandler = started
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        return places
    return places


_DIV = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|</div\s*>|<div(?=[\s/>])(?:[^\"'<>]|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL,
)
_DIV_NAMESPACE = re.compile(r"""\sxmlns\s*=\s*["']http://www\.w3\.org/1999/xhtml["']""")


def _written_divs(data: bytes, root: etree._Element) -> list[str]:
    """The outermost divs as they stand in the source, or an empty list when only a parser can tell.

    A narrative is evidence (https://hl7.org/fhir/R4/narrative.html), so its markup, entities and
    quotes stay as its author wrote them; line ends become \\n as XML 1.0, 2.11 has it, and a reference to
    a carriage return becomes that character, as `to_xml` has it the other way round.
    """
    text = data.decode().replace("\r\n", "\n").replace("\r", "\n")
    found: list[str] = []
    depth = start = 0
    for match in _DIV.finditer(text):
        token = match[0]
        if token.startswith("</"):
            depth -= 1
        elif token.startswith(("<!", "<?")):
            continue
        elif depth == 0 and not _DIV_NAMESPACE.search(token):
            return []
        else:
            if depth == 0:
                start = match.start()
            depth += not token.endswith("/>")
        if depth == 0:
            found.append(text[start : match.end()].replace("&#13;", "\r"))
    outermost = sum(1 for div in root.iter(f"{{{XHTML}}}div") if not _inside_xhtml(div))
    return found if len(found) == outermost else []


def _inside_xhtml(element: etree._Element) -> bool:
    parent = element.getparent()
    return parent is not None and isinstance(parent.tag, str) and parent.tag.startswith(f"{{{XHTML}}}")
