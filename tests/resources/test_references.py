"""References are read by R4's rules (https://hl7.org/fhir/R4/references.html)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.resources import references
from fhirhub.resources.references import Target

BASE = "https://hub.example/fhir"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Patient/1", Target("Patient/1", "Patient", "1")),
        ("Patient/1/_history/3", Target("Patient/1", "Patient", "1", "3")),
        ("Patient/a.b-C#name", Target("Patient/a.b-C", "Patient", "a.b-C", fragment="name")),
        (f"{BASE}/Patient/1", Target("Patient/1", "Patient", "1")),
        (f"{BASE}/Patient/1/_history/2", Target("Patient/1", "Patient", "1", "2")),
        (
            "https://other.example/r4/Patient/1",
            Target("https://other.example/r4/Patient/1", "Patient", "1", base="https://other.example/r4"),
        ),
        ("#", Target("", fragment="")),
        ("#p1", Target("", fragment="p1")),
        (
            "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
            Target("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"),
        ),
        ("Unknown/1", Target("Unknown/1")),
        ("https://other.example/a.pdf#2", Target("https://other.example/a.pdf", fragment="2")),
    ],
)
def test_text_of_a_reference_tells_its_target(text: str, target: Target) -> None:
    assert references.parse(text, BASE) == target


def test_reference_is_local_without_base_or_with_this_servers() -> None:
    assert references.parse("Patient/1", BASE).is_local
    assert references.parse(f"{BASE}/Patient/1", BASE + "/").is_local
    assert not references.parse("https://other.example/Patient/1", BASE).is_local
    assert not references.parse("#p1", BASE).is_local


def test_canonical_has_a_version_and_a_fragment() -> None:
    assert references.canonical("http://x.example/q|1.2#a") == Target(
        "http://x.example/q", version="1.2", fragment="a"
    )
    assert references.canonical("http://x.example/q") == Target("http://x.example/q")
    assert references.canonical("http://x.example/q#a") == Target("http://x.example/q", fragment="a")


def test_type_of_a_target_is_known_from_text_contained_resource_or_type_element() -> None:
    container = {"resourceType": "CarePlan", "contained": [{"resourceType": "Patient", "id": "p"}]}
    assert references.target_type({"reference": "Group/1"}) == "Group"
    assert references.target_type({"reference": "#p"}, container) == "Patient"
    assert references.target_type({"reference": "#"}, container) == "CarePlan"
    assert references.target_type({"reference": "urn:uuid:1", "type": "Patient"}) == "Patient"
    assert references.target_type({"identifier": {"value": "1"}}) is None


def plan() -> dict[str, Any]:
    """A CarePlan with a link of every kind."""
    return {
        "resourceType": "CarePlan",
        "text": {
            "status": "generated",
            "div": '<div><a class="x" href="urn:uuid:1">A</a><img src=\'urn:uuid:2\'/></div>',
        },
        "contained": [{"resourceType": "Goal", "id": "g", "subject": {"reference": "urn:uuid:1"}}],
        "extension": [{"url": "urn:uuid:e", "valueReference": {"reference": "urn:uuid:1"}}],
        "instantiatesCanonical": ["urn:uuid:1"],
        "instantiatesUri": ["urn:uuid:1", "urn:uuid:9"],
        "_instantiatesUri": [None, {"extension": [{"url": "x", "valueUrl": "urn:uuid:1"}]}],
        "title": "urn:uuid:1",
        "_title": {"extension": [{"url": "x", "valueOid": "urn:uuid:1"}]},
        "subject": {"reference": "urn:uuid:1", "identifier": {"system": "urn:uuid:2", "value": "urn:uuid:1"}},
        "activity": [{"detail": {"status": "scheduled"}}, {"reference": {"reference": "urn:uuid:2"}}],
    }


def test_every_link_is_found_with_its_place() -> None:
    found = [(link.path, link.text, link.kind) for link in references.walk(plan())]
    assert found == [
        ("CarePlan.text.div", "urn:uuid:1", "narrative"),
        ("CarePlan.text.div", "urn:uuid:2", "narrative"),
        ("CarePlan.contained[0].subject.reference", "urn:uuid:1", "reference"),
        ("CarePlan.extension[0].url", "urn:uuid:e", "uri"),
        ("CarePlan.extension[0].valueReference.reference", "urn:uuid:1", "reference"),
        ("CarePlan.instantiatesCanonical[0]", "urn:uuid:1", "canonical"),
        ("CarePlan.instantiatesUri[0]", "urn:uuid:1", "uri"),
        ("CarePlan.instantiatesUri[1]", "urn:uuid:9", "uri"),
        ("CarePlan._instantiatesUri[1].extension[0].url", "x", "uri"),
        ("CarePlan._instantiatesUri[1].extension[0].valueUrl", "urn:uuid:1", "url"),
        ("CarePlan._title.extension[0].url", "x", "uri"),
        ("CarePlan._title.extension[0].valueOid", "urn:uuid:1", "oid"),
        ("CarePlan.subject.reference", "urn:uuid:1", "reference"),
        ("CarePlan.subject.identifier.system", "urn:uuid:2", "uri"),
        ("CarePlan.activity[1].reference.reference", "urn:uuid:2", "reference"),
    ]


def test_link_can_be_changed_where_it_was_found() -> None:
    resource = plan()
    for link in references.walk(resource):
        if link.kind != "narrative":
            assert link.holder[link.key] == link.text


def test_links_are_rewritten_everywhere_but_in_canonicals_and_plain_text() -> None:
    resource = plan()
    references.rewrite(resource, {"urn:uuid:1": "Patient/p", "urn:uuid:2": "Task/t"})
    assert {link.text for link in references.walk(resource) if link.kind == "reference"} == {
        "Patient/p",
        "Task/t",
    }
    assert '<a class="x" href="Patient/p">A</a><img src=\'Task/t\'/>' in resource["text"]["div"]
    assert resource["instantiatesUri"] == ["Patient/p", "urn:uuid:9"]
    assert resource["_instantiatesUri"][1]["extension"][0]["valueUrl"] == "Patient/p"
    assert resource["_title"]["extension"][0]["valueOid"] == "Patient/p"
    assert resource["subject"]["identifier"] == {"system": "Task/t", "value": "urn:uuid:1"}
    assert resource["instantiatesCanonical"] == ["urn:uuid:1"]
    assert resource["title"] == "urn:uuid:1"


def test_version_and_fragment_stay_behind_a_rewritten_link() -> None:
    def rewritten(text: str) -> str:
        task = {"resourceType": "Task", "focus": {"reference": text}}
        references.rewrite(task, {"https://a.example/Goal/1": "Goal/x"})
        return str(task["focus"]["reference"])  # type: ignore[index]

    assert rewritten("https://a.example/Goal/1") == "Goal/x"
    assert rewritten("https://a.example/Goal/1/_history/2") == "Goal/x/_history/2"
    assert rewritten("https://a.example/Goal/1#part") == "Goal/x#part"
    assert rewritten("https://a.example/Goal/12") == "https://a.example/Goal/12"
    assert rewritten("https://a.example/Goal/1/_history/2/more") == "https://a.example/Goal/1/_history/2/more"


def test_ampersand_in_a_narrative_link_is_read_and_written_as_xhtml() -> None:
    div = '<div><a href="http://a.example/?a=1&amp;b=2">x</a></div>'
    resource = {"resourceType": "Basic", "text": {"status": "generated", "div": div}}
    assert [link.text for link in references.walk(resource)] == ["http://a.example/?a=1&b=2"]
    references.rewrite(resource, {"http://a.example/?a=1&b=2": "Basic/1?a&b"})
    assert '<a href="Basic/1?a&amp;b">' in resource["text"]["div"]  # type: ignore[index]


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "subject",
                        "text",
                        "contained",
                        "reference",
                        "div",
                        "extension",
                        "url",
                        "_title",
                        "resourceType",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_content_of_any_form_is_passed_over(content: Any) -> None:
    resource = {
        "resourceType": "CarePlan",
        "subject": content,
        "text": content,
        "contained": content,
        "_title": content,
    }
    references.walk(resource)
    references.rewrite(resource, {"a": "b"})
