"""From the typed classes of `fhir.resources.R4B` to JSON, and what every demo resource carries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from fhir.resources.R4B.resource import Resource

from fhirhub.resources import guide

Json = dict[str, Any]

CANONICAL = guide.canonical()
TAG = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
META = {"tag": [TAG]}

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


def typed(kind: type[Resource], **content: Any) -> Json:
    """A resource as JSON in the specification's order, its content checked by the typed class."""
    return _decode(kind(**content).model_dump_json())
