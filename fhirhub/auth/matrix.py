"""MATRIX: what each role may do at most, by resource type; a relation to a patient never gives more (RULES R21).

Letters as in SMART scopes: create, read, update, delete, search. What a role may do where depends on its relation to
the patient besides (`policy.py`), and on what is written (`writing.py`).
"""

from __future__ import annotations

from fhirhub.resources import definitions

DIRECTORY = frozenset(
    {
        "Endpoint", "HealthcareService", "Location", "Organization", "OrganizationAffiliation", "Practitioner",
        "PractitionerRole", "Schedule", "Slot",
    }
)  # fmt: skip
"""Who and what there is in the region."""
DEFINITIONS = frozenset(
    {
        "ActivityDefinition", "CapabilityStatement", "CatalogEntry", "ChargeItemDefinition", "CodeSystem",
        "CompartmentDefinition", "ConceptMap", "DeviceDefinition", "EffectEvidenceSynthesis", "EventDefinition",
        "Evidence", "EvidenceVariable", "ExampleScenario", "GraphDefinition", "ImplementationGuide",
        "InsurancePlan", "Library", "Measure", "Medication", "MedicationKnowledge", "MedicinalProduct",
        "MedicinalProductAuthorization", "MedicinalProductContraindication", "MedicinalProductIndication",
        "MedicinalProductIngredient", "MedicinalProductInteraction", "MedicinalProductManufactured",
        "MedicinalProductPackaged", "MedicinalProductPharmaceutical", "MedicinalProductUndesirableEffect",
        "MessageDefinition", "NamingSystem", "ObservationDefinition", "OperationDefinition", "PlanDefinition",
        "Questionnaire", "ResearchDefinition", "ResearchElementDefinition", "RiskEvidenceSynthesis",
        "SearchParameter", "SpecimenDefinition", "StructureDefinition", "StructureMap", "Substance",
        "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein", "SubstanceReferenceInformation",
        "SubstanceSourceMaterial", "SubstanceSpecification", "TerminologyCapabilities", "TestScript", "ValueSet",
    }
)  # fmt: skip
"""What is the same for everybody."""

_COLUMNS = (
    "patient", "representative", "carer", "doctor", "treating", "backend", "welfare", "analyst", "administrator",
    "officer",
)  # fmt: skip
_CELLS = """
                       patient repr   carer  doctor treat  backend welfare analyst admin  officer
Patient                rs      rs     rs     rus    rus    rus     rs      -       -      -
RelatedPerson          crus    crus   rs     crus   crus   crus    -       -       -      -
CarePlan               rs      rs     rs     crus   crus   crus    -       -       -      -
CareTeam               rs      rs     rs     rus    rus    rus     -       -       -      -
Goal                   crus    crus   rs     cruds  cruds  cruds   -       -       -      -
Task                   crus    crus   rus    crus   crus   crus    rus     -       rus    rus
Consent                crus    crus   crus   crus   crus   crus    -       -       -      -
QuestionnaireResponse  crus    crus   crus   cruds  cruds  cruds   rs      -       -      -
Observation            crus    crus   crus   cruds  cruds  cruds   rs      -       -      -
Communication          crs     crs    rs     crus   crus   crus    rs      -       -      -
List                   crus    crus   rs     cruds  cruds  cruds   rs      -       -      -
Subscription           cruds   cruds   cruds  cruds  cruds  cruds   cruds   -       -      -
Provenance             crs     crs    rs     crs    crs    crs     -       -       -      -
AuditEvent             rs      rs     -      -      -      -       -       -       -      rs
MeasureReport          -       -      -      -      -      -       -       rs      -      -
OrganizationAffiliation rs     rs     rs     crus   crus   crus    rs      rs      cruds  rs
DIRECTORY              rs      rs     rs     rs     rs     rs      rs      rs      cruds  rs
DEFINITIONS            rs      rs     rs     rs     rs     rs      rs      rs      cruds  rs
CLINICAL               rs      rs     rs     cruds  cruds  cruds   rs      -       -      -
"""
"""CLINICAL is every other type that can be about a patient. A welfare worker's cells are those of the own Tasks and
their inputs."""

CLASSES = {
    "huisarts": "doctor",
    "hap-arts": "doctor",
    "specialist-ouderengeneeskunde": "doctor",
    "poh": "treating",
    "doktersassistent": "treating",
    "wijkverpleegkundige": "treating",
    "verpleegkundig-specialist": "treating",
    "physician-assistant": "treating",
    "verzorgende-ig": "treating",
    "casemanager-dementie": "treating",
    "apotheker": "treating",
    "welzijn": "welfare",
    "analist": "analyst",
    "beheerder": "administrator",
    "privacy-officer": "officer",
    "patient": "patient",
    "mantelzorger": "carer",
    "wettelijk-vertegenwoordiger": "representative",
}
"""By role, its column. A backend's is `backend`, or `welfare` where its organisation is no care provider."""

_UNKEPT = frozenset({"OperationOutcome", "Parameters", "TestReport"})
"""Types that are about nobody and that no role has here."""


def _read() -> dict[str, dict[str, str]]:
    named: dict[str, dict[str, str]] = {column: {} for column in _COLUMNS}
    rows = [line.split() for line in _CELLS.strip().splitlines()[1:]]
    own = {row[0] for row in rows}
    for name, *cells in rows:
        types = {"DIRECTORY": DIRECTORY - own, "DEFINITIONS": DEFINITIONS, "CLINICAL": _clinical(own)}.get(
            name, {name}
        )
        for column, cell in zip(_COLUMNS, cells, strict=True):
            named[column].update(dict.fromkeys(types, cell.strip("-")))
    return named


def _clinical(own: set[str]) -> frozenset[str]:
    return frozenset(definitions.RESOURCE_TYPES) - DIRECTORY - DEFINITIONS - _UNKEPT - own


MATRIX = _read()
"""By column, then by resource type, the letters; a type that is not there is nobody's."""


def cells(role: str | None, *, provider: bool = True) -> dict[str, str]:
    """The row of a role; None is a backend. Without a care provider behind it a professional is a welfare worker."""
    column = "backend" if role is None else CLASSES.get(role, "")
    if not provider and column in ("doctor", "treating", "backend"):
        column = "welfare"
    return MATRIX.get(column, {})


def types_with(row: dict[str, str], letter: str) -> frozenset[str]:
    """The types whose cell has the letter."""
    return frozenset(type for type, letters in row.items() if letter in letters)
