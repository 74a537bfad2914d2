"""Draws that are the same everywhere and each time: splitmix64 under a seed of words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


class Draw:
    """A stream of draws of its own; the key says whose, so that no draw elsewhere can shift it."""

    __slots__ = ("_state",)

    def __init__(self, *key: str | int) -> None:
        self._state = int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "big")

    def below(self, bound: int) -> int:
        """A number from 0 up to, not including, `bound`."""
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((state ^ (state >> 31)) * bound) >> 64

    def between(self, low: int, high: int) -> int:
        """A number from `low` up to and including `high`."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def one(self, of: Sequence[T]) -> T:
        return of[self.below(len(of))]

    def some(self, of: Sequence[T], count: int) -> list[T]:
        """That many different ones, or all there are, in the order they were drawn."""
        left = list(of)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]
