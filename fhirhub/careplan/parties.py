"""Who a party is and whether it takes part already: organisations with their people, queues, persons
(RULES R6, R7, R11, R15, R22).
"""

from __future__ import annotations

from fhirhub.auth import careteam
from fhirhub.auth.roles import ROLES
from fhirhub.careplan import moves
from fhirhub.repository import Repository
from fhirhub.resources import careplan, guide, relations
from fhirhub.resources.careplan import Json
from fhirhub.resources.relations import Kind
from fhirhub.store.sql import Statement

AT_HOME = ("Patient/", "RelatedPerson/")
"""Parties that belong to no organisation."""
QUEUE = "HealthcareService/"


async def names(unit: Repository, party: str, now: int) -> list[str]:
    """The names under which agreements and teams know a party: itself, the person of a
    role, and the organisations it belongs to."""
    if party.startswith(AT_HOME):
        return [party]
    person = await careteam.person_of(unit, party) if party.startswith("PractitionerRole/") else None
    own = [party] if person is None else [party, person]
    return list(dict.fromkeys([*own, *await careteam.organizations_of(unit, party, now)]))


async def organization_of(unit: Repository, party: str, now: int) -> str | None:
    """The one organisation that a party is or belongs to; None where there is none, or several."""
    found = await careteam.organizations_of(unit, party, now)
    return found[0] if len(found) == 1 else None


async def active(unit: Repository, patient: str, now: int) -> list[str]:
    """The parties that take part in the patient's care: registered practice and active participants."""
    found = await unit.fetch(
        Statement(
            "SELECT DISTINCT x.actor FROM relation x WHERE x.tenant = $1 AND x.subject = $2 "
            f"AND x.kind = {int(Kind.MEMBER)} AND x.start <= $3 AND x.until > $3",
            (unit.tenant.number, patient, now),
            ("int", "text", "bigint"),
        )
    )
    practice = await careteam.registered_practice(unit, patient, now)
    return sorted({str(row[0]) for row in found} | ({practice} if practice else set()))


async def is_inside(unit: Repository, patient: str, party: str, now: int) -> bool:
    """Whether a party's organisation takes part already, so that the team does not grow across organisations by it
    (RULES R15)."""
    if party.startswith(AT_HOME):
        return True
    wanted = set(await names(unit, party, now))
    for member in await active(unit, patient, now):
        if not wanted.isdisjoint(await names(unit, member, now)):
            return True
    return False


async def takes_part(unit: Repository, patient: str, now: int) -> bool:
    """Whether who asked is the patient, who represents them, the registered practice or an active participant
    (RULES R7, R19)."""
    asker = unit.asker
    if asker.actor is not None and asker.actor.column in ("patient", "representative"):
        return True
    practice = await careteam.registered_practice(unit, patient, now)
    if practice is not None and practice == asker.caller.organization:
        return True
    return any(member in asker.caller.names for member in await active(unit, patient, now))


async def owns(unit: Repository, patient: str | None, party: str | None) -> bool:
    """Whether who asked stands in the place of this party: it is theirs, or their patient's whom they represent."""
    if await careteam.acts_as(unit, party):
        return True
    actor = unit.asker.actor
    return (
        actor is not None
        and actor.column == "representative"
        and patient is not None
        and party == f"Patient/{patient}"
    )


async def called(unit: Repository, party: str) -> str:
    """How people call a party."""
    if party.startswith("PractitionerRole/"):
        party = await careteam.person_of(unit, party) or party
    found = (await moves.read(unit, party) or {}).get("name")
    if isinstance(found, str):
        return found
    for name in found or ():
        text = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")]).strip()
        if text:
            return str(text)
    return party


async def roles_of(unit: Repository, party: str, organization: str | None) -> list[Json]:
    """The roles that a participant entry of this party has."""
    if party.startswith("Patient/"):
        return [careplan.role(careplan.PATIENT)]
    if party.startswith("RelatedPerson/"):
        person = await moves.read(unit, party)
        carer = any(
            code in (careplan.CARER, "mantelzorger")
            for _, code in careplan.codings((person or {}).get("relationship"))
        )
        return [careplan.role(careplan.CARER if carer else careplan.RELATIVE)]
    own = await role_codes(unit, party, organization)
    if own:
        return [careplan.role(code) for code in own]
    if organization is not None and not await careteam.is_provider(unit, organization):
        return [careplan.role("welzijn")]
    return [careplan.role(careplan.TREATING)]


async def role_codes(unit: Repository, party: str, organization: str | None) -> list[str]:
    """The hub's codes of the roles of a professional, as the directory has them."""
    named = [party] if party.startswith("PractitionerRole/") else []
    if party.startswith("Practitioner/") and organization is not None:
        rows = await unit.fetch(
            Statement(
                f"SELECT k.actor FROM relation k WHERE k.tenant = $1 AND k.subject = $2 AND k.kind = {int(Kind.IS)} "
                "ORDER BY k.actor",
                (unit.tenant.number, relations.acting(party, organization)),
                ("int", "text"),
            )
        )
        named = [str(row[0]) for row in rows]
    system = guide.url("CodeSystem", "role")
    found: list[str] = []
    for one in named:
        told = list(careplan.codings((await moves.read(unit, one) or {}).get("code")))
        own = [code for of, code in told if of == system and code in ROLES]
        found += own or [name for name, role in ROLES.items() if role.coding in told][:1]
    return list(dict.fromkeys(found))
