"""Who a patient is: by BSN, or by birth date, family name and postcode (RULES R3, R5, R11, R12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.repository import Effect, Repository
from fhirhub.resources import document
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.store.index.string import fold
from fhirhub.store.request import parse

Json = dict[str, Any]

BSN = BSN_SYSTEMS[0]


class Told(NamedTuple):
    """What somebody knows of a patient who is here."""

    bsn: str | None = None
    birth_date: str | None = None
    family: str | None = None
    postal_code: str | None = None


def bsns(patient: Json) -> frozenset[str]:
    """The BSN of a Patient; more than one where it says so."""
    return frozenset(
        one["value"].strip()
        for one in patient.get("identifier", ())
        if one.get("system") in BSN_SYSTEMS and one.get("value")
    )


async def of_bsn(unit: Repository, values: Iterable[str]) -> list[Json]:
    """The Patients with one of these BSN."""
    tokens = [f"{system}|{value}" for value in sorted(values) for system in BSN_SYSTEMS]
    return await _search(unit, [("identifier", ",".join(escaped(one) for one in tokens))])


async def found(unit: Repository, told: Told) -> Json | None:
    """The one Patient of whom this is told; None for nobody, and for several."""
    if told.bsn is not None:
        matches = await of_bsn(unit, [told.bsn])
    else:
        matches = [
            one
            for one in await _search(unit, [("birthdate", told.birth_date or "")])
            if fold(told.family or "") in families(one)
            and _postcode(told.postal_code or "") in _postcodes(one)
        ]
    return matches[0] if len(matches) == 1 else None


async def hold(unit: Repository, values: Iterable[str]) -> None:
    """Nobody else finds or makes a Patient of these BSN until the end of the transaction."""
    await unit.transaction.lock_names(unit.tenant.number, [f"bsn {value}" for value in sorted(values)])


def families(patient: Json) -> frozenset[str]:
    """The family names of a Patient, folded; of a name that has none the whole."""
    return frozenset(fold(_family(name)) for name in patient.get("name", ())) - {""}


def _family(name: Json) -> str:
    return str(name.get("family") or name.get("text") or "")


def _postcodes(patient: Json) -> frozenset[str]:
    return frozenset(_postcode(one.get("postalCode", "")) for one in patient.get("address", ())) - {""}


def _postcode(text: str) -> str:
    return "".join(text.split()).upper()


async def _search(unit: Repository, query: list[tuple[str, str]]) -> list[Json]:
    request = parse("Patient", [*query, ("_count", "1000")], unit.parameters)
    return [
        document.decode(match.body) for match in await unit.all_matches(request) if match.body is not None
    ]


def escaped(token: str) -> str:
    """`system|value` as a search takes it literally."""
    return "".join(f"\\{letter}" if letter in "\\,$" else letter for letter in token)


class OnePatientForEachBsn:
    """No second Patient of a BSN is written, whoever does it and however many at once (R3)."""

    types = frozenset({"Patient"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        if effect.after.body is None:
            return
        own = bsns(document.decode(effect.after.body))
        fresh = own - _before(effect)
        if not fresh:
            return
        await hold(unit, fresh)
        if any(one["id"] != effect.after.id for one in await of_bsn(unit, fresh)):
            raise errors.duplicate(
                "There is a Patient with this BSN already: `Patient/$register` finds that one.",
                "Patient.identifier",
            )

    async def committed(self) -> None:
        """Nothing is left to do."""


def _before(effect: Effect) -> frozenset[str]:
    if effect.before is None or effect.before.body is None:
        return frozenset()
    return bsns(document.decode(effect.before.body))


def asked(given: Iterable[tuple[str, Any]]) -> Told:
    """What the parameters of an operation tell of a patient. Raises `required` and `invalid`."""
    values = dict(given)
    if values.get("identifier") is not None:
        return Told(bsn(values["identifier"]))
    parts = [values.get(name) for name in ("birthDate", "family", "postalCode")]
    if not all(isinstance(part, str) and part.strip() for part in parts):
        raise errors.required(
            "Who is meant is told by `identifier`, the BSN, or by `birthDate`, `family` and `postalCode` together."
        )
    return Told(None, *parts)


def bsn(identifier: Any) -> str:
    """The BSN of an Identifier. Raises `invalid`."""
    if not isinstance(identifier, dict) or identifier.get("system") not in BSN_SYSTEMS:
        raise errors.invalid(f"`identifier` expects an Identifier of system {BSN}")
    value = identifier.get("value")
    if not isinstance(value, str) or len(value) != 9 or not (value.isascii() and value.isdigit()):
        raise errors.invalid("`identifier` expects a BSN of nine digits as its value")
    return value
