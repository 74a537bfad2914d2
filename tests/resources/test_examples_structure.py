"""Every official R4 example is read exactly and has the right structure, but for those named here."""

from __future__ import annotations

import re

import msgspec

from fhirhub.resources import document
from fhirhub.resources.validation.structure import validate
from tests.examples import official_examples

IMPLEMENTATION_GUIDE = {
    "ImplementationGuide.manifest.resource.reference.reference",
    "ImplementationGuide.name",
    "ImplementationGuide.status",
}

# The official examples that break R4's own rules, by what they break, with the elements at fault.
INVALID: dict[str, dict[str, set[str]]] = {
    "The narrative has no content (txt-2)": {
        "ActivityDefinition-blood-tubes-supply.json": {"ActivityDefinition.text.div"},
        "ActivityDefinition-heart-valve-replacement.json": {"ActivityDefinition.text.div"},
        "EventDefinition-example.json": {"EventDefinition.text.div"},
        "Questionnaire-zika-virus-exposure-assessment.json": {"Questionnaire.text.div"},
    },
    "A reference points to a type that its element does not allow": {
        "DeviceMetric-example.json": {"DeviceMetric.parent.reference"},
        "DeviceUseStatement-example.json": {"DeviceUseStatement.reasonReference.reference"},
        "MedicationRequest-medrx0301.json": {"MedicationRequest.dispenseRequest.performer.reference"},
        "Observation-clinical-gender.json": {"Observation.performer.reference"},
    },
    "A required element is not there": {
        "Questionnaire-qs1.json": {
            "Questionnaire.item.item.linkId",
            "Questionnaire.item.item.item.linkId",
            "Questionnaire.item.item.item.item.linkId",
        },
        **{
            f"SearchParameter-{group}-{code}.json": {"SearchParameter.base"}
            for group in ("codesystem-extensions-CodeSystem", "valueset-extensions-ValueSet")
            for code in ("author", "effective", "end", "keyword", "workflow")
        },
    },
    "An id has more than 64 characters": {
        "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json": {
            "SearchParameter.id"
        },
    },
    "A reference has such an id, and required elements are not there": {
        "ig-r4.json": IMPLEMENTATION_GUIDE,
        "ImplementationGuide-fhir.json": IMPLEMENTATION_GUIDE,
    },
    "Two entries have the same fullUrl and version (bdl-7)": {
        "Bundle-dataelements.json": {"Bundle.entry.fullUrl"},
    },
}


def test_every_official_example_is_exact_and_valid_or_known_not_to_be() -> None:
    found = {}
    count = 0
    for name, body in official_examples():
        count += 1
        resource = document.parse(body)
        if issues := validate(resource):
            found[name] = {re.sub(r"\[\d+\]", "", issue.expression or "") for issue in issues}
        # The same again but for white space, or for escapes that JSON need not have.
        assert document.encode(resource) == msgspec.json.format(body, indent=-1) or b"\\" in body, name
    assert count == 5306
    assert found == {name: places for group in INVALID.values() for name, places in group.items()}
