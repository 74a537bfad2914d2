"""Work that many ask for at once, done once for all of them."""

from __future__ import annotations

import asyncio

import pytest

from fhirhub.sharing import Shared


class Look:
    def __init__(self) -> None:
        self.begun = 0
        self.end = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        number = self.begun
        await self.end.wait()
        if number == 2:
            raise RuntimeError("lost")


async def test_those_who_ask_while_one_looks_share_what_it_sees_unless_it_began_too_long_ago() -> None:
    look = Look()
    shared = Shared(look)
    asking = [asyncio.create_task(shared.begun_within(60)) for _ in range(3)]
    await asyncio.sleep(0)
    late = asyncio.create_task(shared.begun_within(0))
    while look.begun < 2:
        await asyncio.sleep(0)
    assert look.begun == 2
    asking[0].cancel()
    look.end.set()
    await asyncio.gather(*asking[1:])
    with pytest.raises(RuntimeError):
        await late
    await shared.begun_within(60)
    assert look.begun == 3
