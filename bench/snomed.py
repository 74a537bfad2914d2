"""A release of an invented terminology in RF2, as large as SNOMED CT and shaped like it.

    python -m bench.snomed FOLDER [CONCEPTS]

A tenth of the concepts has two or three parents, terms are made of Dutch and Latin syllables and words in such
shares that `hart` begins a word of one in a hundred, and every third concept has attributes.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TextIO

from fhirhub.terminology.loading.rf2 import FULLY_SPECIFIED, IS_A, PREFERRED, PRIMITIVE, SYNONYM

ROOT = 138875005
MODULE = "11000146104"
DUTCH = "31000146106"
FINDING_SITE = 363698007
DEFINED = "900000000000073002"
TAGS = ("aandoening", "bevinding", "verrichting", "lichaamsstructuur", "organisme")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WORDS = _words(
    "hart hartfalen hartinfarct nier lever long huid oog oor maag darm bot spier zenuw bloedvat ader gewricht "
    "diabetes hypertensie pneumonie fractuur letsel tumor ontsteking infectie pijn zwelling operatie onderzoek "
    "links rechts bilateraal acuut chronisch recidiverend congenitaal ernstig matig licht primair secundair"
)
STARTS = _words(
    "a be bro ca car chi cy de di du en epi fi fra ga ge gly he hy im in ko la li ma me mi na neo o os pa pe "
    "pol pre pro ra re ri sa se sy ta te to tra u ve vi"
)
MIDDLES = _words("ba ci der do fe gi ko la lo mi na no pa ra ri ro si ta ti to tro va xi")
ENDS = _words("aal oom itis ose ie ine ius um us ectomie scopie pathie gram cyt vorm")


def code(number: int, partition: str = "10") -> int:
    """An identifier with its Verhoeff check digit left as 0: only its uniqueness counts here."""
    return int(f"{number + 1_000_000}{partition}0")


def write(folder: Path, concepts: int = 500_000, seed: int = 1) -> Path:
    """Write the release; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    vocabulary = [
        draw.choice(STARTS) + "".join(draw.choices(MIDDLES, k=draw.randint(0, 2))) + draw.choice(ENDS)
        for _ in range(40_000)
    ]
    ids = [ROOT, *(code(number) for number in range(1, concepts))]
    names = {
        "concept": "sct2_Concept_Snapshot_NL1000146_20260331.txt",
        "description": "sct2_Description_Snapshot-nl_NL1000146_20260331.txt",
        "relationship": "sct2_Relationship_Snapshot_NL1000146_20260331.txt",
        "language": "der2_cRefset_LanguageSnapshot-nl_NL1000146_20260331.txt",
        "simple": "der2_Refset_SimpleSnapshot_NL1000146_20260331.txt",
    }
    files: dict[str, TextIO] = {
        name: (folder / file).open("w", encoding="utf-8") for name, file in names.items()
    }
    for file, head in zip(
        files.values(),
        (
            "id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId",
            "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId",
            "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\t"
            "characteristicTypeId\tmodifierId",
            "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId",
            "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId",
        ),
        strict=True,
    ):
        file.write(head + "\n")
    relations = 0

    def relate(source: int, kind: int, target: int) -> None:
        nonlocal relations
        relations += 1
        files["relationship"].write(
            f"{code(relations, '12')}\t20260331\t1\t{MODULE}\t{source}\t{target}\t0\t{kind}\t"
            "900000000000011006\t900000000000451002\n"
        )

    described = 0
    for place, id in enumerate(ids):
        is_active = place < 20 or draw.random() < 0.75
        status = PRIMITIVE if place % 3 else DEFINED
        files["concept"].write(f"{id}\t20260331\t{int(is_active)}\t{MODULE}\t{status}\n")
        words = draw.choices(vocabulary, k=draw.randint(1, 4))
        if draw.random() < 0.4:
            words.insert(draw.randint(0, len(words)), draw.choice(WORDS))
        term = " ".join(words)
        other = " ".join([draw.choice(vocabulary), *words[:2]])
        for kind, text in (
            (FULLY_SPECIFIED, f"{term} ({TAGS[place % 5]})"),
            (SYNONYM, term),
            (SYNONYM, other),
        ):
            described += 1
            files["description"].write(
                f"{code(described, '11')}\t20260331\t1\t{MODULE}\t{id}\tnl\t{kind}\t{text}\t900000000000448009\n"
            )
            if text != other:
                files["language"].write(
                    f"x{described}\t20260331\t1\t{MODULE}\t{DUTCH}\t{code(described, '11')}\t{PREFERRED}\n"
                )
        if place and is_active:
            for _ in range(1 if draw.random() < 0.9 else draw.randint(2, 3)):
                # The earlier ones have most below them; the tree is some twelve deep.
                relate(id, IS_A, ids[int(place * draw.random() ** 1.5 * 0.6)])
            if place % 3 == 0 and place > 100:
                relate(id, FINDING_SITE, ids[draw.randint(20, 100)])
        if place % 50 == 1:
            files["simple"].write(f"s{place}\t20260331\t1\t{MODULE}\t{code(77, '10')}\t{id}\n")
    for file in files.values():
        file.close()
    return folder


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500_000)
