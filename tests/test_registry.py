"""Packages found by name: in the cache, and in a registry on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fhirhub import registry
from fhirhub.errors import FhirError
from fhirhub.registry import Place
from tests.resources.test_packages import archive
from tests.test_packages import TITLED, manifest

Json = dict[str, Any]


class Registry:
    """What a registry has: packages by name and version, and how often it was asked."""

    def __init__(self) -> None:
        self.archives: dict[str, bytes] = {}
        self.sums: dict[str, str] = {}
        self.asked: list[str] = []
        self.address = ""

    def put(self, given: Json, *, files: Json | None = None) -> None:
        content = {"package/package.json": given, "package/1.json": TITLED, **(files or {})}
        self.archives[f"{given['name']}@{given['version']}"] = archive(content).getvalue()

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        name = path.strip("/")
        if name.startswith("files/"):
            return 200, self.archives[name.removeprefix("files/")]
        versions = {
            key.partition("@")[2]: {
                "dist": {
                    "tarball": f"/files/{key}",
                    "shasum": self.sums.get(key, hashlib.sha1(data).hexdigest()),
                }
            }
            for key, data in self.archives.items()
            if key.startswith(f"{name}@")
        }
        return (
            (200, json.dumps({"name": name, "versions": versions}).encode()) if versions else (404, b"none")
        )


@pytest.fixture
def served() -> Iterator[Registry]:
    """A registry that answers on the loopback address."""
    has = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = has.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *given: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        has.address = f"http://127.0.0.1:{server.server_port}"
        yield has
        server.shutdown()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def write(cache: Path, given: Json) -> None:
    folder = cache / f"{given['name']}#{given['version']}" / "package"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(given))


def names(found: list[Any]) -> list[str]:
    return [f"{one.name}@{one.version}" for one in found]


def test_what_a_package_needs_comes_with_it_from_the_cache(cache: Path) -> None:
    write(cache, manifest("acme.plan", acme_base="1.0.x", acme_more="2.0.0"))
    for version in ("1.0.1", "1.0.10", "1.1.0", "1.0.11-beta"):
        write(cache, manifest("acme.base", version))
    found, missing = registry.gather(["acme.plan@1.0.0"], Place(cache))
    assert names(found) == ["acme.plan@1.0.0", "acme.base@1.0.10"]
    assert list(missing) == ["acme.more@2.0.0"]
    assert "FHIRHUB_PACKAGE_REGISTRY" in missing["acme.more@2.0.0"]


def test_packages_that_need_each_other_are_read_once(cache: Path) -> None:
    write(cache, manifest("acme.a", acme_b="1.0.0"))
    write(cache, manifest("acme.b", acme_c="1.0.0"))
    write(cache, manifest("acme.c", acme_a="1.0.0", acme_c="1.0.0"))
    found, missing = registry.gather(["acme.a@1.0.0", "acme.c"], Place(cache))
    assert sorted(names(found)) == ["acme.a@1.0.0", "acme.b@1.0.0", "acme.c@1.0.0"]
    assert missing == {}


def test_what_is_there_already_is_not_looked_for(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.tgz").write_bytes(
        archive({"package/package.json": manifest("acme.plan", acme_base="1.0.0")}).getvalue()
    )
    found, missing = registry.gather([str(tmp_path / "plan.tgz")], Place(cache), [("acme.base", "1.0.0")])
    assert (names(found), missing) == (["acme.plan@1.0.0"], {})


def test_without_a_version_the_newest_that_is_no_trial_is_meant(cache: Path) -> None:
    for version in ("0.9.0", "0.10.0", "0.11.0-beta.1"):
        write(cache, manifest("acme.plan", version))
    assert names(registry.gather(["acme.plan"], Place(cache))[0]) == ["acme.plan@0.10.0"]
    write(cache, manifest("acme.trial", "1.0.0-beta.2"))
    assert names(registry.gather(["acme.trial#latest"], Place(cache))[0]) == ["acme.trial@1.0.0-beta.2"]


def test_what_the_cache_has_not_is_fetched_once_and_kept(cache: Path, served: Registry) -> None:
    served.put(manifest("acme.plan", acme_base="1.0.x"))
    served.put(manifest("acme.base", "1.0.3"))
    place = Place(cache, served.address)
    found, missing = registry.gather(["acme.plan@1.0.0"], place)
    assert (names(found), missing) == (["acme.plan@1.0.0", "acme.base@1.0.3"], {})
    assert sorted(each.name for each in cache.iterdir()) == ["acme.base#1.0.3", "acme.plan#1.0.0"]
    asked = len(served.asked)
    assert names(registry.gather(["acme.plan@1.0.0"], place)[0]) == names(found)
    assert len(served.asked) == asked


def test_what_is_not_what_the_registry_says_is_refused(cache: Path, served: Registry) -> None:
    served.put(manifest("acme.plan"))
    served.sums["acme.plan@1.0.0"] = "0" * 40
    with pytest.raises(FhirError, match="SHA-1"):
        registry.gather(["acme.plan@1.0.0"], Place(cache, served.address))
    served.archives["acme.other@1.0.0"] = served.archives["acme.plan@1.0.0"]
    with pytest.raises(FhirError, match=r"it is acme\.plan"):
        registry.gather(["acme.other@1.0.0"], Place(cache, served.address))


def test_a_package_that_reaches_out_of_its_folder_is_refused(cache: Path, served: Registry) -> None:
    served.put(manifest("acme.plan"), files={"package/../../../out.json": TITLED})
    with pytest.raises(FhirError, match="no name within a package"):
        registry.gather(["acme.plan@1.0.0"], Place(cache, served.address))
    assert list(cache.parent.rglob("out.json")) == []
    assert list(cache.iterdir()) == []


def test_more_than_any_package_has_is_not_taken(
    cache: Path, served: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.put(manifest("acme.plan"))
    monkeypatch.setattr(registry, "MOST_BYTES", 100)
    with pytest.raises(FhirError, match="more than 100 bytes"):
        registry.gather(["acme.plan@1.0.0"], Place(cache, served.address))


def test_what_a_registry_has_not_is_told_with_what_it_has(cache: Path, served: Registry) -> None:
    served.put(manifest("acme.plan", "1.2.0"))
    with pytest.raises(FhirError, match=r"newest it has are 1\.2\.0"):
        registry.gather(["acme.plan@9.0.0"], Place(cache, served.address))
    with pytest.raises(FhirError, match="404"):
        registry.gather(["acme.none"], Place(cache, served.address))


def test_a_registry_that_does_not_answer_is_told(cache: Path, served: Registry) -> None:
    with pytest.raises(FhirError, match="could not be fetched"):
        registry.gather(["acme.plan@1.0.0"], Place(cache, "http://127.0.0.1:1"))


@pytest.mark.parametrize("source", ["nothing.tgz", "../up", "acme.plan@../../etc", "Acme Plan@1.0.0", "plan"])
def test_what_is_no_package_is_told(cache: Path, source: str) -> None:
    with pytest.raises(FhirError, match="no file or folder"):
        registry.gather([source], Place(cache))


def test_what_is_built_in_need_not_be_added(cache: Path) -> None:
    with pytest.raises(FhirError, match="need not be added"):
        registry.gather(["hl7.fhir.r4.core@4.0.1"], Place(cache))
