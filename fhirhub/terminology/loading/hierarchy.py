"""Numbers for concepts, so that all that one subsumes lies in few intervals.

Each concept hangs in a tree under one of its parents and is numbered as the tree is walked; what it subsumes by
other ways is added as further intervals (Agrawal, Borgida and Jagadish, SIGMOD 1989).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Numbering:
    """By position of a concept: its number, the last number of its tree, and all intervals where those of its
    tree are not all. `cut` counts parents that were left out, as they would subsume themselves."""

    numbers: array[int]
    last: array[int]
    more: dict[int, list[Interval]]
    cut: int

    def intervals(self, position: int) -> list[Interval]:
        """All that the concept subsumes, itself too."""
        found = self.more.get(position)
        return found if found is not None else [(self.numbers[position], self.last[position])]


def number(parents: Sequence[Sequence[int]]) -> Numbering:
    """The numbering of concepts whose parents are given by position."""
    count = len(parents)
    children: list[list[int]] = [[] for _ in range(count)]
    left = array("l", bytes(8 * count))
    for child, above in enumerate(parents):
        left[child] = len(above)
        for parent in above:
            children[parent].append(child)
    order, depth, cut = _from_above(parents, children, left)
    roots, tree = _tree(parents, depth, order)
    numbers, last = _walk(roots, tree, count)
    more: dict[int, list[Interval]] = {}
    for position in reversed(order):
        below = children[position]
        if below:
            found = _together(position, below, numbers, last, more)
            if len(found) > 1:
                more[position] = found
    return Numbering(numbers, last, more, cut)


def _from_above(
    parents: Sequence[Sequence[int]], children: list[list[int]], left: array[int]
) -> tuple[list[int], array[int], int]:
    """The concepts, parents before children, and how deep each lies. Circles are cut where they are met."""
    count = len(parents)
    depth = array("l", bytes(8 * count))
    order: list[int] = []
    is_placed = bytearray(count)
    ready = [position for position in range(count) if left[position] == 0]
    ready.reverse()
    cut = 0
    waiting = 0
    while len(order) < count:
        while ready:
            position = ready.pop()
            is_placed[position] = 1
            order.append(position)
            for child in reversed(children[position]):
                depth[child] = max(depth[child], depth[position] + 1)
                left[child] -= 1
                if left[child] == 0 and not is_placed[child]:
                    ready.append(child)
        while waiting < count and is_placed[waiting]:
            waiting += 1
        if waiting < count:
            # It stands in a circle: what above it is not placed yet does not count.
            for parent in set(parents[waiting]):
                if not is_placed[parent]:
                    children[parent] = [each for each in children[parent] if each != waiting]
                    cut += 1
            left[waiting] = 0
            ready.append(waiting)
    return order, depth, cut


def _tree(
    parents: Sequence[Sequence[int]], depth: array[int], order: Sequence[int]
) -> tuple[list[int], dict[int, list[int]]]:
    """Each under the deepest of its parents: those that know most of what lies above."""
    rank = array("l", bytes(8 * len(parents)))
    for place, position in enumerate(order):
        rank[position] = place
    roots: list[int] = []
    tree: dict[int, list[int]] = {}
    for position in range(len(parents)):
        above = [parent for parent in parents[position] if rank[parent] < rank[position]]
        if above:
            tree.setdefault(max(above, key=lambda parent: depth[parent]), []).append(position)
        else:
            roots.append(position)
    return roots, tree


def _walk(roots: list[int], tree: dict[int, list[int]], count: int) -> tuple[array[int], array[int]]:
    numbers, last = array("l", bytes(8 * count)), array("l", bytes(8 * count))
    following = 1
    pending = [(position, False) for position in reversed(roots)]
    while pending:
        position, is_done = pending.pop()
        if is_done:
            last[position] = following - 1
            continue
        numbers[position] = following
        following += 1
        pending.append((position, True))
        pending += [(child, False) for child in reversed(tree.get(position, ()))]
    return numbers, last


def _together(
    position: int, below: list[int], numbers: array[int], last: array[int], more: dict[int, list[Interval]]
) -> list[Interval]:
    low, high = numbers[position], last[position]
    outside: list[Interval] = []
    for child in below:
        for first, end in more.get(child) or ((numbers[child], last[child]),):
            if first < low or end > high:
                outside.append((first, end))
    if not outside:
        return [(low, high)]
    outside.append((low, high))
    outside.sort()
    merged = [outside[0]]
    for first, end in outside[1:]:
        if first <= merged[-1][1] + 1:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((first, end))
    return merged
