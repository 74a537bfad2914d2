"""Whose turn it is to write, among the workers of one hub."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from fhirhub.store.turn import LOOK_SECONDS, Turns


def forked(work: Callable[[], None]) -> int:
    """A process that does this work."""
    process = os.fork()
    if process == 0:
        work()
        os._exit(0)
    return process


async def test_one_worker_waits_while_another_has_its_turn_and_then_goes_first() -> None:
    turns = Turns(2)
    told, telling = os.pipe()

    def other() -> None:
        async def take() -> None:
            os.write(telling, b"?")
            async with turns.of(1).taken(3):
                os.write(telling, b"2")

        asyncio.run(take())

    async with turns.of(0).taken(3):
        process = forked(other)
        assert await asyncio.to_thread(os.read, told, 1) == b"?"
        # Long enough for it to come to the door.
        await asyncio.sleep(50 * LOOK_SECONDS)
        os.write(telling, b"1")
    async with turns.of(0).taken(3):
        os.write(telling, b"3")
    assert os.read(told, 3) == b"123"
    await asyncio.to_thread(os.waitpid, process, 0)
    for end in (told, telling):
        os.close(end)


async def test_the_turn_of_a_worker_that_died_is_over() -> None:
    turns = Turns(2)
    told, telling = os.pipe()

    def other() -> None:
        async def take() -> None:
            async with turns.of(1).taken(3):
                os.write(telling, b"1")
                signal.pause()

        asyncio.run(take())

    process = forked(other)
    assert os.read(told, 1) == b"1"
    os.kill(process, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, process, 0)
    async with turns.of(0).taken(3):
        pass
    os.close(told)
    os.close(telling)


async def test_queues_and_pairs_of_workers_do_not_wait_for_each_other() -> None:
    turns = Turns(4)
    first, second = turns.of(0), turns.of(1)

    def other() -> None:
        async def take() -> None:
            async with second.taken(3), turns.of(2).taken(4):
                pass

        asyncio.run(take())

    async with first.taken(3):
        process = forked(other)
        assert (await asyncio.to_thread(os.waitpid, process, 0))[1] == 0
