"""Where in its source an element stands: line and column, from 1, in JSON or XML.

https://hl7.org/fhir/R4/operationoutcome.html, `issue.location` and the extensions for line and column
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from xml.parsers import expat

from fhirhub.errors import Issue
from fhirhub.resources import definitions

Positions = dict[str, tuple[int, int]]


def placed(issues: Iterable[Issue], source: bytes) -> list[Issue]:
    """The issues with the line and column of what they are about, or of the nearest around it."""
    given = list(issues)
    if not any(issue.expression is not None and issue.line is None for issue in given):
        return given
    is_xml = source.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
    found = _of_xml(source) if is_xml else _of_json(source, [each.expression or "" for each in given])
    return [issue if issue.line is not None else _placed(issue, found, is_xml) for issue in given]


def _placed(issue: Issue, found: Positions, is_xml: bool) -> Issue:
    path = issue.expression
    if path and is_xml:
        path = path.replace("[0]", "")
    while path:
        position = found.get(path) or found.get(f"{path}[0]")
        if position is not None:
            return replace(issue, line=position[0], column=position[1])
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return issue


# JSON is followed along the paths that are asked for alone: what lies beside them is skipped at the speed of the
# standard library's parser, so that a Bundle of megabytes takes no longer than reading it.


class _Wanted:
    """A place that is asked for, or on the way to one; `below` has the next ones by name or index."""

    __slots__ = ("below", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.below: dict[str | int, _Wanted] = {}


_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")


def _wanted(paths: Iterable[str]) -> _Wanted:
    """The places on the way to these; the first step is the type of the whole."""
    root = _Wanted("")
    for path in paths:
        place = root
        for step in _STEP.finditer(path):
            if step.start() == 0 and path[:1].isupper():
                continue
            key = step[1] if step[1] is not None else int(step[2])
            place = place.below.setdefault(key, _Wanted(path[: step.end()]))
    return root


def _of_json(source: bytes, paths: Sequence[str]) -> Positions:
    """Where the values begin that these paths lead to, and those around them."""
    text = source.decode(errors="replace")
    starts: dict[str, int] = {}
    begin = _past(_SPACE, text, 1 if text[:1] == "\ufeff" else 0)
    for path in paths:
        starts[path.partition(".")[0]] = begin
    with contextlib.suppress(ValueError, IndexError, RecursionError, StopIteration):
        # What is no JSON has positions as far as it could be followed.
        _seek(text, begin, _wanted(paths), starts)
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    found: Positions = {}
    for path, start in starts.items():
        line = bisect.bisect_right(lines, start)
        found[path] = line, start - lines[line - 1] + 1
    return found


_SPACE = re.compile(r"\s*")
_COLON = re.compile(r"\s*:\s*")
_COMMA = re.compile(r"\s*,?\s*")
_skip = json.JSONDecoder(parse_int=str, parse_float=str, strict=False).raw_decode


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _seek(text: str, at: int, place: _Wanted, starts: dict[str, int]) -> int:
    """Follow the value that begins at `at`, which is of this place; where it ends."""
    if not place.below or text[at] not in "{[":
        return _skip(text, at)[1]
    is_array = text[at] == "["
    end = "]" if is_array else "}"
    at = _past(_SPACE, text, at + 1)
    index = 0
    while text[at] != end:
        key: str | int = index
        if not is_array:
            name, at = _skip(text, at)
            key = _name(name)
            at = _past(_COLON, text, at)
        below = place.below.get(key)
        if below is None or below.path in starts:
            at = _skip(text, at)[1]
        else:
            starts[below.path] = at
            at = _seek(text, at, below, starts)
        at = _past(_COMMA, text, at)
        index += 1
    return at + 1


def _name(key: str | None) -> str:
    """A property as FHIRPath has it: `valueQuantity` and `_valueString` are `value`."""
    name = (key or "").removeprefix("_")
    return _choices().get(name, name)


@functools.cache
def _choices() -> dict[str, str]:
    """The properties of choices, by their JSON name: it is a choice wherever the name stands."""
    found: dict[str, str] = {}
    plain: set[str] = set()
    for type in definitions.TYPES:
        for key, property in definitions.structure(type).properties.items():
            if property.element.choice:
                found[key] = property.element.name
            else:
                plain.add(key)
    return {key: name for key, name in found.items() if key not in plain}


def _of_xml(source: bytes) -> Positions:
    """By FHIRPath, where each element of the XML begins; nothing where it cannot be read. XML does not tell
    whether an element may repeat, so the first of its name has no index."""
    found: Positions = {}
    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    # For each open element its path, and how often each name came below it.
    frames: list[tuple[str, dict[str, int]]] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        position = (parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        if not frames:
            path = name
        elif name[:1].isupper():
            path = frames[-1][0]  # the resource in `contained`, `resource` or `outcome`
        else:
            parent, counts = frames[-1]
            step = _name(name)
            index = counts[step] = counts.get(step, -1) + 1
            path = f"{parent}.{step}[{index}]" if index else f"{parent}.{step}"
        found.setdefault(path, position)
        frames.append((path, {}))

    def end(name: str) -> None:
        frames.pop()

    def refuse(*_: object) -> None:
        raise ValueError("DOCTYPE")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(source, True)
    except (expat.ExpatError, ValueError):
        return found
    return found
