"""Questionnaires as those who answer them find them: by canonical, stored ones before those of the guide.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from fhirhub.repository import Repository
from fhirhub.resources import document, guide
from fhirhub.resources.canonicals import version_order
from fhirhub.store import request as requests
from fhirhub.store.database import Transaction

Json = dict[str, Any]


class Found(NamedTuple):
    """A Questionnaire, and when it was last written (microseconds; 0 for one of the guide)."""

    questionnaire: Json
    updated: int

    @property
    def version(self) -> str:
        return str(self.questionnaire.get("version", ""))


async def find(store: Repository, canonical: str, response: Json | None = None) -> Found | None:
    """The Questionnaire of that canonical, the newest where no version is named and those in use before others;
    `#id` is contained in the response. None where this caller finds none."""
    if canonical.startswith("#"):
        for each in (response or {}).get("contained", ()):
            if each.get("id") == canonical[1:] and each.get("resourceType") == "Questionnaire":
                return Found(each, 0)
        return None
    url, _, version = canonical.partition("|")
    known = [each for each in await every(store, url) if not version or each.version == version]
    return max(known, key=_order, default=None)


async def every(store: Repository, url: str) -> list[Found]:
    """All versions of it. The rules of one write ask once."""
    if store.limited or not store.is_together:
        return await _search(store, url)
    kept = _kept.setdefault(store.transaction, {})
    if url not in kept:
        kept[url] = await _search(store, url)
    return kept[url]


_kept: WeakKeyDictionary[Transaction, dict[str, list[Found]]] = WeakKeyDictionary()


async def _search(store: Repository, url: str) -> list[Found]:
    asked = requests.parse("Questionnaire", [("url", url)], store.parameters)
    found = [
        Found(document.decode(each.body), each.updated)
        for each in await store.all_matches(asked)
        if each.body
    ]
    own = guide.find("Questionnaire", url)
    if own is not None and all(each.version != own.get("version") for each in found):
        found.append(Found(own, 0))
    return found


def newest_of(known: list[Found]) -> Found:
    """The one that is answered now."""
    return max(known, key=_order)


def _order(found: Found) -> Any:
    return found.questionnaire.get("status") == "active", version_order(found.version), found.updated
