"""Large code systems: loaded from the forms in which they are published, asked on both databases."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from fhirhub.access import EVERYTHING
from fhirhub.repository import Keys, Repository, Tenant
from fhirhub.resources import document
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.sql import Statement
from fhirhub.terminology.expansion import Request, expand
from fhirhub.terminology.expressions import EVERY, Having, Over, Under
from fhirhub.terminology.library import Library
from fhirhub.terminology.loading import choosing, writing
from fhirhub.terminology.loading.source import CannotLoad
from fhirhub.terminology.systems import CodeSystem, subsumption
from tests.terminology import release
from tests.terminology.release import (
    DIABETES,
    DISEASE,
    FAILURE,
    GONE,
    HEART,
    REFSET,
    ROOT,
    SITE,
    TYPE2,
    VERSION,
)

SNOMED = "http://snomed.info/sct"
NOW = 1_780_000_000_000_000


def library(database: Database, tenant: int = 1) -> Library:
    return Tenant(tenant, "default", database, Parameters(), Keys(database, tenant)).library


async def load(database: Database, path: Path, tenant: int = 1, **more: str) -> bool:
    source = choosing.source(path, **more)
    _, is_new = await writing.load(database, tenant, source, NOW, lambda count: None)
    return is_new


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return release.write(tmp_path / "rf2")


async def snomed(database: Database, folder: Path) -> CodeSystem:
    await load(database, folder)
    found = await library(database).system(SNOMED)
    assert found is not None
    return found


async def codes(database: Database, url: str, **asked: object) -> list[str]:
    """The codes of a value set's expansion."""
    known = library(database)
    value_set = await known.value_set(url)
    assert value_set is not None
    request = Request(**asked)  # type: ignore[arg-type]
    expansion = await expand(known, value_set, request, "2026-11-22T12:00:00Z")
    return [each["code"] for each in expansion.get("contains", ())]


async def test_a_release_has_its_version_names_and_properties(database: Database, folder: Path) -> None:
    system = await snomed(database, folder)
    assert (system.version, system.name, system.language) == (VERSION, "SNOMED_CT", "nl")
    concept = (await system.get([FAILURE]))[FAILURE]
    assert concept.display == "hartfalen"
    assert concept.parents == (HEART,)
    assert concept.display_in(["en"], "nl") == "Heart failure"
    assert "Withdrawn name" not in concept.names()
    assert {"code": SITE, "valueCode": HEART} in concept.properties
    assert [child.code for child in await system.children(HEART)] in ([FAILURE, TYPE2], [TYPE2, FAILURE])
    assert (await system.get([GONE]))[GONE].inactive
    assert await system.get(["1"]) == {}


async def test_what_subsumes_what_is_known_by_every_way(database: Database, folder: Path) -> None:
    system = await snomed(database, folder)
    assert await subsumption(system, DISEASE, TYPE2) == "subsumes"
    assert await subsumption(system, HEART, TYPE2) == "subsumes"
    assert await subsumption(system, TYPE2, DIABETES) == "subsumed-by"
    assert await subsumption(system, FAILURE, DIABETES) == "not-subsumed"
    assert await subsumption(system, ROOT, GONE) == "not-subsumed"
    every = list(release.NAMES)
    assert await system.meeting(Under(HEART, itself=True), every) == {HEART, FAILURE, TYPE2}
    assert await system.meeting(Over(TYPE2), every) == {TYPE2, DIABETES, HEART, DISEASE, ROOT}
    assert await system.meeting(Having(SITE, (HEART,)), every) == {FAILURE}
    assert await system.meeting(EVERY, [GONE, "1"]) == {GONE}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"=isa/{HEART}", {HEART, FAILURE, TYPE2}),
        (f"=refset/{REFSET}", {FAILURE, TYPE2}),
        (f"=ecl/%3C {DISEASE}", {HEART, FAILURE, DIABETES, TYPE2}),
        (f"=ecl/<< {HEART} |hart| MINUS << {DIABETES}", {HEART, FAILURE}),
        (f"=ecl/< {HEART} AND < {DIABETES}", {TYPE2}),
        (f"=ecl/{FAILURE} OR ^ {REFSET}", {FAILURE, TYPE2}),
        (f"=ecl/<! {DISEASE}", {HEART, DIABETES}),
        (f"=ecl/> {HEART}", {DISEASE, ROOT}),
        (f"=ecl/(<< {HEART}) MINUS ^ {REFSET}", {HEART}),
        (f"=ecl/*: {SITE} = {HEART}", {FAILURE}),
        (f"=ecl/<< {DISEASE}: {SITE} |plaats| = << {DISEASE}", {FAILURE}),
        (f"=ecl/<< {DISEASE}: {SITE} = (< {HEART} OR {DISEASE})", set()),
        (f"=ecl/<< {DISEASE}: {SITE} = *", {FAILURE}),
        (f"=ecl/<< {DISEASE}: {SITE} = {HEART}, {SITE} = < {HEART}", set()),
        (f"=ecl/<< {DISEASE}: {SITE} = > {FAILURE} OR {SITE} = {DIABETES}", {FAILURE}),
        (f"=ecl/(<< {DIABETES}: {SITE} = *) OR {HEART}", {HEART}),
        (f"=ecl/<< {HEART}: {{ {SITE} = {HEART} }}", {FAILURE}),
        (f"=ecl/<< {HEART}: [1..*] {SITE} = *", {FAILURE}),
        (f"=ecl/<< {HEART}: [ 0 .. 0 ] {{ {SITE} = << {DISEASE} }}", {HEART, TYPE2}),
        (f"=ecl/<< {HEART}: [0..*] {SITE} = {DIABETES}", {HEART, FAILURE, TYPE2}),
        (f"=ecl/<< {HEART}: {SITE} != {DIABETES}", {FAILURE}),
        (f"=ecl/<< {HEART}: {SITE} != {HEART}", set()),
        ("", set(release.NAMES)),
        ("=ecl/*", set(release.NAMES)),
    ],
)
async def test_implicit_value_sets(database: Database, folder: Path, query: str, found: set[str]) -> None:
    await load(database, folder)
    assert set(await codes(database, f"{SNOMED}?fhir_vs{query}")) == found
    edition = f"{SNOMED}/{release.MODULE}"
    assert set(await codes(database, f"{edition}?fhir_vs{query}")) == found
    assert set(await codes(database, f"{VERSION}?fhir_vs{query}")) == found


async def test_words_find_the_shortest_displays_first(database: Database, folder: Path) -> None:
    await load(database, folder)
    every = f"{SNOMED}?fhir_vs"
    assert await codes(database, every, filter="hart") == [FAILURE, HEART]
    assert await codes(database, every, filter="hart", count=1) == [FAILURE]
    assert await codes(database, every, filter="hart", count=1, offset=1) == [HEART]
    assert await codes(database, every, filter="dia") == [DIABETES, TYPE2]
    assert await codes(database, every, filter="mell 2") == [TYPE2]
    assert await codes(database, every, filter="h") == [FAILURE, HEART]
    assert await codes(database, every, filter="he fai") == [FAILURE]
    assert await codes(database, every, filter="insuff") == [FAILURE]
    assert await codes(database, every, filter="falen") == []
    assert await codes(database, every, filter=FAILURE) == [FAILURE]
    assert await codes(database, f"{every}=isa/{DIABETES}", filter="dia") == [DIABETES, TYPE2]
    assert await codes(database, f"{every}=isa/{HEART}", filter="dia") == [TYPE2]
    assert await codes(database, every, filter="oud", active_only=True) == []


async def test_a_supplement_adds_names_to_what_is_loaded(database: Database, folder: Path) -> None:
    """They are shown, and found by."""
    await load(database, folder)
    dutch = [{"language": "nl", "value": "suikerziekte"}]
    supplement = {
        "resourceType": "CodeSystem",
        "id": "names",
        "url": "https://acme.nl/names",
        "status": "active",
        "content": "supplement",
        "supplements": SNOMED,
        "concept": [{"code": DIABETES, "designation": dutch}, {"code": "1", "designation": dutch}],
    }
    tenant = Tenant(1, "default", database, Parameters(), Keys(database, 1))
    await Repository(tenant, EVERYTHING).update(supplement)
    every = f"{SNOMED}?fhir_vs"
    assert await codes(database, every, filter="suiker") == [DIABETES]
    assert await codes(database, every, filter="suiker", offset=1) == []
    assert await codes(database, f"{every}=isa/{HEART}", filter="suiker") == []
    assert await codes(database, every, filter="dia") == [DIABETES, TYPE2]
    found = await tenant.library.system(SNOMED)
    assert found is not None
    assert "suikerziekte" in (await found.get([DIABETES]))[DIABETES].names()
    assert await found.get(["1"]) == {}


async def test_pages_tell_how_many_there_are(database: Database, folder: Path) -> None:
    await load(database, folder)
    known = library(database)
    for query, filter, total in (("", None, 7), (f"=isa/{DISEASE}", None, 5), ("", "dia", 2)):
        value_set = await known.value_set(f"{SNOMED}?fhir_vs{query}")
        assert value_set is not None
        found = await expand(known, value_set, Request(filter=filter, count=1), "2026-11-22T12:00:00Z")
        assert (found["total"], len(found["contains"])) == (total, 1)


@pytest.fixture
def archive(folder: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "release.zip", "w") as made:
        for path in folder.rglob("*.txt"):
            made.write(path, f"SnomedCT/{path.relative_to(folder)}")
    return tmp_path / "release.zip"


async def test_a_release_in_a_zip_archive(database: Database, archive: Path) -> None:
    await load(database, archive, language="en")
    system = await library(database).system(SNOMED, VERSION)
    assert system is not None
    assert (await system.get([FAILURE]))[FAILURE].display == "Heart failure"


async def test_one_copy_serves_the_tenants_that_have_loaded_it(database: Database, folder: Path) -> None:
    assert await load(database, folder)
    assert await library(database, 2).system(SNOMED) is None
    assert not await load(database, folder, tenant=2)
    assert await library(database, 2).system(SNOMED) is not None
    (first,) = await writing.listed(database, 1)
    assert (first.url, first.version, first.concepts) == (SNOMED, VERSION, 7)
    assert not await writing.remove(database, 1, first.edition, lambda count: None)
    assert await library(database, 1).system(SNOMED) is None
    assert await library(database, 2).system(SNOMED) is not None
    assert await writing.remove(database, 2, first.edition, lambda count: None)
    for table in ("code_system", *writing.TABLES):
        assert await database.fetch(Statement(f"SELECT 1 FROM {table} LIMIT 1")) == []


async def test_what_a_broken_load_left_is_taken_up_anew(database: Database, folder: Path) -> None:
    source = choosing.source(folder)

    def fail(count: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await writing.load(database, 1, source, NOW, fail)
    assert await library(database).system(SNOMED) is None
    assert await load(database, folder)
    assert len(await database.fetch(Statement("SELECT 1 FROM code_system"))) == 1


async def test_a_large_code_system_in_json_is_read_piece_by_piece(database: Database, tmp_path: Path) -> None:
    concept = [
        {
            "code": f"a{number}",
            "display": f"Naam {number}",
            "property": [{"code": "weight", "valueDecimal": 1.5}, {"code": "parent", "valueCode": "top"}],
            "concept": [{"code": f"b{number}", "display": "Kind", "definition": "x" * 100}],
        }
        for number in range(3000)
    ]
    resource = {
        "concept": [{"code": "top"}, *concept],
        "resourceType": "CodeSystem",
        "url": "urn:big",
        "version": "1",
        "status": "active",
        "content": "complete",
    }
    (tmp_path / "big.json").write_text(json.dumps(resource, indent=1))
    await load(database, tmp_path / "big.json")
    system = await library(database).system("urn:big", "1")
    assert system is not None
    assert len(await system.meeting(Under("top", itself=False), ["b1", "a2999", "top"])) == 2
    concepts = await system.get(["a7"])
    assert concepts["a7"].properties[0]["valueDecimal"] == 1.5
    assert b"1.5" in document.encode(concepts["a7"].properties[0])


@pytest.mark.parametrize("content", ["", "[]", '{"resourceType": "Patient"}', '{"resourceType": "CodeSystem"',
                                     '{"resourceType": "CodeSystem", "concept": [{"display": "x"}], "url": "u"}',
                                     '{"resourceType": "CodeSystem", "status": "active"}'])  # fmt: skip
async def test_what_is_no_code_system_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(CannotLoad):
        list(choosing.source(tmp_path / "x.json").codes())


async def test_loinc_with_its_parts_answers_and_translations(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "loinc"
    folder.mkdir()
    (folder / "Loinc.csv").write_text(
        '"LOINC_NUM","COMPONENT","PROPERTY","SYSTEM","SCALE_TYP","CLASS","STATUS","SHORTNAME",'
        '"LONG_COMMON_NAME","RELATEDNAMES2","VersionLastChanged"\n'
        '"8867-4","Heart rate","NRat","XXX","Qn","HRTRATE.ATOM","ACTIVE","Heart rate","Heart rate",'
        '"Pulse; Heart beat","2.73"\n'
        '"72166-2","Tobacco smoking status","Find","^Patient","Nom","H&P.HX","ACTIVE","Smoking status",'
        '"Tobacco smoking status","","2.80"\n'
        '"1-8","Old","X","X","Qn","C","DEPRECATED","Old","Old test","","2.10"\n'
    )
    (folder / "ComponentHierarchyBySystem.csv").write_text(
        '"PATH_TO_ROOT","SEQUENCE","IMMEDIATE_PARENT","CODE","CODE_TEXT"\n'
        '"","1","","LP1-1","Vital signs"\n"LP1-1","1","LP1-1","8867-4","Heart rate"\n'
    )
    (folder / "AnswerList.csv").write_text(
        '"AnswerListId","AnswerListName","AnswerStringId","DisplayText"\n"LL1-1","Smoking","LA1-1","Never"\n'
    )
    (folder / "nlNL22LinguisticVariant.csv").write_text(
        '"LOINC_NUM","LONG_COMMON_NAME"\n"8867-4","Hartfrequentie"\n'
    )
    await load(database, folder)
    system = await library(database).system("http://loinc.org")
    assert system is not None
    assert system.version == "2.80"
    concept = (await system.get(["8867-4"]))["8867-4"]
    assert (concept.display, concept.display_in(["nl"])) == ("Heart rate", "Hartfrequentie")
    assert (await system.get(["1-8"]))["1-8"].inactive
    assert await codes(database, "http://loinc.org/vs/LP1-1") == ["LP1-1", "8867-4"]
    assert await codes(database, "http://loinc.org/vs/LL1-1") == ["LA1-1"]
    assert await codes(database, "http://loinc.org/vs", filter="puls") == ["8867-4"]
    assert len(await codes(database, "http://loinc.org/vs")) == 6
    assert await system.meeting(Having("SCALE_TYP", ("Qn",)), ["8867-4", "72166-2"]) == {"8867-4"}


async def test_any_table_with_codes_and_names(database: Database, tmp_path: Path) -> None:
    (tmp_path / "icpc.csv").write_text(
        "\ufeffCode;Titel;Groep\nK77;Decompensatio cordis;hart\nT90;Diabetes mellitus;endocrien\n"
        "T90.02;Diabetes type 2;endocrien\n"
    )
    with pytest.raises(CannotLoad, match="--url"):
        choosing.source(tmp_path / "icpc.csv")
    url = "http://hl7.org/fhir/sid/icpc-1-nl"
    await load(database, tmp_path / "icpc.csv", url=url, version="2026")
    system = await library(database).system(url)
    assert system is not None
    assert await subsumption(system, "T90", "T90.02") == "subsumes"
    assert await system.meeting(Having("Groep", ("hart",)), ["K77", "T90"]) == {"K77"}
    assert await codes(database, f"{url}?fhir_vs", filter="diab") == ["T90.02", "T90"]


async def test_what_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotLoad, match="no code system"):
        choosing.source(tmp_path)
    with pytest.raises(CannotLoad, match="there is no"):
        choosing.source(tmp_path / "none")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CannotLoad, match="`code`"):
        choosing.source(tmp_path / "t.csv", url="urn:t")
