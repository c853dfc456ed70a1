"""The final answer of a response is its last complete box, and nothing else unless asked for."""

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cotdistil.grading.extract import Extraction, extract_answer
from real_data import real_rows

BALANCED = st.recursive(
    st.sampled_from(["1", "x", r"\frac", r"\{", r"\}", r"\\", " ", ",", r"\boxed "]),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: "{" + "".join(parts) + "}"),
    max_leaves=8,
)
BOTH = ("final_answer", "last_number")


@given(st.lists(BALANCED, min_size=1, max_size=5).map("".join).filter(lambda text: text.strip()))
def test_the_content_of_a_box_comes_back_whole_however_its_braces_are_nested(content):
    assume(not re.search(r"\\boxed *\{", content))  # else the inner box is the last one
    text = rf"First \boxed{{0}}, but in the end $\boxed{{{content}}}$."
    assert extract_answer(text) == Extraction(content.strip(), "boxed")


@pytest.mark.parametrize(
    ("text", "answer", "how"),
    [
        (r"\boxed{1} and then \boxed{2}", "2", "boxed"),
        (r"\boxed{\frac{\sqrt{3}}{2}}", r"\frac{\sqrt{3}}{2}", "boxed"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}", "boxed"),
        (r"\boxed {  12 }", "12", "boxed"),
        (r"<think>\boxed{1}</think>\boxed{2}", "2", "boxed"),
        (r"\boxed{1} no, \boxed{}", None, "empty box"),
        (r"\boxed{1} no, \boxed{ }", None, "empty box"),
        (r"\boxed{1} no, \boxed{\frac{2}{3}", None, "unfinished box"),
        (r"<think>\boxed{1}</think>It is 2.", None, "no box"),
        (r"<think>it must be \boxed{1}", None, "unclosed thinking"),
        ("The answer is 42.", None, "no box"),
        (r"\boxed 7", None, "no box"),
        ("", None, "no box"),
    ],
)
def test_only_the_last_box_after_the_thinking_is_an_answer(text, answer, how):
    assert extract_answer(text) == Extraction(answer, how)


@pytest.mark.parametrize(
    ("text", "fallback", "expected"),
    [
        ("The answer is 42. Checked.", BOTH, Extraction("42", "final_answer")),
        ("**Answer:** 42", BOTH, Extraction("42", "final_answer")),
        ("The answer is 3.5 m\nDone 9", BOTH, Extraction("3.5 m", "final_answer")),
        ("The answer is 41. No, the answer is 42.", BOTH, Extraction("42", "final_answer")),
        ("The answer is 42 of 50.", BOTH[1:], Extraction("50", "last_number")),
        ("So 3 + 4 makes -1,234.50 dollars", BOTH, Extraction("-1,234.50", "last_number")),
        ("She pays $18.", BOTH, Extraction("18", "last_number")),
        ("I do not know", BOTH, Extraction(None, "no box")),
        (r"The answer is 5: \boxed{4}", BOTH, Extraction("4", "boxed")),
        (r"The answer is 5: \boxed{}", BOTH, Extraction(None, "empty box")),
        (r"The answer is 5: \boxed{5", BOTH, Extraction(None, "unfinished box")),
        ("<think>The answer is 5", BOTH, Extraction(None, "unclosed thinking")),
    ],
)
def test_fallbacks_stand_in_their_order_where_there_is_no_box_at_all(text, fallback, expected):
    assert extract_answer(text, fallback) == expected


def test_an_unknown_fallback_is_named_in_the_error():
    with pytest.raises(ValueError, match="'first_number'; known fallbacks are final_answer, last_"):
        extract_answer("7", ["last_number", "first_number"])


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{" + "{" * 1_000_000,
        r"\boxed{" * 150_000,
        "<think>" * 150_000,
        "answer is " * 100_000,
        "9," * 500_000,
    ],
    ids=["open braces", "open boxes", "open thinking", "announcements", "commas"],
)
def test_a_million_characters_of_runaway_text_take_linear_time(text):
    started = time.monotonic()
    extract_answer(text, BOTH)
    assert time.monotonic() - started < 10


def test_the_last_number_of_real_solutions_is_the_answer_that_their_authors_marked():
    for row in real_rows("graded/openai_gsm8k_model_solutions.jsonl")[::4]:
        marked = row["ground_truth"].rpartition("A: ")[2]
        found = extract_answer(row["ground_truth"], ["last_number"])
        assert found == Extraction(marked, "last_number")
