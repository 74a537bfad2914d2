"""Signed tokens: the one file that signs and verifies, strict where python-jose is not
(RFC 7515, 7517, 7518, 7519 and 8725, https://www.rfc-editor.org/rfc/rfc8725).

A key has one algorithm, decided when it is taken in, and a token's own `alg` can only agree. No `crit`, no keys
that come with the token, no RSA below 2048 bits, no shared secrets; `iss`, `aud` and `exp` are always asked for.

What signs and verifies is loaded by the first token: a start has no use for it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from jose.backends.base import Key

    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

Json = dict[str, Any]

MAX_TOKEN_CHARACTERS = 16_384
MAX_KEYS = 40
RSA_BITS = 2048
LEEWAY_SECONDS = 60
"""By how much the clocks of two machines may differ, for `nbf` and `iat`; `exp` is kept to the second."""

CLIENT_ALGORITHMS = frozenset({"RS384", "ES384"})
"""What apps sign their assertions with (SMART, client-confidential-asymmetric)."""
PROVIDER_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384"})
"""What OpenID providers sign their id_tokens with."""

_EC_ALGORITHM = {"P-256": "ES256", "P-384": "ES384"}
_COORDINATE_BYTES = {"P-256": 32, "P-384": 48}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class TokenError(ValueError):
    """A token or key that is not taken; the text says why, without the token."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of ours, built once: signing with it takes a quarter of a millisecond."""

    kid: str
    algorithm: str
    private: PrivateKey = field(repr=False)
    _built: Key = field(repr=False)

    @property
    def public_jwk(self) -> Json:
        """The public half as a JWK (RFC 7517)."""
        public = self._built.public_key().to_dict()
        return {
            name: value.decode() if isinstance(value, bytes) else value for name, value in public.items()
        } | {"kid": self.kid, "alg": self.algorithm, "use": "sig"}

    @property
    def der(self) -> bytes:
        """The private key as PKCS #8, to be sealed."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def verifying(self) -> VerifyingKey:
        return VerifyingKey(self.kid, self.algorithm, self._built.public_key())


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key with the one algorithm it is for."""

    kid: str | None
    algorithm: str
    built: Key = field(repr=False)


def new_key(kid: str, algorithm: str) -> SigningKey:
    """A fresh key for ES384 or RS256."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if algorithm == "ES384":
        return _signing(kid, algorithm, ec.generate_private_key(ec.SECP384R1()))
    return _signing(kid, algorithm, rsa.generate_private_key(65537, RSA_BITS))


def stored_key(kid: str, algorithm: str, der: bytes) -> SigningKey:
    """A key of ours as it was stored."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    private = load_der_private_key(der, None)
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return _signing(kid, algorithm, private)


def _signing(kid: str, algorithm: str, private: PrivateKey) -> SigningKey:
    from jose import jwk

    # The stubs know keys as text alone; the library takes cryptography's own.
    given: Any = private
    return SigningKey(kid, algorithm, private, jwk.construct(given, algorithm))


def sign(claims: Mapping[str, Any], key: SigningKey, type: str = "JWT") -> str:
    """The claims as a signed token whose `typ` is `type`."""
    from jose import jws

    headers = {"kid": key.kid, "typ": type}
    return jws.sign(dict(claims), key._built, headers, key.algorithm)


def verifying_keys(jwks: Any, algorithms: frozenset[str]) -> tuple[VerifyingKey, ...]:
    """The keys of a JWK Set that verify with one of these algorithms; others in it are left aside.

    Raises TokenError for what is no JWK Set, for one that holds a private or weak key, and for one without any
    key of use.
    """
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not all(isinstance(one, dict) for one in keys):
        raise TokenError("a JWK Set expects an object with an array `keys`")
    if len(keys) > MAX_KEYS:
        raise TokenError(f"a JWK Set has at most {MAX_KEYS} keys here")
    found = [key for one in keys if (key := _verifying(one, algorithms)) is not None]
    if not found:
        raise TokenError(f"the JWK Set has no key for {' or '.join(sorted(algorithms))}")
    kids = [key.kid for key in found]
    if len(set(kids)) != len(kids):
        raise TokenError("the keys of a JWK Set need a `kid` each, all different")
    return tuple(found)


def _verifying(one: Json, algorithms: frozenset[str]) -> VerifyingKey | None:
    from jose import jwk
    from jose.exceptions import JOSEError

    if _PRIVATE & one.keys():
        raise TokenError(
            "the JWK Set holds a private or shared key: give public keys only, and replace this one"
        )
    if one.get("use", "sig") != "sig" or "verify" not in one.get("key_ops", ["verify"]):
        return None
    kid = one.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise TokenError("a `kid` is a string")
    algorithm = _algorithm(one, algorithms)
    if algorithm not in algorithms:
        return None
    try:
        numbers = [_decoded(one[name]) for name in (("n", "e") if one["kty"] == "RSA" else ("x", "y"))]
        if one["kty"] == "EC" and any(len(part) != _COORDINATE_BYTES[one["crv"]] for part in numbers):
            raise TokenError("the coordinates of an EC key have the length of their curve")
        known: Json = {name: one[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in one}
        built: Any = jwk.construct(known, algorithm)
    except TokenError:
        raise
    except (JOSEError, ValueError, KeyError, TypeError) as fault:
        raise TokenError("a key of the JWK Set cannot be read") from fault
    if one["kty"] == "RSA" and built.prepared_key.key_size < RSA_BITS:
        raise TokenError(f"an RSA key has at least {RSA_BITS} bits")
    return VerifyingKey(kid, algorithm, built)


def _algorithm(one: Json, algorithms: frozenset[str]) -> str | None:
    """The one algorithm of a JWK: its `alg` where that fits its type, else what its type has here."""
    said = one.get("alg")
    if one.get("kty") == "EC":
        of_curve = _EC_ALGORITHM.get(str(one.get("crv")))
        return of_curve if said in (None, of_curve) else None
    if one.get("kty") == "RSA":
        if said is None:
            return min((name for name in algorithms if name.startswith("RS")), default=None)
        return said if isinstance(said, str) and said.startswith("RS") else None
    return None


def header(token: str) -> Json:
    """The header of a token that is not verified yet. Raises TokenError where it cannot be one."""
    parts = token.split(".") if len(token) <= MAX_TOKEN_CHARACTERS else []
    if len(parts) != 3 or not all(parts):
        raise TokenError("a token has three parts between dots")
    return _object(parts[0])


def claims_unverified(token: str) -> Json:
    """What a token says of itself, to find out whose key verifies it. Raises TokenError."""
    header(token)
    return _object(token.split(".")[1])


def verify(
    token: str,
    keys: Iterable[VerifyingKey],
    *,
    issuer: str,
    audience: Iterable[str],
    now: float,
    types: frozenset[str] = frozenset({"JWT"}),
    max_seconds: int | None = None,
) -> Json:
    """The claims of a token that one of these keys signed for one of this audience.

    `types` are what its `typ`, where it has one, may be. `max_seconds` bounds how far `exp` may lie ahead.
    Raises TokenError.
    """
    from jose import jws
    from jose.exceptions import JOSEError

    head = header(token)
    for part in token.split("."):
        _decoded(part)
    if "crit" in head or "b64" in head:
        raise TokenError("the token's header asks for an extension (`crit`) that is not known here")
    if head.get("typ") is not None and not (
        isinstance(head["typ"], str) and head["typ"].removeprefix("application/").lower() in _lower(types)
    ):
        raise TokenError(f"the token's `typ` expects {' or '.join(sorted(types))}")
    key = _chosen(list(keys), head)
    try:
        content = jws.verify(token, key.built, [key.algorithm])
    except JOSEError:
        raise TokenError("the token's signature is not right") from None
    claims = _parsed(content)
    _check(claims, issuer, frozenset(audience), now, max_seconds)
    return claims


def encoded(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _lower(types: frozenset[str]) -> frozenset[str]:
    return frozenset(type.lower() for type in types)


def _chosen(keys: list[VerifyingKey], head: Json) -> VerifyingKey:
    """The key that the header names; the only one with its algorithm where it names none."""
    kid, algorithm = head.get("kid"), head.get("alg")
    if kid is None:
        fitting = [key for key in keys if key.algorithm == algorithm]
        if len(fitting) != 1:
            raise TokenError("the token's header names no `kid`")
        return fitting[0]
    for key in keys:
        if key.kid == kid:
            if key.algorithm != algorithm:
                raise TokenError(f"the token's `alg` expects {key.algorithm}, that of the key it names")
            return key
    raise TokenError("the token's `kid` is of no known key")


def _check(claims: Json, issuer: str, audience: frozenset[str], now: float, max_seconds: int | None) -> None:
    if claims.get("iss") != issuer:
        raise TokenError("the token's `iss` is another")
    named = claims.get("aud")
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list) or not audience.intersection(one for one in named if isinstance(one, str)):
        raise TokenError("the token's `aud` is another")
    expires = _moment(claims, "exp")
    if expires is None:
        raise TokenError("the token has no `exp`")
    if expires <= now:
        raise TokenError("the token is expired")
    if max_seconds is not None and expires > now + max_seconds + LEEWAY_SECONDS / 2:
        raise TokenError(f"the token's `exp` lies more than {max_seconds} seconds ahead")
    for name in ("nbf", "iat"):
        moment = _moment(claims, name)
        if moment is not None and moment > now + LEEWAY_SECONDS:
            raise TokenError(f"the token's `{name}` lies in the future")


def _moment(claims: Json, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise TokenError(f"the token's `{name}` is a number of seconds since 1970")
    return value


def _object(part: str) -> Json:
    return _parsed(_decoded(part))


def _parsed(content: bytes) -> Json:
    try:
        value = json.loads(content.decode(), object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenError("a part of the token is not JSON") from None
    if not isinstance(value, dict):
        raise TokenError("a part of the token is not a JSON object")
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _decoded(part: Any) -> bytes:
    """Base64url without padding or anything else between (RFC 7515, 2)."""
    if not isinstance(part, str) or not _BASE64URL.fullmatch(part):
        raise TokenError("a part of the token is not base64url")
    try:
        found = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise TokenError("a part of the token is not base64url") from None
    if encoded(found) != part:
        # The last character has bits that nobody reads: two texts would be one token.
        raise TokenError("a part of the token is not base64url")
    return found
