"""Problems that are nearly the same as an earlier one.

Two problems are near if they have the same mathematics (`normal_form.mathematics`: two that differ
in a number, a sign or a letter of a formula are different problems) and the Jaccard similarity of
their sets of word 3-grams reaches a threshold. Words still decide what is asked: of a long text,
"find the area" and "find the perimeter" are near.

Which pairs to compare is found by prefix filtering (Chaudhuri, Ganti and Kaushik, "A primitive
operator for similarity joins in data cleaning", ICDE 2006): of a set of m members, ordered from the
rarest to the commonest, the first m - ceil(threshold * m) + 1 hold one of every set that is near.
Unlike MinHash with bands it misses no pair, finds none by chance, and draws no random numbers.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from cotdistil.screening.shared_ngrams import Words, ngrams

SHINGLE = 3


def near_duplicates(
    words: Sequence[Words], mathematics: Sequence[str], threshold: float
) -> dict[int, tuple[int, float]]:
    """Place of a problem -> place of the nearest one that is kept before it, and their similarity.

    words, mathematics: of each problem, in order. threshold: above 0, at most 1. The first of its
    kind is kept, and each later one is found that is near to one that was kept.
    """
    blocks = defaultdict(list)
    for place, block in enumerate(mathematics):
        blocks[block].append(place)
    found: dict[int, tuple[int, float]] = {}
    for places in blocks.values():
        if len(places) > 1:
            found |= _near_in_block(places, words, threshold)
    return found


def similarity(left: Words, right: Words) -> float:
    """The Jaccard similarity of the sets of word 3-grams; of fewer words, the text is one."""
    return _jaccard(_shingles(left), _shingles(right))


def _near_in_block(
    places: Sequence[int], words: Sequence[Words], threshold: float
) -> dict[int, tuple[int, float]]:
    frequency = Counter(word for place in places for word in set(words[place]))
    kept: defaultdict[Words, list[int]] = defaultdict(list)
    sizes: dict[int, int] = {}
    found: dict[int, tuple[int, float]] = {}
    for place in places:
        shingles = _shingles(words[place])
        prefix = _rarest(shingles, frequency, threshold)
        size = sizes[place] = len(shingles)
        candidates = {other for shingle in prefix for other in kept.get(shingle, ())}
        nearest, best = -1, 0.0
        for other in sorted(candidates):
            if min(size, sizes[other]) / max(size, sizes[other]) < threshold:
                continue
            reached = _jaccard(shingles, _shingles(words[other]))
            if reached > best:
                nearest, best = other, reached
        if best >= threshold:
            found[place] = (nearest, best)
        else:
            for shingle in prefix:
                kept[shingle].append(place)
    return found


def _rarest(shingles: set[Words], frequency: Counter[str], threshold: float) -> list[Words]:
    """The members of which a near set has one; any order will do that is the same for all sets."""
    ordered = sorted(
        shingles, key=lambda shingle: (min(map(frequency.__getitem__, shingle), default=0), shingle)
    )
    # A product just above a whole number is rounding.
    shared = math.ceil(threshold * len(ordered) - 1e-9)
    return ordered[: len(ordered) - shared + 1]


def _shingles(words: Words) -> set[Words]:
    return set(ngrams(words, SHINGLE)) or {words}


def _jaccard(left: set[Words], right: set[Words]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)
