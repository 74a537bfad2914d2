"""What a caller sees of a resource that is not theirs to see whole (RULES R3, R4).

Each gives a copy that says SUBSETTED (https://hl7.org/fhir/R4/valueset-security-labels.html#SUBSETTED).
"""

from __future__ import annotations

from typing import Any

from fhirhub.resources import document

Json = dict[str, Any]

BSN_SYSTEMS = ("http://fhir.nl/fhir/NamingSystem/bsn", "urn:oid:2.16.840.1.113883.2.4.6.3")
MASKED_BYTE = b"!"
"""The store puts this before a body that must not be shown whole: no resource begins with it, so what forgets to
look fails."""
CONTACT = ("name", "telecom", "address")
CONTACT_PARAMETERS = frozenset(
    {
        "_id", "name", "given", "family", "phonetic", "phone", "email", "telecom", "address", "address-city",
        "address-country", "address-postalcode", "address-state", "address-use",
    }
)  # fmt: skip
"""The search parameters of Patient that read nothing else."""

_BSN_BYTES = (BSN_SYSTEMS[0].encode(), BSN_SYSTEMS[1].encode())
_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}


def shown(body: bytes, *, without_bsn: bool) -> bytes:
    """The body as the caller sees it; the same where that is all of it."""
    masked = body[:1] == MASKED_BYTE
    without_bsn = without_bsn and (_BSN_BYTES[0] in body or _BSN_BYTES[1] in body)
    if not masked and not without_bsn:
        return body
    if masked:
        body = body[1:]
    if without_bsn:
        resource = document.decode(body)
    else:
        # What is not looked into is not decoded.
        resource = document.split(body)
        for name in ("resourceType", "meta", "for"):
            if name in resource:
                resource[name] = document.decode(bytes(resource[name]))
    if masked:
        _in_part(resource)
    if without_bsn:
        hidden: set[str] = set()
        _drop_bsn(resource, hidden)
        _drop_from_text(resource, hidden)
    meta = resource.setdefault("meta", {})
    meta["tag"] = [*(tag for tag in meta.get("tag", ()) if tag.get("code") != "SUBSETTED"), _SUBSETTED]
    return document.encode(resource)


def is_part(resource: Json) -> bool:
    """Whether it says that something was left out of it."""
    meta = resource.get("meta")
    return meta is not None and any(
        tag.get("code") == "SUBSETTED" and tag.get("system") == _SUBSETTED["system"]
        for tag in meta.get("tag", ())
    )


def restored(whole: Json, shown: Json, changed: Json) -> Json:
    """What the caller made of what they were shown, with what they were not shown put back: an element they left
    as it was shown is as it was, and hidden identifiers stay in a list they changed."""
    result = dict(changed)
    for name, value in whole.items():
        if name in ("id", "meta"):
            continue
        if result.get(name) == shown.get(name):
            result[name] = value
        elif isinstance(value, list) and isinstance(result.get(name), list):
            hidden = [one for one in value if isinstance(one, dict) and _is_bsn(one)]
            result[name] = [*hidden, *result[name]]
    meta = dict(result.get("meta", {}))
    meta["tag"] = [tag for tag in meta.get("tag", ()) if tag.get("code") != "SUBSETTED"]
    result["meta"] = {key: value for key, value in meta.items() if value}
    return {key: value for key, value in result.items() if value != {}}


def _in_part(resource: Json) -> None:
    if resource["resourceType"] == "Task":
        _bare(resource)
    else:
        kept = {"resourceType", "id", "meta", *CONTACT}
        for name in [name for name in resource if name.removeprefix("_") not in kept]:
            del resource[name]


def _bare(task: Json) -> None:
    """`for` as the bare reference; nothing else that names the patient."""
    whom = task.get("for")
    if whom is not None:
        bare = {key: value for key, value in whom.items() if key == "reference" and value[:1] != "#"}
        if bare:
            task["for"] = bare
        else:
            del task["for"]
    for name in ("text", "contained"):
        task.pop(name, None)


def bsns(resource: Json) -> set[str]:
    """The BSN that stand in identifiers of the resource, at any depth."""
    found: set[str] = set()
    _find_bsn(resource, found)
    return found


def _find_bsn(value: Json, found: set[str]) -> None:
    for child in value.values():
        for one in child if isinstance(child, list) else (child,):
            if isinstance(one, dict):
                if _is_bsn(one):
                    _note(one, found)
                _find_bsn(one, found)


def _note(identifier: Json, hidden: set[str]) -> None:
    value = identifier.get("value")
    if isinstance(value, str) and value.strip():
        hidden.add(value.strip())


def _drop_from_text(resource: Json, hidden: set[str]) -> None:
    """Takes the numbers that are hidden out of the narratives, which may tell them again."""
    for one in (resource, *resource.get("contained", ())):
        div = one.get("text", {}).get("div")
        if isinstance(div, str):
            for value in hidden:
                div = div.replace(value, "*" * len(value))
            one["text"]["div"] = div


_EXTENSIONS = frozenset({"extension", "modifierExtension"})


def _drop_bsn(value: Json, hidden: set[str]) -> None:
    for name, child in list(value.items()):
        if isinstance(child, dict):
            if _is_bsn(child) and name != "coding":
                _note(child, hidden)
                del value[name]
            else:
                _drop_bsn(child, hidden)
                if not child:
                    del value[name]
        elif isinstance(child, list):
            left = []
            for each in child:
                if isinstance(each, dict):
                    if _is_bsn(each):
                        _note(each, hidden)
                        continue
                    _drop_bsn(each, hidden)
                    if not each or (name in _EXTENSIONS and each.keys() <= {"id", "url"}):
                        continue
                left.append(each)
            if left:
                value[name] = left
            else:
                del value[name]


def _is_bsn(value: Json) -> bool:
    return value.get("system") in BSN_SYSTEMS
