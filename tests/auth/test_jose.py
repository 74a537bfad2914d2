"""Signed tokens: what is taken, and everything that python-jose alone would let through."""

from __future__ import annotations

import base64
import hmac
import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from fhirhub.auth import jose
from fhirhub.auth.jose import CLIENT_ALGORITHMS, TokenError, VerifyingKey

NOW = 1_800_000_000
ISSUER, AUDIENCE = "https://app.example", "https://hub.example/auth/token"
EC = ECKey.generate_key("P-384", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
Json = dict[str, Any]


def claims(**changed: Any) -> Json:
    told = {"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 200, "iat": NOW, "jti": "1"} | changed
    return {name: value for name, value in told.items() if value is not ...}


def signed(head: Json, content: Json, key: Any = EC) -> str:
    return jwt.encode(head, content, key, algorithms=[head["alg"]])


def registered(*keys: Any) -> tuple[VerifyingKey, ...]:
    return jose.verifying_keys({"keys": [key.as_dict(private=False) for key in keys]}, CLIENT_ALGORITHMS)


def verified(token: str, keys: tuple[VerifyingKey, ...] | None = None, **also: Any) -> Json:
    return jose.verify(
        token, keys or registered(EC, RSA), issuer=ISSUER, audience=[AUDIENCE], now=NOW, **also
    )


def raw(*parts: Any) -> str:
    """A token of these parts; a dict becomes JSON."""
    texts = [json.dumps(part).encode() if isinstance(part, dict) else part for part in parts]
    return ".".join(base64.urlsafe_b64encode(text).rstrip(b"=").decode() for text in texts)


@pytest.mark.parametrize(("algorithm", "key"), [("ES384", EC), ("RS384", RSA)])
def test_a_token_of_another_library_is_taken(algorithm: str, key: Any) -> None:
    assert verified(signed({"alg": algorithm, "kid": key.kid}, claims(), key)) == claims()


@pytest.mark.parametrize("algorithm", ["ES384", "RS256"])
def test_another_library_takes_ours(algorithm: str) -> None:
    key = jose.new_key("k1", algorithm)
    token = jose.sign(claims(), key, "at+jwt")
    found = jwt.decode(token, KeySet.import_key_set({"keys": [key.public_jwk]}), algorithms=[algorithm])
    assert found.claims == claims()
    assert found.header == {"alg": algorithm, "kid": "k1", "typ": "at+jwt"}
    again = jose.stored_key("k1", algorithm, key.der)
    assert jose.verify(
        jose.sign(claims(), again), [key.verifying()], issuer=ISSUER, audience=[AUDIENCE], now=NOW
    )


def test_a_key_of_ours_shows_nothing_private() -> None:
    for algorithm in ("ES384", "RS256"):
        key = jose.new_key("k", algorithm)
        assert not {"d", "p", "q"} & key.public_jwk.keys()
        assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ...},
        {"aud": "https://other.example"},
        {"aud": []},
        {"aud": {"x": AUDIENCE}},
        {"iss": ...},
        {"iss": "https://other.example"},
        {"exp": ...},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": NOW + 600},
        {"iat": NOW + 600},
        {"iat": "yesterday"},
    ],
)
def test_claims_that_are_wrong_or_lacking_are_refused(changed: Json) -> None:
    with pytest.raises(TokenError):
        verified(signed({"alg": "ES384", "kid": "ec"}, claims(**changed)))


def test_a_token_that_lives_too_long_is_refused() -> None:
    token = signed({"alg": "ES384", "kid": "ec"}, claims(exp=NOW + 600))
    assert verified(token)
    with pytest.raises(TokenError, match="300 seconds"):
        verified(token, max_seconds=300)


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "ES384", "kid": "other"},
        {"alg": "ES384", "kid": "rsa"},
        {"alg": "ES384", "kid": ["ec"]},
        {"alg": "ES384", "kid": "ec", "typ": "at+jwt"},
    ],
)
def test_a_header_that_does_not_fit_the_key_is_refused(head: Json) -> None:
    token = signed({"alg": "ES384", "kid": "ec"}, claims()).split(".")
    with pytest.raises(TokenError):
        verified(".".join([raw(head), *token[1:]]))


def test_critical_extensions_are_refused() -> None:
    key = jose.new_key("k", "ES384")
    others: list[Json] = [{"crit": ["exp"]}, {"crit": []}, {"b64": False}]
    for also in others:
        head = {"alg": "ES384", "kid": "k", **also}
        content = raw(head, claims())
        token = (
            f"{content}.{base64.urlsafe_b64encode(key._built.sign(content.encode())).rstrip(b'=').decode()}"
        )
        with pytest.raises(TokenError, match="crit"):
            verified(token, (key.verifying(),))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS384", "RS256", "ES256", "PS384", "", None])
def test_no_other_algorithm_is_taken(algorithm: str | None) -> None:
    parts = signed({"alg": "ES384", "kid": "ec"}, claims()).split(".")
    with pytest.raises(TokenError):
        verified(".".join([raw({"alg": algorithm, "kid": "ec"}), *parts[1:]]))


def test_a_public_key_does_not_serve_as_a_shared_secret() -> None:
    for form in (RSA.as_pem(private=False), RSA.as_der(private=False)):
        content = raw({"alg": "HS384", "kid": "rsa"}, claims())
        token = f"{content}.{raw(hmac.digest(form, content.encode(), 'sha384'))}"
        with pytest.raises(TokenError):
            verified(token)


def test_another_key_under_a_known_name_is_refused() -> None:
    other = ECKey.generate_key("P-384", {"kid": "ec"})
    with pytest.raises(TokenError, match="signature"):
        verified(signed({"alg": "ES384", "kid": "ec"}, claims(), other))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token + "=",
        lambda token: token + "A",
        lambda token: token[:-1],
        lambda token: token.replace(".", "..", 1),
        lambda token: " " + token,
        lambda token: token + "\n",
        lambda token: token.split(".")[0],
        lambda token: ".".join(token.split(".")[:2]) + ".",
        lambda token: "",
        lambda token: "x" * 20_000,
        lambda token: raw(b"[]", b"{}", b"x"),
        lambda token: raw(b'{"alg":"ES384","alg":"none"}', b"{}", b"x"),
        lambda token: raw(b"[" * 5000, b"{}", b"x"),
        lambda token: raw(b"\xff", b"{}", b"x"),
    ],
)
def test_what_is_not_exactly_a_token_is_refused(spoil: Any) -> None:
    with pytest.raises(TokenError):
        verified(spoil(signed({"alg": "ES384", "kid": "ec"}, claims())))


def test_a_token_without_kid_needs_the_only_key() -> None:
    token = signed({"alg": "ES384"}, claims())
    assert verified(token, registered(EC))
    second = ECKey.generate_key("P-384", {"kid": "second"})
    with pytest.raises(TokenError, match="kid"):
        verified(token, registered(EC, second))


def weak_rsa() -> Json:
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    n = base64.urlsafe_b64encode(numbers.n.to_bytes(128, "big")).rstrip(b"=").decode()
    return {"kty": "RSA", "n": n, "e": "AQAB", "kid": "weak"}


@pytest.mark.parametrize(
    "jwks",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": ["x"]},
        {"keys": [EC.as_dict(private=True)]},
        {"keys": [RSA.as_dict(private=True)]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}]},
        {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]},
        {"keys": [EC.as_dict(private=False) | {"use": "enc"}]},
        {"keys": [EC.as_dict(private=False) | {"alg": "HS384"}]},
        {"keys": [EC.as_dict(private=False) | {"x": "AA"}]},
        {"keys": [EC.as_dict(private=False) | {"y": EC.as_dict(private=False)["x"]}]},
        {"keys": [EC.as_dict(private=False) | {"x": 5}]},
        {"keys": [RSA.as_dict(private=False) | {"n": "AQAB"}]},
        {"keys": [EC.as_dict(private=False), EC.as_dict(private=False)]},
        {"keys": [EC.as_dict(private=False)] * 100},
        {"keys": [weak_rsa()]},
    ],
)
def test_a_key_set_that_is_none_or_weak_is_refused(jwks: Any) -> None:
    with pytest.raises(TokenError):
        jose.verifying_keys(jwks, CLIENT_ALGORITHMS)


def test_keys_of_other_uses_are_left_aside() -> None:
    other = ECKey.generate_key("P-256", {"kid": "other"}).as_dict(private=False)
    found = jose.verifying_keys({"keys": [other, EC.as_dict(private=False)]}, CLIENT_ALGORITHMS)
    assert [key.kid for key in found] == ["ec"]


def test_the_slow_and_leaking_library_for_curves_is_never_loaded() -> None:
    code = "import sys, fhirhub.auth.jose as j; j.new_key('k', 'ES384').verifying(); print('ecdsa' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
