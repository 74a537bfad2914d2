"""The hub's one secret: a file, its check value in the database, and the keys that derive from it.

The database holds a value that only the right secret gives, so a hub that is started with another file, or
with none, says so instead of making cursors, audit heads and stored keys that nobody can check or read.
Keys are HKDF-Expand with SHA-256 (RFC 5869, 2.3), one for each purpose and tenant.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from fhirhub.settings import Refusal, Settings

SECRET_BYTES = 32


class SecretError(Refusal):
    """The hub cannot start with this secret; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Secret:
    """The secret itself. It is never shown."""

    value: bytes = field(repr=False)

    def key(self, purpose: str, tenant: str = "") -> bytes:
        """32 bytes for this purpose and tenant, such as `key("cursor", "default")`."""
        return hmac.digest(self.value, f"fhirhub {purpose}\0{tenant}".encode() + b"\1", "sha256")

    @property
    def check_value(self) -> str:
        """What the database keeps: it tells the secret from another, and tells nobody the secret."""
        return self.key("check value").hex()


def secret_path(settings: Settings) -> Path:
    """The secret's file. Raises SecretError where it must be named and is not."""
    if settings.secret_file is not None:
        return settings.secret_file
    if settings.is_sqlite:
        return settings.sqlite_path.with_suffix(".secret")
    raise SecretError(
        "On PostgreSQL the file with the hub's secret is to be named: FHIRHUB_SECRET_FILE=/path/hub.secret. "
        "It is made where neither it nor a hub in the database exists; every process needs the same."
    )


async def open_secret(
    path: Path,
    stored: Callable[[], Awaitable[str | None]],
    store: Callable[[str], Awaitable[None]],
) -> Secret:
    """The secret that belongs to the database; made where neither file nor check value exists.

    `stored` gives the database's check value, None where there is none; `store` keeps one unless there is
    one already. Raises SecretError where file and check value differ or one of them is missing.
    """
    check_value = await stored()
    if check_value is None and not _is_there(path):
        await store(_draft(path).check_value)
        check_value = await stored()
    return _settled(path, check_value)


def _is_there(path: Path) -> bool:
    return path.exists()


def _draft(path: Path) -> Secret:
    """A new secret, in a file beside its place; the one that is there already, where somebody was first."""
    draft, own = _draft_path(path), path.with_name(f"{path.name}.{os.getpid()}")
    if not draft.exists():
        _write(own, os.urandom(SECRET_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(own, draft)
        own.unlink()
        _sync_folder(path.parent)
    return _read(draft)


def _draft_path(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _settled(path: Path, check_value: str | None) -> Secret:
    draft = _draft_path(path)
    if not path.exists() and draft.exists() and _read(draft).check_value == check_value:
        # Only now the file has its name: a crash on the way leaves nothing that contradicts the database.
        with contextlib.suppress(FileNotFoundError):
            draft.replace(path)
        _sync_folder(path.parent)
    if not path.exists():
        raise SecretError(
            f"The secret file {path} is missing, and the database was made with one. Bring it back from "
            "where it is kept (it is not in a backup of the database), or name it with FHIRHUB_SECRET_FILE."
        )
    if check_value is None:
        raise SecretError(
            f"The secret file {path} is there and the database knows no secret: the file belongs to another "
            "database. Name another file with FHIRHUB_SECRET_FILE, or move this one away if it is of no use."
        )
    secret = _read(path)
    if not hmac.compare_digest(secret.check_value, check_value):
        raise SecretError(
            f"The secret file {path} is not the one that this database was made with. Bring back the right "
            "one, or name it with FHIRHUB_SECRET_FILE."
        )
    if is_shared(path):
        raise SecretError(
            f"The secret file {path} may be read by others than its owner, who could then sign what the hub "
            f"signs. Say `chmod 600 {path}`; where others read it already, they know it."
        )
    return secret


def is_shared(path: Path) -> bool:
    """Whether others than the hub's own user may read the file. Of a file of root its group may, so that a
    folder of mounted secrets can be used."""
    found = path.stat()
    return bool(found.st_mode & (0o037 if found.st_uid == 0 != os.geteuid() else 0o077))


def _read(path: Path) -> Secret:
    try:
        value = base64.urlsafe_b64decode(path.read_bytes().strip())
    except OSError as fault:
        raise SecretError(f"The secret file {path} cannot be read: {fault.strerror}.") from None
    except (ValueError, binascii.Error):
        value = b""
    if len(value) < SECRET_BYTES:
        raise SecretError(f"The secret file {path} expects one line: {SECRET_BYTES} bytes in base64url.")
    return Secret(value)


def _write(path: Path, value: bytes) -> None:
    """Make the file, readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise SecretError(f"The secret file {path} cannot be made: {fault.strerror}.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(base64.urlsafe_b64encode(value) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
