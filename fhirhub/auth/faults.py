"""What a wrong OAuth request gets: the error code of its RFC and a sentence that says what would be right
(RFC 6749, 4.1.2.1 and 5.2; RFC 6750, 3.1; RFC 7591, 3.2.2; OpenID Connect Core, 3.1.2.6)."""

from __future__ import annotations

from collections.abc import Mapping


class OAuthError(Exception):
    """An error as OAuth tells it. `description` has only the characters that RFC 6749 lets through."""

    def __init__(
        self, code: str, description: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        self.code = code
        self.sentence = description
        """As a person reads it, where no RFC says which characters there may be."""
        self.description = _plain(description)
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {self.description}")

    @property
    def body(self) -> dict[str, str]:
        return {"error": self.code, "error_description": self.description}


def _plain(text: str) -> str:
    """Without what RFC 6749 (5.2) does not let through: quotes, backslashes and what is not ASCII."""
    text = text.replace('"', "'").replace("`", "'").replace("\\", "/")
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:500]


def invalid_request(description: str) -> OAuthError:
    return OAuthError("invalid_request", description)


def invalid_client(description: str, challenge: bool = False) -> OAuthError:
    """Client authentication failed: 401, with a challenge where the client used a header."""
    headers = {"WWW-Authenticate": 'Basic realm="fhirhub"'} if challenge else {}
    return OAuthError("invalid_client", description, 401, headers)


def invalid_grant(description: str) -> OAuthError:
    return OAuthError("invalid_grant", description)


def invalid_scope(description: str) -> OAuthError:
    return OAuthError("invalid_scope", description)


def unauthorized_client(description: str) -> OAuthError:
    return OAuthError("unauthorized_client", description)


def access_denied(description: str) -> OAuthError:
    return OAuthError("access_denied", description)


def slow_down(description: str, retry_after_seconds: int) -> OAuthError:
    """Too many requests: 429 with `Retry-After` (RFC 6585)."""
    return OAuthError("temporarily_unavailable", description, 429, {"Retry-After": str(retry_after_seconds)})
