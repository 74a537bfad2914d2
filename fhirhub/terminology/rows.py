"""The row of a concept in the database, and the concept that it is.

Words of names are kept by their first three letters and the length of the display, so that the shortest matches are
found first and no others are read.
"""

from __future__ import annotations

from typing import Any

from fhirhub.resources import document
from fhirhub.store.index.string import fold
from fhirhub.store.sql import Row
from fhirhub.terminology.concepts import Concept

Json = dict[str, Any]

START = 3
"""Letters by which words are kept together."""
WORD = 40
"""Letters of a word that are kept."""
COLUMNS = "c.n, c.code, c.display, c.active, c.abstract, c.detail"


def concept_of(row: Row) -> Concept:
    """The concept of a row of `COLUMNS`."""
    _, code, display, active, abstract, detail = row
    more: Json = document.decode(detail.encode())
    return Concept(
        str(code),
        display,
        more.get("definition"),
        tuple(more.get("designation", ())),
        tuple(more.get("property", ())),
        tuple(more.get("parent", ())),
        not active,
        bool(abstract),
    )


def detail_of(concept: Concept) -> str:
    """What the row of a concept keeps beside its columns."""
    more: Json = {}
    if concept.definition:
        more["definition"] = concept.definition
    if concept.designations:
        more["designation"] = list(concept.designations)
    if concept.properties:
        more["property"] = list(concept.properties)
    if concept.parents:
        more["parent"] = list(concept.parents)
    return document.encode(more).decode()


def words_of(concept: Concept) -> list[str]:
    """The folded words by which it is found, its code among them."""
    found = dict.fromkeys(word[:WORD] for name in concept.names() for word in fold(name).split())
    found[fold(concept.code)[:WORD]] = None
    return [word for word in found if word]
