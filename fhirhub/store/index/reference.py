"""References, local, elsewhere and canonical (https://hl7.org/fhir/R4/search.html#reference)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fhirhub.resources import definitions, references
from fhirhub.store.index.comparison import Comparison, Way, refuse, unescape
from fhirhub.store.index.parameters import Parameter, begins_list
from fhirhub.store.index.token import reader as token_reader
from fhirhub.store.index.token import shortened

Json = dict[str, Any]
Target = tuple[str, str, str | None]
"""target_type, target_id, target_version."""

_is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch


def targets(type: str, value: Any, base: str | None) -> list[Target]:
    """What the index keeps of a value of that data type; ('', '', None) for one that names no resource."""
    if type == "Reference":
        text = value.get("reference")
        if text:
            return [target(text, base)]
        kind = value.get("type")
        return [(kind if definitions.is_resource_type(kind) else "", "", None)] if value else []
    if isinstance(value, str):  # canonical, uri
        url, _, version = value.partition("|")
        return [("", shortened(url), version or None)]
    if isinstance(value, dict) and "resourceType" in value:  # a resource in a Bundle's entry
        return [("", f"{value['resourceType']}/{value['id']}" if "id" in value else "", None)]
    return []


@functools.lru_cache(16384)
def target(text: str, base: str | None) -> Target:
    """The row of a Reference.reference."""
    found = references.parse(text, base)
    if found.is_local:
        return (found.type or "", found.id or "", found.version)
    if found.is_contained:
        return ("", f"#{found.fragment}", None)
    return ("", shortened(found.url), found.version)


# Conditions

_ID = "{t}.target_id = ?"
_LOCAL = "{t}.target_id = ? AND {t}.target_type = ?"
_LOCAL_VERSION = "{t}.target_id = ? AND {t}.target_type = ? AND {t}.target_version = ?"
_URL = "{t}.target_id = ? AND {t}.target_type = ''"
_URL_VERSION = "{t}.target_id = ? AND {t}.target_type = '' AND {t}.target_version = ?"
_LOCAL_OR_URL = "{t}.target_id IN (?, ?) AND ({t}.target_type = ? OR {t}.target_type = '')"
_NONE = "{t}.target_id = ? AND 1 = 0"
_URL_BELOW = _URL + " AND ({t}.target_version = ? OR {t}.target_version LIKE ? ESCAPE '\\')"


def leads_to(type: str, *, named: bool = False) -> str:
    """The condition that a row points to a resource of that type, here, contained or elsewhere; `named` that it may."""
    elsewhere = f"{{t}}.target_id = '#{type}' OR {{t}}.target_id LIKE '%/{type}/%'"
    if named:
        elsewhere += " OR {t}.target_id = ''"
    return f"({{t}}.target_type = '{type}' OR {{t}}.target_type = '' AND ({elsewhere}))"


def is_nested(parameter: Parameter) -> bool:
    """Whether it finds resources that stand in the resource itself (Bundle's `composition`, `message`)."""
    return parameter.type == "Bundle" and not parameter.types


def reader(parameter: Parameter, type: str | None, bases: Sequence[str]) -> Callable[[str], Comparison]:
    """Reads an id, `Type/id`, a URL or a canonical. `type` is the modifier's, `bases` this server's URLs."""
    only = type or parameter.only_type
    nested = is_nested(parameter)
    canonical = bool(parameter.types) and parameter.types <= {"canonical", "uri"}
    possible = (only,) if only else parameter.targets
    listed = all(begins_list(target) for target in possible) if possible else False

    def read(text: str) -> Comparison:
        text = unescape(text)
        if nested:
            name = text if "/" in text else f"{(only or parameter.targets[0])}/{text}"
            return Comparison(_URL, (name,), ("text",))
        if canonical:
            return _canonical(text)
        if _is_id(text):
            if only:
                return Comparison(_LOCAL, (text, only), ("text", "text"), 5 if listed else None)
            if len(possible) == 1:
                return Comparison(_LOCAL, (text, possible[0]), ("text", "text"), 5 if listed else None)
            return Comparison(_ID, (text,), ("text",), 5 if listed else None)
        for base in (*bases, None):
            found = references.parse(text, base)
            if found.is_local:
                break
        if type is not None and found.is_local and found.type != type:
            raise ValueError(f"expects a {type}, as the modifier says; got `{text}`")
        if only is not None and found.type not in (None, only):
            return Comparison(_NONE, (text,), ("text",))
        if found.is_local:
            assert found.type is not None
            rank = 5 if begins_list(found.type) else None
            if found.version:
                return Comparison(
                    _LOCAL_VERSION, (found.id, found.type, found.version), ("text", "text", "text"), rank
                )
            if ":" in text:
                # What was written while the hub was at another address was elsewhere then.
                values = (found.id, shortened(text), found.type)
                return Comparison(_LOCAL_OR_URL, values, ("text", "text", "text"), rank)
            return Comparison(_LOCAL, (found.id, found.type), ("text", "text"), rank)
        if type is not None:
            raise ValueError(f"expects the id of a {type} of this server; got `{text}`")
        if ":" not in text and "canonical" not in parameter.types:
            raise ValueError(f"expects an id, Type/id or an absolute URL; got `{text}`")
        if found.type is not None:  # a resource of another server
            if found.version:
                return Comparison(_URL_VERSION, (shortened(found.url), found.version), ("text", "text"))
            return Comparison(_URL, (shortened(found.url),), ("text",))
        return _canonical(text)

    return read


def _canonical(text: str) -> Comparison:
    url, _, version = text.partition("|")
    if version:
        return Comparison(_URL_VERSION, (shortened(url), version), ("text", "text"))
    return Comparison(_URL, (shortened(url),), ("text",))


def _canonical_below(text: str) -> Comparison:
    """A canonical in any version, or in those that begin with the version given: `|1` has 1, 1.0 and 1.1."""
    url, _, version = unescape(text).partition("|")
    if not version:
        return Comparison(_URL, (shortened(url),), ("text",))
    pattern = version.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + ".%"
    return Comparison(_URL_BELOW, (shortened(url), version, pattern), ("text", "text", "text"))


def way(parameter: Parameter, modifier: str, bases: Sequence[str] = ()) -> Way:
    """How a search by this parameter with that modifier reads a value."""
    canonical = "canonical" in parameter.types or "uri" in parameter.types
    if modifier == "":
        return Way("reference", parameter.keys, reader(parameter, None, bases), 2, raw=True)
    if modifier == "identifier" and not (canonical and "Reference" not in parameter.types):
        as_token = replace(parameter, kind="token", types=frozenset({"Identifier"}))
        return Way("token", parameter.kindred("identifier"), token_reader(as_token), 1, raw=True)
    if modifier == "below" and canonical:
        return Way("reference", parameter.keys, _canonical_below, 2, raw=True)
    if definitions.is_resource_type(modifier) and not (canonical and "Reference" not in parameter.types):
        if parameter.targets and modifier not in parameter.targets:
            raise refuse(parameter, modifier, parameter.targets)
        return Way("reference", parameter.keys, reader(parameter, modifier, bases), 2, raw=True)
    known = ["below"] if canonical else ["identifier", *parameter.targets[:8]]
    raise refuse(parameter, modifier, known)
