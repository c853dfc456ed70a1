"""Runs of n words that a training problem shares with a benchmark question.

As is usual since GPT-3 (arXiv 2005.14165, appendix C, with n = 13). It finds a benchmark question
that was reworded in places, set into a longer text or given another picture. It does not find one
that was rewritten or translated, and it does find a template that two different problems share
("where m and n are relatively prime positive integers"): the smaller n, the more of these. A
question of fewer than n words has no run of n, so only an exact match finds it: within a longer
text, a few words prove nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
Words = tuple[str, ...]


class NgramIndex(Generic[Owner]):
    """The n-grams of benchmark questions; each belongs to the first question that has it."""

    def __init__(self, n: int):
        self.n = n
        self._owners: dict[Words, Owner] = {}

    def add(self, words: Words, owner: Owner) -> None:
        for ngram in ngrams(words, self.n):
            self._owners.setdefault(ngram, owner)

    def first_shared(self, words: Words) -> tuple[Words, Owner] | None:
        """The first n-gram of `words` that a question has, and that question; None without one."""
        ngram = next(filter(self._owners.__contains__, ngrams(words, self.n)), None)
        return ngram and (ngram, self._owners[ngram])


def ngrams(words: Sequence[str], n: int) -> Iterator[Words]:
    """All runs of n words, in their order; none where there are fewer."""
    return zip(*(words[start:] for start in range(n)), strict=False)
