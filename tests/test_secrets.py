"""The hub's secret: made with its check value, and refused where the two do not belong together."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fhirhub import settings
from fhirhub.secrets import Secret, SecretError, is_shared, open_secret, secret_path


class _Database:
    """Where the check value is kept."""

    def __init__(self) -> None:
        self.value: str | None = None

    async def stored(self) -> str | None:
        return self.value

    async def store(self, value: str) -> None:
        self.value = self.value or value

    async def open(self, path: Path) -> Secret:
        return await open_secret(path, self.stored, self.store)


async def test_new_hub_makes_a_secret_that_only_its_owner_reads(tmp_path: Path) -> None:
    database, path = _Database(), tmp_path / "deep" / "hub.secret"
    secret = await database.open(path)
    assert len(secret.value) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not is_shared(path)
    assert database.value == secret.check_value
    assert [file.name for file in path.parent.iterdir()] == ["hub.secret"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
async def test_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    database, path = _Database(), tmp_path / "hub.secret"
    await database.open(path)
    path.chmod(mode)
    with pytest.raises(SecretError, match="chmod 600"):
        await database.open(path)
    path.chmod(0o400)
    await database.open(path)


async def test_second_start_has_the_same_secret(tmp_path: Path) -> None:
    database, path = _Database(), tmp_path / "hub.secret"
    assert (await database.open(path)).value == (await database.open(path)).value


async def test_other_secret_is_refused(tmp_path: Path) -> None:
    one, two, path = _Database(), _Database(), tmp_path / "hub.secret"
    await one.open(path)
    await two.open(tmp_path / "other.secret")
    with pytest.raises(SecretError, match="not the one that this database was made with"):
        await two.open(path)


async def test_lost_secret_is_refused_and_not_replaced(tmp_path: Path) -> None:
    database, path = _Database(), tmp_path / "hub.secret"
    await database.open(path)
    path.unlink()
    with pytest.raises(SecretError, match="is missing"):
        await database.open(path)
    assert not path.exists()


async def test_secret_of_another_database_is_refused_by_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "hub.secret"
    await _Database().open(path)
    database = _Database()
    with pytest.raises(SecretError, match="belongs to another database"):
        await database.open(path)
    assert database.value is None


async def test_start_that_broke_off_before_the_file_had_its_name_goes_on(tmp_path: Path) -> None:
    database, path = _Database(), tmp_path / "hub.secret"
    secret = await database.open(path)
    path.rename(tmp_path / "hub.secret.new")
    assert (await database.open(path)).value == secret.value
    assert path.exists()


async def test_start_that_broke_off_before_the_database_knew_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "hub.secret"
    secret = await _Database().open(path)
    path.rename(tmp_path / "hub.secret.new")
    assert (await _Database().open(path)).value == secret.value


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff\xfe", b"!!!!"])
async def test_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    database, path = _Database(), tmp_path / "hub.secret"
    await database.open(path)
    path.write_bytes(content)
    with pytest.raises(SecretError, match="expects one line"):
        await database.open(path)


async def test_keys_differ_by_purpose_and_tenant_and_not_by_chance(tmp_path: Path) -> None:
    secret = await _Database().open(tmp_path / "hub.secret")
    keys = [
        secret.key("cursor", "a"),
        secret.key("cursor", "b"),
        secret.key("audit", "a"),
        secret.key("cursor"),
    ]
    assert len({*keys, bytes.fromhex(secret.check_value), secret.value}) == 6
    assert secret.key("cursor", "a") == keys[0]


def test_secret_is_not_shown() -> None:
    assert "77" not in repr(Secret(b"7" * 32))


def test_secret_lies_beside_the_sqlite_file_and_is_to_be_named_on_postgresql() -> None:
    assert secret_path(settings.read({}, database="sqlite:///srv/hub.db")) == Path("/srv/hub.secret")
    with pytest.raises(SecretError, match="FHIRHUB_SECRET_FILE"):
        secret_path(settings.read({}, database="postgresql://hub@db/hub"))
