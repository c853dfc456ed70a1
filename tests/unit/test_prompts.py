"""How a question is put to a student: in training, in pruning and in evaluation alike."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from cotdistil.errors import UserError
from cotdistil.prompts import after_prompt, opened_thinking, render_prompt, user_message
from cotdistil.responses import join_response, split_response
from tiny_model import make_tiny_tokenizer

INSTRUCTION = "Put the answer in \\boxed{}."


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return AutoTokenizer.from_pretrained(make_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer")))


def test_the_instruction_stands_on_its_own_line_below_the_question():
    assert user_message("What is 2+3?", INSTRUCTION) == f"What is 2+3?\n{INSTRUCTION}"


@pytest.mark.parametrize("instruction", [None, ""])
def test_without_an_instruction_the_user_says_the_question_and_nothing_else(instruction):
    assert user_message("What is 2+3?", instruction) == "What is 2+3?"


def test_a_prompt_is_the_chat_template_up_to_where_the_assistant_writes(tokenizer):
    prompt = render_prompt(tokenizer, "What is 2+3?", INSTRUCTION)
    assert tokenizer.decode(prompt) == (
        f"<|im_start|>user\nWhat is 2+3?\n{INSTRUCTION}<|im_end|>\n<|im_start|>assistant\n"
    )
    # The names of the special tokens are one token each, not their letters.
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    assert prompt.count(start) == 2
    assert prompt.count(end) == 1


def test_a_system_message_stands_before_the_question(tokenizer):
    prompt = render_prompt(tokenizer, "What is 2+3?", system="You add.")
    without = render_prompt(tokenizer, "What is 2+3?")
    assert tokenizer.decode(prompt) == (
        "<|im_start|>system\nYou add.<|im_end|>\n" + tokenizer.decode(without)
    )


def test_a_tokenizer_that_adds_a_beginning_of_text_adds_no_second_one(tmp_path):
    from tokenizers import processors

    tokenizer = AutoTokenizer.from_pretrained(make_tiny_tokenizer(tmp_path))
    start = tokenizer.convert_tokens_to_ids("<|im_start|>")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", start)]
    )
    assert tokenizer("hello").input_ids[0] == start, "the tokenizer of this test adds a token"
    prompt = render_prompt(tokenizer, "What is 2+3?")
    assert prompt[0] == start
    assert prompt.count(start) == 2


def test_a_model_without_a_chat_template_is_refused_by_name(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_tokenizer(tmp_path))
    tokenizer.chat_template = None
    with pytest.raises(UserError, match=r"(?s)test_a_model.*no chat template.*instruction-tuned"):
        render_prompt(tokenizer, "What is 2+3?")


@pytest.mark.parametrize("opened", ["<think>\n", "<think>"])
def test_thinking_that_the_template_opens_is_opened_once_and_is_closed(tmp_path, opened):
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_tokenizer(tmp_path))
    assert opened_thinking(tokenizer) == ""
    assert after_prompt("<think>\nAdd.\n</think>\n\n5", "") == "<think>\nAdd.\n</think>\n\n5"
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "<|im_start|>assistant\n", "<|im_start|>assistant\n" + opened
    ).replace("assistant\\n' }}", "assistant\\n" + opened.replace("\n", "\\n") + "' }}")
    assert opened_thinking(tokenizer) == opened
    for thinking in ("Add.", None):
        response = join_response(thinking, "5")
        whole = opened + after_prompt(response, opened)
        assert whole.count("<think>") == whole.count("</think>") == 1
        assert split_response(whole).answer == "5"
        assert split_response(whole).thinking.strip() == (thinking or "")
    assert opened + after_prompt("<think>\nAdd.\n</think>\n\n5", opened) == (
        "<think>\nAdd.\n</think>\n\n5"
    )
