"""XML to JSON and back (https://hl7.org/fhir/R4/xml.html)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirhub.errors import FhirError, Issue
from fhirhub.resources import document
from fhirhub.resources.xml import from_xml, to_xml
from tests.examples import official_examples

FHIR = 'xmlns="http://hl7.org/fhir"'
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


def refusals(xml: str | bytes) -> tuple[Issue, ...]:
    """What the reader says about XML that it refuses."""
    with pytest.raises(FhirError) as refused:
        from_xml(xml.encode() if isinstance(xml, str) else xml)
    assert refused.value.status == 400 or refused.value.status == 413
    return refused.value.issues


def refusal(xml: str | bytes) -> Issue:
    issues = refusals(xml)
    assert len(issues) == 1, issues
    return issues[0]


def patient(inside: str) -> str:
    return f"<Patient {FHIR}>{inside}</Patient>"


def round_trip(resource: dict[str, Any]) -> dict[str, Any]:
    return from_xml(to_xml(resource))


# JSON to XML


def test_primitives_become_value_attributes_in_the_order_of_the_specification() -> None:
    resource = {"birthDate": "1940-02-03", "active": True, "resourceType": "Patient", "id": "p1"}
    assert to_xml(resource) == (
        b'<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir">'
        b'<id value="p1"/><active value="true"/><birthDate value="1940-02-03"/></Patient>'
    )


def test_pretty_form_says_the_same() -> None:
    resource = {
        "resourceType": "Patient",
        "name": [{"family": "Jansen", "given": ["An", "Bo"]}],
        "text": {"status": "generated", "div": f"{DIV}<p>a\n b</p></div>"},
    }
    pretty = to_xml(resource, pretty=True)
    assert b'\n  <name>\n    <family value="Jansen"/>' in pretty
    assert from_xml(pretty) == from_xml(to_xml(resource)) == resource


@pytest.mark.parametrize(
    "digits", ["1.00", "1.0E-22", "0.0000001", "12345678901234567890.12345678901234567890", "1"]
)
def test_decimals_keep_their_digits(digits: str) -> None:
    source = f'{{"resourceType":"Observation","valueQuantity":{{"value":{digits}}}}}'.encode()
    xml = to_xml(source)
    assert f'<value value="{digits}"/>'.encode() in xml
    assert str(from_xml(xml)["valueQuantity"]["value"]) == digits


def test_strings_keep_line_ends_tabs_quotes_and_markup() -> None:
    text = "a\tb\nc\r\nd \"e\" <f> & 'g' 😀"
    assert round_trip({"resourceType": "Basic", "language": text}) == {
        "resourceType": "Basic",
        "language": text,
    }


def test_extensions_of_primitives_stay_with_their_element() -> None:
    resource = {
        "resourceType": "Patient",
        "birthDate": "1940-02-03",
        "_birthDate": {
            "id": "b",
            "extension": [{"url": "http://x", "valueDateTime": "1940-02-03T04:05:06Z"}],
        },
        "_gender": {"extension": [{"url": "http://x", "valueCode": "unknown"}]},
    }
    assert round_trip(resource) == resource
    assert b'<birthDate id="b" value="1940-02-03"><extension url="http://x">' in to_xml(resource)


def test_null_holds_the_place_of_what_a_repeat_lacks() -> None:
    extension = {"extension": [{"url": "http://x", "valueString": "y"}]}
    resource = {
        "resourceType": "Patient",
        "name": [
            {"given": ["An", None, "Bo"], "_given": [None, extension, None]},
            {"_given": [extension, {"id": "g"}]},
            {"given": ["An", "Bo"]},
        ],
    }
    assert round_trip(resource) == resource


def test_resources_inside_resources_are_wrapped_by_their_element() -> None:
    resource = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "resource": {
                    "resourceType": "Patient",
                    "contained": [
                        {"resourceType": "Organization", "id": "o"},
                        {"resourceType": "Basic", "id": "b"},
                    ],
                },
                "response": {"status": "200", "outcome": {"resourceType": "OperationOutcome", "id": "x"}},
            },
            {
                "resource": {
                    "resourceType": "Parameters",
                    "parameter": [{"name": "a", "resource": {"resourceType": "Basic", "id": "c"}}],
                }
            },
        ],
    }
    assert round_trip(resource) == resource
    assert b"<contained><Organization><id" in to_xml(resource)


def test_resource_id_is_an_element_and_any_other_id_an_attribute() -> None:
    resource = {"resourceType": "Patient", "id": "p", "name": [{"id": "n", "family": "x"}]}
    assert b'<id value="p"/><name id="n">' in to_xml(resource)
    assert round_trip(resource) == resource


@pytest.mark.parametrize(
    "div",
    [
        f"{DIV}a &amp; b &quot;c&quot; &#160; <br /><br/> 'd' <img src='#x'/></div>",
        f"{DIV}<div><div>nested</div></div><div/></div>",
        f"{DIV}<!-- </div> --><p title='a>b'>x</p></div>",
        f"{DIV}<![CDATA[</div>]]></div>",
        '<div xmlns="http://www.w3.org/1999/xhtml" lang="nl" title="<-">x</div>'.replace("<-", "&lt;-"),
        "<div\n xmlns='http://www.w3.org/1999/xhtml'\n>a\n\tb</div\n>",
        '<div xmlns="http://www.w3.org/1999/xhtml"/>',
        '<h:div xmlns:h="http://www.w3.org/1999/xhtml">x</h:div>',
    ],
)
def test_narrative_stays_as_it_was_written(div: str) -> None:
    resource = {
        "resourceType": "Patient",
        "text": {"status": "additional", "div": div},
        "contained": [{"resourceType": "Basic", "text": {"status": "empty", "div": f"{DIV}other</div>"}}],
    }
    assert div.encode() in to_xml(resource)
    assert round_trip(resource) == resource


def test_narrative_whose_namespace_stands_further_out_is_made_whole() -> None:
    xml = (
        f'<Patient {FHIR} xmlns:h="http://www.w3.org/1999/xhtml"><text><status value="empty"/>'
        "<h:div>a<h:br/></h:div></text></Patient>"
    )
    div = from_xml(xml.encode())["text"]["div"]
    assert "http://www.w3.org/1999/xhtml" in div
    assert to_xml({"resourceType": "Patient", "text": {"status": "empty", "div": div}})


@pytest.mark.parametrize(
    "div",
    [
        "",
        "text",
        f"{DIV}<p></div>",
        f"{DIV}</div>{DIV}</div>",
        "<p>x</p>",
        f"{DIV}&nbsp;</div>",
        7,
        f"<!DOCTYPE x>{DIV}</div>",
        f'{DIV}</div><evil xmlns="http://hl7.org/fhir"/>',
    ],
)
def test_narrative_that_would_break_the_document_is_refused(div: object) -> None:
    with pytest.raises(FhirError):
        to_xml({"resourceType": "Patient", "text": {"status": "empty", "div": div}})


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b'"x"',
        b"{}",
        b'{"resourceType":"Nonsense"}',
        b'{"resourceType":["Patient"]}',
        b'{"resourceType":"Patient","nonsense":1}',
        b'{"resourceType":"Patient","name":{}}',
        b'{"resourceType":"Patient","name":["x"]}',
        b'{"resourceType":"Patient","maritalStatus":[]}',
        b'{"resourceType":"Patient","gender":["male"]}',
        b'{"resourceType":"Patient","gender":null}',
        b'{"resourceType":"Patient","active":{}}',
        b'{"resourceType":"Patient","contained":[{}]}',
        b'{"resourceType":"Patient","extension":[{"url":1}]}',
        b'{"resourceType":"Patient","_gender":[]}',
        b'{"resourceType":"Patient","name":[{"given":"x"}]}',
        b'{"resourceType":"Patient","language":"\\u0000"}',
        b'{"resourceType":"Patient","language":"\\uffff"}',
        b'{"resourceType":"DomainResource"}',
        b'{"resourceType":"Patient","name":[{"resourceType":"Patient"}]}',
        b'{"resourceType":"Patient","x\\"><evil a=\\"":1}',
    ],
)
def test_json_that_is_no_resource_is_refused(source: bytes) -> None:
    with pytest.raises(FhirError):
        to_xml(source)


def test_json_nested_too_deep_is_refused() -> None:
    resource: dict[str, Any] = {"resourceType": "Questionnaire"}
    inner = resource
    for _ in range(100):
        inner["item"] = [{"linkId": "x"}]
        inner = inner["item"][0]
    with pytest.raises(FhirError, match="deeper"):
        to_xml(resource)


# XML to JSON


def test_values_get_the_json_type_of_their_definition() -> None:
    xml = (
        f'<ValueSet {FHIR}><version value="1.0"/><experimental value="false"/><expansion>'
        '<timestamp value="2026-11-22"/><total value="3"/><parameter><name value="x"/>'
        '<valueDecimal value="1.50"/></parameter></expansion></ValueSet>'
    )
    assert from_xml(xml.encode()) == {
        "resourceType": "ValueSet",
        "version": "1.0",
        "experimental": False,
        "expansion": {
            "timestamp": "2026-11-22",
            "total": 3,
            "parameter": [{"name": "x", "valueDecimal": Decimal("1.50")}],
        },
    }


def test_declaration_comments_prefixes_and_schema_location_do_not_matter() -> None:
    xml = (
        '\ufeff<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<!-- one --><!-- two <!DOCTYPE> -->\n'
        '<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="http://hl7.org/fhir ../patient.xsd"><!-- three -->'
        "<f:active value='true'><!-- four --></f:active></f:Patient>\n<!-- five -->"
    )
    assert from_xml(xml.encode()) == {"resourceType": "Patient", "active": True}


def test_unknown_element_is_refused_with_its_place() -> None:
    issue = refusal(patient('\n<name><family value="a"/></name>\n<name>\n  <colour value="red"/></name>'))
    assert issue.expression == "Patient.name[1].colour"
    assert (issue.line, issue.column) == (4, 3)
    assert issue.text == "`HumanName` has no element `colour`"


def test_place_of_a_fault_in_a_bundle_names_entry_and_resource() -> None:
    issue = refusal(
        f'<Bundle {FHIR}><entry/><entry><resource><Patient><contact><name><given value="a"/><given value=""/>'
        "</name></contact></Patient></resource></entry></Bundle>".replace("<entry/>", '<entry id="x"/>')
    )
    assert issue.expression == "Bundle.entry[1].resource.contact[0].name.given[1]"


def test_all_faults_are_told_at_once_in_the_order_of_the_document() -> None:
    issues = refusals(
        patient(
            '<active value="yes"/>text<gender value=""/><birthDate/><nonsense/>'
            '<maritalStatus/><multipleBirthInteger value="1.5"/><name use="official"/>'
        )
    )
    assert [issue.expression for issue in issues] == [
        "Patient",
        "Patient.active",
        "Patient.gender",
        "Patient.birthDate",
        "Patient.nonsense",
        "Patient.maritalStatus",
        "Patient.multipleBirth",
        "Patient.name[0]",
        "Patient.name[0]",
    ]


def test_processing_instructions_are_no_part_of_a_resource() -> None:
    """xml.html: `XML comments, processing instructions and formatting are not part of the contents`."""
    within = patient('<?a <active value="false"/>?><active value="true"/><?b?>')
    xml = f"<?xml version='1.0'?><?xml-stylesheet href='x' encoding='latin-1'?>{within}<?c?>"
    assert from_xml(xml.encode()) == {"resourceType": "Patient", "active": True}


def test_white_space_around_a_value_is_left_out_where_the_type_has_none() -> None:
    """xml.html: `SHOULD trim leading and trailing whitespace when reading attribute values`; in a string it may
    be content."""
    name = '<name><use value=" usual "/><text value=" a "/></name>'
    xml = patient(f'<active value=" true\n"/>{name}<birthDate id="b" value="1950-01-01 "/>')
    assert from_xml(xml.encode()) == {
        "resourceType": "Patient",
        "active": True,
        "name": [{"use": "usual", "text": " a "}],
        "birthDate": "1950-01-01",
        "_birthDate": {"id": "b"},
    }


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (patient('<gender value="male"/><active value="true"/>'), "out of order"),
        (patient('<name id="a"/><telecom id="b"/><name id="c"/>'), "out of order"),
        (patient('<active value="true"/><active value="true"/>'), "only once"),
        ("<Patient/>", "namespace"),
        (patient('<a:b></a:b><Patient xmlns="0"/>'), "no element `a:b` of no namespace"),
        ('<Patient xmlns="urn:other"/>', "namespace"),
        (f"<HumanName {FHIR}/>", "Expected a resource"),
        (f"<DomainResource {FHIR}/>", "Expected a resource"),
        (patient("<contained/>"), "exactly one resource"),
        (patient("<contained><Basic/><Basic/></contained>"), "exactly one resource"),
        (patient('<contained id="c"><Basic/></contained>'), "no attribute"),
        (patient('<text><status value="empty"/><div>x</div></text>'), "namespace"),
        (patient('<gender value="male" lang="nl"/>'), "no attribute"),
        (patient('<extension url=""/>'), "empty"),
        (patient("<active value='1'/>"), "`true` or `false`"),
        (patient("<multipleBirthInteger value='01'/>"), "Expected a integer"),
        (patient(f"<multipleBirthInteger value='{'9' * 5000}'/>"), "Expected a integer"),
        ("<?xml-stylesheet href='x'?><!DOCTYPE Patient>" + patient(""), "document type"),
        ("<!DOCTYPE Patient>" + patient(""), "document type"),
        (
            '<?xml version="1.0"?><!-- a --> <!DOCTYPE Patient [<!ENTITY a "b">]>' + patient("&a;"),
            "document type",
        ),
        (patient('<id value="&nbsp;"/>'), "not XML"),
        ('<?xml version="1.0" encoding="iso-8859-1"?>' + patient(""), "UTF-8"),
        (patient("").encode("utf-16"), "UTF-8"),
        (b"\xff", "UTF-8"),
        ("", "not XML"),
        ("x", "not XML"),
        ('{"resourceType": "Patient"}', "not XML"),
        (patient("<id"), "not XML"),
        (patient('<id value="\x00"/>'), "not XML"),
    ],
)
def test_xml_that_is_not_fhir_is_refused(xml: str | bytes, says: str) -> None:
    assert any(says in issue.text for issue in refusals(xml))


def test_nesting_has_a_bound() -> None:
    inside = "<item><linkId value='x'/>" * 100 + "</item>" * 100
    assert "deeper" in refusal(f"<Questionnaire {FHIR}>{inside}</Questionnaire>").text
    tags = "<a>" * 100_000
    assert refusals(f"<Questionnaire {FHIR}>{tags}")


@pytest.mark.parametrize("items", range(25, 40))
def test_nesting_has_the_same_bound_as_in_json(items: int) -> None:
    inside = "<item><linkId value='x'/>" * items + "</item>" * items
    xml = f"<Questionnaire {FHIR}>{inside}</Questionnaire>"
    try:
        read = from_xml(xml.encode())
    except FhirError:
        assert items > 31
        return
    assert document.parse(document.encode(read)) == read
    assert items <= 31


def test_size_has_a_bound() -> None:
    with pytest.raises(FhirError) as refused:
        from_xml(patient('<id value="x"/>').encode(), max_bytes=20)
    assert refused.value.status == 413


def test_attachment_over_ten_megabytes_is_read() -> None:
    data = "QUJD" * 3_000_000
    resource = {"resourceType": "Binary", "contentType": "text/plain", "data": data}
    assert round_trip(resource) == resource


def test_a_thousand_faults_are_told_in_part() -> None:
    assert len(refusals(patient("<x/>" * 1000))) == 100


# the official examples


def exact(value: Any) -> Any:
    """The value with its decimals as their digits, and without the order of keys, which XML does not have."""
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return ("decimal", str(value)) if isinstance(value, Decimal) else value


def test_every_official_example_survives_json_to_xml_to_json() -> None:
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    lost = [
        name for name, body in official_examples() if exact(from_xml(to_xml(body))) != exact(decode(body))
    ]
    assert lost == []


@pytest.mark.parametrize("pretty", [False, True])
def test_examples_survive_xml_to_json_to_xml(pretty: bool) -> None:
    for _, body in official_examples(at_most=3_000):
        xml = to_xml(body, pretty)
        assert to_xml(from_xml(xml), pretty) == xml


@pytest.mark.parametrize("digits", ["1e5", "100E+3", "-0", "0.0000001", "1.50", "1E-7"])
def test_decimals_keep_their_text_both_ways(digits: str) -> None:
    body = b'{"resourceType":"Observation","valueQuantity":{"value":%s}}' % digits.encode()
    xml = to_xml(body)
    assert f'<value value="{digits}"/>'.encode() in xml
    assert document.encode(from_xml(xml)) == body
    assert to_xml(from_xml(xml)) == xml


# whatever comes

_NAMES = st.sampled_from(
    [
        "Patient",
        "Bundle",
        "entry",
        "resource",
        "contained",
        "name",
        "given",
        "extension",
        "valueDecimal",
        "active",
        "text",
        "status",
        "div",
        "x:div",
        "id",
        "url",
        "a:b",
        "Observation",
        "valueQuantity",
        "value",
    ]
)
_VALUES = st.one_of(
    st.text(max_size=8), st.sampled_from(["true", "1.0", "1e9999", "-", "&lt;", "&#0;", "&x;", "<"])
)
_ATTRIBUTES = st.lists(
    st.tuples(st.sampled_from(["value", "id", "url", "xmlns", "xmlns:x", "xml:id", "y"]), _VALUES), max_size=2
).map(lambda pairs: "".join(f' {name}="{value}"' for name, value in pairs))


def _element(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda name, attributes, parts: f"<{name}{attributes}>{''.join(parts)}</{name}>",
        _NAMES,
        _ATTRIBUTES,
        st.lists(inside, max_size=4),
    )


_FRAGMENTS = st.recursive(
    st.one_of(
        st.text(max_size=4),
        st.sampled_from(
            ["<!-- c -->", "<![CDATA[x]]>", "<?pi x?>", "<!DOCTYPE a>", "&amp;", '<active value="true"/>']
        ),
        st.builds(lambda name, attributes: f"<{name}{attributes}/>", _NAMES, _ATTRIBUTES),
    ),
    _element,
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(_FRAGMENTS, max_size=4).map("".join),
    st.sampled_from(["Patient", "Bundle", "Observation", "Nope"]),
)
def test_any_xml_is_read_or_refused(inside: str, root: str) -> None:
    try:
        read = from_xml(f"<{root} {FHIR}>{inside}</{root}>".encode("utf-8", "surrogatepass"))
    except FhirError:
        return
    assert from_xml(to_xml(read)) == read


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FhirError):
        from_xml(data)


_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "resourceType",
                    "id",
                    "name",
                    "_name",
                    "given",
                    "_given",
                    "extension",
                    "url",
                    "valueString",
                    "text",
                    "div",
                    "status",
                    "contained",
                    "active",
                    "_active",
                    "meta",
                    "versionId",
                    "nonsense",
                    "",
                ]
            ),
            st.one_of(inner, st.just("Patient")),
            max_size=5,
        ),
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["id", "name", "text", "contained", "extension", "_gender", "gender"]), _JSON
    )
)
def test_any_json_is_written_or_refused(content: dict[str, Any]) -> None:
    source = msgspec.json.encode({"resourceType": "Patient", **content})
    try:
        xml = to_xml(source)
    except FhirError:
        return
    assert xml.startswith(b"<?xml")
