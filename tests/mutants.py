"""Mutants: official examples with one known fault each, or with a change that is none.

Each mutation takes an example that is valid, changes one thing in a copy, and tells what a validator must say:
an error, a warning, or nothing. What has no place for a change has no such mutant.
"""

# Changes are written as expressions, in lists where there are several.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fhirhub.resources import definitions, document
from fhirhub.resources.canonicals import OFFICIAL
from fhirhub.resources.definitions import Property

Json = dict[str, Any]
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'
CORE = "http://hl7.org/fhir/StructureDefinition/"


class Place(NamedTuple):
    """A value in a resource: what holds it, under which key or index, and what it is there."""

    holder: Any
    key: str | int
    property: Property
    value: Any


class Mutation(NamedTuple):
    """`make` changes a copy of an example and returns False where it cannot; `expected` is error, warning or valid."""

    area: str
    name: str
    make: Callable[[Json, random.Random], bool]
    expected: str = "error"


def places(value: Json, type: str) -> Iterator[Place]:
    """Every value in a resource, depth first."""
    for key, given in value.items():
        property = definitions.structure(type).properties.get(key)
        if property is None:
            continue
        several = isinstance(given, list)
        for index, each in enumerate(given if several else [given]):
            yield Place(given, index, property, each) if several else Place(value, key, property, each)
            if isinstance(each, dict):
                inner = str(each.get("resourceType")) if property.type == "Resource" else property.type
                yield from places(each, inner)


def mutant(mutation: Mutation, example: Json, chance: random.Random) -> Json | None:
    """The example with that change; None where it has no place for it."""
    changed = copy.deepcopy(example)
    if not mutation.make(changed, chance) or document.encode(changed) == document.encode(example):
        return None
    return changed


# How mutations are made

Change = Callable[[Place], Any]
Where = Callable[[Place], bool]


def _at(where: Where, change: Change) -> Callable[[Json, random.Random], bool]:
    """One of the places that fit, changed."""

    def make(resource: Json, chance: random.Random) -> bool:
        found = [each for each in places(resource, resource["resourceType"]) if where(each)]
        if not found:
            return False
        change(chance.choice(found))
        return True

    return make


def _of(*types: str) -> Where:
    return lambda place: place.property.type in types and place.value is not None


def _having(type: str, *keys: str) -> Where:
    return lambda place: (
        place.property.type == type
        and isinstance(place.value, dict)
        and all(key in place.value for key in keys)
    )


def _put(value: Any) -> Change:
    return lambda place: place.holder.__setitem__(place.key, value)


def _set(**given: Any) -> Change:
    return lambda place: place.value.update(given)


def _without(name: str) -> Change:
    return lambda place: place.value.pop(name)


def _gone(place: Place) -> None:
    place.holder.pop(place.key)


def _is_required(place: Place) -> bool:
    return place.property.element.min > 0 and isinstance(place.key, str) and place.key not in ("url", "div")


def _is_single(place: Place) -> bool:
    return place.property.element.max == 1 and isinstance(place.key, str)


def _is_enumerated(place: Place) -> bool:
    return place.property.type == "code" and bool(
        definitions.required_codes(place.property.element.binding or "")
    )


def _is_known(place: Place) -> bool:
    if not _having("Coding", "system", "code")(place):
        return False
    found = OFFICIAL.find("CodeSystem", str(place.value["system"]))
    return found is not None and found.get("content") == "complete" and "supplements" not in found


def _is_displayed(place: Place) -> bool:
    return _is_known(place) and "display" in place.value


def _refers(place: Place) -> bool:
    value = place.value
    return (
        place.property.type == "Reference"
        and isinstance(value, dict)
        and str(value.get("reference"))[:1].isupper()
        and bool(place.property.element.targets)
        and "Basic" not in place.property.element.targets
    )


def _whole(*types: str) -> Callable[[Callable[[Json], Any]], Callable[[Json, random.Random], bool]]:
    """A change of a whole resource of one of the types; it tells by a KeyError that it has no place."""

    def of(change: Callable[[Json], Any]) -> Callable[[Json, random.Random], bool]:
        def make(resource: Json, chance: random.Random) -> bool:
            if types and resource["resourceType"] not in types:
                return False
            try:
                change(resource)
            except (KeyError, IndexError, TypeError, StopIteration):
                return False
            return True

        return make

    return of


def _is_domain(resource: Json) -> bool:
    return "modifierExtension" in definitions.structure(resource["resourceType"]).properties


def _domain(change: Callable[[Json], Any]) -> Callable[[Json, random.Random], bool]:
    def make(resource: Json, chance: random.Random) -> bool:
        if not _is_domain(resource):
            return False
        change(resource)
        return True

    return make


def _extended(*extensions: Json, modifier: bool = False) -> Callable[[Json, random.Random], bool]:
    name = "modifierExtension" if modifier else "extension"
    return _domain(lambda resource: resource.setdefault(name, []).extend(copy.deepcopy(list(extensions))))


def _narrative(inner: str) -> Callable[[Json, random.Random], bool]:
    text = {"status": "generated", "div": f"{DIV}{inner}</div>"}
    return _domain(lambda resource: resource.__setitem__("text", text))


def _first_entry(resource: Json) -> Json:
    return next(each for each in resource["entry"] if "id" in each.get("resource", ()) and "fullUrl" in each)


def _first_item(resource: Json, **needed: Any) -> Json:
    pending = list(resource["item"])
    while pending:
        item: Json = pending.pop(0)
        if all(item.get(key) == value if value is not ... else key in item for key, value in needed.items()):
            return item
        pending += item.get("item", [])
    raise StopIteration


def _need(condition: Any) -> None:
    if not condition:
        raise KeyError


def _twice(resource: Json) -> None:
    entry = _first_entry(resource)
    _need(resource["type"] != "history")
    resource["entry"].append(copy.deepcopy(entry))


def _value_with_reason(resource: Json) -> None:
    _need(any(key.startswith("value") for key in resource))
    resource["dataAbsentReason"] = {"text": "x"}


def _without_half(name: str, *keys: str) -> Callable[[Json], None]:
    def change(resource: Json) -> None:
        _need(all(key in resource for key in keys))
        del resource[name]

    return change


def _vital(change: Callable[[Json], Any]) -> Callable[[Json], None]:
    codes = {"8867-4", "9279-1", "8310-5", "8302-2", "29463-7", "39156-5", "85354-9", "9843-4"}

    def make(resource: Json) -> None:
        found = {each.get("code") for each in resource["code"]["coding"]}
        _need(found & codes)
        change(resource)

    return make


_TWO: tuple[tuple[str, Any], ...] = (("String", "x"), ("Boolean", True))
_EXAMPLE = {"url": "http://example.org/fhir/StructureDefinition/x", "valueString": "x"}

MUTATIONS: tuple[Mutation, ...] = (
    # Structure
    Mutation("structure", "a required element is gone", _at(_is_required, _gone)),
    Mutation(
        "structure", "an element is not known", _at(lambda p: isinstance(p.value, dict), _set(colour="x"))
    ),
    Mutation(
        "structure",
        "a single element is there twice",
        _at(_is_single, lambda p: p.holder.__setitem__(p.key, [p.value, copy.deepcopy(p.value)])),
    ),
    Mutation("structure", "a list is empty", _at(lambda p: p.key == 0, lambda p: p.holder.clear())),
    Mutation("structure", "an object is empty", _at(lambda p: isinstance(p.value, dict), _put({}))),
    Mutation("structure", "an item of a list is null", _at(lambda p: isinstance(p.key, int), _put(None))),
    Mutation("structure", "a number is text", _at(lambda p: type(p.value) is int, _put("many"))),
    Mutation("structure", "a boolean is text", _at(_of("boolean"), lambda p: _put(str(p.value).lower())(p))),
    Mutation(
        "structure",
        "a choice is there in two types",
        _at(
            lambda p: p.property.element.choice and {"string", "boolean"} <= set(p.property.element.types),
            lambda p: p.holder.update({f"{p.property.element.name}{each}": value for each, value in _TWO}),
        ),
    ),
    # Primitive values
    Mutation("primitives", "a date is impossible", _at(_of("date", "dateTime"), _put("2026-13-45"))),
    Mutation(
        "primitives", "a moment has no zone", _at(_of("dateTime", "instant"), _put("2026-01-01T10:00:00"))
    ),
    Mutation("primitives", "a code has two spaces", _at(_of("code"), _put("a  b"))),
    Mutation("primitives", "a URI has a space", _at(_of("uri", "url", "canonical"), _put("http://a b"))),
    Mutation("primitives", "an OID without urn", _at(_of("uri"), _put("oid:1.2.3"))),
    Mutation("primitives", "a string is empty", _at(_of("string", "markdown"), _put(""))),
    Mutation("primitives", "base64 is none", _at(_of("base64Binary"), _put("%%%"))),
    Mutation("primitives", "a count is negative", _at(_of("positiveInt", "unsignedInt"), _put(-1))),
    Mutation("primitives", "an id has an underscore", _whole()(lambda r: r.__setitem__("id", "a_b"))),
    Mutation("primitives", "an id is too long", _whole()(lambda r: r.__setitem__("id", "a" * 65))),
    # Invariants
    Mutation("invariants", "per-1: ends before it starts", _at(_having("Period", "start"), _set(end="1066"))),
    Mutation(
        "invariants",
        "qty-3: a code without system",
        _at(_having("Quantity", "code", "system"), _without("system")),
    ),
    Mutation(
        "invariants",
        "cpt-2: a value without system",
        _at(_having("ContactPoint", "value", "system"), _without("system")),
    ),
    Mutation(
        "invariants",
        "att-1: data without type",
        _at(_having("Attachment", "data", "contentType"), _without("contentType")),
    ),
    Mutation(
        "invariants",
        "rat-1: half a ratio",
        _at(_having("Ratio", "numerator", "denominator"), _without("numerator")),
    ),
    Mutation(
        "invariants",
        "rng-2: low above high",
        _at(_having("Range", "low", "high"), lambda p: p.value["low"].__setitem__("value", 10**6)),
    ),
    Mutation("invariants", "obs-6: a value and a reason for none", _whole("Observation")(_value_with_reason)),
    Mutation(
        "invariants",
        "pat-1: a contact of nothing",
        _whole("Patient")(lambda r: r.__setitem__("contact", [{"gender": "male"}])),
    ),
    Mutation(
        "invariants",
        "org-1: no name, no identifier",
        _whole("Organization")(lambda r: [r.pop("name", None), r.pop("identifier", None)]),
    ),
    Mutation(
        "invariants",
        "app-3: a start without end",
        _whole("Appointment")(_without_half("end", "start", "end")),
    ),
    Mutation(
        "invariants",
        "cpl-3: detail and reference",
        _whole("CarePlan")(
            lambda r: next(a for a in r["activity"] if "detail" in a).__setitem__(
                "reference", {"reference": "Task/1"}
            )
        ),
    ),
    Mutation(
        "invariants",
        "que-2: a linkId twice",
        _whole("Questionnaire")(lambda r: r["item"].append(copy.deepcopy(r["item"][0]))),
    ),
    Mutation(
        "invariants",
        "csd-1: a code twice",
        _whole("CodeSystem")(lambda r: r["concept"].append(copy.deepcopy(r["concept"][0]))),
    ),
    Mutation(
        "invariants",
        "lst-1: a reason for empty, not empty",
        _whole("List")(lambda r: [r["entry"][0], r.__setitem__("emptyReason", {"text": "x"})]),
    ),
    Mutation(
        "invariants",
        "dom-3: contained, not referred to",
        _domain(
            lambda r: r.setdefault("contained", []).append(
                {"resourceType": "Basic", "id": "x1", "code": {"text": "x"}}
            )
        ),
    ),
    Mutation("invariants", "ext-1: an extension of nothing", _extended({"url": "http://example.org/x"})),
    Mutation(
        "invariants",
        "ref-1: a link to nothing contained",
        _at(_of("Reference"), _put({"reference": "#nothing"})),
    ),
    # Codes
    Mutation("codes", "not in its required value set", _at(_is_enumerated, _put("zzz"))),
    Mutation("codes", "not in its code system", _at(_is_known, _set(code="zzz"))),
    Mutation("codes", "another display", _at(_is_displayed, _set(display="zzz")), "warning"),
    Mutation("codes", "a relative system", _at(_having("Coding", "code"), _set(system="codes"))),
    Mutation(
        "codes",
        "a value set as system",
        _at(_having("Coding", "code"), _set(system="http://hl7.org/fhir/ValueSet/administrative-gender")),
    ),
    Mutation("codes", "a currency of two letters", _at(_having("Money", "currency"), _set(currency="EU"))),
    Mutation(
        "codes",
        "a MIME type without slash",
        _at(_having("Attachment", "contentType"), _set(contentType="pdf")),
    ),
    Mutation("codes", "a required code left out with a reason", _at(_is_enumerated, lambda p: _leave_out(p))),
    # Extensions
    Mutation("extensions", "an unknown modifier", _extended(_EXAMPLE, modifier=True)),
    Mutation(
        "extensions",
        "at another place",
        _extended({"url": CORE + "patient-birthTime", "valueDateTime": "2026-01-01T10:00:00Z"}),
    ),
    Mutation(
        "extensions",
        "another type of value",
        _whole("Patient")(
            lambda r: r.setdefault("extension", []).append(
                {"url": CORE + "patient-birthPlace", "valueString": "x"}
            )
        ),
    ),
    Mutation(
        "extensions",
        "an unknown part",
        _whole("Patient")(
            lambda r: r.setdefault("extension", []).append(
                {"url": CORE + "patient-nationality", "extension": [{"url": "colour", "valueString": "x"}]}
            )
        ),
    ),
    Mutation(
        "extensions",
        "no such extension of HL7",
        _extended({"url": CORE + "no-such-extension", "valueString": "x"}),
    ),
    Mutation(
        "extensions",
        "a version in its url",
        _whole("Patient")(
            lambda r: r.setdefault("extension", []).append(
                {"url": CORE + "patient-birthPlace|4.0.1", "valueAddress": {"city": "x"}}
            )
        ),
    ),
    # References
    Mutation("references", "to another type", _at(_refers, _set(reference="Basic/1"))),
    Mutation("references", "a type that it is not", _at(_refers, _set(type="Basic"))),
    Mutation("references", "to no type", _at(_of("Reference"), _put({"reference": "Nothing/1"}))),
    Mutation("references", "no form of a reference", _at(_of("Reference"), _put({"reference": "patient 1"}))),
    Mutation(
        "references",
        "to a resource around it, where there is none",
        _whole()(lambda r: r.__setitem__("subject", {"reference": "#"}) if "subject" in r else _need(False)),
    ),
    # Identifiers, attachments, labels
    Mutation(
        "data types",
        "a UUID in upper case",
        _at(
            _having("Identifier", "value"),
            _set(system="urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
        ),
    ),
    Mutation(
        "data types", "a language that is none", _whole()(lambda r: r.__setitem__("language", "english"))
    ),
    Mutation(
        "data types",
        "a profile without its base",
        _whole()(lambda r: r.setdefault("meta", {}).__setitem__("profile", ["StructureDefinition/x"])),
    ),
    Mutation(
        "data types",
        "half an amount in a range",
        _at(_having("Range", "low", "high"), lambda place: place.value["low"].pop("value")),
    ),
    Mutation(
        "data types",
        "a relative system of an identifier",
        _at(_having("Identifier", "system"), _set(system="ids")),
    ),
    Mutation(
        "data types",
        "a URI that is none",
        _at(_having("Identifier", "value"), _set(system="urn:ietf:rfc:3986", value="12 3")),
    ),
    Mutation("data types", "an attachment of another size", _at(_having("Attachment", "data"), _set(size=1))),
    Mutation(
        "data types",
        "a label twice",
        _whole()(
            lambda r: r.setdefault("meta", {}).__setitem__(
                "security", [{"system": "http://acme.example/l", "code": "x"}] * 2
            )
        ),
    ),
    # Narratives
    Mutation("narratives", "a script", _narrative("<p>x</p><script>x</script>")),
    Mutation("narratives", "an event attribute", _narrative('<p onclick="x()">x</p>')),
    Mutation("narratives", "nothing to read", _narrative(" ")),
    Mutation("narratives", "not well-formed", _narrative("<p>x")),
    Mutation("narratives", "a dead link", _narrative('<p><a href="#nothing">x</a></p>')),
    Mutation("narratives", "a list in a paragraph", _narrative("<p>x<ul><li>y</li></ul></p>")),
    Mutation("narratives", "a paragraph in a paragraph", _narrative("<p>x<p>y</p></p>")),
    # Bundles
    Mutation(
        "bundles",
        "a fullUrl of another id",
        _whole("Bundle")(
            lambda r: _first_entry(r).__setitem__("fullUrl", "http://acme.example/fhir/Patient/zzz")
        ),
    ),
    Mutation(
        "bundles",
        "a relative fullUrl",
        _whole("Bundle")(lambda r: _first_entry(r).__setitem__("fullUrl", "Patient/1")),
    ),
    Mutation("bundles", "an entry twice", _whole("Bundle")(_twice)),
    Mutation(
        "bundles",
        "a total of no search",
        _whole("Bundle")(
            lambda r: [_need(r["type"] not in ("searchset", "history")), r.__setitem__("total", 1)]
        ),
    ),
    Mutation(
        "bundles",
        "a request in a collection",
        _whole("Bundle")(
            lambda r: [
                _need(r["type"] in ("collection", "document", "searchset", "message")),
                _first_entry(r).__setitem__("request", {"method": "GET", "url": "x"}),
            ]
        ),
    ),
    Mutation(
        "bundles",
        "a transaction without request",
        _whole("Bundle")(
            lambda r: [_need(r["type"] in ("transaction", "batch")), r["entry"][0].pop("request")]
        ),
    ),
    Mutation(
        "bundles",
        "a page of a transaction",
        _whole("Bundle")(
            lambda r: [
                _need(r["type"] in ("transaction", "batch", "collection", "document", "message")),
                r.setdefault("link", []).append({"relation": "next", "url": "http://acme.example"}),
            ]
        ),
    ),
    Mutation(
        "bundles",
        "a document without date",
        _whole("Bundle")(lambda r: [_need(r["type"] == "document"), r.pop("timestamp")]),
    ),
    Mutation(
        "bundles",
        "a document whose Composition comes last",
        _whole("Bundle")(
            lambda r: [
                _need(r["type"] == "document" and len(r["entry"]) > 1),
                r["entry"].append(r["entry"].pop(0)),
            ]
        ),
    ),
    Mutation(
        "bundles",
        "a document without its subject",
        _whole("Bundle")(
            lambda r: [
                _need(r["type"] == "document"),
                r["entry"][0]["resource"].__setitem__("subject", {"reference": "Patient/nobody"}),
            ]
        ),
    ),
    Mutation(
        "bundles",
        "a document with something apart",
        _whole("Bundle")(
            lambda r: [
                _need(r["type"] == "document"),
                r["entry"].append(
                    {
                        "fullUrl": "http://acme.example/fhir/Basic/9",
                        "resource": {"resourceType": "Basic", "id": "9", "code": {"text": "x"}},
                    }
                ),
            ]
        ),
    ),
    # Profiles of R4 and their slices
    Mutation(
        "profiles",
        "a vital sign without its moment",
        _whole("Observation")(_vital(lambda r: r.pop(next(k for k in r if k.startswith("effective"))))),
    ),
    Mutation(
        "profiles",
        "a vital sign in another unit",
        _whole("Observation")(_vital(lambda r: r["valueQuantity"].__setitem__("code", "mol"))),
    ),
    Mutation(
        "profiles", "a vital sign of no category", _whole("Observation")(_vital(lambda r: r.pop("category")))
    ),
    Mutation(
        "profiles",
        "a vital sign that is text",
        _whole("Observation")(_vital(lambda r: [r.pop("valueQuantity"), r.__setitem__("valueString", "x")])),
    ),
    Mutation(
        "profiles",
        "a blood pressure without one of its two",
        _whole("Observation")(_vital(lambda r: r["component"].pop(0))),
    ),
    # Questionnaires and responses
    Mutation(
        "questionnaires",
        "a condition on nothing",
        _whole("Questionnaire")(
            lambda r: r["item"][0].__setitem__(
                "enableWhen", [{"question": "nothing", "operator": "exists", "answerBoolean": True}]
            )
        ),
    ),
    Mutation(
        "questionnaires",
        "an initial value of another type",
        _whole("Questionnaire")(
            lambda r: _first_item(r, type="string").__setitem__("initial", [{"valueBoolean": True}])
        ),
    ),
    Mutation(
        "questionnaires",
        "a group with a maximum length",
        _whole("Questionnaire")(lambda r: _first_item(r, type="group").__setitem__("maxLength", 3)),
    ),
    Mutation(
        "questionnaires",
        "options of a boolean",
        _whole("Questionnaire")(
            lambda r: _first_item(r, type="boolean").__setitem__("answerOption", [{"valueString": "x"}])
        ),
    ),
    Mutation(
        "questionnaires",
        "a display that is required",
        _whole("Questionnaire")(lambda r: _first_item(r, type="display").__setitem__("required", True)),
    ),
    Mutation(
        "questionnaires",
        "an answer and items beside",
        _whole("QuestionnaireResponse")(
            lambda r: _first_item(r, answer=...).__setitem__("item", [{"linkId": "x"}])
        ),
    ),
    # Conformance resources
    Mutation(
        "definitions",
        "a url without its base",
        _whole("StructureDefinition", "ValueSet", "Questionnaire", "Measure")(
            lambda r: r.__setitem__("url", "Own/x")
        ),
    ),
    Mutation(
        "definitions",
        "a count of concepts that is not so",
        _whole("CodeSystem")(lambda r: [_need(r["content"] == "complete"), r.__setitem__("count", 99999)]),
    ),
    Mutation(
        "definitions",
        "an included code that is none",
        _whole("ValueSet")(
            lambda r: r.__setitem__(
                "compose",
                {
                    "include": [
                        {"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "zzz"}]}
                    ]
                },
            )
        ),
    ),
    Mutation(
        "definitions",
        "an expression that cannot be read",
        _whole("SearchParameter")(lambda r: [r["expression"], r.__setitem__("expression", "Patient.name(")]),
    ),
    Mutation(
        "definitions",
        "an expression of an unknown name",
        _whole("SearchParameter")(
            lambda r: [
                _need(len(r["base"]) == 1 and r["base"][0] not in ("Resource", "DomainResource")),
                r["expression"],
                r.__setitem__("expression", f"{r['base'][0]}.colour"),
            ]
        ),
    ),
    Mutation(
        "definitions",
        "a path of another type",
        _whole("StructureDefinition")(
            lambda r: r["differential"]["element"][-1].__setitem__("path", "Other.x")
        ),
    ),
    Mutation(
        "definitions",
        "another type than the base",
        _whole("StructureDefinition")(
            lambda r: [_need(r["derivation"] == "constraint"), r.__setitem__("type", "Basic")]
        ),
    ),
    Mutation(
        "definitions",
        "an extension with the url of another",
        _whole("StructureDefinition")(
            lambda r: [
                _need(r["type"] == "Extension" and r["derivation"] == "constraint"),
                [
                    e.__setitem__("fixedUri", "http://acme.example/x")
                    for p in ("snapshot", "differential")
                    for e in r[p]["element"]
                    if e["path"] == "Extension.url"
                ],
            ]
        ),
    ),
    # What is no fault
    Mutation("no fault", "properties in another order", _whole()(lambda r: _reversed(r)), "valid"),
    Mutation("no fault", "an unknown extension", _extended(_EXAMPLE), "valid"),
    Mutation(
        "no fault",
        "an extension of a string",
        _at(
            lambda p: (
                p.property.type == "string"
                and isinstance(p.key, str)
                and p.key != "id"
                and f"_{p.key}" not in p.holder
            ),
            lambda p: p.holder.__setitem__(f"_{p.key}", {"extension": [_EXAMPLE]}),
        ),
        "valid",
    ),
    Mutation("no fault", "a display of a reference", _at(_of("Reference"), _set(display="someone")), "valid"),
    Mutation("no fault", "a text of a concept", _at(_of("CodeableConcept"), _set(text="words")), "valid"),
    Mutation(
        "no fault",
        "a narrative with a table",
        _narrative("<table><tbody><tr><td>x</td></tr></tbody></table>"),
        "valid",
    ),
    Mutation(
        "no fault",
        "a code of a system of one's own",
        _at(
            # Of the category of a vital sign, its profile fixes each coding.
            lambda p: (
                _having("CodeableConcept", "coding")(p)
                and not p.property.element.binding
                and p.property.element.name != "category"
            ),
            lambda p: p.value["coding"].append({"system": "http://example.org/codes", "code": "x"}),
        ),
        "valid",
    ),
    Mutation(
        "no fault",
        "contained and referred to",
        _domain(
            lambda r: [
                r.setdefault("contained", []).append(
                    {"resourceType": "Basic", "id": "x1", "code": {"text": "x"}}
                ),
                r.setdefault("extension", []).append(
                    {"url": "http://example.org/x", "valueReference": {"reference": "#x1"}}
                ),
            ]
        ),
        "valid",
    ),
)


def _leave_out(place: Place) -> None:
    reason = {"extension": [{"url": CORE + "data-absent-reason", "valueCode": "unknown"}]}
    if isinstance(place.key, str):
        del place.holder[place.key]
        place.holder[f"_{place.key}"] = reason
    else:
        place.holder[place.key] = "zzz"


def _reversed(resource: Json) -> None:
    items = list(resource.items())
    resource.clear()
    resource.update(reversed(items))
