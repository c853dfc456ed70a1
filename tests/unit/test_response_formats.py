"""Every teacher's way to tell thinking from answer is brought into one canonical form."""

import re
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.response_formats import normalise_response
from cotdistil.responses import Response, join_response, split_response
from real_data import real_rows

TAG_LIKE = [
    *("<think>", "</think>", "<Think >", "</ THINK>", "`</think>`", "'<think>'", " <think> "),
    *("<thinking>", "</thinking>", "<thought>", "</thought>", "<reasoning>", "</reasoning>"),
    *("<answer>", "</answer>", "[THINK]", "[/THINK]", "< think>", "< /think>", "<", ">", "`"),
    *("<|begin_of_thought|>", "<|end_of_thought|>"),
    *("<|begin_of_solution|>", "<|end_of_solution|>"),
    *("<|im_start|>", "<|im_start|>think\n", "<|im_start|>answer\n", "<|im_end|>", "think\n"),
    *("answer\n", "\nanswer\n", "<|channel|>analysis<|message|>", "<|end|><|start|>assistant"),
    *("<|channel|>final<|message|>", "<|return|>", "analysis", "assistantfinal", "</s>"),
]
PLAIN = ["\n", "\n\n", " ", "\t", "\u2028", "x", "Wait, ", "√2", r"\boxed{7}", "3 < 4. ", "é"]
TEXTS = st.lists(st.sampled_from(TAG_LIKE + PLAIN), max_size=14).map("".join)
ORDINARY = st.lists(st.sampled_from(PLAIN), max_size=8).map("".join)

FORMATS = {
    "think": "<think>\n{thinking}\n</think>\n\n{answer}",
    "opening tag missing": "{thinking}\n</think>\n\n{answer}",
    "without line breaks": "<think>{thinking}</think>{answer}",
    "upper case": "<THINK>\n{thinking}\n</THINK>\n{answer}",
    "blank in the tag": "<think >{thinking}</ think>{answer}",
    "after a word": "Sure.\n<think>\n{thinking}\n</think>\n{answer}",
    "thinking": "<thinking>\n{thinking}\n</thinking>\n{answer}",
    "thinking without an opening tag": "{thinking}\n</thinking>\n\n{answer}",
    "thinking ended otherwise": "<thinking>\n{thinking}\n</think>\n{answer}",
    "thought": "<thought>{thinking}</thought>\n\n{answer}",
    "thoughts": "<Thoughts>{thinking}</Thoughts>\n\n{answer}",
    "reasoning and answer": "<reasoning>\n{thinking}\n</reasoning>\n<answer>\n{answer}\n</answer>",
    "think and answer": "<think> {thinking} </think> <answer> {answer} </answer>",
    "answer never closed": "<reasoning>{thinking}</reasoning><answer>{answer}",
    "Sky-T1": "<|begin_of_thought|>\n\n{thinking}\n\n<|end_of_thought|>\n\n"
    "<|begin_of_solution|>\n\n{answer}\n\n<|end_of_solution|>",
    "s1": "<|im_start|>think\n{thinking}\n<|im_start|>answer\n{answer}<|im_end|>",
    "s1 without line breaks": "<|im_start|>think {thinking} <|im_start|>answer {answer}",
    "s1 without its opening tag": "{thinking}\n<|im_start|>answer\n{answer}<|im_end|>",
    "s1, turn by turn": "<|im_start|>assistant\n<|im_start|>think\n{thinking}<|im_end|>\n"
    "<|im_start|>answer\n{answer}<|im_end|>\n",
    "s1 without its tokens": "think\n{thinking}\nanswer\n{answer}",
    "gpt-oss": "<|channel|>analysis<|message|>{thinking}<|end|><|start|>assistant"
    "<|channel|>final<|message|>{answer}<|return|>",
    "gpt-oss without its opening tag": "{thinking}<|end|><|start|>assistant"
    "<|channel|>final <|constrain|>json<|message|>{answer}",
    "gpt-oss without its tokens": "analysis{thinking}assistantfinal{answer}",
    "Magistral": "[THINK]{thinking}[/THINK]{answer}</s>",
    "Seed-OSS": "<seed:think>{thinking}</seed:think>{answer}",
    "Command A": "<|START_THINKING|>{thinking}<|END_THINKING|>"
    "<|START_RESPONSE|>{answer}<|END_RESPONSE|><|END_OF_TURN_TOKEN|>",
    "ends of turn": "<｜Assistant｜><think>\n{thinking}\n</think>\n{answer}<｜end▁of▁sentence｜>\n",
}


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_thinking_and_answer_are_told_apart_in_every_format(form):
    thinking, answer = "First, 3 + 4 = 7.\n\nWait: is 7 < 8? Yes.", "So it is \\boxed{7}."
    found = normalise_response(form.format(thinking=thinking, answer=answer))
    expected = f"Sure.\n\n{thinking}" if form.startswith("Sure") else thinking
    assert (found.thinking, found.answer, found.think) == (expected, answer, "closed")
    assert found.text == f"<think>\n{expected}\n</think>\n\n{answer}"


@pytest.mark.parametrize(
    "opening",
    [
        *("<think>\n", "<thinking>", "<Thought>\n", "<reasoning>", "<|begin_of_thought|>"),
        *("[THINK]", "<|im_start|>think\n", "think\n", "<|channel|>analysis<|message|>"),
        *("Let me see.\n<think>\n", "<think>3\n</think>\n\n3\n<think>\n"),
    ],
)
def test_thinking_that_never_ends_is_unclosed_and_gives_no_answer(opening):
    found = normalise_response(opening + "So \\boxed{7}. But wait,")
    assert (found.think, found.answer) == ("unclosed", "")
    assert found.thinking.endswith("So \\boxed{7}. But wait,")
    assert split_response(found.text) == Response(found.thinking, "", "unclosed")


def test_a_runaway_with_a_think_tag_stays_as_it_is():
    text = "<think>\nFirst, 3.\n\nWait, 4. Wait,"
    assert normalise_response(text).text == text


@pytest.mark.parametrize(
    "answer",
    [
        "The tag <reasoning> opens it and </reasoning> closes it: \\boxed{7}",
        "Write `<thinking>` and `</thinking>`, then [THINK] and [/THINK].\n\n\\boxed{7}",
        "He said: think\nanswer\n7",
        "analysis of variance gives \\boxed{7}",
        "analysisOf() returns \\boxed{7}",
        "I <thought> that 3 < 4, <b>bold</b>, so \\boxed{7}",
        "\\boxed{7}\n\n<reasoning>\n3 + 4 = 7\n</reasoning>",
    ],
)
def test_an_answer_that_mentions_a_tag_is_not_cut(answer):
    alone = normalise_response(answer)
    assert (alone.thinking, alone.answer, alone.text) == (None, answer, answer)
    after_thinking = normalise_response(f"<think>\n3 + 4\n</think>\n\n{answer}")
    assert (after_thinking.thinking, after_thinking.answer) == ("3 + 4", answer)


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("Close it with `</think>`. \\boxed{7}", None, "Close it with `< /think>`. \\boxed{7}"),
        ("Put it into <think> tags: \\boxed{7}", None, "Put it into < think> tags: \\boxed{7}"),
        ("<think>\na\n</think>\n\n'<think>' opens.", "a", "'< think>' opens."),
        ("<think>\na\n</think>\n\nThen </think> ends it.", "a", "Then < /think> ends it."),
        ("<think>\nif `</think>` comes\n</think>\n\n7", "if `</think>` comes", "7"),
    ],
)
def test_a_think_tag_that_an_answer_mentions_is_written_so_that_nothing_is_cut_at_it(
    text, thinking, answer
):
    found = normalise_response(text)
    assert (found.thinking, found.answer) == (thinking, answer)
    assert split_response(found.text).answer == answer


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("\\boxed{7}", "3 + 4", "\\boxed{7}"),
        ("\\boxed{7}<|im_end|>", " \n3 + 4\n", "\\boxed{7}"),
        ("\\boxed{7}", "<think>\n3 + 4\n</think>", "\\boxed{7}"),
        ("\\boxed{7}", "<think>\n3 + 4", "\\boxed{7}"),
        ("<answer>\\boxed{7}</answer>", "3 + 4", "\\boxed{7}"),
        ("<think>\n3 + 4\n</think>\n\n\\boxed{7}", "3 + 4", "\\boxed{7}"),
        ("<think>\nmore\n</think>\n\n\\boxed{7}", "3 + 4", "\\boxed{7}"),
        ("<think>\n3 + 4\n</think>\n\n\\boxed{7}", " ", "\\boxed{7}"),
    ],
)
def test_thinking_that_came_on_its_own_stands_before_the_answer(text, thinking, answer):
    found = normalise_response(text, thinking)
    expected = "3 + 4\n\nmore" if "more" in text else "3 + 4"
    assert (found.thinking, found.answer, found.think) == (expected, answer, "closed")


def test_thinking_on_its_own_without_an_answer_is_unclosed():
    found = normalise_response("", "3 + 4, wait")
    assert (found.text, found.think) == ("<think>\n3 + 4, wait", "unclosed")


@given(TEXTS)
@settings(max_examples=600)
def test_to_normalise_again_changes_nothing_and_the_parts_can_be_split_again(text):
    found = normalise_response(text)
    parts = Response(found.thinking, found.answer, found.think)
    assert split_response(found.text) == parts
    assert normalise_response(found.text) == found


@given(TEXTS, TEXTS)
@settings(max_examples=300)
def test_so_it_is_where_the_thinking_came_on_its_own(text, thinking):
    found = normalise_response(text, thinking)
    assert split_response(found.text) == Response(found.thinking, found.answer, found.think)
    assert normalise_response(found.text) == found


@given(ORDINARY, ORDINARY)
def test_what_was_joined_comes_back(thinking, answer):
    found = normalise_response(join_response(thinking, answer))
    assert (found.thinking, found.answer) == (thinking.strip(), answer.strip())
    alone = normalise_response(join_response(None, answer))
    assert (alone.thinking, alone.answer) == (None, answer.strip())


@given(st.lists(st.one_of(st.sampled_from(TAG_LIKE + PLAIN), st.just("word")), max_size=14))
@settings(max_examples=600)
def test_no_word_is_lost_or_moved_whatever_the_tags(pieces):
    numbered = [f"<{i}√>" if piece == "word" else piece for i, piece in enumerate(pieces)]
    text = "".join(numbered)
    assert re.findall(r"<\d+√>", normalise_response(text).text) == re.findall(r"<\d+√>", text)
    # Nor is a character that no tag has.
    for char in ("é", "7", ".", "W"):
        assert normalise_response(text).text.count(char) == text.count(char)


@pytest.mark.parametrize(
    "text",
    [
        "<" * 200_000,
        " </think> a" * 20_000,
        "`</think>`" * 20_000,
        "\n<thinking>" * 20_000,
        "<think" + " " * 200_000,
        "<|channel|>analysis<|message|>" + " " * 200_000 + "x",
        "think\n" + "\nanswer" * 20_000,
        "<think>a</think>7" + "<|im_end|> " * 20_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_runaway_of_200_000_characters_is_read_in_seconds(text):
    started = time.process_time()
    normalise_response(text)
    assert time.process_time() - started < 5


LONG = ("DeepSeek-R1", "DeepSeek-R1-Distill-Qwen-32B", "QwQ-32B", "s1.1-32B")


@pytest.mark.parametrize("file", ["mip_gsm8k_responses", "mip_math_responses"])
def test_the_thinking_of_real_long_teachers_is_told_from_a_non_empty_answer(file):
    told, untold = Counter(), []
    for row in real_rows(f"traces/{file}.jsonl"):
        found = normalise_response(row["response"])
        if row["teacher"] not in LONG:  # LIMO writes thinking and answer in one
            assert (found.think, found.text) == ("none", row["response"].strip())
        elif found.think == "closed" and found.thinking and found.answer:
            told[row["teacher"]] += 1
            assert "think>" not in found.answer
        else:
            untold.append(row["response"])
    problems = 582 if "gsm8k" in file else 52
    assert all(told[teacher] >= problems - 1 for teacher in LONG), told
    assert all(text.startswith("Error after 6 attempts") for text in untold)


def test_real_thinking_in_a_column_of_its_own_gives_the_same_as_in_the_text():
    for row in real_rows("traces/r1_math500_topology.jsonl"):
        whole = normalise_response(row["full_response"])
        assert normalise_response(row["answer_text"], row["reasoning_trace"]) == whole
