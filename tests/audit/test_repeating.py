"""Refusals that repeat are counted, and none of them is lost."""

from __future__ import annotations

import pytest

from fhirhub.audit import recording
from fhirhub.audit.repeating import MOST, Repeats
from fhirhub.store.chain import Entry
from tests.audit.watching import Watched

REFUSED = Entry(1, "token-not-taken", "E", "4")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is recorded is the same on both."""
    return sqlite_url


def times(entry: Entry) -> int:
    return int(recording.details(entry.detail).get("times", "1"))


def test_every_refusal_stands_in_one_record_and_there_are_few() -> None:
    now = [0.0]
    repeats = Repeats(lambda: now[0])
    told = [one for _ in range(1000) if (one := repeats.count("default", "192.0.2.1", REFUSED))]
    assert [times(one) for one in told] == [1, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert repeats.due() == []
    now[0] = 60.0
    ((log, rest),) = repeats.due()
    assert (log, sum(map(times, told)) + times(rest)) == ("default", 1000)
    assert repeats.due() == []


def test_sources_are_told_apart_up_to_a_bound() -> None:
    repeats = Repeats(lambda: 0.0)
    for number in range(MOST):
        assert repeats.count("default", number, REFUSED) is not None
    told = [repeats.count("default", -number, REFUSED) for number in range(1, 9)]
    assert sum(one is not None for one in told) == 4


async def test_a_token_that_is_not_taken_is_in_the_log_with_how_often(there: Watched) -> None:
    async def ask() -> None:
        for _ in range(5):
            answer = await there.hub.http.get("Patient/anna", headers={"Authorization": "Bearer x"})
            assert answer.status_code == 401
        assert there.hub.app.smart is not None
        await there.hub.app.smart.tell_counted(all=True)

    found = await there.since(ask())
    assert [times(one) for one in found] == [1, 1, 2, 1]
    assert {(one.interaction, one.patient, one.outcome) for one in found} == {
        ("token-not-taken", "anna", "4")
    }
    assert all("source" in recording.details(one.detail) for one in found)
