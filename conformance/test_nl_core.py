"""Instances of our profiles that are instances of nl-core too, by the validator with both known.

`CONFORMANCE_PACKAGES` names a folder with nl-core and zib2020 as `.tgz`: they are never part of this project.
https://informatiestandaarden.nictiz.nl/wiki/FHIR:V1.0_FHIR_Profiling_Guidelines_R4
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.hub import PATIENTS
from fhirhub import demo
from fhirhub.resources import guide, packages
from fhirhub.resources.validation.validator import Validator
from tests.claims import profile_of

Json = dict[str, Any]

NL_CORE = "http://nictiz.nl/fhir/StructureDefinition/nl-core-"
BY_TYPE = {
    "CareTeam": "CareTeam",
    "Condition": "Problem",
    "Organization": "HealthcareProvider-Organization",
    "Patient": "Patient",
    "Practitioner": "HealthProfessional-Practitioner",
    "PractitionerRole": "HealthProfessional-PractitionerRole",
    "RelatedPerson": "ContactPerson",
}
BY_CODE = {"85354-9": "BloodPressure", "29463-7": "BodyWeight", "59408-5": "O2Saturation"}


@pytest.fixture(scope="module")
def validator() -> Validator:
    folder = os.environ.get("CONFORMANCE_PACKAGES")
    files = sorted(Path(folder).glob("*.tgz")) if folder else []
    if not files:
        pytest.skip("CONFORMANCE_PACKAGES names no folder with the packages of nl-core and zib2020")
    return Validator(packages.together([packages.read(file) for file in files]))


def test_examples_and_demo_resources_can_claim_nl_core_beside_our_profiles(validator: Validator) -> None:
    both = [(each, nl, ours) for each in _all() if (nl := _nl_core(each)) for ours in [profile_of(each)]]
    faults = [
        f"{resource['resourceType']}/{resource['id']}: {issue.expression}: {issue.text}"
        for resource, nl, ours in both
        for issue in validator.validate(resource, dict.fromkeys(filter(None, (nl, ours))))
        if issue.severity in ("error", "fatal")
    ]
    assert faults == []
    shared = {ours.rpartition("/")[2] for _, _, ours in both if ours}
    assert shared == {"DimensionGoal", "HomeMeasurement", "SharedCareTeam"}


def _all() -> Iterator[Json]:
    yield from guide.examples()
    yield from demo.build(PATIENTS)


def _nl_core(resource: Json) -> str | None:
    """The nl-core profile for what it is about, None where there is none."""
    type = resource["resourceType"]
    if type == "Observation":
        codes = {coding.get("code") for coding in resource["code"].get("coding", [])}
        name = next((BY_CODE[code] for code in codes if code in BY_CODE), None)
    elif type == "Goal":
        # nl-core measures a goal by functional status alone, never by a home measurement, and knows those of patients.
        is_measured = any("measure" in target for target in resource.get("target", []))
        is_of_patient = resource["subject"]["reference"].startswith("Patient/")
        name = "TreatmentObjective" if is_of_patient and not is_measured else None
    else:
        name = BY_TYPE.get(type)
    return f"{NL_CORE}{name}" if name else None
