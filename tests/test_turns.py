"""Plain functions that give others their turn and wait for what is async."""

from __future__ import annotations

import asyncio
import time

import pytest

from fhirhub import turns
from fhirhub.turns import Turn, Turns


async def _later(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def test_what_is_async_can_be_waited_for_within_plain_functions() -> None:
    def deep(turn: Turn, left: int) -> int:
        return deep(turn, left - 1) if left else turn.wait(_later(7))

    assert await Turns().run(lambda turn: deep(turn, 20) + turn.wait(_later(1))) == 8


async def test_a_fault_comes_out_on_both_ways() -> None:
    async def fail() -> int:
        raise KeyError("outside")

    def caught(turn: Turn) -> str:
        try:
            turn.wait(fail())
        except KeyError:
            return "caught"
        return "not"

    def failing(turn: Turn) -> None:
        raise LookupError("inside")

    assert await Turns().run(caught) == "caught"
    with pytest.raises(LookupError, match="inside"):
        await Turns().run(failing)


def _busy(turn: Turn) -> int:
    """Works until it was held up ten times."""
    pauses = 0
    until = time.monotonic() + 60
    while pauses < 10 and time.monotonic() < until:
        pauses += turn.pause() > 0
    return pauses


async def test_others_have_their_turn_while_long_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE_SECONDS", 0.0005)
    rounds = 0

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    shared = Turns()
    assert await asyncio.gather(*(shared.run(_busy) for _ in range(3))) == [10, 10, 10]
    counting.cancel()
    # Of three that are long one goes on in each round, so others had one for nearly every slice.
    assert rounds >= 20


async def test_what_is_cut_off_hands_its_turn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE_SECONDS", 0.0)
    shared = Turns()

    def endless(turn: Turn) -> None:
        while True:
            turn.pause()

    cut = asyncio.create_task(shared.run(endless))
    await asyncio.sleep(0.01)
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    assert await shared.run(_busy) == 10


async def test_work_that_fails_or_is_left_harms_no_work_after_it() -> None:
    turns = Turns()

    def fail(turn: Turn) -> None:
        turn.wait(asyncio.sleep(0))
        raise ValueError("not so")

    def wait(turn: Turn) -> None:
        turn.wait(asyncio.get_running_loop().create_future())

    with pytest.raises(ValueError, match="not so"):
        await turns.run(fail)
    left = asyncio.create_task(turns.run(wait))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert await asyncio.gather(*(turns.run(lambda turn, n=n: n) for n in range(3))) == [0, 1, 2]  # type: ignore[misc]
