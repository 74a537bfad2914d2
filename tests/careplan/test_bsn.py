"""R3: for whom BSN do not exist, they stand nowhere, and nothing is found by them."""

from __future__ import annotations

import pytest

from fhirhub.resources.masking import BSN_SYSTEMS
from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import ANNA_BSN, anna
from tests.careplan.test_dying import grant


def with_bsn_everywhere() -> Json:
    identifier = {"system": BSN_SYSTEMS[1], "value": ANNA_BSN}
    return anna(
        text={
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">Anna, BSN {ANNA_BSN}</div>',
        },
        contained=[
            {"resourceType": "Organization", "id": "c", "name": "Van haar", "identifier": [identifier]}
        ],
        contact=[{"organization": {"reference": "#c"}}],
        extension=[{"url": "urn:x", "valueIdentifier": identifier}],
    )


@pytest.mark.parametrize(
    "path",
    [
        "Patient/anna", "Patient/anna/_history", "Patient/anna/_history/2", "Patient/anna/$everything",
        "Patient?_summary=text", "Patient?_elements=text,identifier", "Patient?_id=anna&_format=xml",
    ],
)  # fmt: skip
async def test_r3_a_carer_is_shown_no_bsn(there: Neighbourhood, path: str) -> None:
    await there.put(with_bsn_everywhere(), grant(id="g"))
    answer = await there.ask("mia", "GET", path)
    assert (answer.status_code, ANNA_BSN in answer.text) == (200, False)
    assert "Anna" in answer.text
    assert ANNA_BSN in (await there.ask("jan", "GET", path)).text


@pytest.mark.parametrize(
    "query",
    [
        f"identifier={ANNA_BSN}", f"identifier={BSN_SYSTEMS[0]}|{ANNA_BSN}", f"identifier={BSN_SYSTEMS[0]}|",
        f"_content={ANNA_BSN}", f"_text={ANNA_BSN}", "identifier:missing=false",
        f"_filter=identifier eq {ANNA_BSN}", "_filter=identifier pr true",
    ],
)  # fmt: skip
async def test_r3_a_carer_finds_nobody_by_bsn(there: Neighbourhood, query: str) -> None:
    await there.put(with_bsn_everywhere(), grant(id="g"))
    assert (await there.ask("mia", "GET", f"Patient?{query}")).json()["total"] == 0
    assert (await there.ask("mia", "GET", "Patient?_text=anna")).json()["total"] == 1
