"""Regular expressions that always end: in time linear in the text, whatever the pattern.

Python's own engine backtracks, which a hostile pattern can stretch to years. It serves patterns that cannot
make it worse than `MOST_TRIES`; all others run on a matcher that never tries the same place of the pattern
twice at the same place of the text. Back-references and look-behinds, which need more, are refused there.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from fhirhub.resources.fhirpath.faults import FhirpathError

LONGEST_PATTERN = 2_000
LARGEST_PROGRAM = 20_000
MOST_TRIES = 1_000_000
MOST_PLACES = 2_000_000

_NESTED = 1_000
"""More repeats than any text is short enough for."""


class Span(NamedTuple):
    """Where a match begins and ends, and for each group the same: -1 where it took no part."""

    start: int
    end: int
    groups: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern.

    `repeats` is the degree to which backtracking can grow with the text.
    """

    quick: re.Pattern[str]
    repeats: int
    program: tuple[_Step, ...]

    def search(self, text: str, start: int = 0) -> Span | None:
        """The first match at or after `start`."""
        if self.repeats >= _NESTED or (len(text) + 1) ** (self.repeats + 1) > MOST_TRIES:
            return search_linearly(self, text, start)
        match = self.quick.search(text, start)
        if match is None:
            return None
        return Span(*match.span(), tuple(match.span(group) for group in range(1, self.quick.groups + 1)))

    def replace(self, text: str, substitution: str) -> str:
        """Every match replaced; `$1` or `${name}` in the substitution is a group, `\\$` a dollar sign."""
        parts, at = [], 0
        for span in self._matches(text):
            parts += [text[at : span.start], self._filled(substitution, text, span)]
            at = span.end
        return "".join((*parts, text[at:]))

    def _matches(self, text: str) -> Iterator[Span]:
        start = 0
        while start <= len(text) and (span := self.search(text, start)) is not None:
            yield span
            start = span.end + (span.end == span.start)

    def _filled(self, substitution: str, text: str, span: Span) -> str:
        def group(match: re.Match[str]) -> str:
            if match["sign"]:
                return match["sign"]
            number = int(match["number"]) if match["number"] else self.quick.groupindex.get(match["name"], -1)
            if number == 0:
                return text[span.start : span.end]
            if not 1 <= number <= self.quick.groups:
                raise FhirpathError(f"The pattern has no group `{match['number'] or match['name']}`.")
            start, end = span.groups[number - 1]
            return text[start:end] if start >= 0 else ""

        return _GROUP_REFERENCE.sub(group, substitution)


_GROUP_REFERENCE = re.compile(r"\\(?P<sign>[\\$])|\$(?P<number>\d)|\$\{(?P<name>\w+)\}", re.ASCII)


@functools.lru_cache(512)
def compile(pattern: str) -> Pattern:
    """The pattern in single-line mode, where a dot takes a line's end too; FhirpathError if unreadable."""
    if len(pattern) > LONGEST_PATTERN:
        raise FhirpathError(
            f"A pattern has {len(pattern)} characters; at most {LONGEST_PATTERN} are read.", "too-long"
        )
    pattern = pattern.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
    try:
        quick = _read(pattern)
    except (re.error, OverflowError, RecursionError) as fault:
        raise FhirpathError(f"`{pattern}` is no regular expression: {fault}.") from None
    part = _Reader(pattern).alternatives()
    writer = _Writer()
    writer.write(part)
    return Pattern(quick, _degree(part, within=False), (*writer.program, _Step("match")))


# What a pattern says


@dataclass(slots=True)
class _Part:
    """A part of a pattern: a character or place to `test`, or a group of others.

    `low` and `high` say how often it stands (`high` None: without end), `lazy` that less is tried first.
    """

    kind: Literal["character", "place", "sequence", "choice", "capture", "ahead", "not ahead", "unsupported"]
    text: str = ""
    parts: list[_Part] = field(default_factory=list)
    number: int = 0
    low: int = 1
    high: int | None = 1
    lazy: bool = False


_QUANTIFIER = re.compile(
    r"(?:(?P<sign>[*+?])|\{(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)\})(?P<lazy>\??)", re.ASCII
)
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|0[0-7]{0,2}|.)", re.DOTALL)


class _Reader:
    """Reads a pattern that Python has found to be well formed."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.groups = 0

    def alternatives(self) -> _Part:
        choices = [self.sequence()]
        while self.peek("|"):
            self.at += 1
            choices.append(self.sequence())
        return choices[0] if len(choices) == 1 else _Part("choice", parts=choices)

    def sequence(self) -> _Part:
        parts = []
        while self.at < len(self.text) and not self.peek("|") and not self.peek(")"):
            parts.append(self.quantified(self.atom()))
        return _Part("sequence", parts=parts)

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, length: int) -> str:
        self.at += length
        return self.text[self.at - length : self.at]

    def atom(self) -> _Part:
        sign = self.text[self.at]
        if sign == "(":
            return self.group()
        if sign == "[" and (match := _CLASS.match(self.text, self.at)):
            return _Part("character", self.take(len(match.group())))
        if sign in "^$":
            return _Part("place", self.take(1))
        if sign == "\\" and (match := _ESCAPE.match(self.text, self.at)):
            text = self.take(len(match.group()))
            if text[1] in "123456789":
                return _Part("unsupported", text)
            return _Part("place" if text[1] in "AZbB" else "character", text)
        return _Part("character", self.take(1) if sign == "." else re.escape(self.take(1)))

    def group(self) -> _Part:
        kind: Literal["sequence", "capture", "ahead", "not ahead", "unsupported"]
        number = 0
        if self.peek("(?:"):
            kind, opening = "sequence", 3
        elif self.peek("(?="):
            kind, opening = "ahead", 3
        elif self.peek("(?!"):
            kind, opening = "not ahead", 3
        elif self.peek("(?P<") or not self.peek("(?"):
            self.groups += 1
            kind, number = "capture", self.groups
            opening = self.text.index(">", self.at) + 1 - self.at if self.peek("(?P<") else 1
        else:
            kind, opening = "unsupported", 2
        self.take(opening)
        body = self.alternatives()
        self.take(1)
        return _Part(kind, parts=[body], number=number)

    def quantified(self, part: _Part) -> _Part:
        match = _QUANTIFIER.match(self.text, self.at)
        if match is None or (match["sign"] is None and not (match["low"] or match["high"])):
            return part
        self.take(len(match.group()))
        if self.peek("+"):
            return _Part("unsupported", self.take(1))
        if match["sign"]:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[match["sign"]]
        else:
            low = int(match["low"] or 0)
            high = low if not match["comma"] else int(match["high"]) if match["high"] else None
        return _Part("sequence", parts=[part], low=low, high=high, lazy=bool(match["lazy"]))


def _degree(part: _Part, within: bool) -> int:
    """How many open repeats stand side by side; `_NESTED` where a variable part stands in a repeat."""
    if part.kind == "unsupported":
        return 0
    if within and (part.low != part.high or part.kind == "choice"):
        return _NESTED
    repeats = part.high is None or part.high > 1
    inner = [_degree(each, within or repeats) for each in part.parts]
    found = max(inner, default=0) if part.kind == "choice" else sum(inner)
    return found + (part.low != part.high and repeats)


# The matcher


class _Step(NamedTuple):
    """An instruction: test a character or place, save a group's bound, split in two, look ahead, match.

    `first` and `second` are the targets of a split, in the order in which they are tried; `first` is also the
    slot of a save.
    """

    kind: Literal["character", "place", "save", "split", "look", "refuse", "match"]
    test: re.Pattern[str] | None = None
    first: int = 0
    second: int = 0
    inner: tuple[_Step, ...] = ()
    wanted: bool = True


class _Writer:
    def __init__(self) -> None:
        self.program: list[_Step] = []

    def add(self, step: _Step) -> int:
        if len(self.program) >= LARGEST_PROGRAM:
            raise FhirpathError("The pattern repeats too much.", "too-costly")
        self.program.append(step)
        return len(self.program) - 1

    def write(self, part: _Part) -> None:
        for _ in range(part.low):
            self.once(part)
        if part.high is None:
            split = self.add(_Step("split"))
            self.once(part)
            self.add(_Step("split", first=split, second=split))
            self.aim(split, split + 1, len(self.program), part.lazy)
            return
        splits = []
        for _ in range(part.high - part.low):
            splits.append(self.add(_Step("split")))
            self.once(part)
        for split in splits:
            self.aim(split, split + 1, len(self.program), part.lazy)

    def once(self, part: _Part) -> None:
        if part.kind == "character" or part.kind == "place":
            self.add(_Step(part.kind, _test(part.text)))
        elif part.kind == "unsupported":
            self.add(_Step("refuse"))
        elif part.kind == "choice":
            self.choice(part.parts)
        elif part.kind in ("ahead", "not ahead"):
            inner = _Writer()
            inner.write(part.parts[0])
            program = (*inner.program, _Step("match"))
            self.add(_Step("look", inner=program, wanted=part.kind == "ahead"))
        else:
            if part.number:
                self.add(_Step("save", first=2 * part.number - 2))
            for each in part.parts:
                self.write(each)
            if part.number:
                self.add(_Step("save", first=2 * part.number - 1))

    def choice(self, parts: list[_Part]) -> None:
        ends = []
        for part in parts[:-1]:
            split = self.add(_Step("split"))
            self.write(part)
            ends.append(self.add(_Step("split")))
            self.aim(split, split + 1, len(self.program))
        self.write(parts[-1])
        for end in ends:
            self.aim(end, len(self.program), len(self.program))

    def aim(self, split: int, into: int, past: int, lazy: bool = False) -> None:
        first, second = (past, into) if lazy else (into, past)
        self.program[split] = _Step("split", first=first, second=second)


@functools.lru_cache(2048)
def _test(text: str) -> re.Pattern[str]:
    """One character or place, which Python's engine tests without a chance to backtrack."""
    return _read(text)


def _read(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        # `[[` may mean something else in a later Python, which is no news to whoever wrote the pattern.
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern, re.DOTALL)


_Saves = tuple[int, int, "_Saves"] | None
"""Slots and places of groups, the newest first."""


def search_linearly(pattern: Pattern, text: str, start: int = 0) -> Span | None:
    """The first match, in time proportional to text and pattern; FhirpathError for what that cannot do."""
    tried: set[int] = set()
    for begin in range(start, len(text) + 1):
        found = _match(pattern.program, text, begin, tried)
        if found is not None:
            end, saves = found
            slots = [-1] * (2 * pattern.quick.groups)
            while saves is not None:
                slot, place, saves = saves
                if slots[slot] < 0:
                    slots[slot] = place
            return Span(begin, end, tuple(zip(slots[::2], slots[1::2], strict=True)))
    return None


def _match(program: tuple[_Step, ...], text: str, begin: int, tried: set[int]) -> tuple[int, _Saves] | None:
    """Where the program ends when it begins there. `tried` are splits and places that lead nowhere."""
    waiting: list[tuple[int, int, _Saves]] = [(0, begin, None)]
    width = len(text) + 1
    while waiting:
        at, place, saves = waiting.pop()
        while True:
            step = program[at]
            kind = step.kind
            if kind == "character":
                if step.test is None or step.test.match(text, place) is None:
                    break
                at, place = at + 1, place + 1
            elif kind == "split":
                if at * width + place in tried:
                    break
                tried.add(at * width + place)
                if len(tried) > MOST_PLACES:
                    raise FhirpathError("The pattern takes too long on this text.", "too-costly")
                if step.second != step.first:
                    waiting.append((step.second, place, saves))
                at = step.first
            elif kind == "save":
                at, saves = at + 1, (step.first, place, saves)
            elif kind == "place":
                if step.test is None or step.test.match(text, place) is None:
                    break
                at += 1
            elif kind == "look":
                if (_match(step.inner, text, place, set()) is not None) is not step.wanted:
                    break
                at += 1
            elif kind == "match":
                return place, saves
            else:
                raise FhirpathError(
                    "A pattern with back-references, look-behinds or flags that repeats without end "
                    "is not supported.",
                    "not-supported",
                )
    return None
