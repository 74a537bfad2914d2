"""Where packages are found by name: the cache that FHIR tools share, then a registry
(https://confluence.hl7.org/display/FHIR/FHIR+Package+Registry+User+Documentation)."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from fhirhub import errors, logs
from fhirhub.errors import FhirError
from fhirhub.resources import canonicals, packages
from fhirhub.resources.packages import Package

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

MOST_BYTES = 200_000_000
"""What is taken from a registry for one package."""

MOST_BYTES_OF_LISTING = 20_000_000
SECONDS = 30.0
MOST_PACKAGES = 200
"""How many packages may hang on one."""

_NAME = re.compile(r"[a-z][a-z0-9\-]*(?:\.[a-z0-9\-]+)+")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-+]*")
_ANY = ("", "latest", "current", "dev", "*", "x")


@dataclass(frozen=True)
class Place:
    """Where packages are looked for: the cache's folder, and the registry's address where there is one."""

    cache: Path
    registry: str | None = None


def gather(
    sources: Iterable[str],
    place: Place,
    here: Iterable[tuple[str, str]] = (),
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[list[Package], dict[str, str]]:
    """The packages that these sources name, each with what it needs, and what that is not to be found, with
    the reason.

    A source is a `.tgz`, a folder, `name@version` or a name. `here` are the packages that are there already.
    What is given in any order is found in any order; packages that need each other are read once. `tell` is
    told of each that is looked for. Raises FhirError where a source itself is not to be had.
    """
    found: dict[tuple[str, str], Package] = {}
    for source in sources:
        package = _given(source, place, tell)
        found[package.name, package.version] = package
    known = {*here, *found}
    missing: dict[str, str] = {}
    pending = list(found.values())
    while pending:
        for name, version in pending.pop(0).missing.items():
            if (
                any(name == own and _fits(there, version) for own, there in known)
                or f"{name}@{version}" in missing
            ):
                continue
            try:
                if len(found) >= MOST_PACKAGES:
                    raise errors.too_costly(f"more than {MOST_PACKAGES} packages hang together")
                package = _named(name, version, place, tell)
            except FhirError as fault:
                missing[f"{name}@{version}"] = str(fault)
                continue
            if (package.name, package.version) not in known:
                found[package.name, package.version] = package
                known.add((package.name, package.version))
                pending.append(package)
    return list(found.values()), missing


def _given(source: str, place: Place, tell: Callable[[str], None]) -> Package:
    path = Path(source).expanduser()
    if path.exists():
        tell(str(path))
        return packages.read(path)
    name, mark, version = source.replace("#", "@").partition("@")
    if (
        source.endswith((".tgz", ".tar.gz"))
        or not _NAME.fullmatch(name)
        or (mark and version not in _ANY and not _VERSION.fullmatch(version))
    ):
        raise errors.not_found(
            f"`{source}` is no file or folder that is there, and no package's name such as "
            "nictiz.fhir.nl.r4.nl-core@0.12.0-beta.4"
        )
    if name in packages.BUILT_IN:
        raise errors.duplicate(f"{name} need not be added: what it defines is here")
    return _named(name, version, place, tell)


def _named(name: str, version: str, place: Place, tell: Callable[[str], None]) -> Package:
    """The package from the cache, or else from the registry, which puts it there."""
    if not _NAME.fullmatch(name) or (version not in _ANY and not _VERSION.fullmatch(version)):
        raise errors.invalid(f"`{name}@{version}` is no package's name and version")
    cached = _newest(
        {folder.name.partition("#")[2]: folder for folder in place.cache.glob(f"{name}#*")}, version
    )
    if cached is not None and (cached / "package" / "package.json").is_file():
        tell(str(cached))
        return packages.read(cached)
    if place.registry is None:
        raise errors.not_found(
            f"{_shown(name, version)} is not in {place.cache}; give its .tgz, or name a registry in "
            "FHIRHUB_PACKAGE_REGISTRY"
        )
    tell(f"{place.registry}/{name}")
    return _fetched(name, version, place.cache, place.registry)


def _shown(name: str, version: str) -> str:
    return f"{name}@{version}" if version else name


def _fits(version: str, wanted: str) -> bool:
    """Whether a version is the one wanted, which may be given in part: 4.0.x."""
    if wanted in _ANY:
        return True
    wanted = wanted.lstrip("^~")
    part = wanted.removesuffix(".x").removesuffix(".*")
    return version == wanted or (part != wanted and (version == part or version.startswith(f"{part}.")))


def _newest(versions: Mapping[str, T], wanted: str) -> T | None:
    """Of the versions that fit the newest; those with a label, such as -beta.1, only where nothing else fits."""
    fitting = [version for version in versions if _fits(version, wanted)]
    if not fitting:
        return None
    return versions[max(fitting, key=lambda each: ("-" not in each, canonicals.version_order(each)))]


# -- The registry -----------------------------------------------------------------------------------


def _fetched(name: str, version: str, cache: Path, registry: str) -> Package:
    import httpx

    try:
        with httpx.Client(timeout=SECONDS, follow_redirects=True, headers={"Accept": "*/*"}) as client:
            listing = _listing(client, f"{registry}/{quote(name)}", name)
            chosen = _newest(listing, version)
            if chosen is None:
                known = ", ".join(sorted(listing, key=canonicals.version_order)[-5:])
                raise errors.not_found(
                    f"{registry} has no {_shown(name, version)}; the newest it has are {known}"
                )
            dist = chosen.get("dist") or {}
            url = urljoin(f"{registry}/", str(dist.get("tarball") or chosen.get("url") or ""))
            if urlsplit(url).scheme not in ("http", "https"):
                raise errors.invalid(f"{registry} gives no address for {_shown(name, version)}")
            with tempfile.TemporaryFile() as stream:
                _take(client, url, stream, MOST_BYTES, dist.get("shasum"))
                stream.seek(0)
                package = packages.read_archive(stream, url)
                if package.name != name:
                    raise errors.invalid(f"{url} was to be {name}; it is {package.name}")
                stream.seek(0)
                _keep(stream, cache, package)
    except httpx.HTTPError as fault:
        raise errors.transient(
            f"{_shown(name, version)} could not be fetched from {registry}: {fault}"
        ) from None
    return package


def _listing(client: httpx.Client, url: str, name: str) -> dict[str, dict[str, Any]]:
    """What the registry has of a package, by version."""
    with tempfile.TemporaryFile() as stream:
        _take(client, url, stream, MOST_BYTES_OF_LISTING)
        stream.seek(0)
        try:
            versions = json.load(stream)["versions"]
            return {
                str(version): entry for version, entry in versions.items() if _VERSION.fullmatch(str(version))
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            raise errors.invalid(f"{url} does not list versions of {name}") from None


def _take(client: httpx.Client, url: str, stream: BinaryIO, most: int, sha1: str | None = None) -> None:
    """Write what the address gives, at most that many bytes."""
    digest = hashlib.sha1(usedforsecurity=False)
    length = 0
    with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        if response.status_code != 200:
            raise errors.not_found(f"{url} answers {response.status_code} {response.reason_phrase}")
        for part in response.iter_raw():
            length += len(part)
            if length > most:
                raise errors.too_costly(f"{url} gives more than {most:,} bytes")
            digest.update(part)
            stream.write(part)
    if sha1 and digest.hexdigest() != sha1:
        raise errors.invalid(f"{url} is not what the registry says it is: its SHA-1 is {digest.hexdigest()}")


def _keep(stream: BinaryIO, cache: Path, package: Package) -> None:
    """Put the package into the cache, whole or not at all. Where that cannot be written, it is used all the same."""
    kept = cache / f"{package.name}#{package.version}"
    if kept.exists():
        return
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fhirhub-") as folder:
            whole = Path(folder) / "whole"
            packages.unpack(stream, whole, package.name)
            whole.rename(kept)
    except OSError as fault:
        logs.warning("A package could not be kept in the cache", package=package.name, fault=str(fault))
