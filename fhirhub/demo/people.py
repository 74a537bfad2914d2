"""The patient, and those around them.

https://hl7.org/fhir/R4/patient.html, https://hl7.org/fhir/R4/relatedperson.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import templates
from fhirhub.demo.calendar import TODAY
from fhirhub.demo.person import Person
from fhirhub.demo.region import NAMING, QUALIFIER
from fhirhub.demo.templates import HL7, SNOMED, coded, meta, reference
from fhirhub.demo.words import MEN, RELATIONS, STREETS, TOWNS, WOMEN

Json = dict[str, Any]

_OWN_PREFIX = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix"
_OWN_NAME = "http://hl7.org/fhir/StructureDefinition/humanname-own-name"
_POSTCODE_LETTERS = "BCDEGHJKLMNPRSTVWXZ"
CARER = coded(SNOMED, "407542009", "Informal carer", "Mantelzorger")


def patient(person: Person) -> Json:
    """The Patient, with a BSN of the test range, an address and the practice they are registered with."""
    draw = person.draw
    name: Json = {"use": "official", "text": person.name, "family": person.full_family}
    if person.prefix:
        name["_family"] = {
            "extension": [
                {"url": _OWN_PREFIX, "valueString": person.prefix},
                {"url": _OWN_NAME, "valueString": person.family},
            ]
        }
    name["given"] = [person.given, f"{person.given[0]}."]
    name["_given"] = [
        {"extension": [{"url": QUALIFIER, "valueCode": "BR"}]},
        {"extension": [{"url": QUALIFIER, "valueCode": "IN"}]},
    ]
    postcode = f"{1000 + draw.below(9000)} {draw.one(_POSTCODE_LETTERS)}{draw.one(_POSTCODE_LETTERS)}"
    made = {
        **templates.patient(),
        "id": person.id("patient"),
        "meta": meta(),
        "identifier": [{"system": f"{NAMING}/bsn", "value": person.bsn}],
        "name": [name],
        "telecom": [{"system": "phone", "value": f"+31600{person.n:06}", "use": "mobile"}],
        "gender": "female" if person.woman else "male",
        "birthDate": f"{TODAY.year - person.age}-{1 + draw.below(12):02}-{1 + draw.below(28):02}",
        "address": [
            {
                "use": "home",
                "type": "both",
                "line": [f"{draw.one(STREETS)} {1 + draw.below(180)}"],
                "city": draw.one(TOWNS),
                "postalCode": postcode,
                "country": "NL",
            }
        ],
        "generalPractitioner": [reference(person.practice, person.place.names[person.practice])],
        "managingOrganization": reference(person.practice),
    }
    if draw.chance(45):
        made["maritalStatus"] = coded(f"{HL7}/v3-MaritalStatus", "W", "Widowed", "Weduwe of weduwnaar")
    return made


def related_people(person: Person) -> list[Json]:
    """None, one or two who help or are close; the first is the carer of the plan."""
    draw = person.draw
    made = []
    count = 0 if draw.chance(12) else 1 if draw.chance(65) else 2
    for index, (code, display, dutch, gender) in enumerate(draw.some(RELATIONS, count), 1):
        given = draw.one(WOMEN if gender == "female" else MEN)
        id = person.id("naaste", index)
        name = f"{given} {person.full_family}"
        person.carers.append((f"RelatedPerson/{id}", name))
        made.append(
            {
                **templates.related_person(),
                "id": id,
                "meta": meta(),
                "patient": person.subject(),
                "relationship": [CARER, coded(f"{HL7}/v3-RoleCode", code, display, dutch)],
                "name": [{"text": name, "family": person.full_family, "given": [given]}],
                "telecom": [{"system": "phone", "value": f"+3161{index}{person.n:06}", "use": "mobile"}],
                "gender": gender,
            }
        )
    if person.carers:
        person.parties["carer"] = person.carers[0][0]
    return made
