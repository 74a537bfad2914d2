"""The official examples are valid, but for those that are truly wrong; and each mutant of them is found out."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fhirhub.resources import document
from fhirhub.resources.validation import elements, structure
from fhirhub.resources.validation.validator import Validator
from tests.examples import official_examples
from tests.mutants import MUTATIONS, Mutation, mutant

Json = dict[str, Any]

ENOUGH = 12
"""Mutants of a kind; `python -m conformance.validation` makes more."""

EXAMPLES = [(name, document.parse(data)) for name, data in official_examples(at_most=20_000)]

DEAD = "links in the narrative to codes that are not there"

MAPS = (
    "cm-administrative-gender-v3",
    "sc-appointmentstatus",
    "sc-clinicalimpression-status",
    "sc-condition-ver-status",
    "sc-contract-publicationstatus",
    "sc-contract-status",
    "sc-diagnostic-report-status",
    "sc-goal-achievement",
    "sc-medication-admin-status",
    "sc-medication-statement-status",
    "sc-medicationdispense-status",
    "sc-observation-status",
    "sc-participationstatus",
    "sc-publication-status",
    "sc-research-study-status",
    "sc-research-subject-status",
    "sc-subscription-status",
    "sc-verificationresult-status",
)
# What is wrong, beyond what the structural check finds, by file.
WRONG = {
    "Basic-referral.json": "modifier extensions that only the example knows",
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json": "a fullUrl of pat12 for pat2",
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe.json": "a fullUrl of pat12 for pat2",
    "Bundle-father.json": "references that belong to another server than the fullUrls",
    "Bundle-hla-1.json": "a part `uri` of an extension that has `url` and `text`",
    "Bundle-lri-example.json": "fullUrls with other ids than the resources",
    "CapabilityStatement-knowledge-repository.json": "a search parameter with another type than defined",
    "CapabilityStatement-measure-processor.json": "a search parameter with another type than defined",
    "CapabilityStatement-example.json": "a UUID in upper case",
    "CapabilityStatement-terminology-server.json": "a search parameter with another type than defined",
    "CodeSystem-snomedct.json": "two properties with the same uri, `http://.........?`",
    "CodeSystem-v3-CalendarCycle.json": DEAD,
    "CodeSystem-v3-ContextControl.json": DEAD,
    "CodeSystem-v3-EntityNamePartQualifier.json": DEAD,
    "CodeSystem-v3-NullFlavor.json": DEAD,
    "DiagnosticReport-example-pgx.json": "a hash in hexadecimal instead of base64",
    "Library-zika-virus-intervention-logic.json": "an OID of X.Y.Z",
    "Measure-component-a-example.json": "criteria in CQL without a library",
    "Measure-component-b-example.json": "criteria in CQL without a library",
    "Media-sound.json": "an image in the narrative that is not there",
    "Observation-f202.json": "a body temperature without the moment that its profile asks",
    "OperationDefinition-example.json": "a page of a build as the system of a code",
    "Organization-2.16.840.1.113883.19.5.json": "an identifier that is no URI, though its system says so",
    "StructureDefinition-allergyintolerance-substanceExposureRisk.json": "an invariant of an unknown element",
    "StructureDefinition-Definition.json": "sdf-4: not abstract, without baseDefinition",
    "StructureDefinition-Event.json": "sdf-4: not abstract, without baseDefinition",
    "StructureDefinition-example-composition.json": "another kind than its base",
    "StructureDefinition-example-section-library.json": "another kind than its base",
    "StructureDefinition-FiveWs.json": "sdf-4: not abstract, without baseDefinition",
    "StructureDefinition-Request.json": "sdf-4: not abstract, without baseDefinition",
    "ValueSet-example-hierarchical.json": "a system `#hacked`",
    "ValueSet-v3-CalendarCycle.json": DEAD,
    "ValueSet-v3-ContextControl.json": DEAD,
    "ValueSet-v3-EntityNamePartQualifier.json": DEAD,
    "ValueSet-v3-NullFlavor.json": DEAD,
    "TerminologyCapabilities-example.json": "a UUID in upper case",
    "ValueSet-nhin-purposeofuse.json": "a map to a code that there is not",
    **dict.fromkeys(
        (f"ConceptMap-{each}.json" for each in MAPS),
        "maps codes that there are not, such as `corrected, amended`",
    ),
}


# Those that the structural check refuses have no mutants either.
BAD = WRONG.keys() | {name for name, resource in EXAMPLES if structure.validate(resource)}


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator()


def verdict(validator: Validator, changed: Json, original: Json) -> str:
    """error, warning (a new one) or valid."""
    issues = validator.validate(changed)
    if any(issue.severity in ("error", "fatal") for issue in issues):
        return "error"
    known = {(issue.expression, issue.text) for issue in validator.validate(original)}
    new = [issue for issue in issues if (issue.expression, issue.text) not in known]
    return "warning" if any(issue.code in ("invalid", "code-invalid") for issue in new) else "valid"


def errors(validator: Validator, resource: Json) -> list[str]:
    return [issue.text for issue in validator.validate(resource) if issue.severity == "error"]


def test_official_examples_are_valid_but_for_those_named(validator: Validator) -> None:
    found = {
        name
        for name, resource in EXAMPLES
        if set(errors(validator, resource)) - {issue.text for issue in structure.validate(resource)}
    }
    assert found <= WRONG.keys()


def test_what_is_passed_over_as_quiet_has_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = random.Random(7).sample(EXAMPLES, 300)
    quick, whole = Validator(), Validator()
    first = [quick.validate(resource) for _, resource in sample]
    again = [quick.validate(resource) for _, resource in sample]
    monkeypatch.setattr(elements, "_quiet", lambda *given: None)
    elements.plan.cache_clear()
    slow = [whole.validate(resource) for _, resource in sample]
    elements.plan.cache_clear()
    assert first == slow
    assert again == slow


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: f"{each.area}: {each.name}")
def test_mutants_get_the_verdict_that_they_deserve(validator: Validator, mutation: Mutation) -> None:
    chance = random.Random(mutation.name)
    missed, made = [], 0
    for file, resource in chance.sample(EXAMPLES, len(EXAMPLES)):
        if file in BAD:
            continue
        changed = mutant(mutation, resource, chance)
        if changed is None:
            continue
        made += 1
        found = verdict(validator, changed, resource)
        if found != mutation.expected and (mutation.expected != "valid" or found == "error"):
            missed.append(file)
        if made == ENOUGH:
            break
    assert missed == []
