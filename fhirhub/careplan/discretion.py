"""A request tells who does not know the patient yet nothing of who that is (RULES R29)."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from fhirhub import errors
from fhirhub.careplan import moves, parties, rights
from fhirhub.careplan.moves import Move
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources.careplan import Json
from fhirhub.resources.masking import BSN_SYSTEMS

_UNTOLD = frozenset(
    {
        "id",
        "reference",
        "url",
        "system",
        "code",
        "version",
        "versionId",
        "lastUpdated",
        "profile",
        "resourceType",
        "for",
    }
)
"""Elements that hold no words, or are shown to nobody who may not see them."""
_MONTHS = (
    ("januari", "january"), ("februari", "february"), ("maart", "march"), ("april", "april"), ("mei", "may"),
    ("juni", "june"), ("juli", "july"), ("augustus", "august"), ("september", "september"),
    ("oktober", "october"), ("november", "november"), ("december", "december"),
)  # fmt: skip
_SHORTEST = 3
"""Letters of a name that is looked for by itself."""


class NameNobody:
    """The rule that refuses a request in whose words the patient can be recognised."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.by_hub or move.status not in ("requested", "received", "ready"):
            return
        if move.patient is None or move.owner is None or move.owner.startswith(parties.AT_HOME):
            return
        if rights.asked(move.after) is not None:
            return  # Who wrote about the patient knows whom.
        told = [one for one in _texts(move.after, "") if not await _is_own_name(unit, move, *one)]
        if not told or await parties.is_inside(unit, move.patient, move.owner, now()):
            return
        patient = await moves.read(unit, f"Patient/{move.patient}")
        for what, place in named_in(patient or {}, told):
            raise errors.business_rule(
                f"The text holds the patient's {what}, and whom it goes to does not know the patient yet. Say what is "
                "asked without it: `input` takes year of birth, sex, four digits of the postcode, urgency and the "
                "wanted date.",
                f"Task{place}",
            )

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _is_own_name(unit: Repository, move: Move, text: str, place: str) -> bool:
    """Whether a text is what a professional or organisation is called, which may be as the patient is."""
    party = {".requester.display": move.requester, ".owner.display": move.owner}.get(place)
    if party is None or party.startswith(parties.AT_HOME):
        return False
    return text == await parties.called(unit, party)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text that its readers get to see, each with its place."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "data" and str(value.get("contentType", "")).startswith("text/"):
                yield _decoded(str(child)), f"{place}.data"
            elif name not in _UNTOLD:
                yield from _texts(child, f"{place}.{name}")
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _texts(child, f"{place}[{number}]")
    elif isinstance(value, str):
        yield value, place


def _decoded(data: str) -> str:
    """The words of an attachment."""
    try:
        return base64.b64decode(data).decode(errors="replace")
    except ValueError:
        return ""


def named_in(patient: Json, told: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What of the patient stands in these texts: `name`, `BSN`, `birth date`, `phone number`, `email address` or
    `address`, and where."""
    for text, place in told:
        for what, found in (
            ("name", _names),
            ("BSN", _bsn),
            ("birth date", _birth_date),
            ("phone number", _phone),
            ("email address", _email),
            ("address", _address),
        ):
            if found(patient, text):
                yield what, place


def _names(patient: Json, text: str) -> bool:
    plain = _plain(text)
    for name in patient.get("name", ()):
        for part in (name.get("family"), name.get("text")):
            if part and len(part) >= _SHORTEST and _stands(_plain(part), plain):
                return True
        # As a word of its own a given name is often another word too: with its capital it is a name.
        for given in name.get("given", ()):
            if len(given) >= _SHORTEST and re.search(rf"(?<!\w){re.escape(given)}(?!\w)", text):
                return True
    return False


def _bsn(patient: Json, text: str) -> bool:
    digits = _digits(text)
    return any(
        one.get("system") in BSN_SYSTEMS and str(one.get("value", "-")) in digits
        for one in patient.get("identifier", ())
    )


def _birth_date(patient: Json, text: str) -> bool:
    parts = str(patient.get("birthDate", "")).split("-")
    if len(parts) != 3:
        return False
    year, month, day = (int(part) for part in parts)
    plain = _plain(text)
    named = "|".join(re.escape(name) for name in _MONTHS[month - 1])
    forms = (
        rf"{year:04}\W?0?{month}\W?0?{day}",
        rf"0?{day}\W0?{month}\W({year:04}|{year % 100:02})",
        rf"0?{day}\s*(?:e|th|st|nd|rd)?\s+(?:{named})\s+{year:04}",
    )
    return any(re.search(rf"(?<!\d){form}(?!\d)", plain) for form in forms)


def _phone(patient: Json, text: str) -> bool:
    digits = _digits(text)
    for one in patient.get("telecom", ()):
        own = re.sub(r"\D", "", str(one.get("value", "")))
        # A number with and without its country code ends in the same nine digits.
        if one.get("system") in ("phone", "sms", "fax") and len(own) >= 9 and own[-9:] in digits:
            return True
    return False


def _email(patient: Json, text: str) -> bool:
    return any(
        one.get("system") == "email" and one.get("value") and str(one["value"]).lower() in text.lower()
        for one in patient.get("telecom", ())
    )


def _address(patient: Json, text: str) -> bool:
    plain = _plain(text)
    joined = re.sub(r"\s", "", plain)
    for one in patient.get("address", ()):
        code = re.sub(r"\s", "", _plain(one.get("postalCode", "")))
        if len(code) == 6 and code in joined:
            return True
        if any(_stands(_plain(line), plain) for line in one.get("line", ()) if len(line) >= _SHORTEST):
            return True
    return False


def _plain(text: str) -> str:
    """Small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _stands(part: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) is not None


def _digits(text: str) -> str:
    """The digits, with what people write between those of one number left out."""
    return re.sub(r"(?<=\d)[\s.\-/()]+(?=\d)", "", text)
