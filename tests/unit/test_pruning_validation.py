"""What the student is asked about a cut, and when its answers make the cut valid."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.engines import Sampling
from cotdistil.prompts import render_prompt
from cotdistil.pruning.cutters import Candidate, prefix
from cotdistil.pruning.student import Agreement, StepsShown, Student, repeats_question
from cotdistil.pruning.validation import ValidationPrompt
from scripted_engine import ScriptedEngine
from tiny_model import make_tiny_tokenizer

CONTINUE = ValidationPrompt("continue", "The answer is \\boxed{", "Use a box.")
INSTRUCTION = ValidationPrompt(
    "instruction", "The answer is \\boxed{", "Use a box.", "Only from these steps."
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory):
    from transformers import AutoTokenizer

    folder: Path = make_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))
    return AutoTokenizer.from_pretrained(folder)


def cut(
    steps: int,
    question: str = "What is 17 + 25?",
    gold: str = "42",
    trace: int = 0,
    greedy: bool = False,
) -> StepsShown:
    thinking = "".join(f"Step {n}.\n\n" for n in range(steps))
    return StepsShown(trace, Candidate(prefix(steps), greedy), question, gold, thinking)


@pytest.fixture
def student(tokenizer):
    """Makes a student that writes what a function of the prompt says; gives it and its engine."""
    with_exit: list[Student] = []

    def make(
        answer: Callable[[str], str],
        samples: int = 1,
        needed: float = 1.0,
        max_context: int = 10**6,
        prompt: ValidationPrompt = CONTINUE,
        temperature: float = 0.0,
    ) -> tuple[Student, ScriptedEngine, list[str]]:
        engine = ScriptedEngine(tokenizer, answer)
        loads: list[str] = []

        def load() -> ScriptedEngine:
            loads.append("loaded")
            return engine

        sampling = Sampling(32, temperature)
        agreement = Agreement(samples, needed, 0)
        made = Student(load, tokenizer, prompt, sampling, agreement, max_context)
        with_exit.append(made)
        return made, engine, loads

    yield make
    for made in with_exit:
        made.__exit__(None, None, None)


# --- the prompt -------------------------------------------------------------------------------


def test_in_the_continue_style_the_steps_are_the_students_own_closed_thinking(tokenizer) -> None:
    prompt = CONTINUE.render(tokenizer, "What is 17 + 25?", "17 + 25\n\n")
    assert tokenizer.decode(prompt) == (
        "<|im_start|>user\nWhat is 17 + 25?\nUse a box.<|im_end|>\n<|im_start|>assistant\n"
        "<think>\n17 + 25\n</think>\n\nThe answer is \\boxed{"
    )
    # It begins as the prompts of training and scoring do.
    scoring = render_prompt(tokenizer, "What is 17 + 25?", "Use a box.")
    assert prompt[: len(scoring)] == scoring


def test_in_the_instruction_style_the_steps_stand_in_the_users_turn(tokenizer) -> None:
    prompt = INSTRUCTION.render(tokenizer, "What is 17 + 25?", "17 + 25\n\n")
    assert tokenizer.decode(prompt) == (
        "<|im_start|>user\nWhat is 17 + 25?\nUse a box.\nOnly from these steps.\n\n"
        "17 + 25<|im_end|>\n<|im_start|>assistant\nThe answer is \\boxed{"
    )


@pytest.mark.parametrize("prompt", [CONTINUE, INSTRUCTION])
@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.text("aé .\n", min_size=1, max_size=9), min_size=2, max_size=5))
def test_two_cuts_of_a_trace_are_the_same_tokens_up_to_the_end_of_the_shorter(
    tokenizer, prompt: ValidationPrompt, steps: list[str]
) -> None:
    one, other = (prompt.render(tokenizer, "Why?", text) for text in "XY")
    before = next(i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    thinking = "".join(steps[:-1]).rstrip()
    shared = before + len(tokenizer.encode(thinking, add_special_tokens=False))
    shorter = prompt.render(tokenizer, "Why?", thinking)
    longer = prompt.render(tokenizer, "Why?", "".join(steps))
    assert shorter[:shared] == longer[:shared]
    assert tokenizer.decode(shorter[before:shared]) == thinking


@pytest.mark.parametrize(
    ("lead_in", "completion", "answer"),
    [
        ("The answer is \\boxed{", "42}. And then \\boxed{7}", "The answer is \\boxed{42}"),
        ("\\boxed{", "\\frac{1}{2}} more", "\\boxed{\\frac{1}{2}}"),
        ("\\boxed{", "\\{1, 2\\}} more", "\\boxed{\\{1, 2\\}}"),
        ("\\boxed{", "42 and on and on", "\\boxed{42 and on and on"),
        ("So: ", "it is \\boxed{42}. Done.", "So: it is \\boxed{42}. Done."),
        ("", "<think>\nhm\n</think>\n\n\\boxed{42}", "\\boxed{42}"),
        ("", "<think>\nhm \\boxed{42}", ""),
    ],
)
def test_the_answer_is_the_lead_in_and_what_belongs_to_it(
    lead_in: str, completion: str, answer: str
) -> None:
    assert ValidationPrompt("continue", lead_in).answer(completion) == answer


# --- the verdict ------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", [CONTINUE, INSTRUCTION])
def test_all_cuts_of_a_round_are_judged_in_one_call_and_in_their_order(
    student, prompt: ValidationPrompt
) -> None:
    made, engine, loads = student(lambda text: "42}" if "Step 3" in text else "41}", prompt=prompt)
    cuts = [cut(5), cut(2, trace=1), cut(4, trace=2), cut(1, trace=3)]
    forwards, backwards = made.check(cuts, 0), made.check(cuts, 1)
    assert [check.valid for check in forwards] == [True, False, True, False]
    assert [(check.trace, check.kept) for check in forwards] == [
        (0, prefix(5)),
        (1, prefix(2)),
        (2, prefix(4)),
        (3, prefix(1)),
    ]
    assert [check.extracted for check in forwards] == [["42"], ["41"], ["42"], ["41"]]
    assert backwards == [replace(check, call=1) for check in forwards]
    assert engine.calls[1] == engine.calls[0][::-1]
    assert engine.seeds[1] == engine.seeds[0][::-1]
    assert len(set(engine.seeds[0])) == 4
    assert loads == ["loaded"]


@pytest.mark.parametrize(
    ("needed", "valid"), [(0.5, True), (0.66, True), (0.67, False), (1, False)]
)
def test_a_cut_is_valid_if_the_needed_share_of_its_answers_is_right(
    student, needed: float, valid: bool
) -> None:
    answers = itertools.cycle(["42}", "7}", "42}"])
    made, engine, _ = student(lambda _: next(answers), samples=3, needed=needed)
    [check] = made.check([cut(2)], 0)
    assert (check.valid, check.right) == (valid, [True, False, True])
    assert check.completion_tokens == 4 + 3 + 4
    assert len(set(engine.seeds[0])) == 3


def test_what_is_confirmed_greedily_is_asked_once_and_apart_from_what_is_sampled(student) -> None:
    made, engine, _ = student(lambda _: "42}", samples=3, needed=0.5, temperature=0.7)
    sampled, confirmed = made.check([cut(2), cut(3, greedy=True)], 0)
    assert (len(sampled.answers), len(confirmed.answers)) == (3, 1)
    assert confirmed.greedy
    assert [len(call) for call in engine.calls] == [3, 1]
    assert engine.temperatures == [0.7, 0.0]


def test_a_cut_too_long_for_the_student_is_not_asked_about(student, tokenizer) -> None:
    room = len(CONTINUE.render(tokenizer, cut(2).question, cut(2).thinking)) + 32
    made, engine, loads = student(lambda _: "42}", max_context=room)
    assert [check.valid for check in made.check([cut(3), cut(3, trace=1)], 0)] == [None, None]
    assert loads == []
    checks = made.check([cut(3), cut(2)], 0)
    assert [check.valid for check in checks] == [None, True]
    assert checks[0].answers == []
    assert [check.call for check in checks] == [None, 0]
    assert [len(call) for call in engine.calls] == [1]


def test_a_number_among_the_steps_is_no_answer_but_one_that_is_named_is(student) -> None:
    prompt = ValidationPrompt("continue", "")
    made, _, _ = student(lambda text: "We had 42 and 42", prompt=prompt)
    assert made.check([cut(2)], 0)[0].valid is False
    made, _, _ = student(lambda text: "The final answer is 42.", prompt=prompt)
    assert made.check([cut(2)], 0)[0].valid is True


def test_an_answer_that_repeats_the_question_validates_no_cut(student) -> None:
    written = {"8-14-1-12": "8 - 14 - 1 - 12}", "Halve 1/2 + 1/2": "2/4}", "Say 42": "42}"}

    def answer(text: str) -> str:
        return next(answer for question, answer in written.items() if question in text)

    made, _, _ = student(answer)
    cuts = [
        cut(1, "8-14-1-12", "-19"),
        # Not in the question: it was computed, and algebra may say that it is right.
        cut(1, "Halve 1/2 + 1/2", "\\frac{1}{2}", 1),
        # In the question, but no algebra is needed to see that it is right.
        cut(1, "Say 42", "42", 2),
    ]
    assert [check.valid for check in made.check(cuts, 0)] == [False, True, True]
    assert repeats_question("8 - 14", "What is 8-14-1?")
    assert not repeats_question("-6", "What is 8-14?")
