"""Where in its source an element stands: line and column, from 1, in JSON or XML.

https://hl7.org/fhir/R4/operationoutcome.html, `issue.location` and the extensions for line and column
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
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
    found = _of_xml(source) if source.lstrip()[:1] == b"<" else _of_json(source)
    return [issue if issue.line is not None else _placed(issue, found) for issue in given]


def _placed(issue: Issue, found: Positions) -> Issue:
    path = issue.expression
    while path:
        position = found.get(path) or found.get(f"{path}[0]")
        if position is not None:
            return replace(issue, line=position[0], column=position[1])
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return issue


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def _of_json(source: bytes) -> Positions:
    """By FHIRPath, where each value of the JSON begins."""
    text = source.decode(errors="replace")
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    found: Positions = {}
    reader = _Reader(found)
    line = 0
    for match in _TOKEN.finditer(text):
        at = match.start()
        while line + 1 < len(starts) and starts[line + 1] <= at:
            line += 1
        reader.take(match.group(), (line + 1, at - starts[line] + 1))
    return found


class _Frame:
    __slots__ = ("index", "is_array", "name", "path")

    def __init__(self, path: str, is_array: bool) -> None:
        self.path = path
        self.is_array = is_array
        self.index = 0
        self.name: str | None = None


class _Reader:
    """Follows the tokens of JSON and notes the path of each value.

    A resource tells its type by `resourceType`, which may stand anywhere in it: paths within begin with the
    name of the property that holds it, and only the root's begins with the type, which is put in at the end.
    """

    def __init__(self, found: Positions) -> None:
        self.found = found
        self.frames: list[_Frame] = []
        self.root = ""

    def take(self, token: str, position: tuple[int, int]) -> None:
        frame = self.frames[-1] if self.frames else None
        if token in "}]":
            if self.frames:
                self.frames.pop()
            return
        if token == ",":
            if frame is not None:
                frame.index += frame.is_array
                frame.name = None
            return
        if token == ":":
            return
        if frame is not None and not frame.is_array and frame.name is None and token[:1] == '"':
            frame.name = json.loads(token) if "\\" in token else token[1:-1]
            return
        self.value(token, position, frame)

    def value(self, token: str, position: tuple[int, int], frame: _Frame | None) -> None:
        path = self.root
        if frame is not None:
            path = f"{frame.path}[{frame.index}]" if frame.is_array else f"{frame.path}.{_name(frame.name)}"
            if frame.name == "resourceType" and len(self.frames) == 1 and not frame.is_array:
                self.rename(token.strip('"'))
        self.found.setdefault(path, position)
        if token == "[":
            self.frames.append(_Frame(path, True))
        elif token == "{":
            self.frames.append(_Frame(path, False))

    def rename(self, root: str) -> None:
        """Put the type before the paths noted so far."""
        for path in [each for each in self.found if not each.startswith(root)]:
            self.found[root + path] = self.found.pop(path)
        for frame in self.frames:
            frame.path = root + frame.path
        self.root = root


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
    """By FHIRPath, where each element of the XML begins; nothing where it cannot be read."""
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
            if index == 0:
                found.setdefault(f"{parent}.{step}", position)
            path = f"{parent}.{step}[{index}]"
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
