"""Which training problems are not to be trained on, and which benchmark problems were."""

from collections.abc import Callable, Iterable, Sequence

from cotdistil.screening.near_duplicates import near_duplicates
from cotdistil.screening.normal_form import key, letters_and_digits, mathematics, words
from cotdistil.screening.removed import Problem, Removal
from cotdistil.screening.shared_ngrams import NgramIndex
from cotdistil.screening.spelling import tokens

DUPLICATE = "duplicate"
NEAR_DUPLICATE = "near duplicate"
IN_BENCHMARK = "exact match with a benchmark"
NGRAM_IN_BENCHMARK = "n-gram shared with a benchmark"
IN_TRAINING = "exact match with a training problem"

ProblemSets = Iterable[tuple[str, Iterable[Problem]]]
"""The key of each problem set, and its problems."""


def screen(
    problems: Sequence[Problem],
    benchmarks: ProblemSets,
    ngram: int | None,
    similarity: float | None,
    expressions: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Removal | None]:
    """Of each training problem, why it is removed; None where it stays.

    expressions: the problems are arithmetic expressions, of which every sign counts; of other
    questions letters and digits alone are compared with a benchmark's.

    An exact match with a benchmark comes before a shared n-gram of `ngram` words, that before an
    earlier problem with the same key, and that before an earlier one that is near by `similarity`;
    None for either leaves it out. What counts as contaminated does not depend on the order of
    problems or benchmarks; of problems that repeat each other the first stays.
    """
    contamination = Contamination(benchmarks, ngram, expressions)
    removals: list[Removal | None] = []
    first: dict[str, Problem] = {}
    places, their_words, their_mathematics = [], [], []
    for place, problem in enumerate(problems):
        spelling = tokens(problem.question)
        its_key = key(spelling)
        its_words = () if ngram is None and similarity is None else words(spelling)
        removal = contamination.of(problem, its_words)
        if removal is None and (earlier := first.setdefault(its_key, problem)) is not problem:
            removal = Removal(*problem, DUPLICATE, *earlier)
        if removal is None and similarity is not None:
            places.append(place)
            their_words.append(its_words)
            their_mathematics.append(mathematics(spelling))
        removals.append(removal)
        progress(place + 1)
    if similarity is not None:
        near = near_duplicates(their_words, their_mathematics, similarity)
        for later, (earlier, reached) in near.items():
            removals[places[later]] = Removal(
                *problems[places[later]],
                NEAR_DUPLICATE,
                *problems[places[earlier]],
                matched=f"{reached:.3f}",
            )
    return removals


def hold_out(
    problems: Sequence[Problem],
    training: ProblemSets,
    expressions: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Removal | None]:
    """Of each benchmark problem, the training problem that it is; None where there is none.

    expressions: see `screen`.
    """
    exact_key = _exact_key(expressions)
    places: dict[str, list[int]] = {}
    for place, problem in enumerate(problems):
        places.setdefault(exact_key(problem.question), []).append(place)
    places.pop("", None)
    removals: list[Removal | None] = [None] * len(problems)
    done = 0
    for training_set, trained_on in training:
        for match in trained_on:
            for place in places.pop(exact_key(match.question), ()):
                removals[place] = Removal(*problems[place], IN_TRAINING, *match, training_set)
            done += 1
            progress(done)
    return removals


class Contamination:
    """The questions of benchmarks. Of several that match a problem, the first is named."""

    def __init__(self, benchmarks: ProblemSets, ngram: int | None, expressions: bool):
        self._exact_key = _exact_key(expressions)
        self._by_key: dict[str, tuple[Problem, str]] = {}
        self._ngrams: NgramIndex[tuple[Problem, str]] | None = ngram and NgramIndex(ngram)
        for benchmark, questions in benchmarks:
            for problem in questions:
                self._by_key.setdefault(self._exact_key(problem.question), (problem, benchmark))
                if self._ngrams:
                    self._ngrams.add(words(tokens(problem.question)), (problem, benchmark))
        self._by_key.pop("", None)

    def of(self, problem: Problem, its_words: tuple[str, ...]) -> Removal | None:
        """Why the problem is contaminated, None where it is not."""
        found = self._by_key.get(self._exact_key(problem.question))
        if found:
            match, benchmark = found
            return Removal(*problem, IN_BENCHMARK, *match, benchmark)
        if self._ngrams and (shared := self._ngrams.first_shared(its_words)):
            ngram, (match, benchmark) = shared
            return Removal(*problem, NGRAM_IN_BENCHMARK, *match, benchmark, " ".join(ngram))
        return None


def _exact_key(expressions: bool) -> Callable[[str], str]:
    return (lambda question: key(tokens(question))) if expressions else letters_and_digits
