"""The keys of a tenant: made once, sealed at rest, rotated while all goes on."""

from __future__ import annotations

import asyncio

import pytest

from fhirhub.auth import jose, keys, sealing
from fhirhub.auth.keys import Keys
from fhirhub.auth.realm import Realm
from fhirhub.secrets import Secret
from fhirhub.settings import Refusal
from tests.auth.conftest import clock_of


def other_worker(realm: Realm) -> Keys:
    return Keys(realm.database, realm.number, realm.name, realm.secret, realm.clock)


async def test_workers_that_start_at_once_make_one_pair_of_keys(realm: Realm) -> None:
    workers = [realm.keys, other_worker(realm), other_worker(realm)]
    signing = await asyncio.gather(*(worker.signing("ES384") for worker in workers))
    assert len({key.kid for key in signing}) == 1
    assert sorted(key["alg"] for key in await realm.keys.published()) == ["ES384", "RS256"]


async def test_the_private_key_is_sealed_at_rest(realm: Realm) -> None:
    key = await realm.keys.signing("ES384")
    rows = await realm.rows("SELECT sealed FROM auth_key WHERE tenant = $1 AND kid = $2", key.kid)
    assert key.der not in bytes(rows[0][0])
    opened = sealing.unseal(realm.secret, realm.name, f"key {key.kid}", bytes(rows[0][0]))
    assert opened == key.der
    for secret, tenant, place in [
        (Secret(b"x" * 32), realm.name, f"key {key.kid}"),
        (realm.secret, "other", f"key {key.kid}"),
        (realm.secret, realm.name, "key other"),
    ]:
        with pytest.raises(Refusal):
            sealing.unseal(secret, tenant, place, bytes(rows[0][0]))


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(realm: Realm) -> None:
    old = await realm.keys.signing("ES384")
    elsewhere = other_worker(realm)
    await elsewhere.signing("ES384")
    await realm.keys.rotate()
    assert (await realm.keys.signing("ES384")).kid == old.kid
    assert len(await realm.keys.published()) == 4
    clock_of(realm).moment += keys.NOTICE_SECONDS + 1
    new = await realm.keys.signing("ES384")
    assert new.kid != old.kid
    assert (await elsewhere.signing("ES384")).kid == new.kid
    assert old.kid in [key.kid for key in await realm.keys.verifying("ES384")]
    clock_of(realm).moment += keys.KEPT_SECONDS
    assert old.kid not in [key.kid for key in await realm.keys.verifying("ES384")]
    assert (await realm.keys.signing("ES384")).kid == new.kid


async def test_keys_that_leaked_are_gone_at_once(realm: Realm) -> None:
    old = await realm.keys.signing("ES384")
    await realm.keys.rotate(at_once=True)
    assert (await realm.keys.signing("ES384")).kid != old.kid
    assert [key.kid for key in await realm.keys.verifying("ES384")] != [old.kid]
    assert len(await realm.keys.published()) == 2


async def test_signing_with_a_built_key_needs_no_database(realm: Realm) -> None:
    key = await realm.keys.signing("ES384")
    assert (await realm.keys.signing("ES384")) is key
    assert jose.header(jose.sign({"a": 1}, key))["kid"] == key.kid
