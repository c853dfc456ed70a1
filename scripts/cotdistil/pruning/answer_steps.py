"""In which step a trace first gives the answer."""

from collections.abc import Sequence

from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import FALLBACKS, extract_answer
from cotdistil.grading.grader import Grader


def first_answer_step(steps: Sequence[str], gold: str, grader: Grader) -> int | None:
    """The number, from 1, of the first step whose answer equals `gold`; None if none does.

    A step's answer is its last box, else what it says the answer is, else its last number. So a
    step that merely restates a number of the question may pass for one: the weakness of cutting
    at the first correct solution (arXiv 2412.21187, where a model splits and judges solutions).
    """
    wanted = gold_of(gold)
    wrong: set[str] = set()
    for number, step in enumerate(steps, start=1):
        answer = extract_answer(step, FALLBACKS).text
        if answer is None or answer in wrong:
            continue
        if grader.grade(wanted, answer).correct:
            return number
        wrong.add(answer)
    return None
