"""Thinking and answer are found in every shape of response that models write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.responses import Response, join_response, split_response
from real_data import real_rows

PIECES = st.sampled_from(
    ["<think>", "</think>", "<th", "ink>", "</thi", "nk>", "\n", " ", "\t", "x", "√2", r"\boxed{1}"]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)
ANSWERS = TEXTS.filter(lambda text: "<think>" not in text and "</think>" not in text)


@given(TEXTS, ANSWERS)
def test_what_is_joined_is_split_again_to_the_character(thinking, answer):
    assert split_response(join_response(thinking, answer)) == Response(thinking, answer, "closed")
    assert split_response(join_response(None, answer)) == Response(None, answer, "none")


@given(TEXTS)
def test_every_response_with_an_answer_has_a_canonical_form_with_the_same_parts(text):
    response = split_response(text)
    if response.think == "unclosed":
        assert response.answer == ""
    else:
        assert split_response(join_response(response.thinking, response.answer)) == response


@given(st.lists(st.sampled_from(["<think>", "</think>", "a", "b", " ", "\n"])).map("".join))
def test_no_word_of_a_response_is_lost(text):
    def words(*parts):
        joined = "".join(parts).replace("<think>", "").replace("</think>", "")
        return "".join(joined.split())

    response = split_response(text)
    assert words(response.thinking or "", response.answer) == words(text)


@pytest.mark.parametrize(
    ("text", "thinking", "answer", "think"),
    [
        ("<think>\nsteps\n</think>\n\n7", "steps", "7", "closed"),
        ("steps\n</think>\n\n7", "steps", "7", "closed"),
        (" \n<think>steps</think>7", "steps", "7", "closed"),
        ("so it is 7", None, "so it is 7", "none"),
        ("", None, "", "none"),
        ("<think>\n\n</think>\n\n7", "", "7", "closed"),
        ("<think>a</think>b<think>c</think>7", "a</think>b<think>c", "7", "closed"),
        ("a\n</think>\nb\n</think>\n\n7", "a\n</think>\nb", "7", "closed"),
        ("<think>\nsteps without end", "steps without end", "", "unclosed"),
        ("Let me see. <think>\nsteps", "Let me see. steps", "", "unclosed"),
        ("<think>a</think>7<think>b", "a</think>7<think>b", "", "unclosed"),
        ("<think>\nsteps\n</think>\n\n\n  7 \n", "steps", "\n  7 \n", "closed"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_each_shape_of_response_is_split_at_its_last_closing_tag(text, thinking, answer, think):
    assert split_response(text) == Response(thinking, answer, think)


@pytest.mark.parametrize("tag", ["<think>", "</think>"])
def test_an_answer_with_a_think_tag_is_refused_because_it_could_not_be_split_again(tag):
    with pytest.raises(ValueError, match=f"contains '{tag}' at character 4"):
        join_response("steps", f"the {tag} answer")


def test_real_traces_are_split_though_their_opening_tag_is_missing():
    tagged = ("DeepSeek-R1", "DeepSeek-R1-Distill-Qwen-32B", "QwQ-32B")
    for row in real_rows("traces/mip_math_responses.jsonl"):
        response = split_response(row["response"])
        assert response.think == ("closed" if row["teacher"] in tagged else "none"), row["teacher"]
        if response.thinking is None:
            assert response.answer == row["response"]
        else:
            assert response.thinking.strip()
            assert "think>" not in response.answer
