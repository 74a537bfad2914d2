"""People who are watched: the neighbourhood of a patient with a privacy officer of the practice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhirhub.auth import accounts
from fhirhub.store import chain, verifying
from fhirhub.store.chain import Entry, recorded
from fhirhub.store.sql import Statement
from fhirhub.store.verifying import Verdict
from tests.auth.builders import Hub, Json, patient
from tests.careplan import neighbourhood
from tests.careplan.people import Person, person
from tests.careplan.resources import PRACTICE


@dataclass
class Watched:
    """A hub whose log is looked at."""

    hub: Hub
    jan: Person
    anna: Person
    bert: Person
    officer: Person

    async def log(self) -> list[Entry]:
        """Every record, in the order of its chain."""
        columns = ", ".join(chain.COLUMNS)
        await self.hub.realm.database.spread(self.hub.realm.number)
        rows = await self.hub.realm.database.fetch(
            Statement(f"SELECT chain, number, {columns} FROM audit ORDER BY recorded, chain, number")
        )
        return [recorded(int(row[0]), row[1:]).entry for row in rows]

    async def since(self, work: Any) -> list[Entry]:
        """What was added to the log while this was done."""
        before = len(await self.log())
        await work
        return (await self.log())[before:]

    async def verify(self) -> Verdict:
        realm = self.hub.realm
        return await verifying.verify(realm.database, realm.number, realm.database.sealer)


async def settle(hub: Hub) -> Watched:
    await neighbourhood.settle(
        hub,
        patient("anna", "Anna", generalPractitioner=[PRACTICE]),
        patient("bert", "Bert", generalPractitioner=[PRACTICE]),
    )
    asked = {
        "username": "officer",
        "password": "geheim",
        "fhirUser": "Practitioner/wil",
        "role": "privacy-officer",
    }
    await accounts.add(hub.realm, accounts.wanted({**asked, "organization": "Organization/praktijk"}))
    return Watched(
        hub,
        await person(hub, "jan"),
        await person(hub, "anna"),
        await person(hub, "bert"),
        await person(hub, "officer"),
    )


def observation(patient: str, **also: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "gewicht"},
        "subject": {"reference": f"Patient/{patient}"},
        **also,
    }


def bundle(kind: str, *entries: tuple[str, str, Json | None]) -> Json:
    """A Bundle of these methods, URLs and resources."""
    told = [
        {"request": {"method": method, "url": url}, **({"resource": resource} if resource else {})}
        for method, url, resource in entries
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": told}
