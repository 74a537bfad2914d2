"""The one place where an error becomes an OperationOutcome (https://hl7.org/fhir/R4/operationoutcome.html)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from fhirhub.api.exchange import FhirResponse, Json
from fhirhub.errors import FhirError, Issue

_EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/operationoutcome-"


def render(issues: Iterable[Issue]) -> bytes:
    """The OperationOutcome of these issues as FHIR JSON."""
    return msgspec.json.encode(resource(issues))


_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _fit(text: str) -> str:
    """The text with U+FFFD for what XML cannot hold: it may quote what the client sent."""
    return text if text.isprintable() else _UNFIT.sub("\ufffd", text)


def resource(issues: Iterable[Issue]) -> Json:
    """The OperationOutcome of these issues."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> Json:
    rendered: Json = {}
    extensions: list[Json] = []
    if issue.line is not None and issue.column is not None:
        extensions.append({"url": _EXTENSIONS + "issue-line", "valueInteger": issue.line})
        extensions.append({"url": _EXTENSIONS + "issue-col", "valueInteger": issue.column})
    if issue.profile is not None:
        extensions.append({"url": _EXTENSIONS + "issue-source", "valueString": _fit(issue.profile)})
    if issue.key is not None:
        extensions.append({"url": _EXTENSIONS + "message-id", "valueCode": _fit(issue.key)})
    if extensions:
        rendered["extension"] = extensions
    rendered["severity"] = issue.severity
    rendered["code"] = issue.code
    rendered["details"] = {"text": _fit(issue.text)}
    technical = [part for part in (issue.key, issue.profile) if part]
    if technical:
        rendered["diagnostics"] = _fit(" of ".join(technical))
    if issue.line is not None and issue.column is not None:
        rendered["location"] = [f"Line[{issue.line}] Col[{issue.column}]"]
    if issue.expression:
        rendered["expression"] = [_fit(issue.expression)]
    return rendered


def of_error(error: FhirError) -> FhirResponse:
    """The answer that an error gets."""
    return FhirResponse(error.status, body=render(error.issues), headers=error.headers or None)


def of_fault(request_id: str) -> FhirResponse:
    """The answer to a fault of this server: no trace, but the id under which the log has it."""
    return FhirResponse(
        500,
        body=msgspec.json.encode(
            {
                "resourceType": "OperationOutcome",
                "issue": [
                    {
                        "severity": "fatal",
                        "code": "exception",
                        "details": {"text": "The server failed at this request; its log says why"},
                        "diagnostics": f"X-Request-Id {request_id}",
                    }
                ],
            }
        ),
    )


def within(error: FhirError, entry: str) -> FhirError:
    """The same error of an entry of a Bundle: `Patient.name` becomes `Bundle.entry[2].resource.name`."""
    return FhirError(error.status, moved(error.issues, entry), error.headers)


def moved(issues: Iterable[Issue], entry: str) -> list[Issue]:
    """Issues of the resource in this entry, as issues of the Bundle."""
    return [replace(issue, expression=_moved(issue.expression, entry)) for issue in issues]


def _moved(expression: str | None, entry: str) -> str:
    if not expression:
        return entry
    if expression.startswith("Bundle.entry["):
        return expression
    _, dot, rest = expression.partition(".")
    return f"{entry}.resource{dot}{rest}"
