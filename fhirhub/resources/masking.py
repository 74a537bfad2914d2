"""What a caller sees of a resource that is not theirs to see whole (RULES R3, R4).

Each gives a copy that says SUBSETTED (https://hl7.org/fhir/R4/valueset-security-labels.html#SUBSETTED).
"""

from __future__ import annotations

import functools
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
_TASK = b'{"resourceType":"Task",'
_KEPT_BYTES = 10_000


def shown(body: bytes, *, without_bsn: bool) -> bytes:
    """The body as the caller sees it; the same where that is all of it."""
    masked = body[:1] == MASKED_BYTE
    without_bsn = without_bsn and (_BSN_BYTES[0] in body or _BSN_BYTES[1] in body)
    if not masked and not without_bsn:
        return body
    if masked:
        body = body[1:]
        if not without_bsn and body.startswith(_TASK):
            return _kept_task(body) if len(body) < _KEPT_BYTES else _task(body)
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
    resource["meta"] = _said_in(resource.get("meta", {}))
    return document.encode(resource)


def _task(body: bytes) -> bytes:
    """The Task in part. Of what is not looked into nothing is decoded."""
    task = document.split(body)
    whom = task.get("for")
    if whom is not None:
        task["for"] = document.decode(bytes(whom))
    _bare(task)
    meta = task.get("meta")
    task["meta"] = _said_in({} if meta is None else document.decode(bytes(meta)))
    return document.encode(task)


_kept_task = functools.lru_cache(1024)(_task)
"""Work lists are full of them, and are asked for again and again."""


def _said_in(meta: Json) -> Json:
    """The same, with the tag that something was left out."""
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != "SUBSETTED"]
    return meta | {"tag": [*tags, _SUBSETTED]}


def is_part(resource: Json) -> bool:
    """Whether it says that something was left out of it."""
    meta = resource.get("meta")
    return meta is not None and any(
        tag.get("code") == "SUBSETTED" and tag.get("system") == _SUBSETTED["system"]
        for tag in meta.get("tag", ())
    )


def restored(whole: Json, shown: Json, changed: Json) -> Json:
    """What the caller made of what they were shown, with what they were not shown put back at every depth. What stands
    in a list is known again by what it says; what was taken out of it takes its hidden part along."""
    result = _restored(whole, shown, {**changed, "id": whole.get("id"), "meta": whole.get("meta")})
    for name in ("id", "meta"):
        result.pop(name, None)
        if name in changed:
            result[name] = changed[name]
    meta = dict(result.get("meta", {}))
    meta["tag"] = [tag for tag in meta.get("tag", ()) if tag.get("code") != "SUBSETTED"]
    result["meta"] = {key: value for key, value in meta.items() if value}
    return {key: value for key, value in result.items() if value != {}}


def _restored(whole: Json, shown: Json, changed: Json) -> Json:
    result = dict(changed)
    for name, value in whole.items():
        own = changed.get(name)
        if isinstance(value, list):
            found = _listed(value, shown.get(name, []), own if isinstance(own, list) else [])
            if found:
                result[name] = found
        elif name not in shown:
            result[name] = value
        elif name in changed:
            result[name] = _one(value, shown[name], own)
    return result


def _one(value: Any, shown: Any, changed: Any) -> Any:
    if changed == shown:
        return value
    if isinstance(value, dict) and isinstance(shown, dict) and isinstance(changed, dict):
        return _restored(value, shown, changed)
    return changed


def _listed(values: list[Any], shown: list[Any], changed: list[Any]) -> list[Any]:
    """The same of a list, in which what is hidden whole keeps its place."""
    seen: list[tuple[Any, Any]] = []
    hidden: list[tuple[int, Any]] = []
    for place, value in enumerate(values):
        if len(seen) < len(shown) and _is_of(shown[len(seen)], value):
            seen.append((value, shown[len(seen)]))
        else:
            hidden.append((place, value))
    result = list(changed)
    left = list(seen)
    fresh = []
    for place, one in enumerate(changed):
        found = next((pair for pair in left if pair[1] == one), None)
        if found is None:
            fresh.append(place)
            continue
        left.remove(found)
        result[place] = found[0]
    for place in fresh:
        most = max(left, key=lambda pair: _alike(pair[1], changed[place]), default=None)
        if most is not None and _alike(most[1], changed[place]):
            left.remove(most)
            result[place] = _one(*most, changed[place])
    for place, value in hidden:
        result.insert(place, value)
    return result


def _is_of(shown: Any, whole: Any) -> bool:
    """Whether this can be what is shown of that."""
    if isinstance(shown, dict) and isinstance(whole, dict):
        return all(name in whole and _is_of(value, whole[name]) for name, value in shown.items())
    if isinstance(shown, list) and isinstance(whole, list):
        rest = iter(whole)
        return all(any(_is_of(value, one) for one in rest) for value in shown)
    if isinstance(shown, str) and isinstance(whole, str):
        return len(shown) == len(whole) and all(a in (b, "*") for a, b in zip(shown, whole, strict=True))
    return bool(shown == whole)


def _alike(one: Any, other: Any) -> int:
    """How much of two elements of a list is the same."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return 0
    return sum(1 for name, value in one.items() if other.get(name) == value)


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
_PARTS = frozenset({"input", "output"})
"""Of a Task: each says something of a type, or is none."""


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
                    said = name in _PARTS and _says(each)
                    _drop_bsn(each, hidden)
                    if not each or (name in _EXTENSIONS and each.keys() <= {"id", "url"}):
                        continue
                    if said and not _says(each):
                        continue
                left.append(each)
            if left:
                value[name] = left
            else:
                del value[name]


def _says(part: Json) -> bool:
    return any(name.startswith("value") for name in part)


def _is_bsn(value: Json) -> bool:
    return value.get("system") in BSN_SYSTEMS
