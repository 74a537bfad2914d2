"""What single data types ask beyond their structure and invariants (https://hl7.org/fhir/R4/datatypes.html)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from fhirhub.resources import definitions, ucum
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.validation import markup
from fhirhub.resources.validation.examination import Examination, Scope

Json = dict[str, Any]
Own = Callable[[Examination, Scope, Item], None]

has_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
is_absolute = re.compile(r"[a-z][a-z0-9+.\-]*:.").match
"""Schemes are written in lower case (https://www.rfc-editor.org/rfc/rfc3986#section-3.1)."""
_is_system = re.compile(r"(?:https?|urn|ldaps?):").match
_URI = "urn:ietf:rfc:3986"


def _identifier(examination: Examination, scope: Scope, item: Item) -> None:
    system, value = item.value.get("system"), item.value.get("value")
    if not isinstance(system, str):
        return
    fault = uri_fault(system)
    if fault is not None:
        examination.tell("error", "value", f"system {fault}", item, below=".system")
    elif not _is_system(system):
        text = f"The system of an identifier is an absolute URL or urn; got `{system[:80]}`"
        examination.tell("error", "value", text, item, below=".system")
    elif not has_case(system):
        examination.tell_beyond(
            "value", f"system {_IN_LOWER_CASE}; got `{system[:80]}`", item, below=".system"
        )
    elif system == _URI and isinstance(value, str) and not has_scheme(value):
        text = f"An identifier of the system {_URI} is a whole URI, such as urn:uuid:...; got `{value[:80]}`"
        examination.tell("error", "value", text, item, below=".value")


def _attachment(examination: Examination, scope: Scope, item: Item) -> None:
    """size and hash are those of the data (datatypes-definitions.html#Attachment.size)."""
    data, size, hash = (item.value.get(name) for name in ("data", "size", "hash"))
    if not isinstance(data, str) or (size is None and hash is None):
        return
    try:
        content = base64.b64decode(data)
    except (binascii.Error, ValueError):
        return  # told already
    if isinstance(size, int) and size != len(content):
        text = f"The size of this attachment is {len(content)} bytes; got {size}"
        examination.tell("error", "value", text, item, below=".size")
    if isinstance(hash, str):
        right = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
        if hash != right:
            text = f"The hash of this attachment (SHA-1, base64) is {right}; got `{hash[:80]}`"
            examination.tell("error", "value", text, item, below=".hash")


def _meta(examination: Examination, scope: Scope, item: Item) -> None:
    """Labels are a set (resource-definitions.html#Meta.security)."""
    labels = item.value.get("security")
    if not isinstance(labels, list) or len(labels) < 2:
        return
    seen = set()
    for position, label in enumerate(labels):
        if not isinstance(label, dict):
            continue
        identity = (label.get("system"), label.get("code"))
        if identity in seen and identity[1] is not None:
            text = f"The security label {identity[0] or ''}|{identity[1]} stands here twice"
            examination.tell("error", "business-rule", text, item, below=f".security[{position}]")
        seen.add(identity)


def _quantity(examination: Examination, scope: Scope, item: Item) -> None:
    """A code of UCUM is one that its grammar and units allow (https://ucum.org/ucum)."""
    code = item.value.get("code")
    if item.value.get("system") != _UCUM or not isinstance(code, str):
        return
    if ucum.unit(code) is None:
        text = f"UCUM, as far as it is known here, has no unit `{code[:80]}`"
        examination.tell("warning", "code-invalid", text, item, below=".code")


_UCUM = "http://unitsofmeasure.org"


class Type(NamedTuple):
    """The check of a type, and what sees at once that it has nothing to tell."""

    check: Own
    is_quiet: Callable[[Json], bool]


def _is_quiet_identifier(value: Json) -> bool:
    system = value.get("system")
    return system is None or (system.__class__ is str and _is_usual(system) is not None)


def _is_quiet_narrative(value: Json) -> bool:
    div = value.get("div")
    return div.__class__ is str and markup.is_quiet(div)


_QUANTITY = Type(
    _quantity, lambda value: value.get("system") != _UCUM or ucum.unit(value.get("code") or "1") is not None
)

OWN: dict[str, Type] = {
    "Attachment": Type(_attachment, lambda value: "size" not in value and "hash" not in value),
    "Identifier": Type(_identifier, _is_quiet_identifier),
    "Meta": Type(_meta, lambda value: len(value.get("security", ())) < 2),
    "Narrative": Type(markup.check, _is_quiet_narrative),
    **dict.fromkeys(("Quantity", "Age", "Duration", "Distance", "Count"), _QUANTITY),
}
"""By type."""


# Forms of URIs


_is_oid = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_is_uuid = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
).fullmatch


_is_usual = re.compile(r"https?:").match


def is_usual_uri(value: Any) -> bool:
    """Whether it is a URL of the web, or a link into the resource, which has no form of its own."""
    return value.__class__ is str and (value[:1] == "#" or _is_usual(value) is not None)


def uri_fault(value: str) -> str | None:
    """What would be right where an OID or UUID is none."""
    if value.startswith(("oid:", "uuid:")):
        return f"expects urn:{value.partition(':')[0]}:...; got `{value[:80]}`"
    if value.startswith("urn:uuid:") and not _is_uuid(re.split(r"[#|]", value[9:], maxsplit=1)[0]):
        return f"expects a UUID after urn:uuid:; got `{value[:80]}`"
    if value.startswith("urn:oid:"):
        oid = re.split(r"[#|]", value[8:], maxsplit=1)[0]
        # Roots so short name nothing but the bodies that give out OIDs.
        if not _is_oid(oid) or (oid.rfind(".") < 4 and not oid.startswith("1.3")):
            return f"expects an OID after urn:oid:; got `{value[:80]}`"
    return None


def check_uri(examination: Examination, item: Item) -> None:
    """Tell what is wrong with a uri, url, canonical, oid or uuid beyond white space."""
    value = item.value
    if not isinstance(value, str):
        return
    name = item.property.name if item.property is not None else item.type
    if item.type == "canonical" and not value.startswith("#") and not is_absolute(value):
        text = f"{name} expects an absolute URL, or #id of a contained resource; got `{value[:80]}`"
        if item.parent is not None and item.parent.type == "Meta":
            examination.tell_beyond("value", text, item)
        else:  # A warning, since R4's own examples have relative ones.
            examination.tell("warning", "value", text, item)
        return
    fault = uri_fault(value)
    if fault is not None:
        examination.tell("error", "value", f"{name} {fault}", item)
    elif not has_case(value):
        examination.tell_beyond("value", f"{name} {_IN_LOWER_CASE}; got `{value[:80]}`", item)
    elif name == "url" and not is_absolute(value) and _is_definition(item.parent):
        text = f"The url of a definition is an absolute URI; got `{value[:80]}`"
        examination.tell_beyond("value", text, item)


_IN_LOWER_CASE = "has its UUID in lower case (https://hl7.org/fhir/R4/datatypes.html#uri)"


def has_case(value: str) -> bool:
    """Whether a UUID, where it is one, is written in lower case."""
    return value[:9] != "urn:uuid:" or value[9:45].lower() == value[9:45]


def _is_definition(item: Item | None) -> bool:
    """Whether it is a resource that has a canonical URL."""
    return (
        item is not None
        and definitions.is_resource_type(item.type)
        and "status" in definitions.structure(item.type).properties
    )
