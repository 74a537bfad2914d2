"""Our own guide, compiled from `profiles/`: what it defines, and its examples (https://hl7.org/fhir/R4/implementationguide.html).

`guide.json` beside this file has a resource to a line; `scripts/compile_guide.py` makes it. It is read when
something of it is first asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib import resources
from typing import Any

import msgspec

Json = dict[str, Any]


def find(type: str, url: str) -> Json | None:
    """The resource of that type that the guide defines under that URL, None if there is none."""
    return _by_url().get((type, url))


def definitions() -> Iterator[Json]:
    """What the guide defines, by type and id; the ImplementationGuide itself too."""
    return iter(_by_url().values())


def examples() -> Iterator[Json]:
    """What is there to show how its profiles are used."""
    return (resource for resource in _all() if "url" not in resource)


def canonical() -> str:
    """The base of every URL of the guide; `profiles/sushi-config.yaml` says it."""
    return _base()


def url(type: str, id: str) -> str:
    """The canonical URL of the guide's resource of that type and id."""
    return f"{_base()}/{type}/{id}"


@functools.cache
def _base() -> str:
    guide = next(each for each in _all() if each["resourceType"] == "ImplementationGuide")
    return str(guide["url"]).partition("/ImplementationGuide/")[0]


@functools.cache
def _by_url() -> Mapping[tuple[str, str], Json]:
    return {(each["resourceType"], each["url"]): each for each in _all() if "url" in each}


@functools.cache
def _all() -> tuple[Json, ...]:
    content = resources.files(__package__).joinpath("guide.json").read_bytes()
    return tuple(msgspec.json.Decoder(list[Json], float_hook=Decimal).decode(content))
