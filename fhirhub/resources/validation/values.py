"""The checks of primitive values at their elements: formats, required codes, ids and narratives."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fhirhub.resources import definitions, notations, primitives
from fhirhub.resources.definitions import Property
from fhirhub.resources.validation import narrative, wording
from fhirhub.resources.validation.faults import Check, Fault, Faults, Scope

# ISO 4217 (https://www.iso.org/iso-4217-currency-codes.html), with those that were withdrawn lately.
_CURRENCIES = frozenset(
    re.findall(
        r"\w+",
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV "
        "BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE "
        "CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD "
        "HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD "
        "KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
        "MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
        "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS "
        "TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST "
        "XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR "
        "ZMW ZWG ZWL",
    )
)
# Required codes that the definitions do not list, by the form that they have: what matches, and its name.
_FORMS: dict[str, tuple[Callable[[str], Any], str]] = {
    "http://hl7.org/fhir/ValueSet/currencies": (
        _CURRENCIES.__contains__,
        "a currency of ISO 4217 such as EUR",
    ),
    "http://hl7.org/fhir/ValueSet/mimetypes": (
        notations.is_media_type,
        "a MIME type such as application/pdf (BCP 13)",
    ),
}
# These two may say xml and json for the types of FHIR's own formats.
_SAYS_FORMAT = ("CapabilityStatement.", "TestScript.")


def check_of(property: Property) -> Check:
    """A primitive value, with the codes that a required binding allows."""
    type, binding = property.type, property.element.binding
    if type == "xhtml":
        return _check_narrative
    if property.key == "id" and type == "string" and property.element.path != "ElementDefinition.id":
        return _check_element_id
    codes = definitions.required_codes(binding) if binding else None
    if codes is not None:
        return _code_check(property, codes)
    if binding in _FORMS and not property.element.path.startswith(_SAYS_FORMAT):
        return _form_check(property, *_FORMS[binding])
    if type in ("oid", "uuid"):
        return _linkable_check(property, primitives.PATTERNS[type])
    if type in primitives.PATTERNS:
        return _pattern_check(property, primitives.PATTERNS[type])
    path = property.element.path
    format = primitives.CHECKS[type]

    def check(value: Any, scope: Scope) -> Faults:
        text = format(value)
        return None if text is None else [wording.misfit(value, path, text)]

    def check_string(value: Any, scope: Scope) -> Faults:
        if (
            value.__class__ is str
            and value.isprintable()
            and value >= "!"
            and len(value) <= primitives.MAX_STRING
        ):
            return None
        text = format(value)
        return None if text is None else [wording.misfit(value, path, text)]

    return check_string if type in ("string", "markdown") else check


def _pattern_check(property: Property, match: Callable[[str], Any]) -> Check:
    path = property.element.path
    format = primitives.CHECKS[property.type]

    def check(value: Any, scope: Scope) -> Faults:
        if value.__class__ is str and match(value):
            return None
        return [wording.misfit(value, path, format(value) or "")]

    return check


_LINK = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#\S*)?")


def _linkable_check(property: Property, match: Callable[[str], Any]) -> Check:
    """An OID or UUID, or the link that a transaction had to put in the place of one that was a fullUrl
    (https://hl7.org/fhir/R4/http.html#trules names these two types): what is stored so can be written again."""
    check_form = _pattern_check(property, match)

    def check(value: Any, scope: Scope) -> Faults:
        faults = check_form(value, scope)
        if faults is None or type(value) is not str:
            return faults
        link = _LINK.fullmatch(value)
        return None if link is not None and definitions.is_resource_type(link[1]) else faults

    return check


def _code_check(property: Property, codes: frozenset[str]) -> Check:
    path = property.element.path
    format = primitives.CHECKS[property.type]

    def check(value: Any, scope: Scope) -> Faults:
        if value.__class__ is str and value in codes:
            return None
        text = format(value)
        if text is not None:
            return [wording.misfit(value, path, text)]
        text = f"{path} expects one of {wording.listed(codes)}; got `{value[:80]}`{wording.nearest(value, codes)}"
        return [Fault("", "code-invalid", text)]

    return check


def _form_check(property: Property, match: Callable[[str], Any], words: str) -> Check:
    path = property.element.path

    def check(value: Any, scope: Scope) -> Faults:
        text = primitives.check("code", value)
        if text is not None:
            return [wording.misfit(value, path, text)]
        return (
            None
            if match(value)
            else [Fault("", "code-invalid", f"{path} expects {words}; got `{value[:80]}`")]
        )

    return check


def _check_element_id(value: Any, scope: Scope) -> Faults:
    """Element.id: any string without spaces, unique in the resource (element-definitions.html#Element.id).

    An ElementDefinition's id is another matter: it stands in the snapshot and again in the differential.
    """
    text = primitives.check("string", value)
    if text is not None:
        return [wording.misfit(value, "Element.id", text)]
    if not primitives.PATTERNS["uri"](value):
        return [Fault("", "value", f"Element.id has no spaces; got `{value[:80]}`")]
    if value in scope.ids:
        return [Fault("", "value", f"Another element has the id `{value[:80]}` already; each needs its own")]
    scope.ids.add(value)
    return None


def _check_narrative(value: Any, scope: Scope) -> Faults:
    text = primitives.check("xhtml", value)
    if text is not None:
        return [wording.misfit(value, "Narrative.div", text)]
    faults = narrative.check(value)
    return [fault._replace(text=f"Narrative.div {fault.text}") for fault in faults] or None
