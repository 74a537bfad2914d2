"""What a caller makes of what they were shown in part leaves what they were not shown as it was (RULES R3, R4, R29)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.resources import document, masking

Json = dict[str, Any]

BSN = {"system": masking.BSN_SYSTEMS[0], "value": "999911120"}
LOCAL = {"system": "urn:local", "value": "1"}
BY = {"reference": "Patient/anna", "identifier": BSN}
TASK: Json = {
    "resourceType": "Task",
    "id": "t",
    "identifier": [LOCAL, BSN],
    "note": [{"text": "Een", "authorReference": BY}, {"text": "Twee"}],
    "input": [
        {"type": {"text": "wie"}, "valueIdentifier": BSN},
        {"type": {"text": "wat"}, "valueString": "Kousen"},
        {"type": {"text": "voor"}, "valueReference": BY},
    ],
    "restriction": {"recipient": [BY], "repetitions": 2},
}


def seen(whole: Json, *, masked: bool = False) -> Json:
    """What who may not see BSN is shown."""
    body = document.encode(whole)
    shown = document.decode(
        masking.shown(masking.MASKED_BYTE + body if masked else body, without_bsn=not masked)
    )
    assert masking.is_part(shown)
    return shown


def written(changed: Json, whole: Json = TASK, *, masked: bool = False) -> Json:
    return masking.restored(whole, seen(whole, masked=masked), changed)


def test_what_was_left_as_it_was_shown_is_as_it_was() -> None:
    assert written(seen(TASK)) == TASK


@pytest.mark.parametrize("name", ["note", "input"])
def test_what_is_added_to_a_list_takes_nothing_hidden_out_of_it(name: str) -> None:
    new = {"text": "Drie"}
    for at in (0, 1, 9):
        changed = seen(TASK)
        changed[name].insert(at, new)
        found = written(changed)
        assert [one for one in found[name] if one != new] == TASK[name]
        assert found == {**TASK, name: found[name]}


def test_what_is_changed_beside_the_hidden_keeps_it() -> None:
    changed = seen(TASK)
    changed["note"][0]["text"] = "Anders"
    changed["restriction"]["repetitions"] = 3
    found = written(changed)
    assert found["note"] == [{"text": "Anders", "authorReference": BY}, {"text": "Twee"}]
    assert found["restriction"] == {"recipient": [BY], "repetitions": 3}


def test_what_is_taken_out_or_moved_takes_its_own_hidden_part_along() -> None:
    changed = seen(TASK)
    assert changed["input"] == [
        TASK["input"][1],
        {**TASK["input"][2], "valueReference": {"reference": "Patient/anna"}},
    ]
    changed["input"].reverse()
    del changed["note"][0]
    found = written(changed)
    assert found["input"] == [TASK["input"][0], TASK["input"][2], TASK["input"][1]]
    assert found["note"] == [{"text": "Twee"}]


def test_a_hidden_number_stays_where_all_others_are_taken_away() -> None:
    changed = seen(TASK)
    del changed["identifier"]
    assert written(changed)["identifier"] == [BSN]
    assert written({**seen(TASK), "identifier": [{**LOCAL, "value": "2"}]})["identifier"] == [
        {**LOCAL, "value": "2"},
        BSN,
    ]


def test_what_is_contained_unseen_stays_beside_what_is_added() -> None:
    whole = {
        **TASK,
        "for": {"reference": "Patient/anna", "display": "Anna"},
        "text": {"status": "generated", "div": "<div>Anna</div>"},
        "contained": [{"resourceType": "Patient", "id": "p"}],
    }
    own = {"resourceType": "Basic", "id": "b"}
    changed = {**seen(whole, masked=True), "contained": [own], "text": {"div": "<div/>"}}
    changed["for"] = {"reference": "Patient/anna", "display": "Iemand"}
    assert written(changed, whole, masked=True) == {**whole, "contained": [*whole["contained"], own]}


VALUES = st.recursive(
    st.sampled_from(["a", "b", BSN, LOCAL, BY]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from("xyz"), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["input", "note", "owner"]), VALUES, max_size=3))
def test_whatever_is_written_back_as_it_was_shown_changes_nothing(content: Json) -> None:
    whole = {"resourceType": "Task", "id": "t", **content}
    body = document.encode(whole)
    shown = document.decode(masking.shown(body, without_bsn=True))
    assert masking.restored(whole, shown, shown) == whole
    # Neither does the same with something added beside it.
    found = masking.restored(whole, shown, {**shown, "description": "x"})
    assert {name: value for name, value in found.items() if name != "description"} == whole
