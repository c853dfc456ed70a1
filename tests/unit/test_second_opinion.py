"""A second opinion by math-verify, and what becomes of pairs that its process cannot answer."""

import os
import subprocess
import sys
import time
from itertools import count, islice
from pathlib import Path

import pytest

from cotdistil.errors import UserError
from cotdistil.grading.second_opinions import math_verify_client
from cotdistil.grading.second_opinions.math_verify_client import (
    MathVerify,
    Opinion,
    math_verify_python,
)
from real_data import real_rows

# Stands in for math-verify's process: agrees with what equals the gold answer, and breaks on words.
STAND_IN = """
import json, os, sys, time
print(json.dumps({"version": "stand-in"}), flush=True)
for line in sys.stdin:
    pair = json.loads(line)
    if pair["answer"] == "hang":
        time.sleep(600)
    if pair["answer"] == "slow":
        time.sleep(0.7)
    if pair["answer"] == "die":
        os._exit(3)
    if pair["answer"] == "eat":
        print(json.dumps({"correct": None, "error": "memory"}), flush=True)
        continue
    if pair["answer"] == "die later" and os.path.exists(sys.argv[0] + ".died"):
        pair["answer"] = pair["gold"][0]
    elif pair["answer"] == "die later":
        open(sys.argv[0] + ".died", "w").close()
        os._exit(3)
    print(json.dumps({"correct": pair["answer"] in pair["gold"], "error": None}), flush=True)
"""
RIGHT, WRONG = Opinion(True), Opinion(False)


@pytest.fixture
def stand_in(tmp_path):
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    with MathVerify(timeout=0.2, python=Path(sys.executable), script=script) as asked:
        yield asked


@pytest.fixture(scope="module")
def math_verify():
    try:
        python = math_verify_python()
    except UserError as error:
        pytest.skip(f"math-verify is not set up: {error}")
    with MathVerify(timeout=2.0, python=python) as asked:
        yield asked


def opinions(asked: MathVerify, *pairs) -> list[Opinion]:
    return list(asked.opinions(pairs))


# --- the process ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("hang", Opinion(None, "timeout")),
        ("die", Opinion(None, "error: ended with code 3")),
        ("eat", Opinion(None, "memory")),
    ],
)
def test_a_pair_that_breaks_its_process_says_so_and_every_other_is_answered(
    stand_in, word, expected
):
    answers = [str(number) for number in range(100)]
    answers[0] = answers[40] = answers[41] = answers[99] = word
    found = opinions(stand_in, *((str(number), text) for number, text in enumerate(answers)))
    assert found == [expected if text == word else RIGHT for text in answers]


def test_a_pair_whose_process_others_had_worn_out_is_asked_again(stand_in):
    pairs = [("1", "1"), ("2", "die later"), ("3", "4")]
    assert opinions(stand_in, *pairs) == [RIGHT, RIGHT, WRONG]


def test_slow_and_long_pairs_behind_a_pair_do_not_count_against_it(stand_in):
    pairs = [("1", "1"), ("1", "slow"), *[("1", "x" * 6_000)] * 20, ("1", "slow"), ("1", "1")]
    assert opinions(stand_in, *pairs) == [RIGHT, *[WRONG] * 22, RIGHT]
    pairs = [("1", "slow"), ("1", "slow"), ("1", "x" * 1_000_000), ("1", "slow"), ("1", "1")]
    assert opinions(stand_in, *pairs) == [*[WRONG] * 4, RIGHT]


def test_opinions_come_while_pairs_are_still_being_read(stand_in):
    read = []

    def endless():
        for number in count():
            read.append(number)
            yield str(number), str(number)

    assert list(islice(stand_in.opinions(endless()), 5)) == [RIGHT] * 5
    assert len(read) <= 5 + math_verify_client.IN_FLIGHT


def test_what_was_left_unread_does_not_answer_the_next_question(stand_in):
    left = stand_in.opinions([("1", "1")] * 20)
    next(left)
    left.close()
    assert opinions(stand_in, ("1", "2"), ("1", "1")) == [WRONG, RIGHT]


def test_no_pairs_start_no_process(stand_in):
    assert opinions(stand_in) == []
    assert stand_in.version is None


def test_a_program_that_does_not_start_is_one_clear_error(tmp_path):
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit(1)")
    with (
        MathVerify(python=Path(sys.executable), script=script) as asked,
        pytest.raises(UserError, match="did not start"),
    ):
        opinions(asked, ("1", "1"))


def test_a_python_without_math_verify_says_what_to_run():
    with (
        MathVerify(python=Path(sys.executable)) as asked,
        pytest.raises(UserError, match=r"cannot import math-verify .*; run 'make math-verify'"),
    ):
        opinions(asked, ("1", "1"))


def test_the_interpreter_is_the_one_of_the_environment_or_else_the_projects(monkeypatch, tmp_path):
    monkeypatch.setenv(math_verify_client.PYTHON_VARIABLE, sys.executable)
    assert math_verify_python() == Path(sys.executable)
    monkeypatch.setenv(math_verify_client.PYTHON_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"nowhere', which is not there; .*make math-verify"):
        math_verify_python()
    monkeypatch.delenv(math_verify_client.PYTHON_VARIABLE)
    monkeypatch.setattr(math_verify_client, "PROJECT", tmp_path)
    with pytest.raises(UserError, match=r"no .*/\.venv-math-verify/bin/python; .*make math-verify"):
        math_verify_python()


# --- math-verify itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "answer", "correct"),
    [
        ("1/2", r"\frac{1}{2}", True),
        ("1/2", "0.5", True),
        ("x+1", "1+x", True),
        ("x+1", "x+2", False),
        (r"\sqrt{12}", r"2\sqrt{3}", True),
        ("18", r"\$18.00", True),
        (12, "12.0", True),
        (27.0, "27", True),
        (0.00001, r"\frac{1}{100000}", True),
        (["3", "4"], "4", True),
        (["3", "4"], "5", False),
        (r"(1,2)", r"(1, 2)", True),
    ],
)
def test_equal_answers_are_right_however_they_are_written(math_verify, gold, answer, correct):
    assert opinions(math_verify, (gold, answer)) == [Opinion(correct)]
    assert math_verify.version == "0.9.0"


def test_what_cannot_be_read_is_said(math_verify):
    unreadable_gold, unreadable_answer = opinions(math_verify, ("", "3"), ("3", ""))
    assert unreadable_gold == Opinion(None, "the gold answer cannot be read")
    assert unreadable_answer == Opinion(False, "the answer cannot be read")


def test_endless_and_huge_computations_end_and_the_pairs_after_them_are_answered(math_verify):
    hard = [
        ("1", "9^{9^{9^{9}}}"),
        ("1", r"(10^{9})!"),
        ("2", r"\sum_{n=1}^{10^{12}} \frac{1}{n^{2} + \sin(n)}"),
        ("1", r"\int_0^1 x^{x^{x^{x}}} e^{\sin(x^{7})} dx"),
    ]
    started = time.monotonic()
    found = opinions(math_verify, *hard, ("1", "1"))
    assert time.monotonic() - started < 120
    assert found[-1] == RIGHT
    for opinion in found[:-1]:
        assert not opinion.correct
        assert opinion.correct is False or opinion.error in ("timeout", "memory")


def test_an_answer_is_never_run(math_verify, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attack = "__import__('os').system('touch touched')"
    forms = ["{}", r"\text{{{}}}", r"\operatorname{{{}}}(1)", "1+{}", "f({})", "${}$", "{{{}}}"]
    pairs = [(1, form.format(attack)) for form in forms]
    pairs += [(form.format(attack), form.format(attack)) for form in forms]
    found = opinions(math_verify, *pairs)
    assert len(found) == len(pairs)
    assert os.listdir(tmp_path) == []


def test_the_same_pairs_get_the_same_opinions_in_another_process(math_verify):
    rows = real_rows("graded/grader_cases.jsonl")
    pairs = [(row["gold"], row["pred"]) for row in rows]
    first = opinions(math_verify, *pairs)
    math_verify.close()
    assert opinions(math_verify, *reversed(pairs)) == first[::-1]
    agreed = sum(
        opinion.correct == row["expected"] for opinion, row in zip(first, rows, strict=True)
    )
    assert agreed >= 84, f"math-verify agrees with {agreed} of {len(rows)} public cases"


def test_no_token_of_the_environment_reaches_the_process(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    script = tmp_path / "show.py"
    script.write_text(
        "import json, os, sys\n"
        'print(json.dumps({"version": os.environ.get("OPENAI_API_KEY", "none")}), flush=True)\n'
        "for line in sys.stdin:\n"
        '    print(json.dumps({"correct": True, "error": None}), flush=True)\n'
    )
    with MathVerify(python=Path(sys.executable), script=script) as asked:
        opinions(asked, ("1", "1"))
        assert asked.version == "none"


def test_the_process_needs_nothing_of_the_project():
    program = f"import runpy; runpy.run_path({str(math_verify_client.PROCESS)!r})"
    subprocess.run([sys.executable, "-I", "-c", program], check=True)
