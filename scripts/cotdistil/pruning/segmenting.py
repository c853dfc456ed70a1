"""Traces on their way from a model's answers to steps; what is finished is in a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from typing_extensions import TypedDict

from cotdistil.checked_rows import read_rows
from cotdistil.pruning.segmentation import thinking_to_cut
from cotdistil.pruning.windows import Window, make_windows
from cotdistil.teaching.answer_log import AnswerLog
from cotdistil.teaching.teacher import Answer, Question
from cotdistil.teaching.tries import sample_seed


class Responded(TypedDict):
    """What is read of a row of the training set."""

    response: str


@dataclass
class OpenTrace:
    """A trace whose windows are being asked about.

    ends: where the steps of each window end, None while that is not known; by_rule: why windows
    have the steps of the rule -> how many.
    """

    windows: list[Window]
    ends: list[list[int] | None]
    by_rule: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def hear(self, number: int, answer: Answer) -> None:
        """Take the answer about one window."""
        self.ends[number], reason = self.windows[number].ends_by(answer)
        if reason:
            self.by_rule[reason] += 1
        self.prompt_tokens += answer.prompt_tokens or 0
        self.completion_tokens += answer.completion_tokens or 0

    def row(self) -> dict:
        """What the log says about it, once all of its windows are cut."""
        return {
            "step_ends": [end for ends in self.ends for end in ends],
            "windows": len(self.windows),
            "by_rule": dict(self.by_rule),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }


class Segmenting:
    """Asks about the traces of a training set that are not in `log`, and logs those that are cut.

    window: characters of a window. seed: of the sampling. The log has a row per trace, found by the
    number of its row in the training set. Only traces that are being asked about are held.
    """

    def __init__(self, training_set: Path, window: int, seed: int, log: AnswerLog):
        self._training_set = training_set
        self._window = window
        self._seed = seed
        self._log = log
        self._open: dict[str, OpenTrace] = {}

    def questions(self) -> Iterator[Question]:
        """Everything that is to be asked, for one stream."""
        for name, trace in self._uncut():
            asked = [n for n, ends in enumerate(trace.ends) if ends is None]
            if not asked:
                self._log.append({"id": name, **trace.row()})
                continue
            self._open[name] = trace
            for number in asked:
                id_ = f"{name}#{number}"
                yield Question(id_, trace.windows[number].question(), sample_seed(self._seed, id_))

    def hear(self, answer: Answer) -> None:
        """Take an answer; it is on the disk once all answers about its trace are there."""
        name, _, number = answer.id.partition("#")
        trace = self._open[name]
        trace.hear(int(number), answer)
        if None not in trace.ends:
            self._log.append({"id": name, **trace.row()})
            del self._open[name]

    def texts(self) -> Iterator[str]:
        """The texts of the questions, to be measured."""
        for _, trace in self._uncut():
            yield from (window.question() for window in trace.windows if window.is_asked)

    def _uncut(self) -> Iterator[tuple[str, OpenTrace]]:
        traces = chain.from_iterable(read_rows(self._training_set, Responded, "training set"))
        for number, trace in enumerate(traces):
            if str(number) not in self._log:
                thinking = thinking_to_cut(trace["response"])
                windows = make_windows(thinking, self._window) if thinking else []
                ends = [None if each.is_asked else each.rule_ends for each in windows]
                yield str(number), OpenTrace(windows, ends)
