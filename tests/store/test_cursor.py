"""Cursors: opaque, and good for nobody and nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.errors import FhirError
from fhirhub.store.cursor import seal, unseal

KEY = b"k" * 32
values = st.none() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text(max_size=50)
positions = st.lists(values, min_size=1, max_size=5).map(tuple)


@given(positions, st.text())
def test_a_cursor_opens_with_its_key_and_scope(position: tuple[object, ...], scope: str) -> None:
    assert unseal(KEY, scope, seal(KEY, scope, position)) == position


@given(positions, st.text(), st.text())
def test_it_opens_with_no_other_scope_or_key(position: tuple[object, ...], scope: str, other: str) -> None:
    cursor = seal(KEY, scope, position)
    for key, asked in ((KEY, other), (b"x" * 32, scope)):
        if (key, asked) != (KEY, scope):
            with pytest.raises(FhirError) as error:
                unseal(key, asked, cursor)
            assert error.value.status == 400


@given(st.integers(0, 30), st.sampled_from("ABab01-_"))
def test_a_changed_letter_spoils_it(place: int, letter: str) -> None:
    cursor = seal(KEY, "scope", (12345, "abc", None))
    place %= len(cursor) - 1
    changed = cursor[:place] + letter + cursor[place + 1 :]
    if changed != cursor:
        with pytest.raises(FhirError):
            unseal(KEY, "scope", changed)


@given(st.text())
def test_any_text_is_refused_and_never_a_fault(text: str) -> None:
    with pytest.raises(FhirError) as error:
        unseal(KEY, "scope", text)
    assert error.value.status == 400


def test_it_is_safe_in_a_url_and_tells_nothing() -> None:
    cursor = seal(KEY, "scope", (1, "Jansen"))
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert b"Jansen" not in base64.urlsafe_b64decode(cursor + "==")
