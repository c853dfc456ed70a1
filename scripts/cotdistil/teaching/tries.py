"""Which questions a teacher is still to be asked."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from cotdistil.teaching.answer_log import answer_id
from cotdistil.teaching.teacher import Question

Known = Callable[[str], dict | None]
"""The row of an answer that is there already, or None."""
Verdicts = Callable[[list[tuple[dict, str]]], list[bool]]
"""Of rows of answers, each with the gold answer: which of them solve their problem."""


class Tries(ABC):
    """An iterator over the questions that have no answer yet; it may run out and have more later.

    problems: dicts of question and gold; a question that stands twice is asked once. samples: most
    answers per problem. seed: of the sampling. known: the answers of earlier runs.
    wanted: the ids of all answers that are asked for or known.
    finished: problems that nothing more is asked about.
    """

    def __init__(self, problems: Sequence[dict], samples: int, seed: int, known: Known):
        self.samples = samples
        self.seed = seed
        self.known = known
        self.wanted: list[str] = []
        self.finished = 0
        self.problems: dict[str, dict] = {}
        for problem in problems:
            self.problems.setdefault(question_digest(problem["question"]), problem)
        self._waiting: deque[Question] = deque()
        self._begin()

    @abstractmethod
    def heard(self, id_: str, row: dict | None) -> None:
        """Take note of an answer's row; None: there is none, and that try is used up."""

    @abstractmethod
    def _begin(self) -> None: ...

    def __iter__(self) -> Iterator[Question]:
        return self

    def __next__(self) -> Question:
        if not self._waiting:
            raise StopIteration
        return self._waiting.popleft()

    def _want(self, digest: str, sample: int) -> dict | None:
        """The row of an answer; where there is none, its question is asked."""
        id_ = f"{digest}#{sample}"
        self.wanted.append(id_)
        row = self.known(id_)
        if row is None:
            text = self.problems[digest]["question"]
            self._waiting.append(Question(id_, text, sample_seed(self.seed, id_)))
        return row


class EverySample(Tries):
    """Every problem is answered `samples` times."""

    def heard(self, id_: str, row: dict | None) -> None:
        """See `Tries.heard`."""
        digest = id_.split("#")[0]
        self._left[digest] -= 1
        self.finished += self._left[digest] == 0

    def _begin(self) -> None:
        self._left: dict[str, int] = {}
        for digest in self.problems:
            rows = [self._want(digest, sample) for sample in range(self.samples)]
            self._left[digest] = rows.count(None)
            self.finished += self._left[digest] == 0


class UntilSolved(Tries):
    """Rejection sampling: a problem is asked again until it is solved, `samples` times at most."""

    def __init__(
        self,
        problems: Sequence[dict],
        samples: int,
        seed: int,
        known: Known,
        verdicts: Verdicts,
    ):
        self.verdicts = verdicts
        super().__init__(problems, samples, seed, known)

    def heard(self, id_: str, row: dict | None) -> None:
        """See `Tries.heard`."""
        digest, _, sample = id_.partition("#")
        for later in range(int(sample) + 1, self.samples + 1):
            if row is not None and self.verdicts([(row, self.problems[digest]["gold"])])[0]:
                break
            if later == self.samples:
                break
            row = self._want(digest, later)
            if row is None:
                return
        self.finished += 1

    def _begin(self) -> None:
        """Walk through what is known, all problems together: verdicts are faster in numbers."""
        unsolved = list(self.problems)
        for sample in range(self.samples):
            found = [(digest, self._want(digest, sample)) for digest in unsolved]
            answered = [(digest, row) for digest, row in found if row is not None]
            pairs = [(row, self.problems[digest]["gold"]) for digest, row in answered]
            right = self.verdicts(pairs) if pairs else []
            unsolved = [
                digest for (digest, _), each in zip(answered, right, strict=True) if not each
            ]
            self.finished += sum(right)
        self.finished += len(unsolved)


def question_digest(question: str) -> str:
    return answer_id(question, 0).split("#")[0]


def shard_of(question: str, shards: int) -> int:
    """The shard that a question belongs to, in whatever problem set it stands."""
    return int(question_digest(question), 16) % shards


def sample_seed(seed: int, id_: str) -> int:
    """An answer's own seed, in [0, 2^31): it does not change when other problems come or go."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{id_}".encode()).digest()[:4], "big") >> 1
