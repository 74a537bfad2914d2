"""ROLES: who people can be here, by the codes that accounts are made with, each with its FHIR coding.

Care providers have their code of the UZI register (`http://fhir.nl/fhir/NamingSystem/uzi-rolcode`), carers and
representatives SNOMED CT's; a role that has neither, such as the POH, has the guide's own code alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fhirhub.resources import guide

UZI = "http://fhir.nl/fhir/NamingSystem/uzi-rolcode"
SNOMED = "http://snomed.info/sct"

Person = Literal["Practitioner", "Patient", "RelatedPerson"]


@dataclass(frozen=True, slots=True)
class Role:
    """One role: which resource its people are, how it is called, and its coding besides the guide's own."""

    person: Person
    dutch: str
    english: str
    coding: tuple[str, str] | None = None
    """System and code."""

    @property
    def has_organization(self) -> bool:
        """Whether it is a role in an organisation, which an account of it names."""
        return self.person == "Practitioner"


ROLES: dict[str, Role] = {
    "huisarts": Role("Practitioner", "huisarts", "general practitioner", (UZI, "01.015")),
    "poh": Role("Practitioner", "praktijkondersteuner huisarts", "practice nurse"),
    "doktersassistent": Role("Practitioner", "doktersassistent", "practice assistant"),
    "wijkverpleegkundige": Role("Practitioner", "wijkverpleegkundige", "district nurse", (UZI, "30.000")),
    "verpleegkundig-specialist": Role(
        "Practitioner", "verpleegkundig specialist", "nurse practitioner", (UZI, "30.000")
    ),
    "physician-assistant": Role(
        "Practitioner", "physician assistant", "physician assistant", (UZI, "81.000")
    ),
    "verzorgende-ig": Role(
        "Practitioner", "verzorgende individuele gezondheidszorg", "care worker", (UZI, "86.000")
    ),
    "casemanager-dementie": Role(
        "Practitioner", "casemanager dementie", "dementia case manager", (SNOMED, "768832004")
    ),
    "specialist-ouderengeneeskunde": Role(
        "Practitioner", "specialist ouderengeneeskunde", "elderly-care physician", (UZI, "01.047")
    ),
    "hap-arts": Role("Practitioner", "arts huisartsenpost", "out-of-hours doctor", (UZI, "01.015")),
    "apotheker": Role("Practitioner", "apotheker", "pharmacist", (UZI, "17.000")),
    "welzijn": Role("Practitioner", "welzijnswerker", "welfare worker"),
    "analist": Role("Practitioner", "analist zorggroep", "care-group analyst"),
    "beheerder": Role("Practitioner", "beheerder", "administrator"),
    "privacy-officer": Role("Practitioner", "privacy officer", "privacy officer"),
    "patient": Role("Patient", "patiënt", "patient", (SNOMED, "116154003")),
    "mantelzorger": Role("RelatedPerson", "mantelzorger", "informal carer", (SNOMED, "407542009")),
    "wettelijk-vertegenwoordiger": Role(
        "RelatedPerson", "wettelijk vertegenwoordiger", "legal representative", (SNOMED, "310391000146105")
    ),
}

OF_THE_HUB = frozenset({"analist", "beheerder", "privacy-officer"})
"""Roles that are of this hub, whatever the directory says of their people's profession."""
SUPERVISED = frozenset({"poh", "doktersassistent"})
"""Roles that work under the responsibility of a doctor of their practice (RULES R24)."""
SUPERVISORS = ((UZI, "01.015"), (UZI, "01.047"))
"""The doctors who can bear it."""


def of_codes(works: dict[str, Any]) -> set[str]:
    """The roles that the codes of a PractitionerRole can be: by the guide's own code, else by any that they share."""
    told = {
        (coding.get("system"), coding.get("code"))
        for code in works.get("code", ())
        for coding in code.get("coding", ())
    }
    own = guide.url("CodeSystem", "role")
    exact = {name for name in ROLES if (own, name) in told}
    return exact or {name for name, role in ROLES.items() if role.coding in told}
