"""In which step a trace first gives the answer."""

from collections.abc import Sequence

from cotdistil.grading.extract import FALLBACKS, extract_answer
from cotdistil.pruning.answer_grader import AnswerGrader


def first_answer_step(
    steps: Sequence[str], gold: str, question: str, grader: AnswerGrader
) -> int | None:
    """The number, from 1, of the first step whose answer is the gold answer; None if none is.

    A step's answer is its last box, else what it says the answer is, else its last number. So a
    step that merely restates a number of the question may pass for one: the weakness of cutting
    at the first correct solution (arXiv 2412.21187, where a model splits and judges solutions).
    """
    wrong: set[str] = set()
    for number, step in enumerate(steps, start=1):
        answer = extract_answer(step, FALLBACKS).text
        if answer is None or answer in wrong:
            continue
        if grader.is_right(gold, answer, question):
            return number
        wrong.add(answer)
    return None
