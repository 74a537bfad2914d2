"""A small release of SNOMED CT's form, with invented concepts."""

from __future__ import annotations

from pathlib import Path

from fhirhub.terminology.loading.rf2 import FULLY_SPECIFIED, IS_A, PREFERRED, PRIMITIVE, SYNONYM

ROOT, DISEASE, HEART, FAILURE, DIABETES, TYPE2, GONE, SITE, REFSET = (
    "138875005", "64572001", "56265001", "84114007", "73211009", "44054006", "999999009", "363698007", "777777107"
)  # fmt: skip
MODULE = "11000146104"
VERSION = f"http://snomed.info/sct/{MODULE}/version/20260331"
NAMES = {
    ROOT: ("SNOMED CT-concept", "SNOMED CT Concept"),
    DISEASE: ("ziekte", "Disease"),
    HEART: ("hartaandoening", "Heart disease"),
    FAILURE: ("hartfalen", "Heart failure"),
    DIABETES: ("diabetes mellitus", "Diabetes mellitus"),
    TYPE2: ("diabetes mellitus type 2", "Type 2 diabetes mellitus"),
    GONE: ("oud begrip", "Old concept"),
}
PARENTS = [
    (DISEASE, ROOT), (HEART, DISEASE), (FAILURE, HEART), (DIABETES, DISEASE), (TYPE2, DIABETES),
    (TYPE2, HEART),
]  # fmt: skip


def write(folder: Path) -> Path:
    """Write the release's Snapshot files; returns the folder."""
    terminology = folder / "Snapshot" / "Terminology"
    language = folder / "Snapshot" / "Refset" / "Language"
    content = folder / "Snapshot" / "Refset" / "Content"
    for each in (terminology, language, content):
        each.mkdir(parents=True)
    concepts = ["id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId"]
    dutch = ["id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"]
    english = list(dutch)
    preferred = ["id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId"]
    for place, (code, (nl, en)) in enumerate(NAMES.items()):
        active = 0 if code == GONE else 1
        concepts.append(f"{code}\t20260331\t{active}\t{MODULE}\t{PRIMITIVE}")
        dutch.append(f"{place}11\t20260331\t1\t{MODULE}\t{code}\tnl\t{SYNONYM}\t{nl}\t900000000000448009")
        english.append(f"{place}21\t20260331\t1\t{MODULE}\t{code}\ten\t{FULLY_SPECIFIED}\t{en} (disorder)\tx")
        english.append(f"{place}31\t20260331\t1\t{MODULE}\t{code}\ten\t{SYNONYM}\t{en}\tx")
        preferred += [
            f"r{id}\t20260331\t1\t{MODULE}\t31000146106\t{id}\t{PREFERRED}"
            for id in (f"{place}11", f"{place}31")
        ]
    english.append(f"991\t20260331\t1\t{MODULE}\t{FAILURE}\ten\t{SYNONYM}\tCardiac insufficiency\tx")
    english.append(f"992\t20260331\t0\t{MODULE}\t{FAILURE}\ten\t{SYNONYM}\tWithdrawn name\tx")
    relations = [
        "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\t"
        "characteristicTypeId\tmodifierId"
    ]
    for place, (child, parent) in enumerate(PARENTS):
        relations.append(f"{place}\t20260331\t1\t{MODULE}\t{child}\t{parent}\t0\t{IS_A}\tx\ty")
    relations.append(f"90\t20260331\t1\t{MODULE}\t{FAILURE}\t{HEART}\t1\t{SITE}\tx\ty")
    relations.append(f"91\t20260331\t0\t{MODULE}\t{ROOT}\t{FAILURE}\t0\t{IS_A}\tx\ty")
    members = [
        "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId",
        f"a\t20260331\t1\t{MODULE}\t{REFSET}\t{FAILURE}",
        f"b\t20260331\t1\t{MODULE}\t{REFSET}\t{TYPE2}",
    ]
    end = "NL1000146_20260331.txt"
    for path, lines in (
        (terminology / f"sct2_Concept_Snapshot_{end}", concepts),
        (terminology / f"sct2_Description_Snapshot-nl_{end}", dutch),
        (terminology / f"sct2_Description_Snapshot-en_{end}", english),
        (terminology / f"sct2_Relationship_Snapshot_{end}", relations),
        (language / f"der2_cRefset_LanguageSnapshot-nl_{end}", preferred),
        (content / f"der2_Refset_SimpleSnapshot_{end}", members),
    ):
        path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return folder
