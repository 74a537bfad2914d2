"""What shared care refers to is on this hub, or on a host that is listed
(https://hl7.org/fhir/R4/references.html#Reference).
"""

from __future__ import annotations

from fhirhub import errors
from fhirhub.careplan import moves
from fhirhub.fetching.addresses import FetchError, is_allowed
from fhirhub.repository import Effect, Repository
from fhirhub.resources import references
from fhirhub.resources.careplan import Json


class ReferHere:
    """The rule that refuses what points its readers to another server, but for one of `FHIRHUB_FETCH_ALLOW`."""

    types = frozenset({"CarePlan", "CareTeam", "Communication", "Consent", "Goal", "Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        body = effect.after.body
        if unit.asker.actor is None or effect.by_hub or body is None or b'"reference":"http' not in body:
            return
        base = moves.base_of(unit)
        before = dict(_foreign(moves.content(effect.before) or {}, base))
        for url, place in _foreign(moves.content(effect.after) or {}, base):
            if url not in before and not _is_listed(url, unit.tenant.fetch_allow):
                raise errors.business_rule(
                    f"{url} is on another server, whose host FHIRHUB_FETCH_ALLOW does not list. Refer to what is on "
                    "this hub, or name a party by its number (`identifier`).",
                    place,
                )

    async def committed(self) -> None:
        """Nothing waits for it."""


def _foreign(resource: Json, base: str | None) -> list[tuple[str, str]]:
    """What a resource refers to on other servers, each with its place."""
    return [
        (link.text, link.path.removesuffix(".reference"))
        for link in references.walk(resource)
        if link.kind == "reference"
        and link.text.startswith(("http://", "https://"))
        and not references.parse(link.text, base).is_local
    ]


def _is_listed(url: str, hosts: tuple[str, ...]) -> bool:
    try:
        return is_allowed(url, hosts)
    except FetchError:
        return False
