"""The organisations of the region and the people who work there; every identifier is from a test range.

Identifier systems and codes: http://fhir.nl/fhir/NamingSystem/ (ura, agb-z, big, uzi-nr-pers, uzi-rolcode).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fhir.resources.R4B.endpoint import Endpoint
from fhir.resources.R4B.healthcareservice import HealthcareService
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.organizationaffiliation import OrganizationAffiliation
from fhir.resources.R4B.practitioner import Practitioner
from fhir.resources.R4B.practitionerrole import PractitionerRole

from fhirhub.demo.draw import Draw
from fhirhub.demo.typed import CANONICAL, META, typed
from fhirhub.demo.words import ENDINGS, MEN, PREFIXES, ROLES, STEMS, WOMEN

Json = dict[str, Any]

NAMING = "http://fhir.nl/fhir/NamingSystem"
QUALIFIER = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier"
"""Whether a given name is one, an initial, or what somebody is called: nl-core asks it of each."""
ORGANIZATION_TYPE = "http://nictiz.nl/fhir/NamingSystem/organization-type"
ROLE_CODE = f"{CANONICAL}/CodeSystem/role"
PATIENTS_A_PRACTICE = 2_000

# What a role is in the UZI register; roles without a number there have the local code alone.
UZI_ROLES = {
    "huisarts": ("01.015", "Huisarts"),
    "hap-arts": ("01.015", "Huisarts"),
    "specialist-ouderengeneeskunde": ("01.047", "Specialist ouderengeneeskunde"),
    "wijkverpleegkundige": ("30.000", "Verpleegkundige"),
    "verpleegkundig-specialist": ("30.000", "Verpleegkundige"),
    "physician-assistant": ("81.000", "Physician assistant"),
    "verzorgende-ig": ("86.000", "Verzorgende individuele gezondheidszorg"),
    "apotheker": ("17.000", "Apotheker"),
}


@dataclass
class Neighbourhood:
    """One practice's surroundings: references by what they are asked for.

    `people` holds PractitionerRoles, `organizations` Organizations, under the same keys.
    """

    organizations: dict[str, str] = field(default_factory=dict)
    people: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def regional() -> tuple[list[Json], Neighbourhood]:
    """What the whole region shares: nursing home, out-of-hours post, welfare, care group."""
    place = Neighbourhood()
    made: list[Json] = []
    made += _organization(place, "care-group", "zorggroep", "Zorggroep Demoregio", None, 90001)
    made += _organization(place, "specialist", "verpleeghuis", "Verpleeghuis De Proefhof", "R5", 90002)
    made += _organization(place, "post", "huisartsenpost", "Huisartsenpost Demoregio", "N6", 90003)
    made += _organization(place, "welzijn", "welzijn", "Stichting Welzijn Voorbeeldstad", None, None)
    for number in range(2):
        made += _professional(place, "specialist", "specialist-ouderengeneeskunde", "so", number)
        made += _professional(place, "post", "hap-arts", "hap", number)
        made += _professional(place, "welzijn", "welzijn", "welzijn", number)
    made += _professional(place, "care-group", "analist", "analist", 0)
    for role in ("beheerder", "privacy-officer"):
        made += _professional(place, "care-group", role, role, 0, key=role)
    made.append(_post_service(place))
    return made, place


def neighbourhood(number: int, region: Neighbourhood) -> tuple[list[Json], Neighbourhood]:
    """A practice, its district nurses and who covers for it, added to what the region shares."""
    place = Neighbourhood(dict(region.organizations), dict(region.people), dict(region.names))
    suffix = f"-{number + 1}"
    made: list[Json] = []
    practice, nursing = f"praktijk{suffix}", f"wijkverpleging{suffix}"
    made += _organization(
        place, "huisarts", practice, f"Huisartsenpraktijk Proeflaan {number + 1}", "Z3", 90100 + number
    )
    place.organizations["poh"] = place.organizations["huisarts"]
    made += _organization(
        place, "wijkverpleging", nursing, f"Wijkverpleging Testerveen team {number + 1}", "T2", 91000 + number
    )
    for index in range(2):
        made += _professional(place, "huisarts", "huisarts", f"huisarts{suffix}", index)
        made += _professional(place, "poh", "poh", f"poh{suffix}", index)
    made += _professional(place, "huisarts", "doktersassistent", f"assistent{suffix}", 0, key="assistent")
    for index in range(3):
        made += _professional(place, "wijkverpleging", "wijkverpleegkundige", f"wvk{suffix}", index)
    made += _organization(
        place, "apotheek", f"apotheek{suffix}", f"Apotheek Proeflaan {number + 1}", "J8", 92000 + number
    )
    for organization, role in (
        ("huisarts", "verpleegkundig-specialist"),
        ("huisarts", "physician-assistant"),
        ("wijkverpleging", "verzorgende-ig"),
        ("wijkverpleging", "casemanager-dementie"),
        ("apotheek", "apotheker"),
    ):
        made += _professional(place, organization, role, f"{role}{suffix}", 0, key=role)
    made.append(_cover(place, practice))
    made.append(_joined(place, practice))
    made += _queue(place, suffix)
    return made, place


def _organization(
    place: Neighbourhood, key: str, id: str, name: str, type: str | None, number: int | None
) -> list[Json]:
    identifiers = []
    if type is not None and number is not None:
        identifiers.append({"system": f"{NAMING}/ura", "value": f"9{number:07}"})
        identifiers.append({"system": f"{NAMING}/agb-z", "value": f"99{number:06}"})
    else:
        identifiers.append({"system": f"{CANONICAL}/NamingSystem/organisatie", "value": id})
    kinds = {
        "Z3": "Huisartspraktijk (zelfstandig of groepspraktijk)",
        "N6": "Huisartsenpost (t.b.v. dienstwaarneming)",
        "T2": "Thuiszorg",
        "R5": "Verpleeghuis",
        "J8": "Openbare apotheek",
    }
    kind = (
        {"coding": [{"system": ORGANIZATION_TYPE, "code": type, "display": kinds[type]}]}
        if type
        else {"text": name.split()[0]}
    )
    place.organizations[key] = f"Organization/{id}"
    place.names[f"Organization/{id}"] = name
    organization = typed(
        Organization,
        id=id,
        meta=META,
        identifier=identifiers,
        active=True,
        type=[kind],
        name=name,
        telecom=[{"system": "phone", "value": f"+31880{(number or 0):06}", "use": "work"}],
        address=[{"use": "work", "line": ["Proeflaan 1"], "city": "Voorbeeldstad", "country": "NL"}],
    )
    return [organization]


def _professional(
    place: Neighbourhood, organization: str, role: str, id: str, index: int, key: str | None = None
) -> list[Json]:
    """A Practitioner and the PractitionerRole in which they work."""
    draw = Draw("professional", id, index)
    id = f"{id}-{index + 1}"
    woman = draw.chance(60)
    given = draw.one(WOMEN if woman else MEN)
    family = " ".join(filter(None, (draw.one(PREFIXES), draw.one(STEMS) + draw.one(ENDINGS))))
    number = 900_000_000 + draw.below(99_999_999)
    identifiers = [{"system": f"{NAMING}/uzi-nr-pers", "value": str(number)}]
    if role in UZI_ROLES:
        identifiers.append({"system": f"{NAMING}/big", "value": f"99{number:09}"})
    codings = [{"system": ROLE_CODE, "code": role, "display": ROLES[role]}]
    if role in UZI_ROLES:
        code, display = UZI_ROLES[role]
        codings.insert(0, {"system": f"{NAMING}/uzi-rolcode", "code": code, "display": display})
    name = f"{given} {family}"
    practitioner = typed(
        Practitioner,
        id=id,
        meta=META,
        identifier=identifiers,
        active=True,
        name=[
            {
                "use": "official",
                "text": name,
                "family": family,
                "given": [given],
                "_given": [{"extension": [{"url": QUALIFIER, "valueCode": "BR"}]}],
            }
        ],
        gender="female" if woman else "male",
    )
    works = typed(
        PractitionerRole,
        id=f"rol-{id}",
        meta=META,
        active=True,
        period={"start": "2024-01-01"},
        practitioner={"reference": f"Practitioner/{id}", "display": name},
        organization={"reference": place.organizations[organization]},
        code=[{"coding": codings, "text": ROLES[role]}],
        telecom=[{"system": "phone", "value": f"+3188{number % 10_000_000:07}", "use": "work"}],
    )
    reference = f"PractitionerRole/rol-{id}"
    people = place.people.setdefault(key or organization, [])
    place.people[key or organization] = [*people, reference]
    place.names[reference] = f"{name}, {ROLES[role].lower()}"
    return [practitioner, works]


def _post_service(place: Neighbourhood) -> Json:
    evening = {"daysOfWeek": ["mon", "tue", "wed", "thu", "fri"], "availableStartTime": "17:00:00"}
    night = {"daysOfWeek": ["mon", "tue", "wed", "thu", "fri"], "availableStartTime": "00:00:00"}
    service = typed(
        HealthcareService,
        id="avond-nacht-weekend",
        meta=META,
        active=True,
        providedBy={"reference": place.organizations["post"]},
        name="Spoedzorg buiten kantooruren",
        comment="Alleen bij klachten die niet tot de volgende werkdag kunnen wachten.",
        availableTime=[
            {**evening, "availableEndTime": "23:59:59"},
            {**night, "availableEndTime": "08:00:00"},
            {"daysOfWeek": ["sat", "sun"], "allDay": True},
        ],
    )
    place.organizations["post-service"] = "HealthcareService/avond-nacht-weekend"
    return service


def _cover(place: Neighbourhood, practice: str) -> Json:
    """Out of hours the post covers for the practice."""
    return _affiliation(
        f"waarneming-{practice}",
        place.organizations["huisarts"],
        place.organizations["post"],
        ("waarneming", "Waarneming"),
        healthcareService=[{"reference": place.organizations["post-service"]}],
    )


def _joined(place: Neighbourhood, practice: str) -> Json:
    """The practice is of the care group."""
    return _affiliation(
        f"zorggroep-{practice}",
        place.organizations["care-group"],
        place.organizations["huisarts"],
        ("zorggroep", "Aangesloten bij de zorggroep"),
    )


def _affiliation(id: str, organization: str, participating: str, code: tuple[str, str], **also: Any) -> Json:
    """What one organisation is to another, by the guide's code and its text."""
    coding = {"system": f"{CANONICAL}/CodeSystem/affiliation", "code": code[0]}
    return typed(
        OrganizationAffiliation,
        id=id,
        meta=META,
        active=True,
        period={"start": "2025-01-01"},
        organization={"reference": organization},
        participatingOrganization={"reference": participating},
        code=[{"coding": [coding], "text": code[1]}],
        **also,
    )


def _queue(place: Neighbourhood, suffix: str) -> list[Json]:
    """The regional queue of district nursing, and where its organisation is notified: that is off."""
    service = typed(
        HealthcareService,
        id=f"wachtrij{suffix}",
        meta=META,
        active=True,
        providedBy={"reference": place.organizations["wijkverpleging"]},
        name="Regionale wachtrij wijkverpleging",
        comment="Wie plaats heeft, neemt een vraag aan; de urgentie staat erbij.",
    )
    place.organizations["queue"] = f"HealthcareService/wachtrij{suffix}"
    endpoint = typed(
        Endpoint,
        id=f"ontvanger{suffix}",
        meta=META,
        status="off",
        connectionType={
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "hl7-fhir-rest",
        },
        name="Berichten voor de wijkverpleging (uitgezet)",
        managingOrganization={"reference": place.organizations["wijkverpleging"]},
        payloadType=[{"text": "FHIR R4"}],
        address="https://wijkverpleging.example/fhir",
    )
    return [service, endpoint]
