"""The one tree of errors: what was wrong, where, and what would be right.

    FhirError                 carries Issues, an HTTP status and extra headers
      made by one constructor for each IssueType (https://hl7.org/fhir/R4/valueset-issue-type.html):
      invalid, structure, required, value, invariant, security, login, unknown, expired, forbidden,
      suppressed, processing, not_supported, duplicate, multiple_matches, not_found, deleted,
      too_long, code_invalid, extension, too_costly, business_rule, conflict, transient,
      lock_error, no_store, exception, timeout, incomplete, throttled, informational

`api/outcome.py` is the only place where an error becomes an OperationOutcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault (or remark) as OperationOutcome.issue tells it.

    `code` is an IssueType code such as `invalid` or `not-found`; `expression` a FHIRPath to the
    element at fault, such as `CarePlan.activity[0].detail.status`; `profile` and `key` name the
    profile and the invariant that asked, where one did.
    """

    severity: Severity
    code: str
    text: str
    expression: str | None = None
    key: str | None = None
    profile: str | None = None
    line: int | None = None
    column: int | None = None


class FhirError(Exception):
    """A request that gets an answer other than the one hoped for."""

    def __init__(
        self, status: int, issues: Sequence[Issue], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("; ".join(issue.text for issue in issues))
        self.status = status
        self.issues = tuple(issues)
        self.headers = dict(headers or {})


class Dangling(FhirError):
    """References to what is not here: 422. `holders` are type and id of the resource that each issue is about."""

    def __init__(self, issues: Sequence[Issue], holders: Sequence[tuple[str, str]]) -> None:
        super().__init__(422, issues)
        self.holders = tuple(holders)


def error(
    status: int,
    code: str,
    text: str,
    expression: str | None = None,
    headers: Mapping[str, str] | None = None,
    severity: Severity = "error",
) -> FhirError:
    """An error of one issue."""
    return FhirError(status, [Issue(severity, code, text, expression)], headers)


def invalid(text: str, expression: str | None = None, status: int = 400) -> FhirError:
    """Content or a parameter that cannot be read: 400."""
    return error(status, "invalid", text, expression)


def structure(text: str, expression: str | None = None) -> FhirError:
    """JSON or XML that is not well formed, or not FHIR's form of it: 400."""
    return error(400, "structure", text, expression)


def required(text: str, expression: str | None = None) -> FhirError:
    """Something that must be there is absent: 400."""
    return error(400, "required", text, expression)


def value(text: str, expression: str | None = None) -> FhirError:
    """A value out of its bounds: 400."""
    return error(400, "value", text, expression)


def invariant(text: str, expression: str | None = None) -> FhirError:
    """A rule of the content that does not hold: 422."""
    return error(422, "invariant", text, expression)


def security(text: str) -> FhirError:
    """A security matter that is neither sign-in nor permission: 403."""
    return error(403, "security", text)


def login(text: str, challenge: str = "Bearer") -> FhirError:
    """Nobody known is asking: 401 with `WWW-Authenticate` (RFC 9110, 11.6.1)."""
    return error(401, "login", text, headers={"WWW-Authenticate": challenge})


def unknown(text: str) -> FhirError:
    """The caller is not known: 401."""
    return error(401, "unknown", text)


def expired(text: str) -> FhirError:
    """The session or token is over: 401."""
    return error(401, "expired", text, headers={"WWW-Authenticate": "Bearer"})


def forbidden(text: str) -> FhirError:
    """The caller is known and may not do this: 403."""
    return error(403, "forbidden", text)


def suppressed(text: str) -> FhirError:
    """Something was left out on purpose: 403."""
    return error(403, "suppressed", text)


def processing(text: str, expression: str | None = None, status: int = 422) -> FhirError:
    """The content was understood and could not be processed: 422."""
    return error(status, "processing", text, expression)


def not_supported(text: str, status: int = 400, headers: Mapping[str, str] | None = None) -> FhirError:
    """An interaction, parameter or format that this server does not have: 400, 404, 405, 406 or 415."""
    return error(status, "not-supported", text, headers=headers)


def duplicate(text: str, expression: str | None = None) -> FhirError:
    """It is there already: 409."""
    return error(409, "duplicate", text, expression)


def multiple_matches(text: str) -> FhirError:
    """Criteria of a conditional interaction that match more than one resource: 412."""
    return error(412, "multiple-matches", text)


def not_found(text: str) -> FhirError:
    """Absent, or not to be seen by this caller; never says which: 404."""
    return error(404, "not-found", text)


def deleted(text: str, headers: Mapping[str, str] | None = None) -> FhirError:
    """It was there and was deleted: 410."""
    return error(410, "deleted", text, headers=headers)


def too_long(text: str) -> FhirError:
    """Content over a limit: 413."""
    return error(413, "too-long", text)


def code_invalid(text: str, expression: str | None = None) -> FhirError:
    """A code that its code system or value set does not have: 422."""
    return error(422, "code-invalid", text, expression)


def extension(text: str, expression: str | None = None) -> FhirError:
    """An extension that is not understood where it must be: 422."""
    return error(422, "extension", text, expression)


def too_costly(text: str) -> FhirError:
    """It would take too long or give too much: 422, as R4 names no status for it."""
    return error(422, "too-costly", text)


def business_rule(text: str, expression: str | None = None) -> FhirError:
    """A rule of the domain forbids it: 422."""
    return error(422, "business-rule", text, expression)


def conflict(text: str, status: int = 409) -> FhirError:
    """The stored state speaks against it: 409, or 412 for a version that is not current."""
    return error(status, "conflict", text)


def transient(text: str, retry_after_seconds: int = 5) -> FhirError:
    """It may work later: 503 with `Retry-After`."""
    return error(503, "transient", text, headers={"Retry-After": str(retry_after_seconds)})


def lock_error(text: str) -> FhirError:
    """A lock was not had in time: 503."""
    return error(503, "lock-error", text, headers={"Retry-After": "1"})


def no_store(text: str) -> FhirError:
    """The store has no room or cannot be written: 507."""
    return error(507, "no-store", text)


def exception(text: str) -> FhirError:
    """A fault of this server: 500. The text never carries a trace."""
    return error(500, "exception", text, severity="fatal")


def timeout(text: str) -> FhirError:
    """An inner step took too long: 504."""
    return error(504, "timeout", text)


def incomplete(text: str) -> FhirError:
    """Only a part could be had: 502."""
    return error(502, "incomplete", text)


def throttled(text: str, retry_after_seconds: int = 1) -> FhirError:
    """Too many requests: 429 with `Retry-After`."""
    return error(429, "throttled", text, headers={"Retry-After": str(retry_after_seconds)})


def informational(text: str, expression: str | None = None) -> Issue:
    """A remark that stops nothing."""
    return Issue("information", "informational", text, expression)
