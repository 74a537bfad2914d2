"""Exact JSON in and out: digits, order and characters kept (https://hl7.org/fhir/R4/json.html)."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from fhirhub.errors import FhirError, Issue

Json = dict[str, Any]

MAX_DEPTH = 64
"""How deep objects and arrays may nest; R4's own examples stay below 20."""

MAX_DIGITS = 1000
"""How long a number may be, and how far its exponent may go: beyond lies only abuse."""


class Number(Decimal):
    """A decimal that keeps its text, where Python would write another: `0.0000001`, `1e3`, `-0`."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Number:
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __str__(self) -> str:
        return self.text


def parse(data: bytes, max_depth: int = MAX_DEPTH) -> Json:
    """The resource in the body; decimals as Decimal with all their digits, integers as int.

    Raises FhirError (400, structure) for what is not one JSON object with unique property names, nests deeper
    than `max_depth`, or has NUL characters, lone surrogates or gigantic numbers. A UTF-8 byte order mark is
    passed over (RFC 8259, 8.1).
    """
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as fault:
        raise _diagnosis(data, fault, max_depth) from None
    if type(value) is not dict:
        raise _broken("A FHIR resource in JSON is an object: {...}", data, _first_character(data))
    if _may_be_deeper(data, max_depth) and is_deeper(value, max_depth):
        raise _too_deep(data, max_depth)
    if b"\\u0000" in data or _loses(data, value):
        return _parse_with_care(data)
    return value


def decode(data: bytes) -> Json:
    """What `encode` wrote, such as a stored body: decoded without the checks of `parse`."""
    value: Json = _decode_with_care(data.decode()) if b":-0" in data else _decode(data)
    return value


def split(data: bytes) -> Json:
    """The properties of a stored body, each as it is written: `decode` tells the value of one, and `encode` writes it
    back as it was."""
    return _split(data)


def encode(value: Any) -> bytes:
    """Compact JSON with every decimal as it came in."""
    return _encode(value)


def canonical(value: Any) -> bytes:
    """The same with sorted properties: two contents are the same where this is."""
    return _encode_sorted(value)


def number(text: str) -> int | Decimal:
    """A JSON number of that text: int where it is a whole one, else Decimal, written as it is by `encode`.

    ValueError if it is no JSON number, or has more than a thousand digits or places.
    """
    if _is_integer(text):
        return _integer(text)
    if _is_decimal(text):
        return _decimal(text)
    raise ValueError(f"{text[:40]} is no number")


def pretty(data: bytes) -> bytes:
    """The same JSON, indented by two; numbers and strings are not touched."""
    return msgspec.json.format(data, indent=2)


def stamp(resource: Json, id: str, version: int, updated_us: int) -> None:
    """Set id, meta.versionId and meta.lastUpdated, in place; resourceType, id and meta then come first."""
    given = resource.get("meta")
    meta = {"versionId": str(version), "lastUpdated": instant(updated_us)}
    if given:
        for key, value in given.items():
            if key not in _STAMPED:
                meta[key] = value
    rest = dict(resource)
    resource.clear()
    resource["resourceType"] = rest.pop("resourceType")
    resource["id"] = id
    resource["meta"] = meta
    rest.pop("id", None)
    rest.pop("meta", None)
    resource.update(rest)


_STAMPED = frozenset({"versionId", "_versionId", "lastUpdated", "_lastUpdated"})


def instant(us: int) -> str:
    """Microseconds since 1970 as a FHIR instant in UTC, cut to milliseconds."""
    seconds, micros = divmod(us, 1_000_000)
    return f"{_second(seconds)}.{micros // 1000:03}Z"


@functools.lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    moment = time.gmtime(seconds)
    return (
        f"{moment.tm_year:04}-{moment.tm_mon:02}-{moment.tm_mday:02}"
        f"T{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}"
    )


def walk(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every value below, depth first, as (path, key, value); an item of an array comes under the array's key.

    The path is written like FHIRPath, `activity[0].detail`, with the names of the JSON form.
    """
    if isinstance(value, dict):
        for key, child in value.items():
            below = f"{path}.{key}" if path else key
            if isinstance(child, list):
                for position, item in enumerate(child):
                    yield f"{below}[{position}]", key, item
                    yield from walk(item, f"{below}[{position}]")
            else:
                yield below, key, child
                yield from walk(child, below)


def is_deeper(value: Any, max_depth: int = MAX_DEPTH) -> bool:
    """Whether objects and arrays nest deeper than that, as a patch can make them."""
    level = [value]
    for _ in range(max_depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


class _Constant(Exception):
    """NaN, Infinity or -Infinity."""


class _Gigantic(ValueError):
    """A number beyond every use."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise _Gigantic(text)
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise _Gigantic(text) from None
    if abs(number.adjusted()) > MAX_DIGITS:
        raise _Gigantic(text)
    return number if str(number) == text else Number(text)


def _integer(text: str) -> int | Decimal:
    if len(text) > MAX_DIGITS:
        raise _Gigantic(text)
    return Number(text) if text == "-0" else int(text)


def _written(value: Any) -> msgspec.Raw:
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


_is_integer = re.compile(r"-?(?:0|[1-9][0-9]*)").fullmatch
_is_decimal = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder(float_hook=_decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=_written).encode
_encode_sorted = msgspec.json.Encoder(
    decimal_format="number", enc_hook=_written, order="deterministic"
).encode


_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{[]}")


def _may_be_deeper(data: bytes, max_depth: int) -> bool:
    """A quick look that spares small bodies the walk: False where there are too few brackets to nest deeper.

    What is deepest has so many opening brackets before it and as many closing ones after it; whichever half
    it is in, the one or the other stand in that half.
    """
    brackets = data.translate(None, _NOT_BRACKETS)
    middle = len(brackets) // 2
    return len(brackets) > 2 * max_depth and (
        brackets.count(b"{", 0, middle) + brackets.count(b"[", 0, middle) > max_depth
        or brackets.count(b"}", middle) + brackets.count(b"]", middle) > max_depth
    )


def _loses(data: bytes, value: Any) -> bool:
    """Whether decoding may have lost something: all but the last of a repeated name, or the sign of -0.

    Nothing is lost where writing gives the same again, but for white space. Where escapes make a difference,
    quotes and hyphens are counted: a lost name takes its quotes with it and -0 its hyphen.
    """
    encoded = _encode(value)
    if encoded == data or encoded == msgspec.json.format(data, indent=-1):
        return False
    return (
        data.count(b'"') != encoded.count(b'"')
        or data.count(b"-") != encoded.count(b"-")
        or _ESCAPED_QUOTE_OR_HYPHEN.search(data) is not None
    )


_ESCAPED_QUOTE_OR_HYPHEN = re.compile(rb"\\u00(?:22|2[dD])")


def _parse_with_care(data: bytes) -> Json:
    """The same as `parse`, for what is rare: -0, NUL, escapes; finds a repeated property name."""
    text = data.decode()
    value = _decode_with_care(text)
    for token in _tokens(text, str(value.get("resourceType", ""))):
        if token.is_repeated:
            raise _broken_text(
                f"The property {token.path} appears more than once in its object; each name may appear once",
                text,
                token.start,
                token.path,
            )
        if _NUL.search(token.text):
            raise _broken_text(
                "A string has a NUL character (\\u0000), which no FHIR string may have",
                text,
                token.start,
                token.path,
            )
    return value


def _decode_with_care(text: str) -> Json:
    """Decoded with the sign of -0, which the fast decoder takes for 0."""
    value: Json = json.loads(text, parse_float=_decimal, parse_int=_integer)
    return value


class _Token(msgspec.Struct):
    text: str
    start: int
    path: str
    is_repeated: bool = False


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _tokens(text: str, path: str) -> Iterator[_Token]:
    """Every string of well-formed JSON with its path; a name that its object has already is marked."""
    # One frame for each open object or array: its names so far (None for an array) and its path.
    frames: list[tuple[set[str] | None, str]] = []
    positions: list[int] = []
    awaits_name = False
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in "{[":
            frames.append((set() if token == "{" else None, path))
            positions.append(0)
            awaits_name = token == "{"
            if token == "[":
                path = f"{path}[0]"
        elif token in "}]":
            path = frames.pop()[1]
            positions.pop()
            awaits_name = False
        elif token == ",":
            names, outer = frames[-1]
            awaits_name = names is not None
            if names is None:
                positions[-1] += 1
                path = f"{outer}[{positions[-1]}]"
        elif token == ":":
            awaits_name = False
        elif awaits_name:
            names, outer = frames[-1]
            name = json.loads(token)
            path = f"{outer}.{name}" if outer else name
            assert names is not None
            yield _Token(token, match.start(), path, name in names)
            names.add(name)
        else:
            yield _Token(token, match.start(), path)


_LONE = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def _diagnosis(data: bytes, fault: Exception, max_depth: int) -> FhirError:
    """What is wrong with a body that did not decode, where, and what would be right."""
    if not data.strip():
        return _broken("The body is empty; a FHIR resource as a JSON object is expected", data, 0)
    if isinstance(fault, RecursionError):
        return _too_deep(data, max_depth)
    try:
        text = data.decode()
    except UnicodeDecodeError as found:
        return _broken("The body is not UTF-8, the only encoding of FHIR's JSON", data, found.start)
    try:
        json.loads(text, parse_float=_decimal, parse_int=_integer, parse_constant=_refuse)
    except _Constant as found:
        return _broken_text(f"{found} is no JSON number", text, text.find(str(found)))
    except json.JSONDecodeError as found:
        return _broken_text(f"The body is not well-formed JSON: {_in_words(found.msg)}", text, found.pos)
    except _Gigantic as found:
        at = text.find(found.text)
        shown = found.text if len(found.text) <= 40 else f"{found.text[:40]}..."
        return _broken_text(
            f"The number {shown} is out of every bound; up to {MAX_DIGITS} digits are taken", text, at
        )
    except RecursionError:
        return _too_deep(data, max_depth)
    lone = _LONE.search(text)
    if lone:
        return _broken_text(
            f"{lone.group()[-6:]} is half of a surrogate pair and no character by itself", text, lone.start()
        )
    return _broken(f"The body is not well-formed JSON: {fault}", data, 0)


def _refuse(text: str) -> None:
    raise _Constant(text)


def _in_words(message: str) -> str:
    return (message[0].lower() + message[1:]).removesuffix(" at")


def _too_deep(data: bytes, max_depth: int) -> FhirError:
    return _broken(f"Objects and arrays nest deeper than {max_depth} levels, the most that is taken", data, 0)


def _first_character(data: bytes) -> int:
    return len(data) - len(data.lstrip())


def _broken(text: str, data: bytes, position: int) -> FhirError:
    return _broken_text(text, data.decode(errors="replace"), len(data[:position].decode(errors="replace")))


def _broken_text(text: str, body: str, position: int, path: str | None = None) -> FhirError:
    position = max(position, 0)
    line = body.count("\n", 0, position) + 1
    column = position - (body.rfind("\n", 0, position) + 1) + 1
    where = f" (line {line}, column {column})"
    return FhirError(400, [Issue("fatal", "structure", text + where, path or None, line=line, column=column)])
