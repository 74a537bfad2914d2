"""Text (https://hl7.org/fhirpath/N1/#string-manipulation)."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable

from fhirhub.resources.fhirpath import regex
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import NONE, Item, Items, boolean, integer, string
from fhirhub.resources.fhirpath.operators import Evaluate, bounded
from fhirhub.resources.fhirpath.values import integer_of, string_of

_JSON_ESCAPE = re.compile(r"""\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})""")


def _argument(argument: Evaluate, env: Environment, name: str) -> str | None:
    return string_of(argument(env.this, env), f"`{name}()`")


def _with_text(
    name: str, function: Callable[[str, str], Items], of_empty: Items = NONE
) -> Callable[[Items, Environment, Evaluate], Items]:
    """A function of a string and another; empty where either is."""
    what = f"`{name}()`"

    def run(items: Items, env: Environment, argument: Evaluate) -> Items:
        text, other = string_of(items, what), _argument(argument, env, name)
        return NONE if text is None or other is None else function(text, other)

    return run


def _of_text(name: str, function: Callable[[str], Items]) -> Callable[[Items, Environment], Items]:
    what = f"`{name}()`"

    def run(items: Items, env: Environment) -> Items:
        text = string_of(items, what)
        return NONE if text is None else function(text)

    return run


index_of = _with_text("indexOf", lambda text, other: integer(text.find(other)))
last_index_of = _with_text("lastIndexOf", lambda text, other: integer(text.rfind(other)))
starts_with = _with_text("startsWith", lambda text, other: boolean(text.startswith(other)))
ends_with = _with_text("endsWith", lambda text, other: boolean(text.endswith(other)))
contains = _with_text("contains", lambda text, other: boolean(other in text))
matches = _with_text("matches", lambda text, other: boolean(regex.compile(other).search(text) is not None))
matches_full = _with_text("matchesFull", lambda text, other: boolean(_fills(text, other)))
split = _with_text("split", lambda text, other: _strings(text.split(other) if other else list(text)))

upper = _of_text("upper", lambda text: string(text.upper()))
lower = _of_text("lower", lambda text: string(text.lower()))
trim = _of_text("trim", lambda text: string(text.strip()))
length = _of_text("length", lambda text: integer(len(text)))
to_chars = _of_text("toChars", lambda text: _strings(list(text)))


def _fills(text: str, pattern: str) -> bool:
    return regex.compile(rf"\A(?:{pattern})\Z").search(text) is not None


def _strings(texts: list[str]) -> Items:
    return [Item(text, "System.String") for text in texts]


def substring(items: Items, env: Environment, start: Evaluate, length: Evaluate | None = None) -> Items:
    """From a place counted from 0; empty where that lies outside."""
    text = string_of(items, "`substring()`")
    begin = integer_of(start(env.this, env), "`substring()`")
    if text is None or begin is None or not 0 <= begin < len(text):
        return NONE
    number = None if length is None else integer_of(length(env.this, env), "`substring()`")
    return string(text[begin:] if number is None else text[begin : begin + max(0, number)])


def replace(items: Items, env: Environment, pattern: Evaluate, substitution: Evaluate) -> Items:
    text = string_of(items, "`replace()`")
    old, new = _argument(pattern, env, "replace"), _argument(substitution, env, "replace")
    if text is None or old is None or new is None:
        return NONE
    _check_growth(text, new)
    return string(bounded(text.replace(old, new)))


def replace_matches(items: Items, env: Environment, pattern: Evaluate, substitution: Evaluate) -> Items:
    text = string_of(items, "`replaceMatches()`")
    old, new = _argument(pattern, env, "replaceMatches"), _argument(substitution, env, "replaceMatches")
    if text is None or old is None or new is None:
        return NONE
    if not old:
        return string(text)
    _check_growth(text, new)
    return string(bounded(regex.compile(old).replace(text, new)))


def _check_growth(text: str, substitution: str) -> None:
    if len(text) * len(substitution) > 10_000_000:
        raise FhirpathError("A replacement would make too long a string.", "too-costly")


def join(items: Items, env: Environment, separator: Evaluate | None = None) -> Items:
    between = "" if separator is None else _argument(separator, env, "join") or ""
    texts = [string_of((item,), "`join()`") or "" for item in items]
    return string(bounded(between.join(texts))) if texts else NONE


def encode(items: Items, env: Environment, format: Evaluate) -> Items:
    text, name = string_of(items, "`encode()`"), _argument(format, env, "encode")
    if text is None:
        return NONE
    match name:
        case "hex":
            return string(bounded(text.encode().hex()))
        case "base64":
            return string(bounded(base64.b64encode(text.encode()).decode()))
        case "urlbase64":
            return string(bounded(base64.urlsafe_b64encode(text.encode()).decode()))
    return NONE


def decode(items: Items, env: Environment, format: Evaluate) -> Items:
    text, name = string_of(items, "`decode()`"), _argument(format, env, "decode")
    if text is None:
        return NONE
    try:
        match name:
            case "hex":
                return string(bytes.fromhex(text).decode())
            case "base64":
                return string(base64.b64decode(text, validate=True).decode())
            case "urlbase64":
                return string(base64.urlsafe_b64decode(text).decode())
    except (ValueError, binascii.Error):
        return NONE
    return NONE


def escape(items: Items, env: Environment, target: Evaluate) -> Items:
    text, name = string_of(items, "`escape()`"), _argument(target, env, "escape")
    if text is None:
        return NONE
    match name:
        case "html":
            return string(bounded(html.escape(text)))
        case "json":
            return string(bounded(json.dumps(text, ensure_ascii=False)[1:-1]))
    return NONE


def unescape(items: Items, env: Environment, target: Evaluate) -> Items:
    text, name = string_of(items, "`unescape()`"), _argument(target, env, "unescape")
    if text is None:
        return NONE
    match name:
        case "html":
            return string(html.unescape(text))
        case "json":
            return string(_JSON_ESCAPE.sub(lambda match: str(json.loads(f'"{match[0]}"')), text))
    return NONE
