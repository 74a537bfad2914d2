"""Passwords: argon2id, in the strength that OWASP's password storage text names (RFC 9106)."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
LONGEST_LOOKED_AT = 72
"""Of a password that is longer, what is looked at: more does not make it easier to guess."""
HARD_TO_GUESS = 3
"""Of zxcvbn's scores from 0 to 4: more than 10**8 guesses."""
SIDE_BY_SIDE = 2
"""How many are looked at at once: each takes 19 MiB and a core, and nothing else is to wait for them."""


def hashed(password: str) -> str:
    """How the password is stored."""
    return _HASHER.hash(password)


async def is_right(password: str, stored: str | None) -> bool:
    """Whether it is the password; takes as long where there is none."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), _is_right, password, stored)


def is_weak(stored: str) -> bool:
    """Whether it was hashed with less than is asked today."""
    return _HASHER.check_needs_rehash(stored)


def is_guessable(password: str, also: Sequence[str]) -> bool:
    """Whether few guesses find it: it is common, was in a breach's lists, or is made of what is, or of these words."""
    from zxcvbn import zxcvbn  # its word lists take a tenth of a second to load

    found: int = zxcvbn(password[:LONGEST_LOOKED_AT], list(also))["score"]
    return found < HARD_TO_GUESS


def _is_right(password: str, stored: str | None) -> bool:
    try:
        _HASHER.verify(stored or _of_nobody(), password)
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SIDE_BY_SIDE, "passwords")


@functools.cache
def _of_nobody() -> str:
    return _HASHER.hash("the password of an account that is not there")
