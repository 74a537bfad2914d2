"""Plain functions inside a task: long work that gives others their turn, and may wait for what is async.

A function runs in a greenlet (https://greenlet.readthedocs.io), so that code which knows nothing of the event
loop can be left in the middle and gone on with later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")

SLICE_SECONDS = 0.005
"""How long work goes on before others have their turn."""


class Turns:
    """Whose turn it is in one process: of the pieces of work that take longer than a slice, one goes on in
    each round of the event loop, so that short requests wait for one slice at most."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._idle: list[greenlet] = []

    async def run(self, work: Callable[[Turn], T]) -> T:
        """The result of `work`."""
        turn = Turn(self._lock)
        # To make one costs more than most work that is done in it.
        inner = self._idle.pop() if self._idle else greenlet(_serve)
        done: Any = None
        try:
            done = inner.switch((work, turn))
            while done.__class__ is not _Done:
                try:
                    answer = await done
                except BaseException as fault:
                    done = inner.throw(fault)
                else:
                    done = inner.switch(answer)
        finally:
            turn.end()
            if done.__class__ is _Done:
                self._idle.append(inner)
        if done.fault is not None:
            raise done.fault
        result: T = done.result
        return result


class _Done:
    """What work came to."""

    __slots__ = ("fault", "result")

    def __init__(self, result: Any, fault: BaseException | None) -> None:
        self.result = result
        self.fault = fault


def _serve(given: tuple[Callable[[Turn], Any], Turn] | None) -> None:
    """One piece of work after the other."""
    while given is not None:
        work, turn = given
        try:
            done = _Done(work(turn), None)
        except GreenletExit:
            raise
        except BaseException as fault:
            done = _Done(None, fault)
        outer = getcurrent().parent
        assert outer is not None
        given = work = turn = None  # type: ignore[assignment]
        given = outer.switch(done)


class Turn:
    """One piece of work on its way."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._is_held = False
        self._since = time.monotonic()

    def wait(self, awaitable: Awaitable[T]) -> T:
        """What is awaited; to be called from within the work."""
        outer = getcurrent().parent
        assert outer is not None, "only inside `run`"
        found: T = outer.switch(awaitable)
        return found

    def pause(self) -> float:
        """Let others have their turn if it is time; for how many seconds. Called often from within the work."""
        now = time.monotonic()
        if now - self._since < SLICE_SECONDS:
            return 0.0
        self.wait(self._next())
        self._since = time.monotonic()
        return self._since - now

    async def _next(self) -> None:
        # Kept for one round more: what is long too comes to wait for it, and is next.
        await asyncio.sleep(0)
        self.end()
        await self._lock.acquire()
        self._is_held = True

    def end(self) -> None:
        if self._is_held:
            self._is_held = False
            self._lock.release()
