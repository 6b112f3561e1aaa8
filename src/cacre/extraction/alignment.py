"""Which triple of one list belongs to which anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from cacre.data.normalisation import normalise_name, normalise_triple
from cacre.types import Triple

ParaphraseKind = Literal["synonym", "inverse"]
"""Whether a positive has the entities of its anchor in the same order or swapped."""


def pair_up(
    anchors: Iterable[int], others: Iterable[int], score: Callable[[int, int], int], *, good: int = 1
) -> dict[int, int]:
    """One-to-one pairs of numbers: equal numbers wherever they fit well, then the best of what is left.

    Args:
        anchors: Numbers of the anchors.
        others: Numbers of the triples to be given to them.
        score: How well an anchor and another fit; 0 where they do not. Of equal scores, the nearest numbers win.
        good: Score from which equal numbers are paired whatever else would fit.

    Returns:
        The number given to each anchor that got one.
    """
    wanting, free = list(anchors), set(others)
    pairs = {number: number for number in wanting if number in free and score(number, number) >= good}
    free.difference_update(pairs)
    scored = ((score(a, other), a, other) for a in wanting if a not in pairs for other in free)
    for _, anchor, other in sorted((s for s in scored if s[0]), key=lambda s: (-s[0], abs(s[1] - s[2]), s)):
        if anchor not in pairs and other in free:
            pairs[anchor] = other
            free.remove(other)
    return pairs


def match_positives(anchors: Sequence[Triple], positives: Sequence[Triple]) -> list[Triple | None]:
    """For each anchor its positive by entities alone: the same two, in either order; None where there is none.

    The index decides where it fits; no positive serves two anchors.
    """
    pairs = pair_up(
        range(len(anchors)),
        range(len(positives)),
        lambda anchor, other: int(paraphrase_kind(anchors[anchor], positives[other]) is not None),
    )
    return [positives[pairs[index]] if index in pairs else None for index in range(len(anchors))]


def paraphrase_kind(anchor: Triple, positive: Triple) -> ParaphraseKind | None:
    """How the entities of a positive stand to those of an anchor; None where they are not the same two."""
    left = normalise_name(anchor.subject), normalise_name(anchor.object)
    right = normalise_name(positive.subject), normalise_name(positive.object)
    if left == right:
        return "synonym"
    return "inverse" if left == right[::-1] else None


def likeness(anchor: Triple, negative: Triple) -> int:
    """What two triples share, 0 for nothing.

    An entity in its role counts more than both entities swapped, a swapped entity more than the predicate.
    """
    left, right = normalise_triple(anchor), normalise_triple(negative)
    in_role = (left.subject == right.subject) + (left.object == right.object)
    swapped = (left.subject == right.object) + (left.object == right.subject)
    return 9 * in_role + 3 * swapped + (left.predicate == right.predicate)
