"""The operations of JSON Patch on plain JSON (https://www.rfc-editor.org/rfc/rfc6902)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fhirhub import errors
from fhirhub.errors import FhirError

Json = dict[str, Any]

MOST_COPIED = 200_000
"""Values that `copy` may add in all, lest each copy of everything into itself doubles it."""


_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


class JsonPatch:
    """A document in the making; what is removed from is noted in `emptied` by its identity."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.emptied: dict[int, Any] = {}
        self.copied = 0
        self.where = ""

    def apply(self, number: int, operation: Any) -> None:
        if not isinstance(operation, dict):
            raise errors.invalid(f"Operation {number} of the JSON Patch is no object.")
        name = operation.get("op")
        self.where = f"Operation {number} (`{name}`) of the JSON Patch"
        run = _OPERATIONS.get(name) if isinstance(name, str) else None
        if run is None:
            raise errors.invalid(
                f"Operation {number} of the JSON Patch has op `{name}`; there are {', '.join(_OPERATIONS)}."
            )
        run(self, operation)

    def add(self, operation: Json) -> None:
        self.put(self.pointer(operation, "path"), copied(self.value(operation)))

    def remove(self, operation: Json) -> None:
        self.take(self.pointer(operation, "path"))

    def replace(self, operation: Json) -> None:
        path, value = self.pointer(operation, "path"), copied(self.value(operation))
        if not path:
            self.document = value
            return
        parent = self.find(path[:-1])
        key = self.key(parent, path)
        parent[key] = value

    def move(self, operation: Json) -> None:
        source, path = self.pointer(operation, "from"), self.pointer(operation, "path")
        if len(source) < len(path) and path[: len(source)] == source:
            raise self.misfit(f"moves `{_written(source)}` into itself")
        self.find(source)
        if source != path:
            self.put(path, self.take(source))

    def copy(self, operation: Json) -> None:
        value = self.find(self.pointer(operation, "from"))
        self.copied += _size(value)
        if self.copied > MOST_COPIED:
            raise errors.too_costly(f"{self.where} copies too much.")
        self.put(self.pointer(operation, "path"), copied(value))

    def test(self, operation: Json) -> None:
        path, value = self.pointer(operation, "path"), self.value(operation)
        if not _same(self.find(path), value):
            raise self.misfit(f"finds another value at `{_written(path)}`")

    # Parts

    def value(self, operation: Json) -> Any:
        if "value" not in operation:
            raise errors.invalid(f"{self.where} has no `value`.")
        return operation["value"]

    def pointer(self, operation: Json, member: str) -> list[str]:
        """The steps of a JSON Pointer (RFC 6901)."""
        text = operation.get(member)
        if not isinstance(text, str):
            raise errors.invalid(f"{self.where} has no `{member}`, a JSON Pointer such as `/name/0`.")
        if text and not text.startswith("/"):
            raise errors.invalid(f"{self.where} has `{member}` `{text}`; a JSON Pointer begins with `/`.")
        if _BAD_ESCAPE.search(text):
            raise errors.invalid(f"{self.where} has `{member}` `{text}`; after `~` comes 0 or 1.")
        return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]

    def find(self, path: list[str]) -> Any:
        value = self.document
        for depth in range(len(path)):
            value = value[self.key(value, path[: depth + 1])]
        return value

    def key(self, parent: Any, path: list[str]) -> Any:
        """The last step of the path as a key of what is there in its parent."""
        step = path[-1]
        if isinstance(parent, dict) and step in parent:
            return step
        if isinstance(parent, list) and _INDEX.fullmatch(step) and int(step) < len(parent):
            return int(step)
        raise self.misfit(f"finds nothing at `{_written(path)}`")

    def put(self, path: list[str], value: Any) -> None:
        if not path:
            self.document = value
            return
        parent, step = self.find(path[:-1]), path[-1]
        if isinstance(parent, dict):
            parent[step] = value
        elif isinstance(parent, list) and step == "-":
            parent.append(value)
        elif isinstance(parent, list) and _INDEX.fullmatch(step) and int(step) <= len(parent):
            parent.insert(int(step), value)
        elif isinstance(parent, list):
            raise self.misfit(
                f"has `{step}` for an index; the array `{_written(path[:-1])}` has {len(parent)} items"
            )
        else:
            raise self.misfit(f"finds neither object nor array at `{_written(path[:-1])}`")

    def take(self, path: list[str]) -> Any:
        if not path:
            raise self.misfit("removes the whole resource")
        parent = self.find(path[:-1])
        key = self.key(parent, path)
        value = parent.pop(key)
        self.emptied[id(parent)] = parent
        return value

    def misfit(self, what: str) -> FhirError:
        return errors.processing(f"{self.where} {what}.")


_OPERATIONS: dict[str, Callable[[JsonPatch, Json], None]] = {
    "add": JsonPatch.add,
    "remove": JsonPatch.remove,
    "replace": JsonPatch.replace,
    "move": JsonPatch.move,
    "copy": JsonPatch.copy,
    "test": JsonPatch.test,
}


def _written(path: list[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: numbers by value, but no number is a boolean (RFC 6902, 4.6)."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(each, other[key]) for key, each in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def copied(value: Any) -> Any:
    """A copy that shares no object or array with the value."""
    if value.__class__ is dict:
        return {key: copied(each) for key, each in value.items()}
    if value.__class__ is list:
        return [copied(each) for each in value]
    return value
