"""Index rows: what a resource is found by (https://hl7.org/fhir/R4/searchparameter-registry.html)."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhirhub.resources import definitions, document
from fhirhub.store.index import ABSENT, FUTURE, KEY_LENGTH, PAST, TABLES, extract, special
from fhirhub.store.index.parameters import MAIN_DATES, Parameters, key_of, system_of
from fhirhub.store.index.string import fold
from tests.examples import official_examples
from tests.store.finding import coded, observation, patient, plan, resource, to

PARAMETERS = Parameters()


def rows(resource: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    return extract.rows(resource, PARAMETERS, "http://hub.example/fhir")


def of(resource: dict[str, Any], table: str, name: str) -> list[tuple[Any, ...]]:
    return [row[1:] for row in rows(resource).get(table, []) if row[0] == key_of(name)]


def test_rows_have_the_columns_of_their_table() -> None:
    found = rows(
        observation(
            "o",
            code=coded("a", "urn:s", "A"),
            subject=to("Patient/p"),
            effectiveDateTime="2024",
            valueQuantity={"value": Decimal("1.5"), "code": "mg", "system": "http://unitsofmeasure.org"},
        )
    )
    assert {"token", "string", "reference", "date", "quantity", "composite", "content"} <= set(found)
    for table, made in found.items():
        assert {len(row) for row in made} == {len(TABLES[table].columns)}, table
        for row in made:
            for value, column in zip(row, TABLES[table].columns, strict=True):
                assert column.null or value is not None, (table, column)


def test_every_official_example_can_be_indexed() -> None:
    for _, content in official_examples(at_most=50_000):
        for table, made in rows(document.parse(content)).items():
            assert {len(row) for row in made} == {len(TABLES[table].columns)}
            assert len(set(made)) == len(made)


def test_what_others_find_is_kept_once() -> None:
    found = rows(plan("c", "Patient/p"))
    assert [row[1:3] for row in found["reference"]] == [("Patient", "p")]
    assert PARAMETERS.of("CarePlan")["patient"].keys == PARAMETERS.of("CarePlan")["subject"].keys
    assert len(PARAMETERS.of("Observation")["combo-code"].keys) == 2


def test_keys_of_all_parameters_differ() -> None:
    names = {
        name
        for type in definitions.RESOURCE_TYPES
        for each in PARAMETERS.of(type).values()
        for name in each.names
    }
    assert len({key_of(name) for name in names}) == len(names)


def test_the_main_date_of_a_type_does_not_repeat() -> None:
    for type, code in MAIN_DATES.items():
        parameter = PARAMETERS.of(type)[code]
        assert (parameter.kind, parameter.single, parameter.stored) == ("date", True, True), type


def test_codes_carry_the_main_date() -> None:
    dated = observation("o", code=coded("a"), effectiveDateTime="1970-01-01")
    assert of(dated, "token", "Observation:code") == [("a", 0, 0)]
    assert of(observation("o", code=coded("a")), "token", "Observation:code") == [("a", 0, ABSENT)]
    assert of(dated, "token", "Observation:status")[0][2] is None


def test_a_date_is_half_open_and_open_ends_are_far() -> None:
    def period(**ends: str) -> list[tuple[Any, ...]]:
        return of(observation("o", effectivePeriod=ends), "date", "Observation:date")

    day = 86_400_000_000
    assert period(start="1970-01-01", end="1970-01-02") == [(0, 2 * day)]
    assert period(start="1970-01-02") == [(day, FUTURE)]
    assert period(end="1970-01-01") == [(PAST, day)]
    assert period() == []


def test_a_long_value_fits_an_index_and_stays_itself() -> None:
    for value in ("x" * 5000, "é" * 1000, "x" * KEY_LENGTH + "y"):
        (row,) = of(patient("p", identifier=[{"value": value}]), "token", "Patient:identifier")
        assert len(row[0]) <= KEY_LENGTH
        (text,) = of(patient("p", name=[{"family": value}]), "string", "Patient:family")
        assert len(text[0]) <= KEY_LENGTH
        assert text[1] == value
        assert text[2] == fold(value)
    one, other = (
        of(patient("p", identifier=[{"value": "x" * 5000 + end}]), "token", "Patient:identifier")
        for end in "ab"
    )
    assert one != other


def test_an_implied_system_is_told_from_a_stated_one() -> None:
    (status,) = of(plan("c"), "token", "CarePlan:status")
    assert status[1] == system_of("http://hl7.org/fhir/request-status") | 1
    (code,) = of(observation("o", code=coded("a", "urn:s")), "token", "Observation:code")
    assert code[1] == system_of("urn:s")
    assert code[1] % 2 == 0


def test_a_primitive_without_value_is_missing() -> None:
    absent = {"extension": [{"url": "http://x", "valueCode": "unknown"}]}
    assert of(patient("p", _birthDate=absent), "date", "Patient:birthdate") == []
    assert of(
        patient("p", name=[{"given": [None, "Anna"], "_given": [absent, None]}]), "string", "Patient:given"
    ) == [("anna", "Anna", None)]


def test_references_without_a_parameter_are_known_for_integrity() -> None:
    found = of(
        plan(
            "c",
            extension=[{"url": "http://x", "valueReference": to("Organization/o")}],
            author=to("Practitioner/d"),
        ),
        "reference",
        "CarePlan:*reference",
    )
    assert {row[:2] for row in found} == {("Organization", "o"), ("Practitioner", "d")}


def test_own_and_other_absolute_references_are_told_apart() -> None:
    own = of(plan("c", "http://hub.example/fhir/Patient/p/_history/2"), "reference", "CarePlan:subject")
    assert own == [("Patient", "p", "2", None)]
    other = of(plan("c", "http://else.example/fhir/Patient/p"), "reference", "CarePlan:subject")
    assert other == [("", "http://else.example/fhir/Patient/p", None, None)]
    assert (
        rows(resource("Bundle", "b", type="collection", entry=[{"resource": plan("c")}])).get("reference")
        is None
    )


def test_a_deceased_boolean_is_what_its_expression_says() -> None:
    for elements, value in (
        ({}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2024"}, "true"),
    ):
        assert of(patient("p", **elements), "token", "Patient:deceased")[0][0] == value


def test_an_extension_gives_its_value() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/observation-geneticsGene"
    found = observation(
        "o", extension=[{"url": url, "valueCodeableConcept": coded("HGNC:1100", "urn:genes")}]
    )
    assert of(found, "token", "Observation:gene-identifier") == [("HGNC:1100", system_of("urn:genes"), None)]


def test_own_search_parameters_make_rows() -> None:
    own = {
        "resourceType": "SearchParameter", "url": "http://x/sp", "code": "nickname", "type": "string",
        "base": ["Patient"], "expression": "Patient.name.where(use = 'nickname').given",
    }  # fmt: skip
    assert Parameters([{**own, "target": ["Patient", "x' OR 1=1 --"]}]).of("Patient")["nickname"].targets == (
        "Patient",
    )
    person = patient("p", name=[{"use": "nickname", "given": ["Pim"]}, {"given": ["Willem"]}])
    found = extract.rows(person, Parameters([own]))
    assert [row[1] for row in found["string"] if row[0] == key_of("Patient:nickname")] == ["pim"]


@given(st.text())
def test_words_are_those_of_the_whole_text_without_accents_and_case(text: str) -> None:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = dict.fromkeys(re.findall(r"\w+", plain.casefold().lower()))
    # A letter before keeps the text from being taken for a date or an address.
    assert special.words([f"é {text}"]) == f" {' '.join(dict.fromkeys(('e', *words)))} "
